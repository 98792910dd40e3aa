"""Other servers around the same network, each in an environment of its own."""
