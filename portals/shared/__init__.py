"""Pages that several portals mount."""
