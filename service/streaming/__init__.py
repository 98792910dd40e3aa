"""Bodies of any length, scored while they come."""
