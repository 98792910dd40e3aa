"""Reasons in words: values in the user's own form, what is unusual about each, and none without content."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest

from models.encoders import BooleanEncoding, CategoricalEncoding, NumericEncoding, TimestampEncoding
from models.encoders.preprocessor import Preprocessor
from models.languages import LANGUAGES
from models.reasons.contribution import Contribution
from models.reasons.reasons import ReasonWriter
from models.reasons.texts import ENGLISH, Texts
from models.reasons.values import NumberForm, rounded_text
from models.schema import Column, FeatureSchema, Kind
from models.schema.durations import duration_text, parse_duration
from models.scoring.ensemble import Ensemble, Family
from models.scoring.histograms import BINS, Histograms
from training.columns.learn_columns import reference_of

MONDAY = datetime(2024, 1, 1)
OFFICE = [(MONDAY + timedelta(days=day, hours=8 + day % 10)).timestamp() for day in range(200) if day % 7 < 5]

COLUMNS = (
    Column(name="quantity", kind=Kind.NUMERIC),
    Column(name="price", kind=Kind.NUMERIC, unit="€", decimal=",", thousands="."),
    Column(name="took", kind=Kind.NUMERIC, layout="duration"),
    Column(name="status", kind=Kind.CATEGORICAL),
    Column(name="paid", kind=Kind.BOOLEAN),
    Column(name="entered", kind=Kind.DATETIME, zone=False),
)
ENCODINGS = (
    NumericEncoding(name="quantity", center=10.0, scale=4.0, low=0.0, high=40.0, whole=True),
    NumericEncoding(name="price", center=0.0, scale=1.0, low=5.0, high=60_000.0, origin=900.0, unit=400.0),
    NumericEncoding(name="took", center=3600.0, scale=600.0, low=60.0, high=9000.0),
    CategoricalEncoding(
        name="status",
        categories=("phone", "call back"),
        shares=(0.9, 0.02),
        rare_share=0.05,
        rare=("fax", "telex"),
        missing_share=0.03,
        novelty_penalty=4.0,
    ),
    BooleanEncoding(name="paid", share=0.97),
    TimestampEncoding(name="entered", start=OFFICE[0], scale=1e6, cycles=("day", "week")),
)


def reference() -> dict[str, object]:
    dated = FeatureSchema(columns=COLUMNS[-1:])
    columns = reference_of(dated, {"entered": np.array(OFFICE)}, np.ones(3))["columns"]
    counts = {"phone": 900, "call back": 20, "fax": 49, "telex": 1}
    return {"columns": columns | {"status": {"counts": counts, "others": 0, "missing": 30}}}


def writer(
    known: dict[str, object] | None = None,
    *,
    ensemble: Ensemble | None = None,
    texts: Texts = ENGLISH,
    columns: tuple[Column, ...] = COLUMNS,
) -> ReasonWriter:
    width = sum(len(encoding.features) for encoding in ENCODINGS)
    preprocessor = Preprocessor(encodings=ENCODINGS, limits=np.zeros((2, width), np.float32))
    known = reference() if known is None else known
    return ReasonWriter(FeatureSchema(columns=columns), preprocessor, known, ensemble, texts)


def with_histograms(share: float) -> Ensemble:
    """Histograms of all features in which each bin has the same share of the rows."""
    width = sum(len(encoding.features) for encoding in ENCODINGS)
    histograms = Histograms(
        limits=np.zeros((2, width), np.float32),
        rarity=np.full((width, BINS + 2), -np.log(share), np.float32),
        weights=np.ones(width, np.float32),
    )
    family = Family(name="fine", typical_errors=(1.0,), scale=1.0)
    return Ensemble(families=(family,), histograms=histograms, histogram_scale=1.0)


def because(feature: str, actual: object, expected: object, contribution: float = 2.0) -> Contribution:
    return Contribution(feature=feature, contribution=contribution, actual=actual, expected=expected)


@pytest.mark.parametrize(
    ("feature", "actual", "expected", "text"),
    [
        ("quantity", 90.0, 12.0, "90 (expected 12)"),
        ("quantity", None, 12.0, "missing (never in training)"),
        ("quantity", 12.0, 12.1, "12 (unusual with the other values)"),
        ("quantity", 90.0, 90.2, "90 (learned from 0 to 40)"),
        ("price", 44_100.5, 88.2, "44.100 € (expected 88,2 €)"),
        ("price", 12.3456, 971.0, "12,35 € (expected 971 €)"),
        ("took", 90_000.0, 5400.0, "1d 1h (expected 1h 30m)"),
        ("status", "call back", "call back", "call back (2 % of rows)"),
        ("status", "call back", "phone", "call back (2 % of rows, expected phone)"),
        ("status", "telex", "(rare)", "telex (0.1 % of rows, expected a rare value)"),
        ("status", "phone", "phone", "phone (unusual with the other values)"),
        ("status", "Phnoe\n=1", "(rare)", "Phnoe =1 (never in training)"),
        ("status", None, None, "missing (3 % of rows)"),
        ("status", None, "phone", "missing (3 % of rows, expected phone)"),
        ("status", "phone", None, "phone (expected missing)"),
        ("paid", False, True, "false (3 % of rows, expected true)"),
        ("paid", True, True, "true (unusual with the other values)"),
        ("entered", "2024-03-05T03:12:40", "Tue, 12:00", "03:12 (usually 08:00 to 18:00)"),
        ("entered", "2024-03-03T10:00:00", "Tue, 12:00", "Sunday (never in training)"),
        (
            "entered",
            "2024-03-03T23:59:00",
            "Tue, 12:00",
            "Sunday 23:59 (never in training, usually 08:00 to 18:00)",
        ),
        (
            "entered",
            "2019-03-05T10:00:00",
            "Tue, 12:00",
            "2019-03-05 10:00 (before all in training, from 2024-01-01 08:00 on)",
        ),
        ("entered", "2024-03-05T10:00:05", "Tue, 12:00", "2024-03-05 10:00:05 (unusual with the other values)"),
    ],
)
def test_a_value_is_said_in_its_own_form_with_what_is_unusual_about_it(feature, actual, expected, text):
    assert writer().text(because(feature, actual, expected)) == text


@pytest.mark.parametrize(
    ("zone", "day", "text"),
    [
        (True, "2024-03-05T03:12:40", "03:12 UTC (usually 08:00 to 18:00)"),
        (None, "2024-03-03T10:00:00", "Sunday UTC (never in training)"),
        (
            True,
            "2019-03-05T00:00:00",
            "2019-03-05 00:00 UTC (before all in training, from 2024-01-01 08:00 UTC on)",
        ),
        (True, "2024-03-05T10:00:05", "2024-03-05 10:00:05 UTC (unusual with the other values)"),
    ],
)
def test_times_that_had_zones_are_said_in_utc_by_name(zone, day, text):
    columns = (*COLUMNS[:-1], Column(name="entered", kind=Kind.DATETIME, zone=zone))
    assert writer(columns=columns).text(because("entered", day, "Tue, 12:00")) == text


def test_of_plain_dates_every_weekday_is_known():
    days = 1_700_006_400.0 + 86_400.0 * np.arange(140)
    dated = FeatureSchema(columns=COLUMNS[-1:])
    known = reference_of(dated, {"entered": days}, np.ones(3))
    assert known["columns"]["entered"]["weekdays"] == [20] * 7
    day_after = writer(known)
    for day in range(7):
        said = day_after.text(because("entered", f"2024-03-{4 + day:02d}T00:00:00", "Tue"))
        assert said == f"2024-03-{4 + day:02d} (unusual with the other values)"


def test_of_a_number_that_is_about_the_expected_one_the_rarity_is_said():
    rare, frequent = (writer(ensemble=with_histograms(share)) for share in (0.004, 0.3))
    assert rare.text(because("quantity", 30.0, 30.1)) == "30 (0.4 % of rows)"
    assert frequent.text(because("quantity", 30.0, 30.1)) == "30 (unusual with the other values)"


def test_a_bundle_that_knows_no_hours_says_the_expected_time():
    text = writer({}).text(because("entered", "2024-03-05T03:12:00", "Tue, 12:00"))
    assert text == "2024-03-05 03:12 (expected Tue, 12:00)"


def test_shares_below_a_twentieth_are_no_reason_and_three_are_enough():
    parts = [
        because("quantity", 90.0, 12.0, 6.0),
        because("status", "fax", "phone", 3.0),
        because("paid", True, False, 0.4),
    ]
    reasons = writer().reasons(parts, 10.0)
    assert [(each.column, each.share) for each in reasons] == [("quantity", 0.6), ("status", 0.3)]
    assert writer().sentence(parts, 10.0) == "quantity: 90 (expected 12); status: fax (4.9 % of rows, expected phone)"
    assert writer().sentence([because("quantity", 9.0, 12.0, 0.1)], 10.0) == "no column stands out"
    assert writer().sentence([], 0.0) == "no column stands out"
    assert writer().sentence([*parts, *parts], 1.0).count(";") == 2


def test_a_value_that_was_expected_at_100_percent_is_never_a_reason_of_its_own():
    """The card of a report once said "P-3, expected at 100 %" beside a share of 18 %."""
    reason = Contribution(feature="status", contribution=1.8, actual="phone", expected="phone", probability=1.0)
    assert "expected" not in writer().text(reason)


# --- what the other columns do not tell -----------------------------------------------------------------


def untold(*names):
    columns = {"quantity": {"quantiles": {"0.05": 4.0, "0.95": 20.0}}} | reference()["columns"]
    return writer({"columns": columns | {name: columns.get(name, {}) | {"untold": True} for name in names}})


@pytest.mark.parametrize(
    ("feature", "actual", "expected", "text"),
    [
        ("quantity", 90.0, 12.0, "90 (usually 4 to 20)"),
        ("quantity", 2.0, 12.0, "2 (usually 4 to 20)"),
        ("quantity", 12.0, 40.0, "12 (unusual with the other values)"),
        ("status", "phone", "call back", "phone (unusual with the other values)"),
        ("status", "call back", "phone", "call back (2 % of rows)"),
        ("status", None, "phone", "missing (3 % of rows)"),
        ("paid", False, True, "false (3 % of rows)"),
    ],
)
def test_what_is_expected_is_not_said_where_the_others_do_not_tell_it(feature, actual, expected, text):
    assert untold("quantity", "status", "paid").text(because(feature, actual, expected)) == text


@pytest.mark.parametrize("end", [0.0, 40.0])
def test_an_end_of_the_range_that_hardly_any_row_reaches_is_not_said_as_expected(end):
    assert untold().text(because("quantity", 12.0, end)) == "12 (unusual with the other values)"
    assert untold().text(because("quantity", 12.0, 39.0)) == "12 (expected 39)"


def test_a_value_that_is_only_unusual_beside_others_is_said_with_the_next_one():
    combined = [because("status", "phone", "phone", 5.0), because("quantity", 12.0, 12.1, 3.0)]
    assert writer().sentence(combined, 10.0) == "status: phone (unusual with quantity 12)"
    assert writer().sentence(combined[:1], 10.0) == "status: phone (unusual with the other values)"


def test_a_value_that_is_only_unusual_beside_others_is_no_reason_behind_a_better_one():
    parts = [because("quantity", 90.0, 12.0, 6.0), because("status", "phone", "phone", 3.0)]
    assert writer().sentence(parts, 10.0) == "quantity: 90 (expected 12)"


# --- gaps between dates ---------------------------------------------------------------------------------


def dated(low, high, *, texts=ENGLISH):
    """Return a writer of a due date, for which these days since it was issued are usual."""
    gap = NumericEncoding(name="issued", center=low, scale=10.0, low=low, high=high)
    due = TimestampEncoding(name="due", start=OFFICE[0], scale=1e6, cycles=("week",), gaps=(gap,))
    preprocessor = Preprocessor(encodings=(due,), limits=np.zeros((2, len(due.features)), np.float32))
    schema = FeatureSchema(columns=(Column(name="due", kind=Kind.DATETIME, zone=False),))
    return ReasonWriter(schema, preprocessor, {}, None, texts)


def due_after(days, moment="2025-02-04T00:00:00"):
    return Contribution(feature="due", contribution=2.0, actual=moment, expected="Tue", gaps={"issued": days})


@pytest.mark.parametrize(
    ("low", "high", "days", "said"),
    [
        (14.0, 45.0, 400.0, "400 days after issued, usually 14 to 45"),
        (14.0, 45.0, -386.0, "386 days before issued, usually 14 to 45 after"),
        (-45.0, -14.0, -400.0, "400 days before issued, usually 14 to 45"),
        (-45.0, -14.0, 30.0, "30 days after issued, usually 14 to 45 before"),
        (-5.0, 9.0, 400.0, "400 days after issued, usually 5 before to 9 after"),
        (30.0, 30.0, 31.0, "31 days after issued, usually 30"),
        (30.0, 30.0, 1.0, "1 day after issued, usually 30"),
        (0.3627, 3.6878, 12.21, "12 days after issued, usually 0.36 to 3.7"),
        (0.01, 0.05, 0.3, "7h 12m after issued, usually 14m 24s to 1h 12m"),
        (14.0, 45.0, 46.0, "46 days after issued, usually 14 to 45"),
        (14.0, 45.0, 30.0, "expected Tue"),
    ],
)
def test_an_unusual_gap_to_another_date_is_said_with_the_usual_ones(low, high, days, said):
    assert dated(low, high).text(due_after(days)) == f"2025-02-04 ({said})"


def test_a_gap_is_said_in_portuguese():
    portuguese = dated(0.3627, 45.0, texts=Texts.of(LANGUAGES["pt"]))
    assert portuguese.text(due_after(400.0)) == "04/02/2025 (400 dias depois de issued, normalmente de 0,36 a 45)"
    assert portuguese.text(due_after(-1.0)) == "04/02/2025 (1 dia antes de issued, normalmente de 0,36 a 45 depois)"


def test_an_odd_hour_is_said_before_a_gap_that_is_only_a_little_unusual():
    night = due_after(46.0, "2024-01-04T03:12:00")
    gap = NumericEncoding(name="issued", center=30.0, scale=10.0, low=14.0, high=45.0)
    due = TimestampEncoding(name="entered", start=OFFICE[0], scale=1e6, cycles=("day", "week"), gaps=(gap,))
    preprocessor = Preprocessor(encodings=(due,), limits=np.zeros((2, len(due.features)), np.float32))
    own = ReasonWriter(FeatureSchema(columns=COLUMNS[-1:]), preprocessor, reference())
    assert own.text(msgspec.structs.replace(night, feature="entered")) == "03:12 (usually 08:00 to 18:00)"
    far = msgspec.structs.replace(night, feature="entered", gaps={"issued": 400.0})
    assert own.text(far) == "2024-01-04 03:12 (400 days after issued, usually 14 to 45)"


def test_a_date_that_is_only_far_from_one_that_is_blamed_is_no_reason_of_its_own():
    encodings = tuple(
        TimestampEncoding(
            name=name,
            start=OFFICE[0],
            scale=1e6,
            gaps=(NumericEncoding(name=other, center=low, scale=10.0, low=low, high=high),),
        )
        for name, other, low, high in (("due", "issued", 14.0, 45.0), ("issued", "due", -45.0, -14.0))
    )
    preprocessor = Preprocessor(encodings=encodings, limits=np.zeros((2, 4), np.float32))
    schema = FeatureSchema(columns=tuple(Column(name=e.name, kind=Kind.DATETIME, zone=False) for e in encodings))
    both = [
        Contribution(feature=name, contribution=share, actual=actual, expected="Tue", gaps={other: days})
        for name, other, share, actual, days in (
            ("due", "issued", 6.0, "2025-02-04T00:00:00", 400.0),
            ("issued", "due", 4.0, "2024-01-01T08:00:00", -400.0),
        )
    ]
    own = ReasonWriter(schema, preprocessor, {})
    assert own.sentence(both, 10.0) == "due: 2025-02-04 (400 days after issued, usually 14 to 45)"
    assert own.sentence(both[::-1], 10.0) == "issued: 2024-01-01 08:00 (400 days before due, usually 14 to 45)"


@pytest.mark.parametrize("value", [0.0, -0.5, 1e-300, 3.14159e-7, 99999.5, 1e14, 1.7e308, -12.0])
def test_a_rounded_number_is_within_half_of_its_last_digit(value):
    assert float(rounded_text(value)) == pytest.approx(value, rel=6e-4)


def test_numbers_have_the_marks_of_the_users_own_files():
    schema = FeatureSchema(columns=COLUMNS, decimal=",", thousands=".")
    assert NumberForm.of(COLUMNS[0], schema).text(1234567.0) == "1.234.567"
    assert NumberForm.of(COLUMNS[0], FeatureSchema(columns=COLUMNS)).text(1234567.0) == "1234567"


@pytest.mark.parametrize("seconds", [0.25, 59.0, 60.0, 3599.0, 3600.0, 86_399.0, 400_000.0, -90.0])
def test_a_duration_reads_back_within_its_second_unit(seconds):
    assert parse_duration(duration_text(seconds)) == pytest.approx(seconds, rel=0.03)


def test_reasons_are_said_in_the_language_that_is_asked_for():
    portuguese = writer(texts=Texts.of(LANGUAGES["pt"]))
    assert portuguese.text(because("quantity", 90.5, 12.0)) == "90.5 (esperado 12)"
    assert portuguese.text(because("status", "fax", "phone")) == "fax (4,9 % das linhas, esperado phone)"
    assert portuguese.text(because("entered", "2024-03-03T23:59:00", "x")) == (
        "domingo 23:59 (nunca no treino, normalmente de 08:00 a 18:00)"
    )
    assert portuguese.text(because("entered", "2019-03-05T10:00:00", "x")).startswith("05/03/2019 10:00 (")
