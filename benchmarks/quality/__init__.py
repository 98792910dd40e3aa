"""Detection quality: ours beside its peers over a folder of labelled sets, as one CSV and one page.

`python -m benchmarks.quality --help` says how to run it.
"""
