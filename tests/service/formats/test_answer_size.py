"""What an answer may cost: texts that Arrow shares are in it once a record, and a record of nulls takes no bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from bodies import READ, stream
from hypothesis import given
from hypothesis import strategies as st
from in_process import InProcess, in_process, problem
from samples import arrow_table, sample_detector, sample_record

from models.tables.arrow.texts import shared_text_bytes, text_bytes
from service.budget import Budget
from service.formats.formats import FORMATS

RECORDS = [sample_record(number=50.0 + row, serial=f"s-{row:03d}", mode=("run", "idle")[row % 2]) for row in range(300)]
TABLE = arrow_table(RECORDS)


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    with in_process(sample_detector()) as service:
        yield service


def send(service: InProcess, table: pa.Table, accept: str, path: str = "/score") -> Any:
    headers = {"Content-Type": FORMATS["arrow"].types[0], "Accept": FORMATS[accept].types[0]}
    return service.request("POST", path, content=stream(table, compression="zstd"), headers=headers)


def with_column(name: str, text: str) -> pa.Table:
    """Return the records with one text in a column, which Arrow has once."""
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * len(RECORDS), pa.int32()), pa.array([text]))
    return TABLE.set_column(TABLE.column_names.index(name), name, shared)


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize(("column", "path"), [("serial", "/score"), ("mode", "/score?explain=5")])
def test_an_answer_that_holds_a_long_text_in_each_record_is_refused(
    service: InProcess, accept: str, column: str, path: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.formats.answers.BUDGET", Budget(answer_bytes=2 << 20))
        detail = problem(send(service, with_column(column, '"' * 20_000), accept, path), 413)["detail"]
    assert detail == (
        "The answer would have more than 2,097,152 bytes. Ask for fewer columns (explain), or send fewer records a "
        "request."
    )


@pytest.mark.parametrize("path", ["/embed", "/reconstruct"])
@pytest.mark.parametrize("accept", FORMATS)
def test_every_operation_bounds_its_answer(service: InProcess, path: str, accept: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.formats.answers.BUDGET", Budget(answer_bytes=100))
        detail = problem(send(service, TABLE, accept, path), 413)["detail"]
    assert detail == "The answer would have more than 100 bytes. Send fewer records a request."


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("path", ["/score?explain=2", "/embed"])
def test_records_with_long_texts_are_answered_some_at_a_time_and_the_same(
    service: InProcess, path: str, accept: str
) -> None:
    if accept == "json" and path == "/embed":
        return  # its items are lists
    whole = send(service, TABLE, accept, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.formats.tables.BUDGET", Budget(chunk_text_bytes=100))
        in_parts = send(service, TABLE, accept, path)
    assert (whole.status_code, in_parts.status_code) == (200, 200)
    read, read_in_parts = READ[accept](whole.content), READ[accept](in_parts.content)
    assert [row["serial"] for row in read_in_parts] == [record["serial"] for record in RECORDS]
    assert [row.keys() for row in read_in_parts] == [row.keys() for row in read]


def test_a_record_whose_texts_are_too_long_is_named(service: InProcess) -> None:
    serials = TABLE["serial"].to_pylist()
    serials[7] = "x" * 5_000_000
    table = TABLE.set_column(TABLE.column_names.index("serial"), "serial", pa.array(serials))
    for path, accept in (("/score", "json"), ("/score", "csv"), ("/score/stream", "jsonl")):
        detail = problem(send(service, table, accept, path), 413)["detail"]
        assert detail.startswith("The texts of record 7 have 5,000,0")
        assert detail.endswith("bytes, more than 4,194,304. Send shorter ones.")


@pytest.mark.parametrize("accept", ["jsonl", "arrow"])
def test_an_answer_to_a_part_of_a_stream_is_sent_in_pieces(service: InProcess, accept: str) -> None:
    table = pa.concat_tables([TABLE] * 200).combine_chunks()
    whole = send(service, table, accept, "/score?explain=2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.streaming.answer.BUDGET", Budget(part_answer_bytes=1))
        streamed = send(service, table, accept, "/score/stream?explain=2")
    assert (whole.status_code, streamed.status_code) == (200, 200)
    assert READ[accept](streamed.content) == READ[accept](whole.content)


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=20), st.integers(0, 5))
def test_the_bytes_of_texts_are_those_of_copies(texts: list[str | None], start: int) -> None:
    plain = pa.array(texts, pa.string())
    wanted = [len((text or "").encode()) for text in texts][start:]
    for column in (plain, plain.cast(pa.large_string()), plain.cast(pa.string_view()), plain.dictionary_encode()):
        table = pa.table({"text": column, "number": pa.array([1.0] * len(texts))}).slice(start)
        assert text_bytes(table).tolist() == wanted
        is_shared = pa.types.is_string_view(column.type) or pa.types.is_dictionary(column.type)
        assert shared_text_bytes(table) == (sum(wanted) if is_shared else 0)
    twice = pa.table({"a": plain, "b": plain}).slice(start)
    assert text_bytes(twice).tolist() == [2 * size for size in wanted]
