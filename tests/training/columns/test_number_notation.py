"""One notation behind every door: the marks of numbers in texts are told, and later texts are read as learned."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from samples import WRITERS

from models.calibration.rows import segments_of
from models.columns.arrow_cells import numbers_of_texts
from models.columns.from_records import columns_of_records
from models.columns.from_tables import columns_of_table
from models.encoders import CategoricalEncoding
from models.errors import DetectorError, RecordError, TableError
from models.schema import FeatureSchema, Kind
from models.schema.cells import parse_category
from models.schema.number_parsing import parse_number_text
from models.tables.files import iter_table, read_table
from models.tables.read_options import ReadOptions, options_as_learned
from models.tables.source import Source
from models.tables.table import Table, table_of
from service.formats.json import read_json
from service.formats.rows import BodySpec
from service.formats.tables import read_rows
from training.data.prepare import Prepared, prepare
from training.data.split import group_indices
from training.settings.config import TrainConfig

NUMBERS = np.round(np.random.default_rng(7).lognormal(6, 2, 200), 2)
OTHERS = np.round(np.random.default_rng(8).normal(size=200), 2)
NOTATIONS = {",": (".", ","), ".": (",", "."), " ": (",", " "), "": (",", ""), "'": (".", "'")}


def written(number: float, *, decimal: str, thousands: str, digits: int = 2) -> str:
    text = f"{number:,.{digits}f}".replace(",", "t").replace(".", decimal)
    return text.replace("t", thousands)


def records_in(decimal: str, thousands: str) -> list[dict[str, object]]:
    texts = [written(number, decimal=decimal, thousands=thousands) for number in NUMBERS]
    kinds = ["a", "b", "c", "a"] * 50
    return [
        {"kind": kind, "amount": text, "other": float(other)}
        for kind, text, other in zip(kinds, texts, OTHERS, strict=True)
    ]


def csv_of(cells: list[str], *, more: str) -> bytes:
    return "\n".join(["x;y", *(f"{cell};{more}" for cell in cells), ""]).encode()


def later(schema: FeatureSchema, content: bytes, **said: str) -> list[float]:
    """Read a CSV as the batch program does."""
    options = options_as_learned(schema, ReadOptions(**said))  # type: ignore[arg-type]
    [table] = iter_table(Source(name="day.csv", content=content), options, format="csv")
    return columns_of_table(schema, table)["x"].tolist()


def learned_from(cells: list[str], *, more: str = "7") -> FeatureSchema:
    source = Source(name="train.csv", content=csv_of(cells, more=more))
    table = read_table([source], format="csv")
    return prepare(table, TrainConfig(include=("x",))).schema


@pytest.fixture(scope="module")
def german() -> FeatureSchema:
    numbers = np.random.default_rng(1).integers(100_000, 2_000_000, 200)
    return learned_from([f"{number:,}".replace(",", ".") for number in numbers])


# --- the same marks in every format ---------------------------------------------------------------------


@pytest.mark.parametrize(("decimal", "thousands"), NOTATIONS.values(), ids=map(repr, NOTATIONS))
@pytest.mark.parametrize("format_", [*(name for name in WRITERS if name != "csv"), "pandas", "polars", "semicolons"])
def test_the_marks_of_texts_are_told_in_every_format(tmp_path, format_, decimal, thousands):
    records = records_in(decimal, thousands)
    prepared = prepared_from(format_, records, tmp_path)
    assert [str(column.kind) for column in prepared.schema.columns] == ["categorical", "numeric", "numeric"]
    assert np.array_equal(prepared.columns["amount"], NUMBERS)
    assert (prepared.schema.decimal, prepared.schema.thousands) == (decimal, thousands)
    assert any("decimal comma" in line or "thousands separator" in line for line in prepared.table.repairs)


def prepared_from(format_: str, records: list[dict[str, object]], folder: Path) -> Prepared:
    if format_ == "pandas":
        table = table_of(pd.DataFrame(records))
    elif format_ == "polars":
        table = table_of(pytest.importorskip("polars").DataFrame(records))
    elif format_ == "semicolons":
        decimal = "," if "," in str(records[0]["amount"])[-3:] else "."
        content = pd.DataFrame(records).to_csv(sep=";", index=False, decimal=decimal).encode()
        table = read_table([Source(name="rows.csv", content=content)], format="csv")
    else:
        name, write = WRITERS[format_]
        table = read_table([write(folder / name, records)])
    return prepare(table, TrainConfig())


def test_what_one_door_learned_is_read_at_every_other_door():
    schema = prepare(table_of(pd.DataFrame(records_in(",", "."))), TrainConfig()).schema
    texts = ["1.234.567,5", "734.221", "0,25", "12"]
    wanted = [1_234_567.5, 734_221.0, 0.25, 12.0]
    records = [{"kind": "a", "amount": text, "other": 1.5} for text in texts]
    frame = pa.table({name: [record[name] for record in records] for name in records[0]})
    parquet = io.BytesIO()
    pa.parquet.write_table(frame, parquet)
    spec = {"schema": schema, "max_rows": 100, "max_bytes": 1 << 20}
    csv = "\n".join(["kind;amount;other", *(f"a;{text};1,5" for text in texts)]).encode()
    found = [
        columns_of_records(schema, records),
        columns_of_table(schema, Table(data=frame)),
        read_json(json.dumps(records).encode(), BodySpec(**spec)).columns(schema),
        read_rows(csv, BodySpec(**spec, format_name="csv")).columns(schema),
        read_rows(parquet.getvalue(), BodySpec(**spec, format_name="parquet")).columns(schema),
    ]
    for columns in found:
        assert columns["amount"].tolist() == wanted
        assert columns["other"].tolist() == [1.5] * 4


def test_a_schema_without_marks_is_as_it_was_and_marks_survive_being_written():
    plain = prepare(table_of(pd.DataFrame({"x": NUMBERS})), TrainConfig()).schema
    assert not {"decimal", "thousands"} & plain.to_json().keys()
    other = prepare(table_of(pd.DataFrame(records_in(",", "."))), TrainConfig()).schema
    assert FeatureSchema.from_json(other.to_json()) == other


@pytest.mark.parametrize(
    ("other", "question"),
    [
        (
            "2.345,67",
            "the thousands separator is not certain ('2.345,67' in column 'b' and '1 234,50' (with a no-break space) "
            "in column 'a', decimal mark ','); write them in one way, or say which: --thousands . or --thousands space "
            "or --thousands none; for a column that holds no numbers: --kind NAME=categorical.",
        ),
        (
            "2,345.67",
            "the decimal mark could be a point ('2,345.67' in column 'b') or a comma ('1 234,50' (with a no-break "
            "space) in column 'a'); write them in one way, or say which: --decimal . or --decimal ,; for a column that "
            "holds no numbers: --kind NAME=categorical.",
        ),
    ],
)
def test_marks_that_differ_between_columns_are_shown_in_words_with_their_columns(other, question):
    frame = pd.DataFrame({"a": ["1\u00a0234,50", "5\u202f678,90"] * 50, "b": [other, "17"] * 50})
    with pytest.raises(TableError) as caught:
        prepare(table_of(frame), TrainConfig())
    assert str(caught.value) == question


def test_texts_of_a_frame_that_can_be_read_in_two_ways_are_asked():
    frame = pd.DataFrame({"x": [f"{i % 9 + 1},{i % 10}00" for i in range(100)], "y": np.arange(100) % 7 / 2})
    with pytest.raises(TableError, match=r"column 'x': '1,000' could be 1000 or 1\.000; say which: --thousands ,"):
        prepare(table_of(frame), TrainConfig())
    assert prepare(table_of(frame), TrainConfig(kind=("x=categorical",))).schema.names == ("x", "y")


def test_flags_say_how_the_texts_of_any_format_are_written(tmp_path):
    cells = [f"{i % 9 + 1},{i % 10}00" for i in range(100)]
    path = WRITERS["parquet"][1](tmp_path / "rows.parquet", [{"x": cell, "y": i / 2} for i, cell in enumerate(cells)])
    for said, first in ((ReadOptions(thousands=","), 1000.0), (ReadOptions(decimal=","), 1.0)):
        prepared = prepare(read_table([path], said), TrainConfig())
        assert prepared.columns["x"][0] == first


# --- a later file is read as learned --------------------------------------------------------------------


def test_a_day_without_a_million_is_read_in_thousands_as_learned(german):
    assert later(german, csv_of(["734.221", "335.627"], more="7")) == [734_221.0, 335_627.0]


def test_a_json_text_is_read_in_thousands_as_learned(german):
    texts = ["734.221", "1.234.567", "12"]
    assert columns_of_records(german, [{"x": t} for t in texts])["x"].tolist() == [734_221.0, 1_234_567.0, 12.0]
    with pytest.raises(RecordError, match=r"a decimal comma and points between thousands, such as 12,5, or null"):
        columns_of_records(german, [{"x": "12.5"}])


def test_a_file_that_shows_another_notation_is_read_as_it_is(german):
    assert later(german, csv_of(["734.25", "1234567.5", "12.125"], more="7")) == [734.25, 1_234_567.5, 12.125]
    assert later(german, csv_of(["1,234,567", "734,221"], more="7")) == [1_234_567.0, 734_221.0]


def test_a_file_that_contradicts_what_was_learned_is_asked_about(german):
    """Another column has points with decimals, so that the ones in this may be thousands or not."""
    content = csv_of(["734.221", "335.627"], more="12.5")
    with pytest.raises(TableError, match=r"could be 734221 or 734\.221; say which: --thousands \. or --decimal \."):
        later(german, content)
    assert later(german, content, thousands="") == [734.221, 335.627]
    assert later(german, content, decimal=".") == [734.221, 335.627]


def test_decimal_commas_without_thousands_are_read_as_learned_and_a_lone_point_is_asked_about():
    schema = learned_from([f"{i % 90},{i % 9}5" for i in range(100)])
    assert (schema.decimal, schema.thousands) == (",", "")
    assert later(schema, csv_of(["1,234", "5,678"], more="7")) == [1.234, 5.678]
    with pytest.raises(TableError, match=r"could be 1234 or 1\.234"):
        later(schema, csv_of(["1.234", "5.678"], more="7"))
    assert columns_of_records(schema, [{"x": "1,5"}, {"x": "1.5"}])["x"].tolist() == [1.5, 1.5]
    for read in (
        lambda: columns_of_records(schema, [{"x": "1.234"}]),
        lambda: columns_of_table(schema, Table(data=pa.table({"x": ["2,5", "1.234"]}))),
    ):
        with pytest.raises(DetectorError, match="decimal comma"):
            read()


def test_points_that_may_all_be_thousands_are_noted():
    table = read_table([Source(name="a.csv", content=csv_of(["734.221", "335.627"] * 50, more="7"))], format="csv")
    assert any("'734.221' read as 734.221; if the mark stands" in line for line in table.repairs)
    table = read_table([Source(name="a.csv", content=csv_of(["734.221", "33.5"] * 50, more="7"))], format="csv")
    assert not any("734.221" in line for line in table.repairs)


def test_the_thousands_flag_alone_is_enough_for_points():
    table = read_table(
        [Source(name="a.csv", content=csv_of(["734.221"], more="7"))], ReadOptions(thousands="."), format="csv"
    )
    assert (table.decimal, table.thousands) == (",", ".")


# --- negative numbers as bookkeepers write them ---------------------------------------------------------


def column_of(texts: list[object], name: str = "x") -> Prepared:
    """Prepare a frame with a column and one of numbers beside it."""
    return prepare(table_of(pd.DataFrame({name: texts, "y": np.arange(len(texts)) % 7 / 2})), TrainConfig())


@pytest.mark.parametrize(
    "form",
    ["({n})", "{n}-", "(${n})", "$({n})", "-${n}", "({n} €)", "({n}) €", "{n}−", "−{n}"],
)
def test_negative_numbers_are_read_in_every_form(form):
    unit = next((sign for sign in "$€" if sign in form), "")
    plain = {"$": "${n}", "€": "{n} €"}.get(unit, "{n}")
    numbers = np.where(np.arange(200) % 3 == 0, -NUMBERS, NUMBERS)
    texts = [(form if number < 0 else plain).replace("{n}", f"{abs(number):,.2f}") for number in numbers]
    prepared = column_of(texts)
    assert np.array_equal(prepared.columns["x"], numbers)
    records = [{"x": text, "y": 1.0} for text in texts]
    assert np.array_equal(columns_of_records(prepared.schema, records)["x"], numbers)
    said = [str(finding) for finding in prepared.findings if "negative numbers" in str(finding)]
    assert len(said) == (form[0] not in "-−")


def test_a_sign_is_no_reason_to_read_what_is_no_number():
    for text in ("(-3)", "(3)-", "-(3)", "-3-", "()", "(a)", "3--", "+3-", "1-2"):
        with pytest.raises(ValueError, match="a number"):
            parse_number_text(text)


def test_debit_and_credit_are_named():
    dropped = column_of([f"{i}.50 {'CR' if i % 3 else 'DR'}" for i in range(200)]).schema.dropped
    assert dropped["x"] == "numbers with 'DR' and 'CR' behind them: write them with a sign"


@pytest.mark.parametrize("letters", ["SH", "SD", "HD", "DC"])
@pytest.mark.parametrize("amount", ["{}.50 {}", "{}.5{}", "1.{:03},50 {}", "{} {}"])
def test_debit_and_credit_of_one_letter_are_no_durations(letters, amount):
    texts = [amount.format(i, letters[i % 3 == 0]) for i in range(200)]
    prepared = column_of([*texts, *texts])
    assert "x" not in prepared.columns
    reason = str(prepared.schema.dropped["x"])
    assert "behind them, which may be debit and credit: write them with a sign" in reason
    assert ("--kind x=numeric" in reason) == ("C" not in letters)


def test_debit_and_credit_beside_numbers_without_a_letter_are_named():
    dropped = column_of([f"{i}.50{('', ' S', ' H')[i % 3]}" for i in range(200)]).schema.dropped
    assert dropped["x"] == "numbers with 'S' and 'H' behind them, which may be debit and credit: write them with a sign"


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["5.5 s", "2 h"], [5.5, 7200.0]),
        (["1H 30M", "20 S"], [5400.0, 20.0]),
        (["5 H", "30 M", "20 S"], [18_000.0, 1800.0, 20.0]),
        (["PT5H", "P1D"], [18_000.0, 86_400.0]),
        (["5 HOURS", "2 DAYS"], [18_000.0, 172_800.0]),
    ],
)
def test_units_of_time_are_durations(texts, seconds):
    found = column_of(texts * 60).columns["x"]
    assert list(found[: len(texts)]) == seconds


@pytest.mark.parametrize("sign", ["", "-"])
def test_clocks_of_two_and_three_parts_are_not_guessed(sign):
    texts = [f"{sign}{40 + i % 20}:{i % 60:02}" if i % 3 else f"1:{i % 60:02}:10" for i in range(200)]
    reason = f"durations of which '{sign}41:01' may be minutes or hours, beside '1:00:10': write all of them as h:mm:ss"
    assert column_of(texts).schema.dropped["x"] == reason


def test_clocks_that_cannot_be_minutes_are_hours():
    found = column_of(["70:10", "1:02:10", "2 days 03:00"] * 60).columns["x"]
    assert list(found[:3]) == [252_600.0, 3730.0, 183_600.0]


def test_exponents_of_fortran_are_read():
    assert column_of([f"{i}.5D+0{i % 3}" for i in range(200)]).columns["x"][5] == 550.0


# --- codes are no numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (["0316", "0153", "02e0", "0545", "01e1", "0430"], "zeros before whole numbers"),
        (["01234", "98765", "10115", "80331"], "zeros before whole numbers"),
        (["1234567", "12345e7", "7654321", "1000000"], "all of one length"),
        (["123.456.789", "987.654.321", "100.200.300"], "groups of three digits"),
        (["552 100 554", "542 107 651", "780 129 987"], "groups of three digits"),
    ],
)
def test_codes_are_categories_and_said(texts, what):
    prepared = column_of(texts * 50)
    assert prepared.schema.columns[0].kind is Kind.CATEGORICAL
    [said] = [str(finding) for finding in prepared.findings if finding.columns == ("x",)]
    assert what in said
    assert "--kind x=numeric" in said
    assert (prepared.schema.decimal, prepared.schema.thousands) == (".", "")


@pytest.mark.parametrize("texts", [["316", "0", "5"], ["0.5", "007.5"], ["1e5", "2.5", "1e-3"], ["-05", "12", "7"]])
def test_numbers_stay_numbers(texts):
    assert column_of(texts * 50).schema.columns[0].kind is Kind.NUMERIC


def test_a_code_that_training_did_not_see_is_a_category_and_no_error():
    schema = column_of(["0316", "0153", "02e0", "0545"] * 50).schema
    assert columns_of_records(schema, [{"x": "018f", "y": 1.0}])["x"].tolist() == ["018f"]


def test_a_code_that_is_said_to_be_a_number_is_one():
    frame = pd.DataFrame({"x": ["0316", "0153", "0545"] * 60, "y": np.arange(180) % 7 / 2})
    assert prepare(table_of(frame), TrainConfig(kind=("x=numeric",))).columns["x"][0] == 316.0


@pytest.mark.parametrize("beside", ["1.5", "7"])
def test_addresses_are_categories_and_no_evidence_about_marks(beside):
    hosts = [f"192.168.{100 + i}.{110 + i}" for i in range(20)]
    table = read_table([Source(name="a.csv", content=csv_of(hosts * 20, more=beside))], format="csv")
    assert (table.decimal, table.thousands, table.repairs) == (".", "", ("cells are separated by ';'",))
    schema = prepare(table, TrainConfig(include=("x",))).schema
    assert schema.columns[0].kind is Kind.CATEGORICAL
    assert columns_of_records(schema, [{"x": "192.168.1.7"}])["x"].tolist() == ["192.168.1.7"]


def test_a_number_that_looks_like_an_address_is_one_among_numbers():
    cells = ["1.234.567", "1.234.123.111", "734.221", "12", *(f"{i}.{i}" for i in range(100, 120))] * 9
    prepared = column_of(cells)
    assert prepared.columns["x"][:4].tolist() == [1_234_567.0, 1_234_123_111.0, 734_221.0, 12.0]


# --- long numbers are told apart as they are written ----------------------------------------------------

LONG = [6_011_000_990_139_424_000 + 61 * i for i in range(300)]


@pytest.mark.parametrize("as_written", [int, str, Decimal])
@pytest.mark.parametrize("first", [LONG[0], 1_780_000_000_000_000_000])  # the latter also a time in nanoseconds
def test_long_ids_are_identifiers(as_written, first):
    dropped = column_of([as_written(number - LONG[0] + first) for number in LONG]).schema.dropped
    assert dropped["x"] == "identifier (every value is different)"


def test_ids_of_twenty_digits_in_json_lines_are_identifiers(tmp_path):
    path = WRITERS["jsonl"][1](tmp_path / "a.jsonl", [{"x": 10**19 + 61 * i, "y": i % 7 / 2} for i in range(300)])
    assert prepare(read_table([path]), TrainConfig()).schema.dropped["x"] == "identifier (every value is different)"


@pytest.mark.parametrize("as_written", [int, str])
def test_long_numbers_that_come_again_are_categories(as_written):
    prepared = column_of([as_written(number) for number in LONG[:20] * 15])
    assert prepared.schema.columns[0].kind is Kind.CATEGORICAL
    assert any("does not tell apart" in str(finding) for finding in prepared.findings)


def test_large_quantities_stay_numbers():
    for values in ([float(number) for number in LONG], [f"{i + 1}.5e20" for i in range(300)], list(range(0, 600, 2))):
        assert column_of(values).schema.columns[0].kind is Kind.NUMERIC


# --- one category however it is written -----------------------------------------------------------------


def test_a_code_is_one_category_with_or_without_a_zero_fraction():
    cells = [1, 1.0, "1", "1.0", "1.00", Decimal("1.0")]
    assert {parse_category(cell) for cell in cells} == {"1"}
    assert parse_category("1,0", decimal=",") == "1"
    for other in ("01.0", "1.05", "v1.0", "1.0.0", "1,0", "1.", ".0"):
        assert parse_category(other) == other


def test_categories_groups_and_segments_are_the_same_in_a_file_of_floats():
    whole, floats = ([f"{i % 4 + 1}{tail}" for i in range(400)] for tail in ("", ".0"))
    frames = [pd.DataFrame({"valve": cells, "y": np.arange(400) % 7 / 2}) for cells in (whole, floats)]
    config = TrainConfig(kind=("valve=categorical",), threshold_by="valve", alert_rate=0.2)
    a, b = (prepare(table_of(frame), config) for frame in frames)
    assert a.schema == b.schema
    assert a.preprocessor.encodings == b.preprocessor.encodings
    assert a.columns["valve"].tolist() == b.columns["valve"].tolist() == whole
    assert segments_of(a.schema, a.columns).tolist() == segments_of(b.schema, b.columns).tolist()
    groups = [group_indices(table_of(frame), "valve").tolist() for frame in frames]
    assert groups[0] == groups[1]


def test_a_detector_that_learned_1_0_as_it_was_written_knows_1():
    encoding = CategoricalEncoding(name="c", categories=("2.0", "1.0", "1"), shares=(0.5, 0.3, 0.2))
    assert encoding.levels == {"2": 0, "1": 1, None: -1}


# --- what is not understood is said ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("2024-{n:05d}", "texts of digits and marks, such as '2024-"),
        ("{n}/7", "texts of digits and marks, such as"),
        ("0{n:05d}", "codes such as '0"),
    ],
)
def test_texts_of_digits_and_marks_are_no_identifiers_without_a_word(text, what):
    reason = column_of([text.format(n=number) for number in range(300)]).schema.dropped["x"]
    assert reason.startswith("identifier (")
    assert what in reason
    assert "--decimal" in reason or "--kind x=numeric" in reason


def test_words_are_dropped_as_before():
    assert column_of([f"pump-{i}-a" for i in range(300)]).schema.dropped["x"].endswith("rows)")


# --- whole numbers --------------------------------------------------------------------------------------


def test_a_column_of_whole_numbers_is_asked_about_before_it_becomes_thousandths():
    """Numbers that came as numbers show no marks; a file of the same in German must not be read as decimals."""
    numbers = [int(number * 100) for number in NUMBERS]
    schema = FeatureSchema.from_json(prepare(table_of(pd.DataFrame({"x": numbers})), TrainConfig()).schema.to_json())
    assert schema.whole == ("x",)
    content = csv_of(["734.221", "335.627"], more="7")
    with pytest.raises(TableError, match=r"whole numbers there; say which: --thousands \. or none"):
        later(schema, content)
    assert later(schema, content, thousands=".") == [734_221.0, 335_627.0]
    assert later(schema, content, thousands="") == [734.221, 335.627]
    assert later(schema, csv_of(["734.221", "335.6"], more="7")) == [734.221, 335.6]
    assert later(schema, csv_of(["1.734.221", "335.627"], more="7")) == [1_734_221.0, 335_627.0]


def test_a_column_of_fractions_is_not_asked_about():
    schema = prepare(table_of(pd.DataFrame({"x": NUMBERS})), TrainConfig()).schema
    assert schema.whole == ()
    assert later(schema, csv_of(["734.221", "335.627"], more="7")) == [734.221, 335.627]


def test_marks_that_only_later_rows_show_are_said_with_their_flags():
    cells = ["734.221", "335.627", "100.001"] * 100 + [f"1.{i}.567" for i in range(100, 102)]
    cells += [f"{i}.{i}" for i in range(100, 130)]
    table = read_table([Source(name="a.csv", content=csv_of(cells, more="7"))], format="csv")
    config = TrainConfig(include=("x",))
    with pytest.raises(TableError, match=r"all are numbers with --decimal , --thousands \."):
        prepare(table, config)
    table = read_table(
        [Source(name="a.csv", content=csv_of(cells, more="7"))], ReadOptions(thousands="."), format="csv"
    )
    assert prepare(table, config).columns["x"][0] == 734_221.0


@pytest.mark.parametrize(
    ("text", "thousands", "number"),
    [
        ("6,09,943.50", ",", 609943.5),
        ("-1,23,45,678", ",", -12345678.0),
        ("60,943", ",", 60943.0),
        ("001,234", ",", 1234.0),
        ("0,123", ",", None),
        ("1,2,345", ",", None),
        ("123,45,678", ",", None),
        ("0,45,678", ",", None),
        ("6 09 943", " ", None),
    ],
)
def test_grouped_digits_are_read_alike_one_by_one_and_at_once(text, thousands, number):
    at_once = numbers_of_texts(pa.chunked_array([[text]]), decimal=".", thousands=thousands)
    if number is None:
        assert at_once is None
        with pytest.raises(ValueError, match=r"a number with a decimal point and .* between thousands, such as"):
            parse_number_text(text, thousands=thousands)
    else:
        assert parse_number_text(text, thousands=thousands) == number
        assert at_once is not None
        assert at_once.tolist() == [number]


def test_the_marks_of_a_command_reach_the_numbers_with_units():
    lines = "share,x\n" + "".join(f"1.{100 + row}%,{row * 37 % 11}\n" for row in range(100))
    for options, dropped in [(None, True), (ReadOptions(decimal="."), False), (ReadOptions(thousands=""), False)]:
        table = read_table([Source(name="rows.csv", content=lines.encode())], options)
        schema = prepare(table, TrainConfig()).schema
        assert ("share" in schema.dropped) is dropped
    frame = prepare(table_of(pd.read_csv(io.StringIO(lines))), TrainConfig()).schema
    assert "X['share'].str.replace('%', '').astype(float)" in frame.dropped["share"]
