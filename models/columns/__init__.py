"""Columns of plain values: from records and from tables."""
