"""What weights of rows and the seed change about a fit, and what they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from samples import machine_records

from training.estimator import AutoencoderDetector

FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])
SETTINGS = {"epochs": 4, "alert_rate": 0.2, "activation": "elu", "hidden_units": (16,), "preset": "fast"}


def fit(X=FRAME, sample_weight=None, **settings):
    return AutoencoderDetector(**SETTINGS | settings).fit(X, sample_weight=sample_weight)


@pytest.fixture(scope="module")
def plain():
    return fit()


@pytest.mark.parametrize("weight", [1, [0.3] * 250, 1e-12, [1e9] * 250], ids=["1", "0.3 each", "1e-12", "1e9 each"])
def test_equal_weights_are_no_weights(plain, weight):
    np.testing.assert_array_equal(fit(sample_weight=weight).anomaly_score(FRAME), plain.anomaly_score(FRAME))


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_rows_of_weight_zero_are_as_if_they_were_not_there(preset):
    weights = np.where(np.arange(250) % 3, 1.0, 0.0)
    without = fit(FRAME[weights > 0], preset=preset)
    weighted = fit(sample_weight=weights, preset=preset)
    np.testing.assert_array_equal(weighted.anomaly_score(FRAME), without.anomaly_score(FRAME))
    assert weighted.offset_ == without.offset_
    assert weighted.detector_.card["rows"] == int((weights > 0).sum())


def test_rows_of_more_weight_are_reconstructed_better():
    """Two crowds on two crossing lines, and a bottleneck of one unit: it can only follow one of them."""
    rng = np.random.default_rng(0)
    along = rng.normal(size=600)
    first = np.arange(600) % 2 == 0
    X = np.column_stack([along, np.where(first, along, -along)]) + rng.normal(0, 0.05, (600, 2))
    settings = {"preset": "fast", "latent_units": 1, "epochs": 60, "input_noise": 0.0}
    to_first, to_second = (
        fit(X, sample_weight=np.where(first == which, 50.0, 1.0), **settings).anomaly_score(X)
        for which in (True, False)
    )
    assert to_first[first].mean() < to_second[first].mean() / 2
    assert to_second[~first].mean() < to_first[~first].mean() / 2


@pytest.mark.parametrize("preset", ["fast", "balanced"])
def test_weights_do_not_change_what_is_standardised(preset):
    weighted, plain = fit(sample_weight=np.linspace(0.1, 5, 250), preset=preset), fit(preset=preset)
    assert weighted.detector_.preprocessor.to_json() == plain.detector_.preprocessor.to_json()
    assert weighted.detector_.card["weighted"] is True
    assert plain.detector_.card["weighted"] is False
    assert (weighted.anomaly_score(FRAME) != plain.anomaly_score(FRAME)).any()


def test_the_score_weighs_rows():
    plain, weights = fit(preset="fast"), np.arange(250)
    scorer = plain.detector_.scorer
    errors = scorer.reconstruction_error(scorer.preprocessor.transform(plain._columns(FRAME)))
    assert plain.score(FRAME) == pytest.approx(-errors.mean())
    assert plain.score(FRAME, sample_weight=weights) == pytest.approx(-np.average(errors, weights=weights))


STATES = {
    "a number": lambda: 3,
    "a number of NumPy": lambda: np.int64(3),
    "a RandomState": lambda: np.random.RandomState(3),
    "a Generator": lambda: np.random.default_rng(3),
}


@pytest.mark.parametrize("kind", STATES)
def test_the_same_random_state_gives_the_same_scores(kind):
    one, same = (fit(random_state=STATES[kind]()).anomaly_score(FRAME) for _ in range(2))
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("kind", ["a RandomState", "a Generator"])
def test_a_state_that_is_used_again_gives_another_fit(kind):
    state = STATES[kind]()
    one, other = (fit(random_state=state) for _ in range(2))
    assert one.detector_.card["settings"]["seed"] != other.detector_.card["settings"]["seed"]


def test_no_random_state_follows_the_one_of_numpy():
    np.random.seed(5)
    one = fit(random_state=None, epochs=1)
    other = fit(random_state=None, epochs=1)
    np.random.seed(5)
    same = fit(random_state=None, epochs=1)
    seeds = [estimator.detector_.card["settings"]["seed"] for estimator in (one, other, same)]
    assert seeds[0] == seeds[2] != seeds[1]
