"""Errors that a person would call odd, planted by rule: which are found, flagged and blamed, by ours and its peers.

`python -m benchmarks.planted --help` says how to run it.
"""
