"""How fast detectors are fitted, beside PyOD, plain Keras and PyTorch; `python -m benchmarks.training`."""
