"""A delimited file as headings and rows: encoding, separator, quoting and heading row are found out. Pure."""
