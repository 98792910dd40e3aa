"""Builds and fits Keras networks; TensorFlow is imported here alone."""
