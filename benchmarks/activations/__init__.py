"""What is said of activations, put to the test over labelled sets."""
