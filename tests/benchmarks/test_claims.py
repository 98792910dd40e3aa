"""Claims about activations are tested by the figures: other figures, other results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pandas as pd

from benchmarks.activations.claims import page_of
from benchmarks.activations.plan import Case, cases

SETS = [f"set {number}" for number in range(8)]


def page(**changes: Callable[[Case], float]) -> str:
    """Return the page on made-up networks; `changes` are figures that depend on the case."""
    draw = np.random.default_rng(0)
    rows = []
    for case in cases(SETS, SETS[:6], range(2)):
        usual = dict.fromkeys(("dead_share", "saturated_share", "zero_share", "gradient_ratio"), 0.1)
        drawn = {name: float(draw.uniform(0.5, 1)) for name in ("error", "best_loss", "roc_auc", "step_seconds")}
        own = {name: figure(case) for name, figure in changes.items()}
        rows.append({**asdict(case), **usual, **drawn, "average_precision": 0.5, "slopes": {"x": [-0.1, 0, 0.1]}} | own)
    return page_of(pd.DataFrame(rows))


def varied(case: Case) -> float:
    """Return an error that is never the same for two activations."""
    return 1 + 0.01 * len(case.activation) + 0.001 * ord(case.activation[0])


def test_the_page_says_how_it_is_made_and_has_ten_claims() -> None:
    found = page()
    assert "--seeds 2` makes this" in found
    assert "over all 8 sets, everything else is over 6" in found
    assert [line.split(". ")[0] for line in found.splitlines() if line.startswith("## ")] == [
        f"## {number}" for number in range(1, 11)
    ]


def test_a_result_follows_the_figures() -> None:
    claim = "ReLU units die, more with higher learning rates"
    dying = page(dead_share=lambda case: 5 * case.learning_rate if case.activation == "relu" else 0.0)
    assert f"{claim}: true here" in dying
    assert f"{claim}: not true here" in page(dead_share=lambda case: 0.0)
    output = "ReLU does not belong in an output layer that predicts quantities"
    assert f"{output}: true here" in page(error=lambda case: 9.0 if "output" in case.part else varied(case))
    assert f"{output}: not true here" in page(error=lambda case: 0.1 if "output" in case.part else varied(case))
