"""Other servers with the same network, each in an environment of its own."""
