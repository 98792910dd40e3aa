"""Which activation is recommended: never from one seed, ties called ties, the cheaper of equals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import outcome

from training.comparison.results import Failure
from training.comparison.summary import summaries_of
from training.comparison.trials import Trial
from training.comparison.verdict import Verdict, holm, verdict_on


def verdict(errors: dict[str, Sequence[float]], **changes: dict[str, object]) -> Verdict:
    """Return the verdict on errors by activation, seed by seed; `changes` are those of an activation's outcomes."""
    found = [
        outcome(name, seed, error, **changes.get(name, {}))
        for name, of_seeds in errors.items()
        for seed, error in enumerate(of_seeds)
    ]
    return verdict_on(summaries_of(found))


def test_what_is_lower_with_every_seed_is_recommended_alone() -> None:
    given_ = verdict({"relu": [1.0, 1.1, 0.9], "elu": [0.5, 0.56, 0.44], "selu": [1.5, 1.66, 1.36]})
    assert given_.activation == "elu"
    assert given_.ties == ("elu",)
    assert given_.settled
    assert "relu by the least, 100.3%" in given_.reason
    assert "More seeds would change nothing" in given_.reason
    assert [one.verdict for one in given_.differences] == ["best", "worse", "worse"]


def test_the_order_of_the_seeds_is_what_pairs_them_so_that_hard_seeds_do_not_blur() -> None:
    """Seeds differ by a factor of ten, the activations by a tenth with every one of them."""
    seeds = [0.1, 1.0, 10.0, 3.0]
    given_ = verdict({"relu": seeds, "elu": [1.1 * error + 1e-4 * error**2 for error in seeds]})
    assert given_.ties == ("relu",)


def test_equal_errors_are_no_difference_and_the_simpler_one_is_taken() -> None:
    given_ = verdict({"elu": [1.0, 1.1, 0.9], "relu": [1.0, 1.1, 0.9], "selu": [1.0, 1.1, 0.9]})
    assert given_.reason.startswith("No difference:")
    assert given_.activation == "relu"
    assert set(given_.ties) == {"relu", "elu", "selu"}
    assert given_.settled


def test_of_equals_the_cheaper_is_taken_even_if_it_is_not_the_simplest() -> None:
    dear = {"elapsed": (0.02, 0.05, 0.08)}
    given_ = verdict({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}, relu=dear)
    assert given_.activation == "elu"
    assert "1 ms a step" in given_.reason


def test_of_equals_one_with_a_dead_layer_is_not_taken() -> None:
    given_ = verdict({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}, relu={"dead": 5})
    assert given_.activation == "elu"
    assert "relu would cost no more, but more than half of a layer is dead" in given_.reason


def test_differences_within_the_margin_do_not_matter_however_certain() -> None:
    given_ = verdict({"relu": [1.005, 1.1055, 0.9045], "elu": [1.0, 1.1, 0.9]})
    assert given_.ties == ("elu", "relu")
    assert given_.activation == "relu"
    assert given_.settled


def test_seeds_that_cannot_tell_are_said_to_be_too_few() -> None:
    given_ = verdict({"relu": [1.0, 1.5, 0.7], "elu": [0.9, 1.1, 1.0]})
    assert set(given_.ties) == {"relu", "elu"}
    assert not given_.settled
    assert given_.reason.startswith("No difference that 3 seeds can tell")
    assert "More seeds may tell relu from elu: --seeds 6" in given_.reason


def test_what_saturates_is_there_to_compare_with_however_low_its_error() -> None:
    given_ = verdict(
        {"tanh": [0.5, 0.55, 0.45], "relu": [1.0, 1.1, 0.9], "elu": [1.001, 1.1, 0.9], "sigmoid": [3.0, 3.3, 2.7]}
    )
    assert given_.activation == "relu"
    assert given_.ties == ("relu", "elu")
    assert [one.activation for one in given_.differences] == ["relu", "elu", "tanh", "sigmoid"]
    assert [one.verdict for one in given_.differences] == ["best", "equal", "reference", "reference"]
    assert given_.differences[2].ratio == pytest.approx(-0.5, abs=0.01)
    assert given_.reason.startswith("No difference: no activation has")
    assert "For comparison, against the error of relu: tanh 50.0% below and sigmoid 200.0% above." in given_.reason
    assert "above that of relu, the lowest of those that do not saturate." in given_.reason
    assert "they found fewer anomalies" in given_.reason
    assert given_.settled, "more seeds would not bring in what is a reference"


