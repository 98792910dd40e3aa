"""Benchmarks, one command each; `python -m benchmarks.NAME --help` explains it."""
