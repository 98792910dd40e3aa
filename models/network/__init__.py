"""What a network is, without Keras: its activations, its configuration, and what runs it."""
