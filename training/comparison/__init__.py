"""Compares activations on the user's own rows: fits networks, measures them and recommends one."""
