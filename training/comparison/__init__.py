"""Activations compared on the user's own rows: what is fitted, what is measured, and what follows from it."""
