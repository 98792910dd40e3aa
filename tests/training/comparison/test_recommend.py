"""Which activation is recommended: relu, unless another finds more beyond the spread of seeds and kinds of errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import SETTING, outcome

from training.comparison.gains import gains_of, holm
from training.comparison.outcomes import Failure, Outcome
from training.comparison.recommendation import MARGIN, Recommendation, recommend
from training.comparison.summary import summaries_of
from training.comparison.trials import Trial

KINDS = ("sign", "unit changed", "date far off", "value of another row")
SEEDS = (0.0, 0.003, -0.003)
"""What the seeds add to what is found, the same for all activations."""


def outcomes(found: dict[str, float], errors: dict[str, float] | None = None, **changes: Any) -> list[Outcome]:
    """Return outcomes of three seeds that find so much of each kind; `changes` apply to the outcomes of an activation.

    Kinds are spread, seeds are spread, and both a little for each activation by itself.
    """
    made = []
    for i, (name, area) in enumerate(found.items()):
        for seed, shift in enumerate(SEEDS):
            kinds = {kind: area + shift + 0.02 * k + 0.001 * ((i + k + seed) % 2) for k, kind in enumerate(KINDS)}
            made.append(outcome(name, seed, (errors or {}).get(name, 1.0), found=kinds, **changes.get(name, {})))
    return made


def recommended(found: dict[str, float], errors: dict[str, float] | None = None, **changes: Any) -> Recommendation:
    return recommend(summaries_of(outcomes(found, errors, **changes)))


def test_what_finds_more_of_every_kind_with_every_seed_is_named() -> None:
    got = recommended({"relu": 0.8, "elu": 0.85, "selu": 0.75})
    assert got.activation == "elu"
    assert got.judged_by == "planted errors"
    assert [(one.activation, one.verdict) for one in got.gains] == [
        ("elu", "more"),
        ("relu", "baseline"),
        ("selu", "fewer"),
    ]
    assert got.verdict.startswith("Take elu: it finds more planted errors than relu, by 5.0 points of ROC AUC (")
    assert got.reason.startswith(got.verdict)
    assert "Judged by 40 errors of 4 kinds" in got.reason
    assert "Labels would count more (--label)" in got.reason
    assert "selu surely finds fewer." in got.reason
    assert "More seeds would change nothing." in got.reason
    assert got.settled
    assert got.ties == ("elu",)


def test_a_gain_within_the_margin_is_no_difference_and_relu_is_taken() -> None:
    got = recommended({"elu": 0.805, "relu": 0.8, "selu": 0.802})
    assert got.activation == "relu"
    assert got.verdict.startswith("No difference that matters: take relu, the cheapest. As measured, ")
    assert [one.verdict for one in got.gains] == ["equal", "equal", "baseline"]
    assert set(got.ties) == {"relu", "elu", "selu"}
    assert got.settled


def test_a_gain_in_one_kind_alone_is_within_the_spread_of_kinds() -> None:
    found = outcomes({"relu": 0.8, "elu": 0.8})
    lucky = [
        replace(one, found=(replace(one.found[0], roc_auc=1.0), *one.found[1:]))
        if one.trial.activation == "elu"
        else one
        for one in found
    ]
    got = recommend(summaries_of(lucky))
    assert got.gains[0].activation == "elu"
    assert got.gains[0].gain > MARGIN
    assert got.gains[0].verdict == "open"
    assert got.activation == "relu"
    assert "More seeds may tell elu from relu: --seeds 6." in got.reason


def test_a_gain_with_one_seed_alone_is_within_the_spread_of_seeds() -> None:
    found = outcomes({"relu": 0.8, "elu": 0.8})
    lucky = [
        replace(one, found=tuple(replace(kind, roc_auc=kind.roc_auc + 0.1) for kind in one.found))
        if (one.trial.activation, one.trial.seed) == ("elu", 2)
        else one
        for one in found
    ]
    got = recommend(summaries_of(lucky))
    assert got.gains[0].verdict == "open"
    assert got.activation == "relu"


def test_a_lower_error_decides_nothing() -> None:
    got = recommended({"relu": 0.8, "elu": 0.8}, errors={"relu": 1.0, "elu": 0.2})
    assert got.activation == "relu"
    assert got.differences[0].activation == "elu"
    assert [one.verdict for one in got.differences] == ["best", "worse"]
    assert "The held-out error of elu is lower; over labelled sets that says little about what is found." in got.reason


def test_where_another_is_cheaper_by_more_than_a_fifth_it_is_named_and_relu_is_called_the_simplest() -> None:
    got = recommended({"relu": 0.8, "elu": 0.8}, relu={"elapsed": (0.02, 0.05, 0.08)})
    assert got.verdict.startswith(
        "No difference that matters: take relu, the simplest. As measured, the cheapest is elu"
    )


def test_what_saturates_is_there_to_compare_with_however_much_it_finds() -> None:
    got = recommended({"tanh": 0.9, "relu": 0.8, "sigmoid": 0.6})
    assert got.activation == "relu"
    assert got.ties == ("relu",)
    assert "tanh would find more here, but it saturates" in got.reason
    assert recommended({"sigmoid": 0.6, "tanh": 0.9}).activation == "tanh"


def test_without_relu_the_simplest_is_what_another_has_to_beat() -> None:
    got = recommended({"selu": 0.8, "elu": 0.8, "tanh": 0.8})
    assert got.activation == "elu"
    assert "take elu" in got.verdict


def test_where_all_others_find_fewer_it_says_so() -> None:
    assert recommended({"relu": 0.8, "elu": 0.7}).verdict.startswith("Take relu: the others surely find fewer.")


def test_one_activation_is_compared_with_nothing() -> None:
    got = recommended({"elu": 0.8})
    assert got.activation == "elu"
    assert got.verdict == "Only elu was compared."


def test_where_nothing_can_be_planted_and_there_are_no_labels_relu_is_taken() -> None:
    got = recommend(summaries_of([outcome(name, seed, 1.0) for name in ("elu", "relu") for seed in range(3)]))
    assert got.activation == "relu"
    assert got.judged_by == "nothing"
    assert got.reason.startswith("Take relu: no kind of error can be planted into these columns")
    assert got.gains == ()


LABELLED: dict[str, dict[str, Any]] = {
    name: {"roc_auc": area, "anomalies": tuple(area + 0.01 * i for i in (-2, -1, 0, 1, 2))}
    for name, area in {"relu": 0.7, "elu": 0.8}.items()
}


def test_labels_count_more_than_planted_errors() -> None:
    got = recommended({"relu": 0.8, "elu": 0.8, "selu": 0.9}, **LABELLED, selu=LABELLED["relu"])
    assert got.activation == "elu"
    assert got.judged_by == "labels"
    assert got.verdict.startswith("Take elu: it finds more of the labelled anomalies than relu, by 10.0 points")
    assert "Judged by 5 labelled anomalies over 3 seeds: labels count more than planted errors." in got.reason
    assert [one.activation for one in got.gains] == ["selu", "relu", "elu"]


def test_what_finds_more_planted_errors_and_fewer_labelled_ones_is_not_taken() -> None:
    swapped = {"relu": LABELLED["elu"], "elu": LABELLED["relu"]}
    got = recommended({"relu": 0.8, "elu": 0.9}, **swapped)
    assert got.gains[0].verdict == "more"
    assert got.activation == "relu"
    assert got.judged_by == "labels"


def test_labels_that_do_not_tell_leave_it_to_planted_errors() -> None:
    alike = {"relu": LABELLED["relu"], "elu": LABELLED["relu"]}
    got = recommended({"relu": 0.8, "elu": 0.9}, **alike)
    assert got.activation == "elu"
    assert got.judged_by == "planted errors"
    assert "The labels count more, and do not speak against it." in got.reason


def test_fewer_than_five_labelled_anomalies_do_not_count() -> None:
    few = {name: {**figures, "anomalies": figures["anomalies"][:4]} for name, figures in LABELLED.items()}
    got = recommended({"relu": 0.8, "elu": 0.8}, **few)
    assert got.label_gains == ()
    assert got.judged_by == "planted errors"


def test_one_seed_recommends_nothing() -> None:
    got = recommend(summaries_of([outcome("relu", 0, 1.0), outcome("elu", 0, 0.1)]))
    assert got.activation is None
    assert got.ties == ()
    assert not got.settled
    assert "--seeds 2" in got.reason


def test_an_activation_that_failed_with_a_seed_is_left_out_and_named() -> None:
    found = outcomes({"relu": 0.8, "elu": 0.8, "selu": 0.95})
    kept = [one for one in found if (one.trial.activation, one.trial.seed) != ("selu", 0)]
    failed = Failure(trial=Trial(activation="selu", setting=SETTING, seed=0), complaint="NaN")
    got = recommend(summaries_of([*kept, failed]))
    assert got.activation == "relu"
    assert "With some seeds the loss of selu was not a number" in got.reason


def test_holm_corrects_as_in_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_corrected_p_values_are_no_smaller_and_in_the_same_order(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= after <= 1 for p, after in zip(ps, corrected, strict=True))
    order = np.argsort(ps, kind="stable")
    assert np.all(np.diff(np.array(corrected)[order]) >= 0)


def test_noise_alone_is_seldom_called_a_difference() -> None:
    """Four activations that differ by chance alone, in kinds, seeds and both."""
    draw = np.random.default_rng(0)
    claims = 0
    for _ in range(200):
        found = {
            name: draw.normal(0.8, 0.02, (9, 1)) + draw.normal(0, 0.01, (1, 3)) + draw.normal(0, 0.02, (9, 3))
            for name in ("relu", "leaky_relu", "elu", "selu")
        }
        claims += any(one.verdict == "more" for one in gains_of(found, margin=0.0))
    assert claims / 200 < 0.06
