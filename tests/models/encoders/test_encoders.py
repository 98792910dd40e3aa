from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import sample_encodings

from models.encoders import (
    CYCLES,
    ENCODINGS,
    BooleanEncoding,
    CategoricalEncoding,
    NumericEncoding,
    TimestampEncoding,
    cycle_phase,
    encoders_of,
    encoding_from_json,
    encoding_to_json,
    features_from_plain,
)
from models.encoders.encoding import Z_LIMIT, ValueMasks
from models.schema import Kind

EVERY = [
    pytest.param(encoding, id=f"{encoding.name}, {share:.0%} missing")
    for share in (0.0, 0.1)
    for encoding in sample_encodings(missing_share=share)
]
HOSTILE = [0.0, -0.0, 1.0, 1e-300, -1e300, 1e308, 5e-324, np.nan]
DAY = CYCLES["day"]


def values_of(encoding):
    if encoding.kind is Kind.CATEGORICAL:
        return np.array(["run", "idle", "flush", "never seen", "", None], object)
    return np.array([0.0, 1.0, np.nan]) if encoding.kind is Kind.BOOLEAN else np.array(HOSTILE)


def encoded(encoding, values):
    """Encode one column, and return its features with which values are missing and which unseen."""
    [(_, encoder)] = encoders_of([encoding], [0])
    out = np.full((len(values), len(encoding.features)), np.nan, np.float32)
    with np.errstate(over="ignore"):
        masks = encoder.encode({encoding.name: values}, out)
    return out, ValueMasks(*(None if mask is None else mask[0] for mask in masks))


