"""The experiments, one module each, and their table."""
