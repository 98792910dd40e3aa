"""Histograms: how rare a value is in its column."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.encoders.preprocessor import Encoded
from models.scoring.histograms import BINS, Histograms

ROWS = hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.just(3)), elements=st.floats(-9, 9, width=32))
EACH = np.array([0, 1, 2])


def learned(Z, weights=(1.0, 1.0, 1.0)):
    limits = np.stack([Z.min(axis=0), Z.max(axis=0)])
    return Histograms.of(Z, limits=limits, weights=np.array(weights, np.float32))


@given(ROWS)
def test_the_rarity_is_minus_the_logarithm_of_the_share_of_fitting_rows_in_the_bin(Z):
    found = learned(Z).column_rarity(Encoded(Z=Z), EACH)
    for feature in range(3):
        values = Z[:, feature].astype(float)
        if np.ptp(values) < 1e-3 * (1 + np.abs(values).max()):  # bins as narrow as float32's steps
            continue
        shares = np.exp(-found[:, feature])
        assert (shares * len(Z) >= 0.999).all()  # a row's own bin holds the row itself
        assert len(np.unique(np.round(shares * len(Z)))) <= BINS
        in_end = np.isclose(values, values.max())
        np.testing.assert_allclose(shares[in_end], shares[in_end][0], rtol=1e-5)


def test_equal_bins_between_the_ends_count_as_numpy_counts_them():
    Z = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    counts, edges = np.histogram(Z[:, 1], bins=BINS)
    middles = ((edges[:-1] + edges[1:]) / 2).astype(np.float32)
    probed = np.zeros((BINS, 3), np.float32)
    probed[:, 1] = middles
    found = learned(Z).column_rarity(Encoded(Z=probed), EACH)[:, 1]
    np.testing.assert_allclose(found, -np.log(np.maximum(counts, 0.5) / 5000), atol=0.01)


def test_a_value_beyond_either_end_is_rarer_than_any_fitting_row():
    Z = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    histograms = learned(Z)
    beyond = np.stack([Z.min(axis=0) - 1, Z.max(axis=0) + 1])
    np.testing.assert_allclose(histograms.column_rarity(Encoded(Z=beyond), EACH), np.log(1000), rtol=1e-5)
    assert (histograms.column_rarity(Encoded(Z=Z), EACH) < np.log(1000)).all()


def test_a_constant_feature_says_nothing_of_its_value_and_something_of_another():
    Z = np.zeros((100, 3), np.float32)
    rarity = learned(Z).column_rarity(Encoded(Z=np.array([[0, 0, 5]], np.float32)), EACH)[0]
    assert rarity.tolist() == pytest.approx([0, 0, np.log(200)])


def test_a_spread_that_float32_cannot_divide_is_that_of_a_constant_feature():
    Z = np.zeros((100, 3), np.float32)
    Z[0] = np.finfo(np.float32).smallest_subnormal
    assert np.isfinite(learned(Z).column_rarity(Encoded(Z=Z), EACH)).all()


def test_missing_values_add_nothing_and_columns_of_several_features_add_up():
    Z = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    histograms = learned(Z, weights=(1.0, 0.5, 0.0))
    missing = np.zeros((50, 3), bool)
    missing[7, 0] = True
    alone = histograms.column_rarity(Encoded(Z=Z), EACH)
    rarity = histograms.column_rarity(Encoded(Z=Z, missing=missing), np.array([0, 1]))
    assert rarity[7, 0] == 0
    np.testing.assert_allclose(np.delete(rarity[:, 0], 7), np.delete(alone[:, 0], 7))
    np.testing.assert_allclose(rarity[:, 1], alone[:, 1])  # the last feature weighs nothing
    assert (alone[:, 2] == 0).all()


@given(ROWS)
def test_histograms_are_equal_after_a_round_trip_through_json(Z):
    histograms = learned(Z)
    again = Histograms.from_json(json.loads(json.dumps(histograms.to_json())), features=3)
    for name in ("limits", "rarity", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(histograms, name))
