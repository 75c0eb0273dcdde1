"""Files of banks as values: pure, no database."""
