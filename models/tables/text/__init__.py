"""Text tables: detecting encoding, dialect, header and number format, and reading the rows."""
