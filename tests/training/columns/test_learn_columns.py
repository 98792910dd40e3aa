from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoders import CYCLES, ENCODINGS
from models.errors import TableError
from models.schema import Column, FeatureSchema, Kind
from models.tables.files import read_table
from training.columns.infer_schema import infer_schema
from training.columns.learn_columns import _LEARNERS, encode, learn_preprocessor, reference_of
from training.columns.learn_numbers import novelty_penalty
from training.columns.roles import Roles

DAY = CYCLES["day"]
RNG = np.random.default_rng(3)


def learned(kind, values):
    schema = FeatureSchema(columns=(Column(name="c", kind=kind),))
    values = np.array(values, object if kind is Kind.CATEGORICAL else float)
    preprocessor = learn_preprocessor(schema, {"c": values})
    return preprocessor.encodings[0], preprocessor.transform({"c": values}), preprocessor


def test_every_kind_has_a_learner_that_gives_its_encoder():
    assert set(_LEARNERS) == set(ENCODINGS)
    samples = {Kind.CATEGORICAL: ["a", "b"] * 30}
    for kind in _LEARNERS:
        assert type(learned(kind, samples.get(kind, [0.0, 1.0] * 30))[0]) is ENCODINGS[kind]


@given(st.floats(-1e8, 1e8), st.floats(1e-2, 1e6))
def test_numbers_are_standardised_to_mean_zero_and_deviation_one(center, scale):
    values = center + scale * np.random.default_rng(1).normal(size=500)
    _, encoded, _ = learned(Kind.NUMERIC, values)
    assert encoded.Z.mean(dtype=float) == pytest.approx(0, abs=1e-4)
    assert encoded.Z.std(dtype=float) == pytest.approx(1, abs=1e-4)


def test_huge_values_with_a_small_spread_stay_distinct(cases):
    """Case 11: `big` sits at 1e12 with a spread of 1e6; forty cells are blank."""
    table = read_table([cases / "11_huge_values.csv"])
    schema, _ = infer_schema(table, Roles(), fitting=np.ones(len(table), bool))
    from models.columns.from_tables import columns_of_table

    columns = columns_of_table(schema, table)
    big = columns["big"]
    Z = learn_preprocessor(schema, columns).transform(columns).Z[:, 0]
    present = Z[~np.isnan(big)]
    assert len(np.unique(present)) == len(np.unique(big[~np.isnan(big)])) == 360
    assert present.mean(dtype=float) == pytest.approx(0, abs=1e-6)
    assert present.std(dtype=float) == pytest.approx(1, abs=0.1)
    assert reference_of(schema, columns, np.ones(9))["columns"]["big"]["missing"] == 40


def test_a_value_beyond_the_training_range_is_further_away_and_never_clipped(cases):
    """Case 30: Z(25) / Z(9) is (25 − 4.5) / (9 − 4.5) = 4.556, not 1."""
    from models.columns.from_tables import columns_of_table

    table = read_table([cases / "30_train_0_to_9.csv"])
    schema, _ = infer_schema(table, Roles(), fitting=np.ones(len(table), bool))
    preprocessor = learn_preprocessor(schema, columns_of_table(schema, table))
    columns = {"x": np.array([9.0, 25.0]), "y": np.array([18.0, 18.0]), "w": np.zeros(2)}
    Z = preprocessor.transform(columns).Z[:, 0]
    assert Z[1] / Z[0] == pytest.approx(20.5 / 4.5, rel=1e-6)


def test_a_constant_is_divided_by_one():
    encoder, encoded, _ = learned(Kind.NUMERIC, [7.0] * 50)
    assert encoder.scale == 1.0
    assert (encoded.Z == 0).all()


