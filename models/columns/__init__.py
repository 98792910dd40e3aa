"""Columns of plain values: from records and from tables, and to tables."""
