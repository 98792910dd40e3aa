from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from models.errors import TableError
from models.tables.table import table_of
from training.columns.date_forms import date_reason
from training.data.prepare import prepare
from training.settings.config import TrainConfig

RNG = np.random.default_rng(4)
DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 365 * 86_400, 300), unit="s")
ISO = ": write them as ISO 8601 has it (2024-02-26T01:50:07)"
FORMS = ["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %b %Y", "%d.%m.%y", "%H:%M", "%s", "%b %d, %Y", "%Y-W%W"]
LONGEST = 330


def noted(**columns: object) -> list[str]:
    frame = pd.DataFrame({"x": RNG.normal(size=len(DAYS)), **columns})
    return [str(finding) for finding in prepare(table_of(frame), TrainConfig()).findings]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (
            ["01/02/2024", "08/20/2024", "20/08/2024"],
            "dates in which the month comes first ('08/20/2024') and others in which the day does ('20/08/2024')" + ISO,
        ),
        (
            ["01.02.2024", "28.02.2024", "1730764796"],
            "dates or times of several forms, such as '28.02.2024' and '1730764796'" + ISO,
        ),
        (["2024-02-28", "28.02.24"], "dates or times of several forms, such as '2024-02-28' and '28.02.24'" + ISO),
        (["20-kwi-2016 03:00", "21-maj-2016 05:00"], "dates of no known form, such as '20-kwi-2016 03:00'" + ISO),
        (["2024-02-28", "soon"], None),
        (["1730764796", "1730764797"], None),
    ],
)
def test_dates_of_several_forms_have_one_reason_with_an_example_of_each(texts, reason):
    assert date_reason(texts) == reason


@pytest.mark.parametrize("few", [2, 30])
@pytest.mark.parametrize("forms", [*itertools.combinations(FORMS, 2)], ids=" ".join)
def test_two_forms_of_dates_in_a_column_are_read_or_are_one_note(forms, few):
    texts = [day.strftime(forms[row % few == 0]) for row, day in enumerate(DAYS)]
    try:
        about = [note for note in noted(at=texts) if note.startswith("'at': dropped")]
    except TableError as question:
        about = [str(question)]
    assert len(about) <= 1
    for note in about:
        assert len(note) <= LONGEST
        assert "numbers" not in note
        assert note.count(": write") <= 1


@pytest.mark.parametrize(
    "text",
    [
        "{n}/7",
        "2024-{n:05d}",
        "0{n:05d}",
        "{n:,}.5x",
        "p-{n}-a",
        "some words about {n}",
        "192.168.0.{n}",
        "A{n} kg",
        "{n} CR",
        "0" * 80 + "{n}",
        "{n}/" + "7" * 90,
        "z" * 400,
    ],
)
def test_a_note_about_a_column_that_is_left_out_is_short(text):
    assert all(len(note) <= LONGEST for note in noted(at=[text.format(n=row) for row in range(len(DAYS))]))


@pytest.mark.parametrize("stray", ["bad value number {n}", "this reading failed because of " + "x" * 300])
@pytest.mark.parametrize("every", [12, 100])
def test_a_note_about_texts_among_numbers_is_short(stray, every):
    cells = [stray.format(n=row) if row % every == 0 else f"{row * 7 % 297}.5" for row in range(len(DAYS))]
    (about,) = [note for note in noted(at=cells) if note.startswith("'at': dropped: numbers, but for")]
    assert len(about) <= LONGEST
    assert "fix these, or say --missing-values" in about


def test_an_error_that_no_column_is_left_shows_three_reasons():
    frame = pd.DataFrame({name: [number] * 40 for number, name in enumerate("abcde")})
    with pytest.raises(TableError, match=r"\(a: constant \(always 0\); b: .*; c: constant \(always 2\); and 2 more\)"):
        prepare(table_of(frame), TrainConfig())
