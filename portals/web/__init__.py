"""What every portal shares at the edge: fragments, forms, refusals, formats, assets. No business, no database."""
