"""How the errors of several members become one score."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from forging import random_weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import FakeEngine, numbers_preprocessor

from models.encoders.preprocessor import Encoded
from models.errors import BundleError
from models.network.architecture import AutoencoderConfig
from models.network.engine import OnnxEngine
from models.scoring import Scorer
from models.scoring.ensemble import Ensemble, Family, ensemble_from_plain, ensemble_to_plain, scales_of
from models.scoring.histograms import Histograms
from training.network.onnx_export import onnx_bytes

FOUR = numbers_preprocessor(1.0, 2.0, 0.5, 10.0)
FACTORS = np.array([0.9, 0.5, 0.0], np.float32)  # of three members: what each makes of Z
THREE = FakeEngine(lambda Z: FACTORS[:, None, None] * Z)
FITTING = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
MARGINALS = Histograms.of(FITTING, limits=FOUR.limits, weights=np.full(4, 0.25, np.float32))
FAMILIES = (
    Family(name="fine", typical_errors=(0.01, 0.2), scale=0.5),
    Family(name="coarse", typical_errors=(0.8,), scale=2.0, logarithmic=True),
)
ENSEMBLE = Ensemble(families=FAMILIES, histograms=MARGINALS, histogram_scale=0.3)
SCORER = Scorer(preprocessor=FOUR, engine=THREE, ensemble=ENSEMBLE)
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(4)), elements=st.floats(-50, 50, width=32))


def by_hand(Z):
    """The score, by its definition, in one place and without any of the program's own sums."""
    Z = Z.astype(float)
    clipped = np.clip(Z, FOUR.limits[0], FOUR.limits[1]).astype(float)
    errors = [((Z - factor * clipped) ** 2 * FOUR.weights).sum(axis=1) for factor in FACTORS.astype(float)]
    fine = np.maximum(errors[0] / 0.01, errors[1] / 0.2)
    return 0.5 * fine + 2.0 * np.log1p(errors[2] / 0.8)


@given(MATRICES)
def test_the_score_is_what_the_loudest_of_each_family_says_and_how_rare_the_values_are(Z):
    rarity = MARGINALS.column_rarity(Encoded(Z=Z), FOUR.starts).sum(axis=1)
    scores = SCORER.score(Encoded(Z=Z)).anomaly_score
    np.testing.assert_allclose(scores, by_hand(Z) + 0.3 * rarity, rtol=2e-4, atol=1e-5)


@given(MATRICES)
def test_what_the_columns_add_sums_exactly_to_the_score(Z):
    scores = SCORER.score(Encoded(Z=Z))
    np.testing.assert_array_equal(scores.column_errors.sum(axis=1), scores.anomaly_score)
    assert (scores.column_errors >= 0).all()


@given(MATRICES, st.data())
def test_a_row_scores_the_same_to_the_bit_alone_and_among_others(Z, data):
    row = data.draw(st.integers(0, len(Z) - 1))
    together, alone = SCORER.score(Encoded(Z=Z)), SCORER.score(Encoded(Z=Z[row : row + 1]))
    np.testing.assert_array_equal(alone.column_errors[0], together.column_errors[row])
    np.testing.assert_array_equal(alone.reconstruction[0], together.reconstruction[row])


@pytest.mark.parametrize(("members", "skip_weight"), [(2, ()), (2, (0.0, 0.5)), (7, ())])
def test_a_real_graph_gives_a_row_the_same_bits_alone_and_among_others(members, skip_weight):
    config = AutoencoderConfig(features=4, hidden_units=(16,), latent_units=3, members=members, skip_weight=skip_weight)
    engine = OnnxEngine(onnx_bytes(config, random_weights(config)), config)
    Z = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    together = engine.reconstruct(Z)
    assert together.shape == (members, 300, 4)
    assert engine.embed(Z).shape == (300, 3)
    for size in (1, 2, 3, 64):
        chunks = [engine.reconstruct(Z[start : start + size]) for start in range(0, 300, size)]
        np.testing.assert_array_equal(np.concatenate(chunks, axis=1), together)
        bottlenecks = [engine.embed(Z[start : start + size]) for start in range(0, 300, size)]
        np.testing.assert_array_equal(np.concatenate(bottlenecks), engine.embed(Z))


def test_the_expected_values_are_those_of_the_first_member():
    Z = np.array([[0.5, 0.5, 0.5, 0.5], [1.0, -1.0, 0.1, 0.0]], np.float32)
    np.testing.assert_array_equal(SCORER.score(Encoded(Z=Z)).reconstruction, FACTORS[0] * Z)