def test_a_column_with_a_heavy_tail_is_put_on_a_logarithm_and_comes_back():
    values = np.concatenate([RNG.normal(100, 1, 2000), [1e6, -3e5]])
    encoder, encoded, _ = learned(Kind.NUMERIC, values)
    assert encoder.unit is not None
    assert np.abs(encoded.Z).max() < 60  # the identity would give far more for the rest of the rows
    decoded = np.array([encoder.decode(z) for z in encoded.Z])
    np.testing.assert_allclose(decoded, values, rtol=1e-3)


def test_a_normal_column_is_not_put_on_a_logarithm():
    assert learned(Kind.NUMERIC, RNG.normal(100, 1, 2000))[0].unit is None


def test_a_flag_that_is_rarely_set_does_not_drown_the_rest():
    encoder, encoded, _ = learned(Kind.NUMERIC, [0.0] * 9999 + [1.0])
    assert encoder.unit is None
    assert encoded.Z.max() == pytest.approx(1 / 0.03, rel=0.01)


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.BOOLEAN, Kind.DATETIME])
def test_missing_values_do_not_count_for_what_is_learned(kind):
    values = np.array([0.0, 1.0, 1.0, 0.0] * 10)
    gaps = np.concatenate([values, [np.nan] * 10])
    without, with_gaps = learned(kind, values)[0], learned(kind, gaps)[0]
    assert with_gaps.missing_share == 0.2
    assert without.missing_share == 0
    assert dataclasses.replace(with_gaps, missing_share=0.0, novelty_penalty=0.0) == dataclasses.replace(
        without, novelty_penalty=0.0
    )


def test_rare_categories_share_a_bucket_and_common_ones_do_not():
    values = ["run"] * 60 + ["idle"] * 30 + ["flush"] * 4 + ["purge"] * 3 + [None] * 3
    encoder, _, _ = learned(Kind.CATEGORICAL, values)
    assert encoder.categories == ("run", "idle")
    assert encoder.rare == ("flush", "purge")
    assert encoder.shares == (0.6, 0.3)
    assert encoder.rare_share == pytest.approx(0.07)
    assert encoder.missing_share == pytest.approx(0.03)


def test_a_category_without_gaps_has_no_feature_for_them():
    encoder, _, _ = learned(Kind.CATEGORICAL, ["a"] * 33 + ["b"] * 34 + ["c"] * 32)
    assert encoder.missing_share == 0
    assert len(encoder.features) == 3


@pytest.mark.parametrize(
    ("days", "cycles"),
    [(0.5, ()), (1.9, ()), (2.1, ("day",)), (13.9, ("day",)), (14.1, ("day", "week")), (800, ("day", "week", "year"))],
)
def test_a_cycle_is_used_only_where_the_rows_cover_it_twice(days, cycles):
    timestamps = 1_700_000_000 + np.linspace(0, days * DAY, 5000)
    assert learned(Kind.DATETIME, timestamps)[0].cycles == cycles


def test_a_cycle_on_which_all_rows_have_the_same_phase_is_not_used():
    midnights = 1_700_006_400 + DAY * np.arange(60)
    assert learned(Kind.DATETIME, midnights)[0].cycles == ("week",)


@given(st.integers(1, 100))
def test_the_range_of_each_feature_is_that_of_the_fitting_rows(seed):
    _, encoded, preprocessor = learned(Kind.NUMERIC, np.random.default_rng(seed).normal(size=50))
    np.testing.assert_array_equal(preprocessor.limits, [encoded.Z.min(axis=0), encoded.Z.max(axis=0)])
    np.testing.assert_array_equal(preprocessor.within_limits(encoded.Z), encoded.Z)


@given(st.integers(20, 10**6))
def test_what_was_never_seen_is_as_surprising_as_a_value_beyond_all_of_n_normal_ones(n):
    from statistics import NormalDist

    deviations = novelty_penalty(n) ** 0.5
    assert 2 * NormalDist().cdf(-deviations) * (n + 1) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("largest", [1e160, 1e299])
