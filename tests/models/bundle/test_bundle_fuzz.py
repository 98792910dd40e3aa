"""Thousands of random changes of a bundle's files: the same scores or one error of ours, no hang, little memory."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("mutations", "seed"), [(400, 0), pytest.param(4000, 1, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_a_changed_bundle_scores_the_same_or_is_refused_in_one_line(mutations, seed, made, tmp_path, run_python):
    """The digests are right nine times out of ten, so that it is not them that find the change."""
    done = run_python(
        *("-W", "error", "tests/fuzz_bundle.py", made, tmp_path, "--mutations", mutations, "--seed", seed),
        PYTHONPATH=".:tests",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["faults"] == []
    assert report["refused"] + report["loaded"] == mutations
    assert report["refused"] > mutations / 2  # or the changes are too tame to prove anything
    assert report["loaded"] > mutations / 20
    assert report["grown_bytes"] < 100e6
    assert report["slowest_seconds"] < 5