def test_references_with_a_higher_error_need_no_defence() -> None:
    given_ = verdict({"relu": [1.0, 1.1, 0.9], "tanh": [1.5, 1.66, 1.36]})
    assert given_.reason.startswith(
        "Only relu was compared that does not saturate. Take relu. For comparison, against the error of relu: tanh "
        "50.7% above."
    )
    assert "fewer anomalies" not in given_.reason


def test_what_saturates_is_recommended_where_nothing_else_was_compared() -> None:
    given_ = verdict({"tanh": [0.5, 0.56, 0.44], "sigmoid": [1.0, 1.1, 0.9]})
    assert given_.activation == "tanh"
    assert [one.verdict for one in given_.differences] == ["best", "worse"]


def test_a_slow_seed_does_not_make_an_activation_dear() -> None:
    """What else the machine did while one of the seeds was fitted."""
    found = [outcome("relu", seed, 1.0, elapsed=(0.02, 0.05 + seed, 0.08 + 2 * seed)) for seed in range(3)]
    found += [outcome("elu", seed, 1.0, elapsed=(0.02, 0.05, 0.08)) for seed in range(3)]
    assert verdict_on(summaries_of(found)).activation == "relu"


def test_no_more_seeds_are_asked_for_where_they_could_tell_nothing_that_matters() -> None:
    given_ = verdict({"relu": [1.0, 1.3, 0.8], "elu": [1.3, 0.8, 1.0]})
    assert not given_.settled
    assert "More seeds will hardly change this: what they could tell is within 1%." in given_.reason
    assert "--seeds" not in given_.reason


def test_one_seed_recommends_nothing() -> None:
    given_ = verdict({"relu": [1.0], "elu": [0.1]})
    assert given_.activation is None
    assert given_.ties == ()
    assert "--seeds 2" in given_.reason


def test_an_activation_that_failed_with_a_seed_is_left_out_and_named() -> None:
    found = [outcome(name, seed, 1.0 + seed) for name in ("relu", "elu") for seed in range(3)]
    failed = Failure(trial=Trial(activation="selu", setting=found[0].trial.setting, seed=0), complaint="NaN")
    found += [failed, outcome("selu", 1, 0.1), outcome("selu", 2, 0.1)]
    given_ = verdict_on(summaries_of(found))
    assert given_.activation == "relu"
    assert "With some seeds the loss of selu was not a number" in given_.reason


def test_labels_say_whether_another_finds_more() -> None:
    errors = {"relu": [1.0, 1.1, 0.9], "elu": [2.0, 2.2, 1.8]}
    more = {"elu": [0.9, 0.92, 0.88], "relu": [0.8, 0.83, 0.77]}
    found = [
        outcome(name, seed, error, roc_auc=more[name][seed])
        for name, of_seeds in errors.items()
        for seed, error in enumerate(of_seeds)
    ]
    given_ = verdict_on(summaries_of(found))
    assert given_.activation == "relu"
    assert "By the labels elu finds more: ROC AUC 0.900, with relu 0.800" in given_.reason
    assert "Labels do not change the recommendation" in given_.reason
    assert given_.reason.endswith("to follow them: --activation elu.")
    agreeing = [replace(one, roc_auc=1 - one.roc_auc) for one in found]
    assert "By the labels, too, no other is surely better" in verdict_on(summaries_of(agreeing)).reason
    assert "By the labels" not in verdict(errors).reason
    assert "Labels would tell (--label)" in verdict(errors).reason
    assert "Labels would tell" not in verdict({"relu": [1.0, 1.1, 0.9], "elu": [1.0, 1.1, 0.9]}).reason


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
        claims += len(verdict(errors).ties) < len(names)
    assert claims / 200 < 0.15  # the best is chosen after the fact, which costs some of the 5 %