def test_missing_values_do_not_count_and_novelty_counts_for_every_member():
    Z = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    missing = np.zeros((6, 4), bool)
    missing[2, 1] = True
    penalty = np.zeros((6, 4))
    penalty[4, 3] = 5.0
    plain = SCORER.score(Encoded(Z=Z)).column_errors
    errors = SCORER.score(Encoded(Z=Z, missing=missing, novelty_penalty=penalty)).column_errors
    assert errors[2, 1] == 0
    assert errors[4, 3] > plain[4, 3] + 5.0
    np.testing.assert_array_equal(errors[[0, 1, 3, 5]], plain[[0, 1, 3, 5]])


def test_the_further_a_value_lies_beyond_the_range_the_higher_the_score():
    Z = np.zeros((5, 4), np.float32)
    Z[:, 0] = [2, 4, 40, 400, 4e4]
    scores = SCORER.score(Encoded(Z=Z)).anomaly_score
    assert (np.diff(scores) > 0).all()


def test_the_reconstruction_error_is_the_mean_over_the_members():
    Z = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32) / 9
    errors = [(np.square((1 - factor) * Z) * FOUR.weights).sum(axis=1) for factor in FACTORS]
    np.testing.assert_allclose(SCORER.reconstruction_error(Encoded(Z=Z)), np.mean(errors, axis=0), rtol=1e-5)


# --- scales ---------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=5), st.integers(0, 99))
def test_the_median_row_scores_one_whatever_the_units_of_the_terms(units, seed):
    rng = np.random.default_rng(seed)
    terms = [unit * rng.gamma(2.0, size=400) for unit in units]
    scales = scales_of(terms, [1.0] * len(units))
    score = sum(scale * term for scale, term in zip(scales, terms, strict=True))
    assert np.median(score) == pytest.approx(1)
    moves = [scale * np.subtract(*np.quantile(v, [0.75, 0.5])) for scale, v in zip(scales, terms, strict=True)]
    np.testing.assert_allclose(moves, moves[0])  # each moves the ordinary rows as much as the others do


def test_a_member_counts_by_its_weight_and_a_constant_one_is_not_amplified():
    term = np.random.default_rng(0).gamma(2.0, size=400)
    once, twice = scales_of([term, term], [1.0, 2.0])
    assert twice == pytest.approx(2 * once)
    changing, same = scales_of([term, np.full(400, 3.0)], [1.0, 1.0])
    assert np.isfinite([changing, same]).all()
    assert same * 3.0 < 1


# --- plain data -----------------------------------------------------------------------------------------


def test_an_ensemble_is_equal_after_a_round_trip_through_json():
    plain = json.loads(json.dumps(ensemble_to_plain(ENSEMBLE)))
    again = ensemble_from_plain(plain, features=4)
    assert again.families == ENSEMBLE.families
    assert again.members == 3
    Z = np.random.default_rng(2).normal(size=(20, 4)).astype(np.float32)
    scores = replace(SCORER, ensemble=again).score(Encoded(Z=Z))
    np.testing.assert_array_equal(scores.column_errors, SCORER.score(Encoded(Z=Z)).column_errors)
    assert ensemble_from_plain(ensemble_to_plain(None), features=4) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"families": [{"name": "fine", "typical_errors": [], "scale": 1.0}]}, "other parts"),
        ({"families": [{"name": "fine", "typical_errors": [0.0], "scale": 1.0}]}, "below 0"),
        ({"families": [{"name": "fine", "typical_errors": [1.0], "scale": -1.0}]}, "below 0"),
        ({"families": [{"name": "fine", "typical_errors": ["1"], "scale": 1.0}]}, "Expected `float`"),
        ({"families": 3}, "Expected `array`"),
        ({"histogram_scale": -0.1}, "below 0"),
        ({"histogram_scale": None}, "Expected `float`"),
        ({"more": 1}, "other parts"),
        ({"histograms": {}}, "KeyError"),
        ({"histograms": ENSEMBLE.histograms.to_json() | {"weights": [1.0]}}, "shapes"),
        ({"histograms": ENSEMBLE.histograms.to_json() | {"weights": [-1.0, 1.0, 1.0, 1.0]}}, "below 0"),
        ({"histograms": ENSEMBLE.histograms.to_json() | {"rarity": [[1e300]]}}, "deviations away"),
        ({"histograms": ENSEMBLE.histograms.to_json() | {"more": 1}}, "shapes"),
    ],
)
def test_a_damaged_ensemble_is_refused(changes, complaint):
    with pytest.raises(BundleError, match=f"The ensemble is not readable .*{complaint}"):
        ensemble_from_plain(ensemble_to_plain(ENSEMBLE) | changes, features=4)
