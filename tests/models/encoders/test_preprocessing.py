from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import numbers_preprocessor, sample_preprocessor, sample_record, sample_schema

from models.columns.from_records import columns_of_records
from models.encoders.preprocessor import Preprocessor
from models.errors import BundleError

SCHEMA = sample_schema()
COMPLETE = sample_preprocessor()  # no fitting row lacked a value
WITH_GAPS = sample_preprocessor(missing_share=0.1)


def transformed(preprocessor, *records):
    return preprocessor.transform(columns_of_records(SCHEMA, records))


def test_each_feature_maps_back_to_one_column():
    for preprocessor in (COMPLETE, WITH_GAPS):
        places = [range(place.start, place.stop) for place in preprocessor.slices]
        assert [feature for place in places for feature in place] == list(range(len(preprocessor.features)))
        assert preprocessor.starts.tolist() == [place.start for place in places]
        for encoder, place in zip(preprocessor.encodings, preprocessor.slices, strict=True):
            assert preprocessor.features[place] == encoder.features


def test_the_weights_are_the_mean_over_the_columns():
    assert numbers_preprocessor(1.0, 1.0, 1.0, 1.0).weights.tolist() == [0.25] * 4
    np.testing.assert_allclose(np.add.reduceat(COMPLETE.weights, COMPLETE.starts), 1 / 5, rtol=1e-6)


def test_all_features_count_of_a_row_without_anything_new():
    encoded = transformed(WITH_GAPS, sample_record())
    assert (encoded.missing, encoded.novelty_penalty) == (None, None)


@pytest.mark.parametrize("number", range(5))
def test_the_features_of_a_missing_value_do_not_count(number):
    name = SCHEMA.names[number]
    encoded = transformed(WITH_GAPS, sample_record(), sample_record(**{name: None}))
    place = WITH_GAPS.slices[number]
    expected = np.zeros(encoded.Z.shape, bool)
    expected[1, place.start : place.stop - 1] = True  # the last feature says that it is missing, and is judged
    np.testing.assert_array_equal(encoded.missing, expected)


@pytest.mark.parametrize("number", range(5))
def test_a_first_missing_value_adds_the_novelty_penalty_of_its_column_and_a_usual_one_does_not(number):
    gap = sample_record(**{SCHEMA.names[number]: None})
    expected = np.zeros((2, 5))
    expected[1, number] = 9.0 / 5
    np.testing.assert_allclose(transformed(COMPLETE, sample_record(), gap).novelty_penalty, expected)
    assert transformed(WITH_GAPS, sample_record(), gap).novelty_penalty.sum() == 0


def test_an_unseen_category_adds_the_novelty_penalty_of_its_column():
    for preprocessor in (COMPLETE, WITH_GAPS):
        encoded = transformed(preprocessor, sample_record(mode="never seen"), sample_record(mode="flush"))
        np.testing.assert_allclose(encoded.novelty_penalty[:, 3], [9.0 / 5, 0.0])
        assert encoded.missing is None


def test_encoded_rows_can_be_cut_anywhere():
    records = [sample_record(), sample_record(number=None), sample_record(mode="never seen")]
    whole = transformed(COMPLETE, *records)
    for row, record in enumerate(records):
        piece, alone = whole.rows(row, row + 1), transformed(COMPLETE, record)
        np.testing.assert_array_equal(piece.Z, alone.Z)
        np.testing.assert_array_equal(piece.missing, np.zeros_like(piece.Z) if alone.missing is None else alone.missing)
        np.testing.assert_array_equal(
            piece.novelty_penalty, np.zeros((1, 5)) if alone.novelty_penalty is None else alone.novelty_penalty
        )


