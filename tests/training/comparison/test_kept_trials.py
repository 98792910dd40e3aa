"""Results of trials are kept line by line; a comparison resumes only where it is the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up import SETTING, outcome

from models.errors import ConfigError
from training.comparison.outcomes import Failure, TrialFile
from training.comparison.trials import Trial

SUBJECT = {"rows": "abc", "dropout": 0.0}


def test_kept_results_are_read_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "trials.jsonl"
    results = TrialFile(path, SUBJECT)
    found = [outcome("prelu", 0, 1.0, slopes={"encoder_1": (-0.1, 0.2, 0.5)}), outcome("relu", 0, 2.0, roc_auc=0.5)]
    failed = Failure(trial=Trial(activation="selu", setting=SETTING, seed=0), complaint="NaN")
    for one in (*found, failed):
        results.append(one)
    again = TrialFile(path, SUBJECT)
    assert again.results == [*found, failed]
    assert again.of([failed.trial, found[0].trial]) == [failed, found[0]]


def test_a_line_that_was_cut_off_is_dropped_and_the_file_continues(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    results = TrialFile(path, SUBJECT)
    results.append(outcome("relu", 0, 1.0))
    results.append(outcome("relu", 1, 1.0))
    path.write_bytes(path.read_bytes()[:-40])
    again = TrialFile(path, SUBJECT)
    assert [one.trial.seed for one in again.results] == [0]
    again.append(outcome("relu", 2, 1.0))
    assert [one.trial.seed for one in TrialFile(path, SUBJECT).results] == [0, 2]


def test_another_comparison_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    TrialFile(path, SUBJECT)
    with pytest.raises(ConfigError, match=r"of another comparison \(what differs: dropout\).*--overwrite.*--output"):
        TrialFile(path, SUBJECT | {"dropout": 0.1})


@pytest.mark.parametrize("content", [b"hello\n", b"[1]\n{}\n", b'{"version": 1}\n{"outcome": {}}\n'])
def test_a_file_that_is_no_comparison_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="--overwrite"):
        TrialFile(path, SUBJECT)
    assert path.read_bytes() == content