def test_values_whose_squares_overflow_are_learned_from(largest):
    values = np.array([0.0, largest] * 20)
    _, encoded, _ = learned(Kind.NUMERIC, values)
    np.testing.assert_allclose(encoded.Z.std(dtype=float), 1, rtol=1e-3)


def test_a_value_from_which_nothing_can_be_learned_is_named():
    with pytest.raises(TableError, match=r"'c' has the value -1\.7e\+308"):
        learned(Kind.NUMERIC, np.array([1.0, 2.0, -1.7e308]))


@pytest.mark.parametrize("share", [0.001, 0.05, 0.4])
def test_a_column_with_gaps_counts_as_much_as_one_without(share):
    rng = np.random.default_rng(0)
    values = np.where(rng.random(200_000) < share, np.nan, rng.normal(3, 2, 200_000))
    _, encoded, preprocessor = learned(Kind.NUMERIC, values)
    squares = np.square(encoded.Z, dtype=float) * preprocessor.weights
    squares[encoded.missing] = 0.0  # a missing value is not judged
    assert squares.sum(axis=1).mean() == pytest.approx(1, rel=0.02)


def test_an_expected_number_is_one_that_the_column_could_have():
    encoder, _, _ = learned(Kind.NUMERIC, np.array([0.0, 1.0, 2.0, 3.0] * 10))
    assert [encoder.decode(np.array([z])) for z in (-9.0, 0.1, 9.0)] == [0.0, 2.0, 3.0]
    halves, _, _ = learned(Kind.NUMERIC, np.array([0.5, 1.0, 2.0, 3.0] * 10))
    assert not halves.decode(np.array([0.1])).is_integer()


def test_an_unseen_category_novelty_penaltys_less_where_many_rows_have_one_of_their_own():
    assert novelty_penalty(1000, singles=0) == novelty_penalty(1000, singles=1) == novelty_penalty(1000)
    assert novelty_penalty(1000) > novelty_penalty(1000, singles=50) > novelty_penalty(1000, singles=500) > 0
    schema = FeatureSchema(columns=(Column(name="shop", kind=Kind.CATEGORICAL),))
    shops = np.array([f"shop {n}" for n in range(200)] + ["big shop"] * 800, object)
    [encoder] = learn_preprocessor(schema, {"shop": shops}).encodings
    assert encoder.novelty_penalty == novelty_penalty(1000, singles=200)


def test_a_time_of_day_has_a_phase_however_few_hours_the_rows_cover():
    schema = FeatureSchema(columns=(Column(name="at", kind=Kind.DATETIME, layout="time"),))
    [encoder] = learn_preprocessor(schema, {"at": np.linspace(30_000.0, 33_000.0, 50)}).encodings
    assert (encoder.cycles, encoder.clock, len(encoder.features)) == (("day",), True, 2)


def test_rows_are_encoded_the_same_in_chunks_and_at_once(monkeypatch):
    columns = {
        "x": np.array([1.0, 2.0, np.nan, 4.0, 5.0, 7.0, 9.0]),
        "mode": np.array(["a", "b", "a", "new", None, "a", "b"], object),
    }
    schema = FeatureSchema(columns=(Column(name="x", kind=Kind.NUMERIC), Column(name="mode", kind=Kind.CATEGORICAL)))
    fitting = {name: values[[0, 1, 3, 5, 6]] for name, values in columns.items()}
    whole = learn_preprocessor(schema, fitting)
    monkeypatch.setattr("training.columns.learn_columns._CHUNK_ROWS", 2)
    preprocessor = learn_preprocessor(schema, fitting)
    np.testing.assert_array_equal(preprocessor.limits, whole.limits)
    chunks, at_once = encode(preprocessor, columns), whole.transform(columns)
    for part in ("Z", "missing", "novelty_penalty"):
        np.testing.assert_array_equal(getattr(chunks, part), getattr(at_once, part))
    plain = {name: values[[0, 1, 5, 6]] for name, values in columns.items()}
    assert encode(preprocessor, plain).missing is None
