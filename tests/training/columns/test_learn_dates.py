"""What is learned of columns of dates: rare hours and weekdays, the start of the period, regular gaps of two dates."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.encoders import CYCLES, gap_limits, odd_gaps
from models.encoders.preprocessor import Preprocessor
from models.errors import BundleError
from models.schema import Column, FeatureSchema, Kind
from training.columns.learn_columns import learn_preprocessor
from training.columns.learn_dates import MOST_PAIRS, regular_pairs
from training.columns.learn_numbers import novelty_penalty

DAY = CYCLES["day"]
MONDAY = 1_704_067_200.0  # 2024-01-01
RNG = np.random.default_rng(3)


def learned(columns, layouts=None):
    layouts = layouts or {}
    schema = FeatureSchema(
        columns=tuple(Column(name=name, kind=Kind.DATETIME, layout=layouts.get(name, "iso")) for name in columns)
    )
    return learn_preprocessor(schema, {name: np.array(values, float) for name, values in columns.items()})


def penalties(preprocessor, **moments):
    """Return what a row of timestamps adds by column, in squared deviations."""
    found = preprocessor.transform({name: np.array([moment], float) for name, moment in moments.items()})
    if found.novelty_penalty is None:
        return dict.fromkeys(moments, 0.0)
    return dict(zip(moments, (found.novelty_penalty[0] * len(moments)).tolist(), strict=True))


def office_hours(n=1000):
    """Return times from Monday to Friday, from 8:00 to 18:00."""
    days = np.arange(n) % 20
    return MONDAY + DAY * (days + 2 * (days // 5)) + 3600 * RNG.uniform(8, 18, n)


def invoices(n=1000):
    """Return when invoices were issued, over a year, due 14, 30 or 45 days later, and entered within four days."""
    issued = MONDAY + DAY * RNG.integers(0, 365, n)
    return {
        "issued": issued,
        "due": issued + DAY * RNG.choice([14, 30, 45], n),
        "entered": issued + DAY * RNG.integers(0, 4, n) + 3600 * RNG.uniform(8, 18, n),
    }


# --- hours, weekdays, the period ------------------------------------------------------------------------


@pytest.mark.parametrize("planted", [[], [MONDAY + 3.2 * 3600]], ids=["never seen", "seen once"])
def test_an_hour_outside_of_everything_seen_adds_what_a_value_never_seen_does(planted):
    values = [*office_hours(), *planted]
    preprocessor = learned({"c": values})
    night = penalties(preprocessor, c=MONDAY + DAY + 3.2 * 3600)["c"]
    assert night == pytest.approx(novelty_penalty(len(values)), rel=1e-3)
    assert penalties(preprocessor, c=MONDAY + DAY + 12 * 3600)["c"] == 0
    assert penalties(preprocessor, c=MONDAY + DAY + 7.9 * 3600)["c"] == 0  # minutes before the first
    assert penalties(preprocessor, c=np.nan)["c"] == novelty_penalty(len(values))  # no fitting row lacked a value


def test_a_weekday_that_no_row_has_adds_what_a_value_never_seen_does():
    preprocessor = learned({"c": office_hours()})
    assert penalties(preprocessor, c=MONDAY + 6.5 * DAY)["c"] == pytest.approx(novelty_penalty(1000))
    # A time that is rare in two ways is one value.
    assert penalties(preprocessor, c=MONDAY + 6.1 * DAY)["c"] == pytest.approx(novelty_penalty(1000))


@pytest.mark.parametrize("n", [49, 5000])
def test_no_hour_is_rare_where_the_rows_are_few_or_at_all_hours(n):
    moments = MONDAY + 30 * DAY * np.random.default_rng(1).random(n)
    assert learned({"c": moments}).encodings[0].hours == ()


def test_times_of_day_have_rare_hours_too():
    preprocessor = learned({"c": 3600 * RNG.uniform(22, 30, 1000) % DAY}, {"c": "time"})
    assert penalties(preprocessor, c=12 * 3600.0)["c"] > 9
    assert penalties(preprocessor, c=30.0)["c"] == 0
    assert preprocessor.encodings[0].weekdays == ()


@pytest.mark.parametrize(("planted", "is_left_out"), [(1, True), (60, False)])
def test_a_date_long_before_all_others_does_not_begin_the_training_period(planted, is_left_out):
    values = np.array([*office_hours(), *[MONDAY - 400 * DAY] * planted])
    preprocessor = learned({"c": values})
    assert (preprocessor.encodings[0].start > MONDAY) is is_left_out
    elapsed = preprocessor.transform({"c": values}).Z[-1, 0]
    assert elapsed < -5 if is_left_out else elapsed == 0


# --- gaps -----------------------------------------------------------------------------------------------


def test_regular_gaps_are_features_of_both_dates():
    preprocessor = learned(invoices())
    assert [encoding.others for encoding in preprocessor.encodings] == [
        ("entered", "due"),
        ("issued", "entered"),
        ("issued", "due"),
    ]
    [gap, _] = preprocessor.encodings[1].gaps
    assert (gap.name, gap.low, gap.high) == ("issued", 14.0, 45.0)
    words = str(preprocessor.encodings[1].describe())
    assert words.endswith("days since issued and entered")


def test_dates_that_have_nothing_to_do_with_each_other_have_no_gap():
    born, signed = MONDAY - DAY * RNG.integers(7000, 25_000, 1000), MONDAY + DAY * RNG.integers(0, 365, 1000)
    assert regular_pairs({"born": born, "signed": signed}) == []
    assert regular_pairs({"signed": signed, "constant": np.full(1000, MONDAY)}) == []
    assert regular_pairs({"signed": signed[:40], "due": signed[:40] + DAY}) == []  # too few rows


def test_only_the_most_regular_pairs_are_learned():
    first = MONDAY + DAY * RNG.integers(0, 365, 500)
    dates = {f"d{i}": first + DAY * RNG.integers(0, 1 + i, 500) for i in range(6)}
    pairs = regular_pairs(dates)
    assert len(pairs) == MOST_PAIRS
    assert pairs[0] == ("d0", "d1")


def test_a_bill_due_400_days_later_is_blamed_on_the_date_that_is_wrong():
    preprocessor = learned(invoices())
    day, entered = MONDAY + 100 * DAY, MONDAY + 101.5 * DAY
    usual = penalties(preprocessor, issued=day, due=day + 30 * DAY, entered=entered)
    assert set(usual.values()) == {0.0}
    due = penalties(preprocessor, issued=day, due=day + 400 * DAY, entered=entered)
    once = novelty_penalty(1000)
    assert due == pytest.approx({"issued": once, "due": 2 * once, "entered": once})
    issued = penalties(preprocessor, issued=day - 400 * DAY, due=day + 30 * DAY, entered=entered)
    assert max(issued, key=issued.__getitem__) == "issued"


def test_a_gap_is_odd_beyond_the_usual_ones_by_half_of_their_range():
    gap = learned(invoices()).encodings[1].gaps[0]
    assert odd_gaps(np.array([-2, -1, 14, 60, 61, np.nan]), *gap_limits(gap)).tolist() == [
        True,
        False,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_gap_without_one_of_its_dates_does_not_count(share):
    columns = invoices()
    columns["due"][: round(1000 * share)] = np.nan
    preprocessor = learned(columns)
    row = {name: values[-1:].copy() for name, values in columns.items()}
    row["due"][:] = np.nan
    encoded = preprocessor.transform(row)
    missing = {name for name, is_missing in zip(preprocessor.features, encoded.missing[0], strict=True) if is_missing}
    assert {"issued: since due", "entered: since due", "due: since issued", "due: since entered"} <= missing
    assert "issued: since entered" not in missing
    assert encoded.Z[0, preprocessor.features.index("issued: since due")] == 0


def test_a_row_is_encoded_alike_alone_and_among_others():
    columns = invoices(300)
    columns["due"][::7] = np.nan
    columns["entered"][5] -= 300 * DAY
    preprocessor = learned(columns)
    together = preprocessor.transform(columns)
    for i in (0, 1, 5, 7):
        alone = preprocessor.transform({name: values[i : i + 1] for name, values in columns.items()})
        np.testing.assert_array_equal(alone.Z[0], together.Z[i])
        if alone.novelty_penalty is None:
            assert not together.novelty_penalty[i].any()
        else:
            np.testing.assert_array_equal(alone.novelty_penalty[0], together.novelty_penalty[i])


def test_a_hidden_column_is_hidden_in_the_gaps_of_others_too():
    preprocessor = learned(invoices())
    hidden = {name for name, tells in zip(preprocessor.features, preprocessor.tells[1], strict=True) if tells}
    assert hidden == {*preprocessor.encodings[1].features, "issued: since due", "entered: since due"}


def test_gaps_survive_a_bundle():
    preprocessor = learned(invoices())
    assert Preprocessor.from_json(json.loads(json.dumps(preprocessor.to_json()))).encodings == preprocessor.encodings


@pytest.mark.parametrize("other", ["nobody", "due"])
def test_a_gap_to_no_other_column_of_dates_is_refused(other):
    plain = json.loads(json.dumps(learned(invoices()).to_json()))
    plain["encodings"][1]["gaps"][0]["name"] = other
    with pytest.raises(BundleError, match=f"a gap since '{other}', which is no other column of dates"):
        Preprocessor.from_json(plain)
