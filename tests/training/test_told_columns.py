"""What is expected of a column is said where the other columns tell it, better than the column alone does."""

from __future__ import annotations

import numpy as np
import pytest
from samples import sample_detector

from training.told_columns import untold_columns, with_untold

RNG = np.random.default_rng(5)
N = 200
COLUMNS = {
    "number": RNG.normal(50, 5, N),
    "amount": RNG.exponential(10, N),
    "flag": (RNG.random(N) < 0.3).astype(float),
    "mode": RNG.choice(np.array(["run", "idle"], object), N, p=[0.7, 0.3]),
    "at": 1_704_067_200.0 + 86_400.0 * RNG.integers(0, 60, N),
}
ENCODED = sample_detector().preprocessor.transform(COLUMNS).Z


@pytest.mark.parametrize(
    ("reconstruct", "untold"),
    [
        (np.zeros_like, ("number", "amount", "flag", "mode")),  # the means: it has learned nothing
        (lambda Z: ENCODED, ()),
        (lambda Z: ENCODED * [0, *[1] * (ENCODED.shape[1] - 1)], ("number",)),
    ],
    ids=["nothing", "all", "all but one"],
)
def test_columns_that_the_others_do_not_tell_are_found(reconstruct, untold):
    scorer = sample_detector(reconstruct=reconstruct).scorer
    assert untold_columns(scorer, COLUMNS) == untold


def test_a_value_that_nearly_all_rows_have_may_be_expected_by_a_network_that_learned_nothing_else():
    scorer = sample_detector(reconstruct=np.zeros_like).scorer
    rarely = COLUMNS | {"flag": np.arange(N) % 20 == 0.0, "mode": np.full(N, "run", object)}
    assert untold_columns(scorer, rarely) == ("number", "amount")


def test_missing_values_do_not_count():
    scorer = sample_detector(missing_share=0.1, reconstruct=np.zeros_like).scorer
    gone = COLUMNS | {"number": np.full(N, np.nan)}
    assert "number" not in untold_columns(scorer, gone)


def test_the_reference_names_them():
    reference = {"columns": {"a": {"missing": 0}, "b": {"missing": 1}}, "anomaly_score": {}}
    marked = with_untold(reference, ("b",))
    assert marked["columns"] == {"a": {"missing": 0}, "b": {"missing": 1, "untold": True}}
    assert reference["columns"]["b"] == {"missing": 1}
