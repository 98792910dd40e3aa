"""Which activation is recommended: never from one seed, ties called ties, the cheaper of equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import outcome

from training.comparison.outcomes import Failure
from training.comparison.recommendation import Recommendation, holm, recommend
from training.comparison.summary import summaries_of
from training.comparison.trials import Trial


def recommended(errors: dict[str, Sequence[float]], **changes: dict[str, object]) -> Recommendation:
    """Return the recommendation for errors by activation and seed; `changes` apply to the outcomes of an activation."""
    outcomes = [
        outcome(name, seed, error, **changes.get(name, {}))
        for name, of_seeds in errors.items()
        for seed, error in enumerate(of_seeds)
    ]
    return recommend(summaries_of(outcomes))


def test_what_is_lower_with_every_seed_is_recommended_alone() -> None:
    got = recommended({"relu": [1.0, 1.1, 0.9], "elu": [0.5, 0.56, 0.44], "selu": [1.5, 1.66, 1.36]})
    assert got.activation == "elu"
    assert got.ties == ("elu",)
    assert got.settled
    assert "relu by the least, 100.3%" in got.reason
    assert "More seeds would change nothing" in got.reason
    assert [one.verdict for one in got.differences] == ["best", "worse", "worse"]


def test_the_order_of_the_seeds_is_what_pairs_them_so_that_hard_seeds_do_not_blur() -> None:
    """Seeds differ by a factor of ten, the activations by a tenth with every one of them."""
    seeds = [0.1, 1.0, 10.0, 3.0]
    got = recommended({"relu": seeds, "elu": [1.1 * error + 1e-4 * error**2 for error in seeds]})
    assert got.ties == ("relu",)


def test_equal_errors_are_no_difference_and_the_simpler_one_is_taken() -> None:
    got = recommended({"elu": [1.0, 1.1, 0.9], "relu": [1.0, 1.1, 0.9], "selu": [1.0, 1.1, 0.9]})
    assert got.reason.startswith("No difference:")
    assert got.activation == "relu"
    assert set(got.ties) == {"relu", "elu", "selu"}
    assert got.settled


def test_of_equals_the_cheaper_is_taken_even_if_it_is_not_the_simplest() -> None:
    dear = {"elapsed": (0.02, 0.05, 0.08)}
    got = recommended({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}, relu=dear)
    assert got.activation == "elu"
    assert "1 ms a step" in got.reason


def test_of_equals_one_with_a_dead_layer_is_not_taken() -> None:
    got = recommended({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}, relu={"dead": 5})
    assert got.activation == "elu"
    assert "relu would cost no more, but more than half of a layer is dead" in got.reason


def test_differences_within_the_margin_do_not_matter_however_certain() -> None:
    got = recommended({"relu": [1.005, 1.1055, 0.9045], "elu": [1.0, 1.1, 0.9]})
    assert got.ties == ("elu", "relu")
    assert got.activation == "relu"
    assert got.settled


def test_seeds_that_cannot_tell_are_reported_as_too_few() -> None:
    got = recommended({"relu": [1.0, 1.5, 0.7], "elu": [0.9, 1.1, 1.0]})
    assert set(got.ties) == {"relu", "elu"}
    assert not got.settled
    assert got.reason.startswith("No difference that 3 seeds can tell")
    assert "More seeds may tell relu from elu: --seeds 6" in got.reason


def test_what_saturates_is_there_to_compare_with_however_low_its_error() -> None:
    got = recommended(
        {"tanh": [0.5, 0.55, 0.45], "relu": [1.0, 1.1, 0.9], "elu": [1.001, 1.1, 0.9], "sigmoid": [3.0, 3.3, 2.7]}
    )
    assert got.activation == "relu"
    assert got.ties == ("relu", "elu")
    assert [one.activation for one in got.differences] == ["relu", "elu", "tanh", "sigmoid"]
    assert [one.verdict for one in got.differences] == ["best", "equal", "reference", "reference"]
    assert got.differences[2].ratio == pytest.approx(-0.5, abs=0.01)
    assert got.reason.startswith("No difference: no activation has")
    assert "For comparison, against the error of relu: tanh 50.0% below and sigmoid 200.0% above." in got.reason
    assert "above that of relu, the lowest of those that do not saturate." in got.reason
    assert "they found fewer anomalies" in got.reason
    assert got.settled, "more seeds would not bring in what is a reference"


def test_references_with_a_higher_error_need_no_defence() -> None:
    got = recommended({"relu": [1.0, 1.1, 0.9], "tanh": [1.5, 1.66, 1.36]})
    assert got.reason.startswith(
        "Only relu was compared that does not saturate. Take relu. For comparison, against the error of relu: tanh "
        "50.7% above."
    )
    assert "fewer anomalies" not in got.reason


def test_what_saturates_is_recommended_where_nothing_else_was_compared() -> None:
    got = recommended({"tanh": [0.5, 0.56, 0.44], "sigmoid": [1.0, 1.1, 0.9]})
    assert got.activation == "tanh"
    assert [one.verdict for one in got.differences] == ["best", "worse"]


def test_a_slow_seed_does_not_make_an_activation_dear() -> None:
    """What else the machine did while one of the seeds was fitted."""
    outcomes = [outcome("relu", seed, 1.0, elapsed=(0.02, 0.05 + seed, 0.08 + 2 * seed)) for seed in range(3)]
    outcomes += [outcome("elu", seed, 1.0, elapsed=(0.02, 0.05, 0.08)) for seed in range(3)]
    assert recommend(summaries_of(outcomes)).activation == "relu"


def test_no_more_seeds_are_asked_for_where_they_could_tell_nothing_that_matters() -> None:
    got = recommended({"relu": [1.0, 1.3, 0.8], "elu": [1.3, 0.8, 1.0]})
    assert not got.settled
    assert "these seeds cannot tell apart are within 1%; the intervals reach " in got.reason
    assert "hardly" not in got.reason
    assert "--seeds" not in got.reason


def test_one_seed_recommends_nothing() -> None:
    got = recommended({"relu": [1.0], "elu": [0.1]})
    assert got.activation is None
    assert got.ties == ()
    assert "--seeds 2" in got.reason


def test_an_activation_that_failed_with_a_seed_is_left_out_and_named() -> None:
    outcomes = [outcome(name, seed, 1.0 + seed) for name in ("relu", "elu") for seed in range(3)]
    failed = Failure(trial=Trial(activation="selu", setting=outcomes[0].trial.setting, seed=0), complaint="NaN")
    outcomes += [failed, outcome("selu", 1, 0.1), outcome("selu", 2, 0.1)]
    got = recommend(summaries_of(outcomes))
    assert got.activation == "relu"
    assert "With some seeds the loss of selu was not a number" in got.reason


def test_labels_say_whether_another_finds_more() -> None:
    errors = {"relu": [1.0, 1.1, 0.9], "elu": [2.0, 2.2, 1.8]}
    more = {"elu": [0.9, 0.92, 0.88], "relu": [0.8, 0.83, 0.77]}
    outcomes = [
        outcome(name, seed, error, roc_auc=more[name][seed])
        for name, of_seeds in errors.items()
        for seed, error in enumerate(of_seeds)
    ]
    got = recommend(summaries_of(outcomes))
    assert got.activation == "relu"
    assert "By the labels elu finds more: ROC AUC 0.900, with relu 0.800" in got.reason
    assert "Labels do not change the recommendation" in got.reason
    assert got.reason.endswith("to follow them: --activation elu.")
    agreeing = [replace(one, roc_auc=1 - one.roc_auc) for one in outcomes]
    assert "By the labels, too, no other is surely better" in recommend(summaries_of(agreeing)).reason
    assert "By the labels" not in recommended(errors).reason
    assert "Labels would tell (--label)" in recommended(errors).reason
    assert "Labels would tell" not in recommended({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}).reason


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
    """Six activations that differ by chance alone: Holm holds the share of any false claim near 5 %."""
    draw = np.random.default_rng(0)
    names = ("relu", "leaky_relu", "prelu", "elu", "selu", "gelu")
    claims = 0
    for _ in range(200):
        errors = {name: np.exp(draw.normal(0, 0.1, 5)).tolist() for name in names}
        claims += len(recommended(errors).ties) < len(names)
    assert claims / 200 < 0.15  # the best is chosen after the fact, which costs some of the 5 %
