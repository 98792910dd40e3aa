"""Extremes: numbers far beyond nearly all others of their column."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import FakeEngine, numbers_preprocessor, sample_preprocessor

from models.bundle.score_parts import score_parts_from_plain, score_parts_to_plain
from models.encoders import NumericEncoding
from models.encoders.preprocessor import Encoded, Preprocessor
from models.errors import BundleError
from models.scoring import Scorer
from models.scoring.extremes import Extremes

ROWS = 1000
FITTING = np.random.default_rng(0).uniform(-1, 1, (ROWS, 3)).astype(np.float32)
SCORES = np.linspace(0, 2, ROWS)
THREE = numbers_preprocessor(1.0, 2.0, 0.5)


def learned(Z=FITTING, *, preprocessor=THREE, missing=None):
    return Extremes.of(Encoded(Z=Z, missing=missing), preprocessor, scores=SCORES[: len(Z)])


EXTREMES = learned()
PLAIN = Scorer(preprocessor=THREE, engine=FakeEngine(lambda Z: 0.5 * Z))
SCORER = replace(PLAIN, extremes=EXTREMES)
MATRICES = hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(-50, 50, width=32))


def by_hand(Z):
    """What a row adds, by its definition: five values at each end of a thousand are left out."""
    added = np.zeros((len(Z), 3))
    for column in range(3):
        values = np.sort(FITTING[:, column].astype(float))
        low, high = values[5], values[-6]
        excess = np.maximum(np.maximum(low - Z[:, column], Z[:, column] - high), 0) / (high - low)
        added[:, column] = np.maximum(excess - 0.25, 0) / 0.25
    return added.max(axis=1), added.argmax(axis=1)


@given(MATRICES)
def test_a_row_adds_its_largest_excess_in_units_of_a_quarter_of_the_range_to_that_column(Z):
    units, column = by_hand(Z.astype(float))
    added = SCORER.score(Encoded(Z=Z)).column_errors - PLAIN.score(Encoded(Z=Z)).column_errors
    expected = np.zeros_like(added)
    expected[np.arange(len(Z)), column] = np.quantile(SCORES, 0.999) * units
    np.testing.assert_allclose(added, expected, rtol=1e-4, atol=1e-4)


@given(MATRICES)
def test_what_the_columns_add_still_sums_exactly_to_the_score(Z):
    scores = SCORER.score(Encoded(Z=Z))
    np.testing.assert_array_equal(scores.column_errors.sum(axis=1), scores.anomaly_score)
    assert (scores.column_errors >= 0).all()


@given(MATRICES, st.data())
def test_a_row_scores_the_same_to_the_bit_alone_and_among_others(Z, data):
    row = data.draw(st.integers(0, len(Z) - 1))
    together, alone = SCORER.score(Encoded(Z=Z)), SCORER.score(Encoded(Z=Z[row : row + 1]))
    np.testing.assert_array_equal(alone.column_errors[0], together.column_errors[row])


def test_no_fitting_row_of_a_usual_column_adds_anything():
    assert EXTREMES.excesses(Encoded(Z=FITTING)) is None
    normal = np.random.default_rng(1).normal(size=(ROWS, 3)).astype(np.float32)
    assert learned(normal).excesses(Encoded(Z=normal)) is None


def test_gross_errors_among_the_fitting_rows_do_not_stretch_the_range():
    Z = FITTING.copy()
    Z[[3, 50, 700], 1] = [9.0, 12.0, -30.0]
    found = learned(Z).excesses(Encoded(Z=Z))
    assert found.rows.tolist() == [3, 50, 700]
    assert (found.features == 1).all()
    assert (found.units > 10).all()


def test_half_a_range_beyond_the_others_adds_what_the_strangest_of_a_thousand_fitting_rows_have():
    Z = np.zeros((1, 3), np.float32)
    low, high = np.sort(FITTING[:, 0])[[5, -6]]
    Z[0, 0] = high + (high - low) / 2
    added = SCORER.score(Encoded(Z=Z)).anomaly_score - PLAIN.score(Encoded(Z=Z)).anomaly_score
    assert added == pytest.approx(np.quantile(SCORES, 0.999), rel=1e-4)


def test_a_code_of_ten_values_has_no_range_and_a_column_of_eleven_has_one():
    Z = FITTING.copy()
    Z[:, 0] = np.arange(ROWS) % 10
    Z[:, 1] = np.arange(ROWS) % 11
    assert learned(Z).positions.tolist() == [1, 2]
    assert learned(Z[:, :1], preprocessor=numbers_preprocessor(1.0)) is None


def test_five_deviations_are_the_range_of_a_column_with_nearly_one_value():
    Z = FITTING.copy()
    Z[:, 0] = 0
    Z[:5, 0], Z[5:10, 0], Z[10:20, 0] = 100, -100, np.linspace(-1e-9, 1e-9, 10)
    assert learned(Z).units[:, 0] == pytest.approx(5 / 4 * Z[:, 0].std(), rel=1e-3)


def test_a_missing_value_is_neither_learned_nor_ever_beyond():
    Z, missing = FITTING.copy() + np.float32(100), np.zeros((ROWS, 3), bool)
    missing[::4] = True
    Z[missing] = 0  # as encoded
    extremes = learned(Z, missing=missing)
    assert (extremes.fences[0] > 98).all()
    assert extremes.excesses(Encoded(Z=Z, missing=missing)) is None
    assert len(extremes.excesses(Encoded(Z=Z)).rows) == ROWS // 4


def test_few_rows_keep_half_of_their_values_in_the_range():
    Z = np.arange(36, dtype=np.float32).reshape(12, 3)
    low, high = learned(Z).fences[:, 0]
    assert (low, high) == pytest.approx((9 - 3.75, 24 + 3.75))  # of 0, 3, …, 33 without three at each end


def logarithmic(center=0.4, scale=1.3):
    """A column on a logarithm, with the median 20 and half of the values within 15 of it."""
    return NumericEncoding(name="amount", center=center, scale=scale, origin=20.0, unit=15.0)


AMOUNTS = np.random.default_rng(5).lognormal(np.log(20), 2, ROWS)
PLAIN_AMOUNTS = NumericEncoding(name="amount", center=50.0, scale=100.0)


def encoded_by(encoding, numbers):
    return np.array([[encoding.encoded(number)] for number in numbers], np.float32)


@pytest.mark.parametrize("sign", [1, -1], ids=["positive", "negative"])
@pytest.mark.parametrize("planted", [0, 1, 3])
@pytest.mark.parametrize("encoding", [logarithmic(), PLAIN_AMOUNTS], ids=["logarithmic", "plain"])
def test_another_sign_than_nearly_all_others_is_beyond_the_fence(encoding, planted, sign):
    encoding = replace(encoding, center=sign * encoding.center, origin=sign * encoding.origin)
    amounts = sign * AMOUNTS
    amounts[:planted] *= -1
    preprocessor = Preprocessor(encodings=(encoding,), limits=np.zeros((2, 1), np.float32))
    extremes = learned(encoded_by(encoding, amounts), preprocessor=preprocessor)
    median = sign * np.median(AMOUNTS)
    asked = encoded_by(encoding, [-0.4 * median, -median, -10 * median, 0, median])
    found = extremes.excesses(Encoded(Z=asked))
    assert found.rows.tolist() == [1, 2]
    assert found.units[0] == pytest.approx(1, abs=0.1)
    assert found.units[1] > 5


def test_a_column_with_more_numbers_of_the_other_sign_has_no_fence_for_it():
    amounts = AMOUNTS.copy()
    amounts[:4] *= -1
    preprocessor = Preprocessor(encodings=(logarithmic(),), limits=np.zeros((2, 1), np.float32))
    extremes = learned(encoded_by(logarithmic(), amounts), preprocessor=preprocessor)
    assert extremes.excesses(Encoded(Z=encoded_by(logarithmic(), [-20, -40]))) is None


def far(*ranges):
    """Rows of usual numbers, of which the first are beyond their column by so many ranges."""
    Z = 0.9 * FITTING[:200]
    low, high = np.sort(FITTING[:, 2])[[5, -6]]
    Z[: len(ranges), 2] = high + (high - low) * np.array(ranges, np.float32)
    return Encoded(Z=Z)


def test_a_gross_error_is_beyond_the_others_by_ten_ranges():
    assert np.flatnonzero(EXTREMES.gross(far(9.9, 10.1))).tolist() == [1]
    assert not EXTREMES.gross(far()).any()


def test_rows_of_which_more_than_one_in_a_hundred_is_far_off_are_like_that_and_no_errors():
    assert EXTREMES.gross(far(20, 30)).sum() == 2
    assert not EXTREMES.gross(far(20, 30, 40)).any()
    assert EXTREMES.gross(far(20).rows(0, 5)).sum() == 1


@pytest.mark.parametrize("law", ["lognormal", "t with 2 degrees of freedom"])
def test_hardly_any_row_of_a_heavy_tail_is_a_gross_error(law):
    rng = np.random.default_rng(1)

    def draw(n):
        return rng.lognormal(0, 1, (n, 3)) if law == "lognormal" else rng.standard_t(2, (n, 3))

    extremes = learned(draw(ROWS).astype(np.float32))
    assert extremes.gross(Encoded(Z=draw(100_000).astype(np.float32))).mean() < 2e-4


def test_the_reconstruction_error_does_not_hold_extremes():
    Z = np.full((4, 3), 9, np.float32)
    np.testing.assert_array_equal(SCORER.reconstruction_error(Encoded(Z=Z)), PLAIN.reconstruction_error(Encoded(Z=Z)))


def test_a_feature_of_a_wide_column_counts_for_its_column():
    preprocessor = sample_preprocessor()
    starts = preprocessor.starts
    Z = np.random.default_rng(0).uniform(-1, 1, (ROWS, len(preprocessor.features))).astype(np.float32)
    extremes = learned(Z, preprocessor=preprocessor)
    scorer = Scorer(preprocessor=preprocessor, engine=FakeEngine(lambda Z: Z), extremes=extremes)
    Z[:, :] = 0
    Z[0, starts[1]], Z[1, starts[3]] = 3, 3  # a number, and the level of a category
    found = scorer.score(Encoded(Z=Z[:2])).column_errors
    assert np.flatnonzero(found[0]).tolist() == [1]
    assert not found[1].any()


# --- plain data -----------------------------------------------------------------------------------------


def round_trip(scorer, **changes):
    plain = json.loads(json.dumps(score_parts_to_plain(scorer)))
    if changes:
        plain["extremes"] |= changes
    return score_parts_from_plain(plain, features=3)


def test_extremes_are_equal_after_a_round_trip_and_absent_in_an_older_bundle():
    ensemble, extremes = round_trip(SCORER)
    assert ensemble is None
    Z = 9 * FITTING
    np.testing.assert_array_equal(
        replace(SCORER, extremes=extremes).score(Encoded(Z=Z)).column_errors,
        SCORER.score(Encoded(Z=Z)).column_errors,
    )
    assert score_parts_to_plain(PLAIN) == {"families": []}
    assert round_trip(PLAIN) == (None, None)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"positions": []}, "shapes"),
        ({"positions": [0, 1]}, "shapes"),
        ({"positions": [0, 2, 1]}, "other features"),
        ({"positions": [0, 1, 3]}, "other features"),
        ({"positions": [-1, 1, 2]}, "other features"),
        ({"positions": [0.5, 1, 2]}, "Expected `int`"),
        ({"fences": [[1.0, 1.0, 1.0], [0.0, 2.0, 2.0]]}, "range of the extremes is empty"),
        ({"fences": [[1e300, 1.0, 1.0], [0.0, 2.0, 2.0]]}, "deviations away"),
        ({"units": [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]}, "range of the extremes is empty"),
        ({"units": [[1.0, 1.0, 1.0]]}, "shapes"),
        ({"scale": -1.0}, "below 0"),
        ({"scale": None}, "Expected `float`"),
        ({"more": 1}, "shapes"),
    ],
)
def test_damaged_extremes_are_refused(changes, complaint):
    with pytest.raises(BundleError, match=f"The extremes are not readable .*{complaint}"):
        round_trip(SCORER, **changes)
