"""Tables in which nearly all rows are flagged, or that have fractions in place of percent, are noted by column."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from samples import sample_detector, sample_record

from models.detector import Detector
from models.unlike_training import (
    fractions_of,
    joined_ranges,
    leading_columns,
    notes_of_flagged,
    notes_of_fractions,
    ranges_of,
)
from service.formats.json import decode_json
from service.formats.rows import noted
from training.estimator import AutoencoderDetector, DetectorWarning

LOW, HIGH = 20.0, 80.0


def with_range(detector: Detector) -> Detector:
    """A detector whose numbers were learned from 20 to 80."""
    preprocessor = detector.preprocessor
    ranged = tuple(replace(e, low=LOW, high=HIGH) if e.name == "number" else e for e in preprocessor.encodings)
    scorer = replace(detector.scorer, preprocessor=replace(preprocessor, encodings=ranged))
    return replace(detector, scorer=scorer)


DETECTOR = with_range(sample_detector())


def said(detector: Detector, records: list[dict[str, Any]]) -> list[str]:
    verdicts = detector.score_records(records)
    ranges = ranges_of(detector.preprocessor, verdicts.columns)
    return [str(note) for note in notes_of_flagged(detector, leading_columns(verdicts), ranges, {}, rows=len(records))]


def test_where_nearly_all_rows_are_flagged_the_column_and_its_other_range_are_named() -> None:
    strange = [sample_record(number=1e6 + row) for row in range(19)]
    [note] = said(DETECTOR, [*strange, sample_record()])
    assert note.startswith(
        "19 of 20 rows are flagged, mostly for 'number': its values are from 51.5 to 1000018, those of"
    )
    assert note.endswith("Is it written in another unit?")


@pytest.mark.parametrize(("strange", "usual"), [(19, 0), (17, 3), (0, 40)])
def test_a_few_rows_and_those_of_which_some_are_usual_are_not_noted(strange: int, usual: int) -> None:
    rows = [sample_record(number=1e6)] * strange + [sample_record()] * usual
    assert said(DETECTOR, rows) == []


def test_a_column_that_is_in_its_range_or_no_number_is_named_without_a_guess() -> None:
    [note] = said(DETECTOR, [sample_record(mode="never seen")] * 20)
    start = "20 of 20 rows are flagged, mostly for 'mode': its values, or what they are beside, are unlike"
    assert note.startswith(start)
    inside = {"number": (LOW, HIGH)}
    [note] = notes_of_flagged(DETECTOR, Counter(number=20), inside, {}, rows=20)
    assert "unlike those of training" in note


def test_rows_that_are_flagged_for_their_early_time_have_a_line_of_their_own() -> None:
    assert len(notes_of_flagged(DETECTOR, Counter(at=20), {}, {"at": 3}, rows=20)) == 1
    assert notes_of_flagged(DETECTOR, Counter(at=20), {}, {"at": 20}, rows=20) == []


def test_ranges_leave_out_missing_values_and_are_put_together() -> None:
    numbers = {e.name: np.array([np.nan, 3.0, -1.0]) for e in DETECTOR.preprocessor.encodings}
    one = ranges_of(DETECTOR.preprocessor, numbers)
    assert one == dict.fromkeys(("number", "amount"), (-1.0, 3.0))
    none = ranges_of(DETECTOR.preprocessor, {name: cells[:1] for name, cells in numbers.items()})
    assert none == {}
    assert joined_ranges([one, none, {"number": (0.0, 9.0)}]) == {"number": (-1.0, 9.0), "amount": (-1.0, 3.0)}


def in_percent() -> Detector:
    """The sample detector, with numbers in percent of which half are above 7."""
    columns = tuple(replace(c, unit="%") if c.name == "number" else c for c in DETECTOR.schema.columns)
    reference = {"columns": {"number": {"quantiles": {"0.5": 7.0}}}}
    return replace(DETECTOR, schema=replace(DETECTOR.schema, columns=columns), reference=reference)


@pytest.mark.parametrize(
    ("found", "is_noted"),
    [((0.0, 0.19), True), ((-0.5, 0.2), True), ((0.0, 19.0), False), ((0.0, 0.0), False)],
)
def test_fractions_where_percent_were_learned_are_noted(found: tuple[float, float], is_noted: bool) -> None:
    notes = notes_of_fractions(in_percent(), {"number": found}, rows=20)
    assert bool(notes) == is_noted
    assert all(note.startswith("'number' is in percent, half of training is above 7 %") for note in notes)
    assert notes_of_fractions(DETECTOR, {"number": found}, rows=20) == []


def test_the_range_of_fractions_ends_at_the_first_percentage() -> None:
    assert fractions_of([None, 0.07, float("nan"), -0.2]) == (-0.2, 0.07)
    assert fractions_of([None]) is None
    rest = iter([0.5, 7.0, 0.07])
    assert fractions_of(rest) is None
    assert list(rest) == [0.07]


@pytest.mark.parametrize(("number", "is_noted"), [(0.07, True), (7.0, False), ("0.07 %", True), (None, False)])
def test_fractions_over_http_are_noted(number: object, is_noted: bool) -> None:
    detector = in_percent()
    body = json.dumps([sample_record(number=number, serial=str(row)) for row in range(20)]).encode()
    rows = noted(decode_json(body, detector.schema, most=99), detector)
    assert any("write 7 or 7 %" in note for note in rows.notes) == is_noted


def test_the_estimator_warns_of_fractions_once_and_not_of_rows_that_are_meant_to_be_odd() -> None:
    estimator = AutoencoderDetector()
    estimator._take(in_percent(), (*DETECTOR.schema.names, "serial"), named=True, texts=True)

    def warned(**changes: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DetectorWarning)
            estimator.predict(pd.DataFrame([sample_record(serial=str(row), **changes) for row in range(20)]))
        return [str(each.message) for each in caught]

    assert warned(number=1e6) == []
    assert len([line for line in warned(number=0.07) if "write 7 or 7 %" in line]) == 1
