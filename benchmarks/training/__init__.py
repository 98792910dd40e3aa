"""Speed of training beside PyOD, plain Keras and PyTorch; `python -m benchmarks.training`."""
