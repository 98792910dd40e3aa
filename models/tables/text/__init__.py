"""Text tables: their encoding, dialect, header and number marks, and the reader."""
