"""The same records get the same scores in every format, of bodies and of answers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest
from bodies import READ, WRITTEN, Records, arrow_file, parquet, read_json_answer, stream
from conftest import Trained
from hypothesis import example, given
from hypothesis import strategies as st
from in_process import InProcess, in_process, problem, strict
from samples import arrow_table, machine_records, sample_detector, sample_record, write_csv

from models.detector import Detector
from models.tables.read_options import CHUNK_ROWS
from service.formats.formats import FORMATS

RECORDS = machine_records(CHUNK_ROWS + 900, seed=11)  # more than one chunk
PARQUET, STREAM, FILE, CSV, LINES = (
    FORMATS[name].types[0] for name in ("parquet", "arrow", "arrow_file", "csv", "jsonl")
)


@pytest.fixture(scope="module")
def trained_service(detector: Detector) -> Iterator[InProcess]:
    with in_process(detector) as service:
        yield service


@pytest.fixture(scope="module")
def sample_service() -> Iterator[InProcess]:
    with in_process(sample_detector(), max_body_bytes=2_000_000, max_rows=10_000) as service:
        yield service


def ask(service: InProcess, body: bytes, form: str, accept: str = "json", path: str = "/score") -> Any:
    return service.post(body, path, content_type=FORMATS[form].types[0], accept=FORMATS[accept].types[0])


@pytest.fixture(scope="module")
def expected(trained_service: InProcess) -> Records:
    return read_json_answer(trained_service.post(json.dumps(RECORDS), "/score?explain=2").content)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_a_body_gets_the_same_scores_bit_for_bit(
    trained_service: InProcess, expected: Records, tmp_path: Path, form: str
) -> None:
    answer = ask(trained_service, WRITTEN[form](RECORDS, tmp_path), form, path="/score?explain=2")
    assert answer.status_code == 200, answer.text
    assert read_json_answer(answer.content) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_an_answer_has_the_same_scores_bit_for_bit(
    trained_service: InProcess, expected: Records, form: str
) -> None:
    answer = ask(trained_service, json.dumps(RECORDS).encode(), "json", form, "/score?explain=2")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(FORMATS[form].types[0])
    for got, wanted in zip(READ[form](answer.content), expected, strict=True):
        named = ("serial", "anomaly_score", "p_value", "is_anomaly")
        assert [got[name] for name in named] == [wanted[name] for name in named]
        for part in ("feature", "contribution"):
            assert [item[part] for item in got["contributions"]] == [item[part] for item in wanted["contributions"]]


def test_flat_answers_have_the_columns_and_values_that_the_batch_program_writes(
    trained_service: InProcess, trained: Trained, tmp_path: Path
) -> None:
    from service.files.score_files import prepare, score_files

    source, out = write_csv(tmp_path / "in.csv", RECORDS), tmp_path / "out.csv"
    score_files(trained.detector, prepare(trained.detector, [source], out, top=2), out, format_name="csv")
    answer = ask(trained_service, source.read_bytes(), "csv", "csv", "/score?explain=2")
    assert answer.content == out.read_bytes()


def test_an_answer_says_outside_of_its_body_who_answered(trained_service: InProcess, detector: Detector) -> None:
    body = json.dumps(RECORDS[:3]).encode()
    for form in FORMATS:
        headers = ask(trained_service, body, "json", form).headers
        assert headers["detector-name"] == detector.name
        assert headers["detector-version"] == detector.version
        assert float(headers["detector-threshold"]) == detector.calibration.threshold
        assert headers["vary"] == "Accept, Accept-Encoding"
    about = pa.ipc.open_stream(ask(trained_service, body, "json", "arrow").content).schema.metadata
    assert about[b"detector"].decode() == detector.name
    assert float(about[b"threshold"]) == detector.calibration.threshold


@pytest.mark.parametrize("form", FORMATS)
def test_embeddings_and_expected_values_come_in_every_format(trained_service: InProcess, form: str) -> None:
    body = json.dumps(RECORDS[:50]).encode()
    embeddings = strict(ask(trained_service, body, "json", path="/embed"))["embeddings"]
    expected = strict(ask(trained_service, body, "json", path="/reconstruct"))["reconstructions"]
    embedded = ask(trained_service, body, "json", form, "/embed").content
    rebuilt = ask(trained_service, body, "json", form, "/reconstruct").content
    if form == "json":
        return
    if form == "jsonl":
        assert [json.loads(line)["embedding"] for line in embedded.splitlines()] == embeddings
    rows = READ[form](rebuilt)
    for row in rows:
        row.pop("contributions", None)
    ids = [{"serial": record["serial"]} for record in RECORDS[:50]]
    assert rows == [own | values for own, values in zip(ids, expected, strict=True)]
    if form in ("arrow", "arrow_file", "parquet"):
        units = [list(row.values())[1:-1] for row in READ[form](embedded)]
        np.testing.assert_array_equal(np.array(units, np.float32), np.array(embeddings, np.float32))


@pytest.mark.parametrize("form", FORMATS)
@given(
    numbers=st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53).map(float), min_size=1
    ),
    words=st.lists(st.none() | st.text("abc,;\"'\t é-", max_size=4), min_size=1),
)
@example(numbers=[0.0] * 8, words=["'", None])  # two of them could stand around rows
def test_any_numbers_and_texts_score_the_same_in_every_format(
    sample_service: InProcess, tmp_path_factory: Any, form: str, numbers: list[float], words: list[str | None]
) -> None:
    if form == "csv":  # whose cells have no spaces at their ends and no missing text
        words = [None if word is None else word.strip() or None for word in words]
    records = [
        sample_record(number=number, mode=words[row % len(words)], flag=None) for row, number in enumerate(numbers)
    ]
    answer = ask(sample_service, WRITTEN[form](records, tmp_path_factory.mktemp("rows")), form)
    wanted = strict(ask(sample_service, json.dumps(records).encode(), "json"))
    if answer.status_code == 200:
        assert strict(answer)["results"] == wanted["results"]
    else:  # what cannot be told for sure is asked
        assert form == "csv"
        assert "query parameter" in problem(answer, 422)["detail"]


ROWS = [sample_record(serial=f"s-{row}", number=50.0 + row) for row in range(3)]
TABLE = arrow_table(ROWS)


def replaced(name: str, column: Any) -> pa.Table:
    return TABLE.set_column(TABLE.column_names.index(name), name, column)


def coded(values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), values)


TYPES: dict[str, pa.Table] = {
    "dictionary": replaced("mode", TABLE["mode"].dictionary_encode()),
    "dictionary of unsigned codes": replaced(
        "mode",
        pa.DictionaryArray.from_arrays(pa.array([0, None, 0], pa.uint32()), pa.array([ROWS[0]["mode"]])),
    ),
    "large text": replaced("mode", TABLE["mode"].cast(pa.large_string())),
    "text view": replaced("mode", TABLE["mode"].cast(pa.string_view())),
    "small float": replaced("number", TABLE["number"].cast(pa.float32())),
    "decimal": replaced("number", TABLE["number"].cast(pa.decimal128(10, 2))),
    "small decimal": replaced("number", pa.array([1, 2, 3], pa.int8()).cast(pa.decimal32(5, 2))),
    "small decimal of 64 bits as id": replaced("serial", pa.array([1, 2, 3], pa.int8()).cast(pa.decimal64(5, 2))),
    "small integer": replaced("number", TABLE["number"].cast(pa.int8())),
    "timestamp": replaced("at", TABLE["at"].cast(pa.timestamp("ns"))),
    "date": replaced("at", pa.array([19_742] * 3, pa.date32())),
    "null": replaced("flag", pa.nulls(3)),
    "a dictionary of nulls": replaced("flag", pa.DictionaryArray.from_arrays([0, 1, 0], pa.nulls(2))),
    "a dictionary of views as id": replaced("serial", coded(pa.array(["a", "b"], pa.string_view()))),
    "a dictionary of timestamps as id": replaced("serial", coded(pa.array([1, 2], pa.timestamp("us")))),
    "an integer id": replaced("serial", pa.array([1, 2, 2**62])),
    "a duration": replaced("number", pa.array([1, 2, 3], pa.duration("s"))),
    "a duration as id": replaced("serial", pa.array([1, 2, 3], pa.duration("ms"))),
    "a time as id": replaced("serial", pa.array([1, 2, 3], pa.time64("us"))),
    "a timestamp as id": replaced("serial", pa.array([1, 2, 3], pa.timestamp("us"))),
    "an exact number as id": replaced("serial", pa.array([1, 2, 3]).cast(pa.decimal128(22, 2))),
    "another column": TABLE.append_column("z", pa.array([[1], [], None])),
}


@pytest.mark.parametrize("form", ["arrow", "arrow_file", "parquet"])
@pytest.mark.parametrize("name", TYPES)
def test_case_18_columns_of_any_plain_type_are_scored(sample_service: InProcess, name: str, form: str) -> None:
    if form == "parquet" and name in NOT_IN_PARQUET:
        pytest.skip("pyarrow writes no such dictionary")
    write = {"arrow": stream, "arrow_file": arrow_file, "parquet": parquet}[form]
    body = write(TYPES[name])
    for accept in FORMATS:
        answer = ask(sample_service, body, form, accept, "/score?explain=5")
        assert answer.status_code == 200, answer.text
        assert len(READ[accept](answer.content)) == 3
    strict(ask(sample_service, body, form))


REFUSED: dict[str, tuple[pa.Table, str]] = {
    "a list": (replaced("number", pa.array([[1.0], [2.0], [3.0]])), "field 'number': is of type list"),
    "bytes": (replaced("mode", pa.array([b"a", b"b", b"c"])), "field 'mode': is of type binary"),
    "a day that no calendar has": (
        replaced("at", pa.array([0, 1, -(2**31)], pa.date32())),
        "record 2, field 'at': got the text '-2147483648 of type date32[day]'",
    ),
    "a timestamp that no calendar has": (
        replaced("at", pa.array([0, 2**62, 0], pa.timestamp("s"))),
        "record 1, field 'at': got the text '4611686018427387904 of type timestamp[s]'",
    ),
    "a timestamp in a dictionary": (
        replaced("number", coded(pa.array([2**62, 0], pa.timestamp("s")))),
        "record 0, field 'number': got the text '4611686018427387904 of type timestamp[s]'",
    ),
    "a day in a dictionary": (
        replaced("number", coded(pa.array([2**31 - 1, 0], pa.date32()))),
        "record 0, field 'number': got the text '2147483647 of type date32[day]'",
    ),
    "a decimal far beyond its digits": (
        replaced("number", pa.Array.from_buffers(pa.decimal128(38, 20_000), 3, [None, pa.py_buffer(bytes(48))])),
        "field 'number': is of type decimal128(38, 20000). Send decimals of a scale between -76 and 76",
    ),
    "ids of an unknown time zone": (
        replaced("serial", pa.array([1, 2, 3], pa.timestamp("us", "Nowhere/Land"))),
        "field 'serial': is of type timestamp[us, tz=Nowhere/Land]: Cannot locate",
    ),
    "an object": (replaced("number", pa.array([{"a": 1}] * 3)), "field 'number': is absent"),
    "infinity": (replaced("number", pa.array([1.0, float("inf"), 3.0])), "record 1, field 'number'"),
    "a word": (replaced("number", pa.array(["1", "2", "x"])), "record 2, field 'number': got the text 'x'"),
    "a column that is absent": (TABLE.drop_columns(["number"]), "field 'number': is absent. Send the column."),
    "no rows": (TABLE.slice(0, 0), "holds no rows. Send at least one."),
    "no columns": (pa.table({"z": [1, 2]}), "field 'number': is absent"),
    "a column twice": (TABLE.append_column("number", TABLE["number"]), "more than one column 'number'"),
}


NOT_IN_PARQUET = (
    "a dictionary of nulls",
    "a dictionary of views as id",
    "a column twice",
    "a timestamp that no calendar has",
    "a timestamp in a dictionary",
    "a decimal far beyond its digits",
)


@pytest.mark.parametrize("form", ["arrow", "arrow_file", "parquet"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_a_table_holds_that_cannot_be_scored_is_named(sample_service: InProcess, name: str, form: str) -> None:
    if form == "parquet" and name in NOT_IN_PARQUET:
        pytest.skip("pyarrow reads no Parquet file with a column twice, and writes no such timestamp or decimal")
    table, detail = REFUSED[name]
    write = {"arrow": stream, "arrow_file": arrow_file, "parquet": parquet}[form]
    assert detail in problem(ask(sample_service, write(table), form), 422)["detail"]


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([0, 2**62, 0], pa.timestamp("s")),
        pa.Array.from_buffers(pa.decimal128(38, -76), 3, [None, pa.py_buffer((b"\1" + bytes(15)) * 3)]),
    ],
    ids=["timestamps", "decimals"],
)
def test_an_id_that_parquet_cannot_hold_is_answered_in_other_formats(sample_service: InProcess, ids: pa.Array) -> None:
    body = stream(replaced("serial", ids))
    assert "Ask for JSON" in problem(ask(sample_service, body, "arrow", "parquet"), 406)["detail"]
    assert ask(sample_service, body, "arrow", "json").status_code == 200


@pytest.mark.parametrize("form", ["arrow", "arrow_file", "parquet"])
@pytest.mark.parametrize("spelled", ["serial", "s-1"])
def test_names_and_texts_in_a_table_have_to_be_utf_8(sample_service: InProcess, form: str, spelled: str) -> None:
    body = WRITTEN[form](ROWS, Path()).replace(spelled.encode(), spelled[:-1].encode() + b"\xff")
    assert problem(ask(sample_service, body, form), 400)["detail"]


@pytest.mark.parametrize("accept", FORMATS)
def test_a_line_that_is_no_object_is_named_whatever_format_the_answer_has(
    sample_service: InProcess, accept: str
) -> None:
    document = problem(ask(sample_service, json.dumps(ROWS[0]).encode() + b"\n3\n", "jsonl", accept), 422)
    assert document["detail"] == "record 1: is 3. Send an object with the fields by name."


def test_case_17_a_missing_number_in_a_table_is_null_in_the_answer(sample_service: InProcess) -> None:
    table = replaced("number", pa.array([1.0, float("nan"), None]))
    for body, form in ((stream(table), "arrow"), (parquet(table), "parquet")):
        results = strict(ask(sample_service, body, form, path="/score?explain=5"))["results"]
        for result in results[1:]:
            [actual] = [item["actual"] for item in result["contributions"] if item["feature"] == "number"]
            assert actual is None


CSV_BODIES: dict[str, tuple[bytes, int, str]] = {
    "semicolons and decimal commas": (
        b"number;amount;flag;mode;at\n51,5;12,0;true;run;2024-01-20T06:30:00\n50,5;12,5;true;run;2024-01-20T06:30:00\n",
        200,
        "decimal comma",
    ),
    "a byte-order mark": (
        b"\xef\xbb\xbfnumber,amount,flag,mode,at\n51.5,12.0,true,run,2024-01-20T06:30:00\n",
        200,
        "byte-order mark",
    ),
    "another column": (
        b"number,amount,flag,mode,at,z\n51.5,12.0,true,run,2024-01-20T06:30:00,1\n",
        200,
        "ignored: 'z', which the detector does not know",
    ),
    "a mark that could be one between thousands": (
        b"number,amount,flag,mode,at\n1.234,12,true,run,2024-01-20T06:30:00\n",
        200,
        "if the mark stands between thousands: ?thousands=.",
    ),
    "a delimiter in no line": (
        b"number;amount;flag;mode;at\n1;12;true;run;2024-01-20T06:30:00\n",
        422,
        "?delimiter=,: no line has ',' between cells, but each has 5 cells by ';'. Say ?delimiter=;, or none.",
    ),
    "a row that is too long": (
        b"number,amount,flag,mode,at\n51.5,12.0,true,run,2024-01-20T06:30:00,1,2\n51.5,12.0,true,run,2024-01-20,\n",
        422,
        "cells",
    ),
    "no header line": (b"51.5,12.0,true,run,2024-01-20T06:30:00\n", 422, "?column-names=NAME,NAME,…"),
    "nothing but line ends": (b"\n\n\n", 422, "empty"),
    "a header line alone": (b"number,amount,flag,mode,at\n", 422, "holds no rows"),
    "a word": (b"number,amount,flag,mode,at\nx,12.0,maybe,run,2024-01-20\n", 422, "(1 more problem: see errors.)"),
    "gzip": (gzip.compress(b"number,amount,flag,mode,at\n"), 400, "Say so: Content-Encoding: gzip."),
    "JSON": (json.dumps(sample_record()).encode(), 422, ""),
}


@pytest.mark.parametrize("name", CSV_BODIES)
def test_a_csv_body_is_told_apart_as_a_file_is(sample_service: InProcess, name: str) -> None:
    body, status, detail = CSV_BODIES[name]
    query = {"a delimiter in no line": "?delimiter=,"}.get(name, "")
    answer = sample_service.post(body, content_type=CSV, path=f"/score{query}")
    if status == 200:
        document = strict(answer)
        assert detail in " ".join(document["notes"])
        assert json.loads(answer.headers["detector-notes"]) == document["notes"]
    else:
        assert detail in problem(answer, status)["detail"]
        assert " --" not in answer.text


def test_a_csv_body_can_be_told_apart_by_the_caller(sample_service: InProcess) -> None:
    body = "51,5;12,0;true;Überdruck;2024-01-20T06:30:00\n".encode("latin-1") * 2
    query = "delimiter=%3B&decimal=,&column-names=number,amount,flag,mode,at&header=absent"
    answer = sample_service.post(body, f"/score?{query}&explain=5", content_type="text/csv; charset=latin-1")
    items = {item["feature"]: item["actual"] for item in strict(answer)["results"][0]["contributions"]}
    assert items == {
        "number": 51.5,
        "amount": 12.0,
        "flag": True,
        "mode": "Überdruck",
        "at": "2024-01-20T06:30:00",
    }


def test_a_table_that_unfolds_to_gigabytes_is_refused_before_it_does(sample_service: InProcess) -> None:
    zeros = pa.table({name: np.zeros(9_000) for name in ("number", *map(str, range(300)))})
    rows = pa.table({"number": pa.nulls(10**7)})
    text = pa.array(["x" * 100_000]).dictionary_encode()
    shared = pa.DictionaryArray.from_arrays(pa.array(np.zeros(9_000, np.int32)), text.dictionary)
    texts = pa.table({name: [value] * 9_000 for name, value in sample_record().items()}).set_column(3, "mode", shared)
    bombs = {
        "packed buffers": (stream(zeros, compression="zstd"), "arrow"),
        "packed buffers of a file": (arrow_file(zeros, compression="lz4"), "arrow_file"),
        "rows": (stream(rows), "arrow"),
        "rows of Parquet": (parquet(rows), "parquet"),
        "pages": (parquet(zeros, compression="zstd", use_dictionary=False), "parquet"),
        "a dictionary": (stream(pa.table({"number": coded(pa.nulls(10**7))})), "arrow"),
        "a text that is shared": (stream(texts), "arrow"),
        "a text that is shared in Parquet": (parquet(texts), "parquet"),
    }
    for name, (body, form) in bombs.items():
        assert len(body) < 2_000_000, name
        problem(ask(sample_service, body, form), 413)


@pytest.mark.parametrize("form", ["arrow", "arrow_file", "parquet"])
@given(data=st.data())
def test_a_damaged_table_is_a_problem_document_or_scores(sample_service: InProcess, form: str, data: Any) -> None:
    body = bytearray(WRITTEN[form](ROWS, Path()))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(1, len(body)))]
    answer = ask(sample_service, bytes(body), form)
    assert answer.status_code in (200, 400, 413, 422), answer.text
    strict(answer)


def test_an_id_that_is_called_like_a_column_of_the_answer_comes_only_as_json() -> None:
    from dataclasses import replace

    detector = sample_detector()
    named = replace(detector, schema=replace(detector.schema, ids=("p_value",)))
    body = json.dumps(sample_record(p_value="mine")).encode()
    with in_process(named) as service:
        assert strict(ask(service, body, "json"))["results"][0]["ids"] == {"p_value": "mine"}
        assert "Ask for JSON" in problem(ask(service, body, "json", "csv"), 406)["detail"]


def test_ids_of_mixed_kinds_are_texts_in_a_flat_answer(sample_service: InProcess) -> None:
    records = [sample_record(serial=value) for value in (1, "b", None, True, 2.0, 10**30)] + [sample_record()]
    answer = ask(sample_service, json.dumps(records).encode(), "json", "arrow")
    serials = pa.ipc.open_stream(answer.content).read_all()["serial"].to_pylist()
    assert serials == ["1", "b", None, "true", "2", str(10**30), None]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_json_in_utf_16_is_refused_with_what_to_do(encoding, content_type):
    with in_process(sample_detector()) as client:
        body = json.dumps(sample_record()).encode(encoding)
        detail = problem(client.post(body, content_type=content_type), 400)["detail"]
    assert detail == (
        "The body is UTF-16, and JSON over HTTP is UTF-8. Send it so; iconv -f UTF-16 -t UTF-8 rewrites it."
    )