def test_columns_are_not_changed():
    columns = columns_of_records(SCHEMA, [sample_record(), sample_record(number=None, mode=None)])
    before = copy.deepcopy(columns)
    COMPLETE.transform(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(values, before[name])


@given(st.lists(st.floats(-(2.0**50), 2.0**50, width=32), min_size=2, max_size=2))
def test_the_network_is_given_only_what_the_fitting_rows_had(row):
    preprocessor = numbers_preprocessor(1.0, 1.0, limit=2.0)
    Z = np.array([row], np.float32)
    before = Z.copy()
    held = preprocessor.within_limits(Z)
    assert (np.abs(held) <= 2.0).all()
    np.testing.assert_array_equal(held[np.abs(Z) <= 2.0], Z[np.abs(Z) <= 2.0])
    np.testing.assert_array_equal(Z, before)


def test_a_preprocessor_encodes_the_same_after_a_round_trip_through_json():
    for preprocessor in (COMPLETE, WITH_GAPS):
        again = Preprocessor.from_json(json.loads(json.dumps(preprocessor.to_json())))
        assert again.encodings == preprocessor.encodings
        np.testing.assert_array_equal(again.limits, preprocessor.limits)


@pytest.mark.parametrize(
    "damage",
    [
        {"limits": [[0.0], [1.0]]},
        {"limits": "wide"},
        {"limits": None},
        {"limits": [[float("nan")] * len(COMPLETE.features)] * 2},
        {"limits": [[1.0] * len(COMPLETE.features), [0.0] * len(COMPLETE.features)]},
        {"limits": [[10**400] * len(COMPLETE.features)] * 2},
        {"encodings": 3},
        {"encodings": []},
        {"encodings": [{"kind": "numeric", "name": "x", "center": 0.0, "scale": 0.0}]},
        {"encodings": [{"kind": "colour"}]},
        {"encodings": [{"kind": "numeric", "name": "x"}]},
        {"encodings": [{"kind": "numeric", "name": "x", "center": 0.0, "scale": 1.0, "more": 1}]},
    ],
)
def test_a_damaged_preprocessor_is_refused(damage):
    with pytest.raises(BundleError, match="preprocessor is not readable"):
        Preprocessor.from_json(COMPLETE.to_json() | damage)


def test_a_value_that_overflows_is_held_at_the_largest_distance_in_silence():
    Z = numbers_preprocessor(0.1).transform({"a": np.array([1.7e308, -1.7e308])}).Z
    assert Z[:, 0].tolist() == pytest.approx([1e15, -1e15])


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ([[0.0], [1.0]], r"limits of shape \(2, 1\) for 11 features"),
        ([[0.0] * 11], r"limits of shape \(1, 11\) for 11 features"),
        ([[1.0] * 11, [0.0] * 11], "a limit is above its other end"),
        ([[0.0] * 11, [1e16] * 11], "further than 1e"),
    ],
)
def test_limits_that_cannot_be_are_refused_with_the_reason(limits, complaint):
    with pytest.raises(BundleError, match=complaint):
        Preprocessor.from_json(COMPLETE.to_json() | {"limits": limits})


def test_limits_may_be_one_point():
    """A feature that was the same in all fitting rows."""
    Preprocessor.from_json(COMPLETE.to_json() | {"limits": [[0.5] * 11] * 2})


@pytest.mark.parametrize("missing_share", [0.0, 0.1])
def test_a_record_may_have_several_gaps_and_other_records_others(missing_share):
    preprocessor = sample_preprocessor(missing_share=missing_share)
    records = [sample_record(number=None, flag=None), sample_record(mode=None), sample_record(at=None, amount=None)]
    together = transformed(preprocessor, *records)
    assert together.missing.sum(axis=1).tolist() == [2, 3, 6]
    for row, record in enumerate(records):
        alone = transformed(preprocessor, record)
        np.testing.assert_array_equal(together.missing[row], alone.missing[0])
        np.testing.assert_array_equal(together.novelty_penalty[row], alone.novelty_penalty[0])
    gaps = 0 if missing_share else 9.0 / 5
    np.testing.assert_allclose(together.novelty_penalty.sum(axis=1), [2 * gaps, gaps, 2 * gaps])


def test_weights_are_as_wide_as_the_features_they_are_multiplied_with():
    assert sample_preprocessor().weights.dtype == np.float32
