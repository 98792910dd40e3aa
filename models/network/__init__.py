"""What a network is, without Keras: its kinds, its activations, its configuration, and the engine that runs it."""
