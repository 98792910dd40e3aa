"""The benchmark of the Open Inference Protocol: ratios of the same round."""

from __future__ import annotations

from benchmarks.serving.inference_protocol import GRPC, JSON, report


def test_ratios_are_of_the_same_round():
    found = {("ours", JSON): [2.0, 4.0, 1.0], ("mlserver", JSON): [4.0, 4.0, 3.0], ("ours", GRPC): [1.0, 1.0, 1.0]}
    lines = report(found, rows=1_000).splitlines()
    assert lines[0] == "CPU milliseconds a request of 1,000 rows, 30 columns:"
    assert lines[1].split() == ["ours", "V2,", "JSON", "2.00", "(1.00", "to", "4.00)"]
    assert lines[4:] == ["ours V2, JSON is 2.00 (1.00 to 3.00) times as fast as mlserver V2, JSON"]