def seconds(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# --- every encoding --------------------------------------------------------------------------------------


def test_there_is_one_encoder_for_each_kind_and_each_is_tested():
    assert set(ENCODINGS) == set(Kind) == {encoding.kind for encoding in sample_encodings()}
    assert len(ENCODINGS) == 4
    assert all(encoding.kind is kind for kind, encoding in ENCODINGS.items())


@pytest.mark.parametrize("encoding", EVERY)
def test_every_encoder_is_equal_after_a_round_trip_through_json(encoding):
    assert encoding_from_json(json.loads(json.dumps(encoding_to_json(encoding)))) == encoding


@pytest.mark.parametrize("encoding", EVERY)
def test_every_feature_has_a_name_of_its_own_that_begins_with_the_columns_and_a_weight(encoding):
    assert len(set(encoding.features)) == len(encoding.features) == len(encoding.weights)
    assert all(feature.startswith(encoding.name) for feature in encoding.features)
    assert min(encoding.weights) > 0


@pytest.mark.parametrize("encoding", EVERY)
def test_every_encoder_fills_all_of_its_features_with_finite_numbers(encoding):
    Z, _ = encoded(encoding, values_of(encoding))
    assert np.isfinite(Z).all()
    assert np.isfinite(np.square(Z)).all()


@pytest.mark.parametrize("encoding", EVERY)
def test_a_value_is_encoded_the_same_alone_and_among_others(encoding):
    values = values_of(encoding)
    together, _ = encoded(encoding, values)
    for row in range(len(values)):
        np.testing.assert_array_equal(encoded(encoding, values[row : row + 1])[0][0], together[row])


@pytest.mark.parametrize("encoding", EVERY)
def test_values_are_not_changed_by_encoding(encoding):
    values = values_of(encoding)
    before = values.copy()
    encoded(encoding, values)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("encoding", EVERY)
def test_only_missing_values_are_reported_as_missing(encoding):
    values = values_of(encoding)
    _, masks = encoded(encoding, values)
    expected = [value is None or value != value for value in values]  # noqa: PLR0124 (NaN is unlike itself)
    assert masks.missing.tolist() == expected


@pytest.mark.parametrize("encoding", EVERY)
def test_without_a_missing_value_none_is_reported(encoding):
    assert encoded(encoding, values_of(encoding)[:2])[1].missing is None


@pytest.mark.parametrize("encoding", EVERY)
def test_that_a_value_is_missing_is_a_feature_only_where_fitting_rows_lacked_some(encoding):
    has_feature = len(encoding.features) - len(encoding.value_names) == 1
    assert has_feature == (encoding.missing_share > 0)
    if has_feature:
        Z, masks = encoded(encoding, values_of(encoding))
        assert (Z[masks.missing, -1] > 0).all()
        assert (Z[~masks.missing, -1] < 0).all()


@pytest.mark.parametrize("encoding", EVERY)
def test_a_missing_value_is_reported_as_none(encoding):
    missing = None if encoding.kind is Kind.CATEGORICAL else np.nan
    assert encoding.actual(missing) is None


@pytest.mark.parametrize("encoding", EVERY)
def test_every_encoder_says_how_its_column_enters(encoding):
    assert ("missing in 10.0%" in encoding.describe()) == (encoding.missing_share > 0)


# --- numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", sample_encodings()[:2], ids=["standardised", "logarithm"])
@given(st.floats(-1e6, 1e6))
def test_an_expected_number_comes_back_in_the_units_of_the_user(encoding, number):
    Z, _ = encoded(encoding, np.array([number]))
    assert encoding.decode(Z[0]) == pytest.approx(number, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("encoding", sample_encodings()[:2], ids=["standardised", "logarithm"])
@given(st.floats(-1e6, 1e6), st.floats(1.001, 10))
def test_a_number_further_from_the_middle_is_further_away_and_never_clipped(encoding, distance, factor):
    assume(abs(distance) > 1e-3)
    middle = encoding.origin if encoding.unit else encoding.center
    Z, _ = encoded(encoding, np.array([middle, middle + distance, middle + factor * distance]))
    near, far = np.diff(Z[:, 0] - Z[0, 0])[[0, 0]][0], Z[2, 0] - Z[0, 0]
    assert abs(far) > abs(near)


def test_numbers_are_standardised():
    encoding = NumericEncoding(name="x", center=10.0, scale=2.0)
    np.testing.assert_array_equal(encoded(encoding, np.array([10.0, 12.0, 4.0]))[0][:, 0], [0.0, 1.0, -3.0])


def test_the_logarithm_is_signed_around_its_origin():
    encoding = NumericEncoding(name="x", center=0.0, scale=1.0, origin=10.0, unit=4.0)
    Z, _ = encoded(encoding, np.array([10.0, 14.0, 6.0]))
    np.testing.assert_allclose(Z[:, 0], [0.0, np.log(2), -np.log(2)], rtol=1e-6)


# --- truth values ---------------------------------------------------------------------------------------


@given(st.floats(0.001, 0.999))
def test_truth_values_come_back_from_their_features(share):
    encoding = BooleanEncoding(name="flag", share=share)
    Z, _ = encoded(encoding, np.array([0.0, 1.0]))
    assert [encoding.decode(z) for z in Z] == [False, True]
    assert (encoding.actual(0.0), encoding.actual(1.0)) == (False, True)


# --- categories -----------------------------------------------------------------------------------------


CATEGORICAL = sample_encodings(missing_share=0.1)[3]


def test_a_category_comes_back_from_its_features_and_a_rare_one_as_rare():
    Z, _ = encoded(CATEGORICAL, np.array(["run", "idle", "flush", None], object))
    assert [CATEGORICAL.decode(z) for z in Z] == ["run", "idle", "(rare)", None]


def test_rare_categories_share_one_level():
    Z, masks = encoded(CATEGORICAL, np.array(["flush", "purge", "run"], object))
    np.testing.assert_array_equal(Z[0], Z[1])
    assert not np.array_equal(Z[0], Z[2])
    assert masks.unseen is None


def test_an_unseen_category_is_in_the_rare_bucket_and_reported_as_unseen():
    Z, masks = encoded(CATEGORICAL, np.array(["flush", "never seen"], object))
    np.testing.assert_array_equal(Z[0], Z[1])
    assert masks.unseen.tolist() == [False, True]


def test_an_unseen_category_has_no_level_where_there_is_no_bucket():
    encoding = CategoricalEncoding(name="c", categories=("a", "b"), shares=(0.5, 0.5))
    Z, masks = encoded(encoding, np.array(["never seen", "a"], object))
    assert (Z[0] < 0).all()
    assert masks.unseen.tolist() == [True, False]


def test_missing_unseen_and_rare_values_have_other_features():
    Z, masks = encoded(CATEGORICAL, np.array([None, "never seen", "flush"], object))
    assert masks.missing.tolist() == [True, False, False]
    assert masks.unseen.tolist() == [False, True, False]
    assert not np.array_equal(Z[0], Z[2])


@given(st.lists(st.integers(1, 100), min_size=2, max_size=6))
def test_a_level_has_mean_zero_and_unit_variance_over_the_fitting_rows(counts):
    total = sum(counts)
    names = tuple(f"c{i}" for i in range(len(counts)))
    encoding = CategoricalEncoding(name="c", categories=names, shares=tuple(count / total for count in counts))
    Z, _ = encoded(encoding, np.repeat(np.array(names, object), counts))
    common = np.array([0.0101 < count / total < 0.9899 for count in counts])  # rarer ones are held back
    np.testing.assert_allclose(Z.mean(axis=0, dtype=float), 0, atol=1e-4)
    np.testing.assert_allclose(Z.std(axis=0, dtype=float)[common], 1, rtol=1e-3)


# --- timestamps -----------------------------------------------------------------------------------------


TIMESTAMPS = sample_encodings()[4]


def test_a_timestamp_within_the_training_period_or_after_it_has_no_elapsed_time():
    """Or the network would learn when the strange rows were, and each later record would be strange."""
    Z, _ = encoded(TIMESTAMPS, TIMESTAMPS.start + DAY * np.array([0, 1, 59, 700]))
    assert Z[:, 0].tolist() == [0, 0, 0, 0]


def test_the_longer_a_timestamp_lies_before_the_training_period_the_further_it_is():
    Z, _ = encoded(TIMESTAMPS, TIMESTAMPS.start - DAY * np.array([0, 1, 7, 700]))
    assert (np.diff(Z[:, 0]) < 0).all()


def test_the_same_time_of_day_is_the_same_phase_of_the_day_even_after_the_last_fitting_row():
    Z, _ = encoded(TIMESTAMPS, np.array([TIMESTAMPS.start + 3600, TIMESTAMPS.start + 400 * DAY + 3600]))
    np.testing.assert_allclose(Z[0, 1:3], Z[1, 1:3], atol=1e-5)


@pytest.mark.parametrize("cycle", CYCLES)
def test_phases_on_a_cycle_have_unit_variance_over_a_whole_cycle(cycle):
    encoding = TimestampEncoding(name="at", start=0.0, scale=1.0, cycles=(cycle,))
    Z, _ = encoded(encoding, np.linspace(0, CYCLES[cycle], 10_000, endpoint=False))
    np.testing.assert_allclose(Z[:, 1:].std(axis=0, dtype=float), 1, rtol=1e-3)


def test_a_week_begins_on_monday():
    assert cycle_phase(np.array([seconds("2024-01-01T00:00:00")]), "week") == [0.0]
    assert cycle_phase(np.array([seconds("2024-01-07T12:00:00")]), "week") == pytest.approx([6.5 / 7])


@given(st.integers(0, 60 * 1440))
def test_an_expected_timestamp_is_a_weekday_and_a_time_of_day(minutes):
    moment = TIMESTAMPS.start + 60 * minutes
    Z, _ = encoded(TIMESTAMPS, np.array([moment]))
    assert TIMESTAMPS.decode(Z[0]) == datetime.fromtimestamp(moment, tz=UTC).strftime("%a, %H:%M")


def test_an_expected_timestamp_without_cycles_is_the_training_period():
    encoding = TimestampEncoding(name="at", start=1e9, scale=1e8)
    assert encoding.decode(np.zeros(1, np.float32)) == "from 2001-09-09T01:46:40"


def test_a_timestamp_is_reported_as_iso_8601():
    assert TIMESTAMPS.actual(seconds("2024-01-20T06:30:00")) == "2024-01-20T06:30:00"


def test_an_encoder_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="colour"):
        encoding_from_json({"kind": "colour", "name": "x"})


# --- in words, and where two levels are near ------------------------------------------------------------


def described(number, **changes):
    return dataclasses.replace(sample_encodings()[number], **changes).describe()


def test_an_encoding_is_described_in_one_phrase():
    missing = "; missing in 10.0%, which is a feature"
    assert described(0) == "standardised"
    assert described(0, missing_share=0.1) == "standardised" + missing
    assert described(1) == "logarithm of its distance from the median, standardised"
    assert described(2, missing_share=0.1) == "true in 30.0% of rows" + missing
    assert described(3) == "2 categories, 2 rare ones in one bucket"
    assert described(3, rare=(), rare_share=0.0, missing_share=0.1) == "2 categories" + missing
    assert described(4) == "time of day, time of week, time elapsed since 2024-01-01T00:00:00"
    assert described(4, cycles=(), missing_share=0.1) == "time elapsed since 2024-01-01T00:00:00" + missing


def test_a_feature_is_named_for_what_it_holds():
    assert [encoding.features for encoding in sample_encodings(missing_share=0.1)] == [
        ("number", "number is missing"),
        ("amount", "amount is missing"),
        ("flag", "flag is missing"),
        ("mode = run", "mode = idle", "mode is rare", "mode is missing"),
        (
            "at: elapsed",
            *("at: sine of day", "at: cosine of day", "at: sine of week", "at: cosine of week"),
            "at is missing",
        ),
    ]


def test_an_expected_number_is_whole_where_all_were_and_never_beyond_those_that_were():
    encoding = NumericEncoding(name="x", center=10.0, scale=2.0, low=4.0, high=13.0, whole=True)
    assert [encoding.decode(np.array([z])) for z in (0.2, 0.3, 9.0, -9.0)] == [10.0, 11.0, 13.0, 4.0]
    assert dataclasses.replace(encoding, whole=False).decode(np.array([0.25])) == 10.5


def test_an_expected_truth_value_is_the_nearer_one():
    encoding = BooleanEncoding(name="flag", share=0.3)
    assert [encoding.decode(np.array([z])) for z in (0.2, 0.43, 0.44)] == [False, False, True]
    assert BooleanEncoding(name="flag", share=0.5).decode(np.zeros(1)) is True


def test_an_expected_category_is_the_most_likely_one():
    shares = {"categories": ("run", "idle"), "shares": (0.5, 0.3), "rare_share": 0.1, "missing_share": 0.1}
    encoding = CategoricalEncoding(name="mode", rare=("flush",), **shares)
    assert encoding.decode(np.zeros(4)) == "run"
    assert encoding.decode(np.array([0.0, 0.0, 1.0, 0.0])) == "run"
    assert encoding.decode(np.array([0.0, 0.6, 0.0, 0.0])) == "idle"
    assert encoding.decode(np.array([0.0, 0.0, 2.0, 0.0])) == "(rare)"


def test_time_before_the_training_period_is_counted_in_its_deviations():
    Z, _ = encoded(TIMESTAMPS, TIMESTAMPS.start - TIMESTAMPS.scale * np.array([1.0, 2.5]))
    np.testing.assert_allclose(Z[:, 0], [-1.0, -2.5], rtol=1e-6)


def test_every_cycle_has_its_own_beginning():
    epoch = np.zeros(1)
    assert cycle_phase(epoch, "day") == [0.0]
    assert cycle_phase(epoch, "year") == [0.0]
    assert cycle_phase(epoch, "week") == pytest.approx([3 / 7])  # a Thursday


@pytest.mark.parametrize(("share", "variance"), [(0.1, 1.9), (0.005, 1.4925), (0.5, 1.5)])
def test_the_variance_of_a_column_is_one_in_all_with_the_feature_for_missing_values(share, variance):
    """The value counts where it is there; the indicator's variance is below one where gaps are very rare."""
    for encoding in (
        NumericEncoding(name="x", center=0.0, scale=1.0, missing_share=share),
        BooleanEncoding(name="x", share=0.3, missing_share=share),
    ):
        assert encoding.weights == pytest.approx((1 / variance,) * 2)
    waves = TimestampEncoding(name="at", start=0.0, scale=1.0, cycles=("day",), missing_share=share)
    assert waves.weights == pytest.approx((1 / 3 / variance,) * 3 + (1 / variance,))


def test_without_gaps_the_weights_of_a_column_are_one_in_all():
    assert [sum(encoding.weights) for encoding in sample_encodings()] == pytest.approx([1.0] * 5)
    assert sample_encodings(missing_share=0.1)[3].weights == (0.25,) * 4


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("numeric", {"scale": 0.0}),
        ("numeric", {"scale": -1.0}),
        ("numeric", {"scale": float("nan")}),
        ("numeric", {"scale": float("inf")}),
        ("numeric", {"scale": "5"}),
        ("numeric", {"scale": True}),
        ("numeric", {"scale": None}),
        ("numeric", {"center": float("inf")}),
        ("numeric", {"center": 10**400}),
        ("numeric", {"low": float("nan")}),
        ("numeric", {"unit": 0.0}),
        ("numeric", {"whole": 1}),
        ("numeric", {"name": 3}),
        ("numeric", {"missing_share": 1.5}),
        ("numeric", {"novelty_penalty": -1.0}),
        ("numeric", {"colour": "red"}),
        ("boolean", {"share": 2.0}),
        ("boolean", {"share": [0.5]}),
        ("categorical", {"categories": "run"}),
        ("categorical", {"categories": ["run", 3]}),
        ("categorical", {"categories": ["run"]}),
        ("categorical", {"shares": [0.5, float("nan")]}),
        ("categorical", {"shares": [0.5, "x"]}),
        ("categorical", {"rare": [["flush"]]}),
        ("datetime", {"cycles": ["month"]}),
        ("datetime", {"clock": "yes"}),
        ("datetime", {"start": None}),
    ],
)
def test_a_damaged_encoder_is_refused(kind, damage):
    plain = next(encoding_to_json(encoding) for encoding in sample_encodings() if encoding.kind == kind)
    with pytest.raises((TypeError, ValueError)):
        encoding_from_json(plain | damage)


