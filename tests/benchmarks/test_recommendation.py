"""The benchmark of the advice: it is chosen without the labels, and the labels say what it is worth."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import outcome

from benchmarks.recommendation import advice_of, interval_of, page_of
from training.comparison.outcomes import Outcome


def results(*, planted: dict[str, float], labelled: dict[str, float], errors: dict[str, float]) -> list[Outcome]:
    return [
        outcome(
            name,
            seed,
            errors[name],
            found={kind: area + 0.01 * (k + seed % 2) for k, kind in enumerate(("sign", "unit changed", "far off"))},
            roc_auc=labelled[name],
            average_precision=0.5,
            anomalies=(labelled[name],) * 5,
        )
        for name, area in planted.items()
        for seed in range(3)
    ]


MORE = results(
    planted={"relu": 0.7, "elu": 0.8, "selu": 0.7},
    labelled={"relu": 0.9, "elu": 0.92, "selu": 0.95},
    errors={"relu": 2.0, "elu": 3.0, "selu": 1.0},
)
ALIKE = results(
    planted={"relu": 0.7, "elu": 0.701}, labelled={"relu": 0.9, "elu": 0.8}, errors={"relu": 1.0, "elu": 2.0}
)


def test_the_advice_does_not_see_the_labels() -> None:
    advice = advice_of("wine", MORE)
    assert advice.kinds == 3
    assert advice.taken == {
        "the advice": "elu",
        "most planted errors found": "elu",
        "lowest held-out error": "selu",
    }
    assert advice.gain("the advice") == pytest.approx(0.02)
    assert advice.gain("lowest held-out error") == pytest.approx(0.05)


def test_a_difference_within_the_margin_is_worth_nothing_and_costs_nothing() -> None:
    advice = advice_of("glass", ALIKE)
    assert advice.taken["the advice"] == "relu"
    assert advice.gain("the advice") == 0
    assert advice.gain("most planted errors found") == pytest.approx(-0.1)


def test_the_page_has_a_line_for_each_set_and_each_way_to_choose() -> None:
    page = page_of([advice_of("wine", MORE), advice_of("glass", ALIKE)])
    assert "| wine | 3 | elu | 90.0 | +2.0 | +5.0 |" in page
    assert "| glass | 3 | relu | 90.0 | +0.0 | +0.0 |" in page
    assert "| the advice | 1 | +1.00 | +0.00 to +2.00 | 1 | 0 |" in page
    assert "| most planted errors found | 2 | -4.00 | " in page


def test_the_interval_of_the_same_gain_everywhere_has_no_width() -> None:
    assert interval_of(np.full(5, 0.01)) == pytest.approx((0.01, 0.01))
