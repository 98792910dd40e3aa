"""The tables: made by rules, one module each, and real ones."""