def test_a_time_of_day_enters_with_its_phase_in_the_day_alone():
    encoding = TimestampEncoding(name="t", start=0.0, scale=1.0, cycles=("day",), clock=True)
    Z, masks = encoded(encoding, np.array([0.0, 0.25 * DAY, np.nan]))
    np.testing.assert_allclose(Z[:2], np.sqrt(2) * np.array([[0, 1], [1, 0]]), atol=1e-6)
    assert masks.missing.tolist() == [False, False, True]
    assert encoding.features == ("t: sine of day", "t: cosine of day")
    assert [encoding.actual(value) for value in (0.25 * DAY, np.nan)] == ["06:00:00", None]
    assert encoding.decode(Z[1]) == "06:00"
    assert encoding.describe() == "time of day"


def test_the_network_is_given_the_mean_for_a_missing_value_and_its_feature_is_standardised():
    encoding = NumericEncoding(name="x", center=50.0, scale=5.0, missing_share=0.2)
    Z, _ = encoded(encoding, np.array([np.nan, 55.0]))
    np.testing.assert_allclose(Z, [[0.0, 0.8 / 0.4], [1.0, -0.2 / 0.4]], rtol=1e-6)


def test_a_missing_category_has_a_level_of_its_own_behind_the_others():
    levels = {"categories": ("run", "idle"), "shares": (0.5, 0.25), "missing_share": 0.25}
    encoding = CategoricalEncoding(name="mode", **levels)
    assert (len(encoding.value_names), len(encoding.features)) == (2, 3)
    Z, masks = encoded(encoding, np.array([None, "run"], object))
    assert (Z[0] > 0).tolist() == [False, False, True]
    assert (Z[1] > 0).tolist() == [True, False, False]
    assert masks.missing.tolist() == [True, False]


def test_a_time_of_day_with_gaps_says_so():
    encoding = TimestampEncoding(name="t", start=0.0, scale=1.0, cycles=("day",), clock=True, missing_share=0.1)
    assert encoding.describe() == "time of day; missing in 10.0%, which is a feature"


def test_plain_rows_of_features_hold_at_most_the_largest_distance():
    assert features_from_plain([[Z_LIMIT, -1], [0, 2.5]]).dtype == np.float32
    for plain in ([[1.1 * Z_LIMIT]], [[-1.1 * Z_LIMIT]], [["1"]], [[1.0], [1.0, 2.0]], [1.0], None):
        with pytest.raises(ValueError, match=r"deviations away|Expected|inhomogeneous"):
            features_from_plain(plain)
