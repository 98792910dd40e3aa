"""What activations cost: each is measured beside relu, and compared with it in the same round."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.activation_cost import main, ratios, seconds_by_round


def test_every_activation_that_is_asked_for_has_a_row_beside_relu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "1", "--activations", "prelu", "relu"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| prelu", "| relu, again"]
    assert {line.count("|") for line in lines} == {6}


def test_a_ratio_is_that_of_the_same_round_and_shown_with_the_middle_half() -> None:
    relu = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    measured = {"a step": {"relu": relu, "elu": relu * [1.0, 1.5, 2.0, 2.5, 3.0]}}
    assert ratios(measured).splitlines()[-1] == "| elu | 2.00 (1.50–2.50) |"


def test_the_order_moves_on_from_round_to_round_and_the_first_rounds_do_not_count() -> None:
    called: list[str] = []
    functions = {name: lambda name=name: called.append(name) for name in "abc"}
    seconds = seconds_by_round(functions, rounds=2, what="nothing")
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2, "c": 2}
    assert "".join(called)[-6:] == "abcbca"
