"""What organizations buy ahead for their members: seat packs and their credits."""
