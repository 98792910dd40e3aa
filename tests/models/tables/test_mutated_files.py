"""Damaged files: each is read or refused with one error of ours, and what was not touched is read as it was."""

from __future__ import annotations

import gzip
import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from samples import arrow_table, machine_records, write_excel

from models.errors import TableError
from models.tables.files import read_table
from models.tables.source import Source
from models.tables.table import Table

ROWS = 60
LONGEST_SECONDS = 20.0  # for one small file, on a busy machine
PLAIN = machine_records(ROWS, seed=3)
FOREIGN = [record | {"mode": f"mödus {record['mode']}", "site": "Zürich, Süd"} for record in PLAIN]
NAMES = tuple(PLAIN[0])


@dataclass(frozen=True)
class Whole:
    """A file before it is damaged."""

    content: bytes
    records: list[dict[str, Any]]
    text: bool  # a line is a record, so that we know which ones a change touches
    first_line: int = 0  # of the first record
    decimal: str = "."
    checked: bool = False  # the format has checksums: a change cannot pass unseen


def as_csv(
    records: list[dict[str, Any]], *, delimiter: str = ",", decimal: str = ".", encoding: str = "utf-8"
) -> Whole:
    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        text = text.replace(".", decimal) if isinstance(value, float) else text
        return f'"{text}"' if delimiter in text else text

    lines = [delimiter.join(NAMES), *(delimiter.join(map(cell, record.values())) for record in records)]
    texts = [{name: cell(value).strip('"') for name, value in record.items()} for record in records]
    return Whole("\n".join([*lines, ""]).encode(encoding), texts, encoding != "utf-16", 1, decimal)


def as_json(records: list[dict[str, Any]], *, listed: bool) -> Whole:
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    text = "[" + ",\n".join(lines) + "]\n" if listed else "\n".join([*lines, ""])
    return Whole(text.encode(), records, text=True)


def as_parquet() -> Whole:
    file = io.BytesIO()
    pa.parquet.write_table(arrow_table(PLAIN), file, write_page_checksum=True)
    return Whole(file.getvalue(), PLAIN, text=False, checked=True)


def as_arrow(*, stream: bool) -> Whole:
    file, table = io.BytesIO(), arrow_table(PLAIN)
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(file, table.schema) as writer:
        writer.write_table(table)
    return Whole(file.getvalue(), PLAIN, text=False)


def as_excel(folder: Any) -> Whole:
    return Whole(write_excel(folder / "whole.xlsx", PLAIN).read_bytes(), PLAIN, text=False, checked=True)


def as_gzip() -> Whole:
    plain = as_csv(FOREIGN)
    return Whole(gzip.compress(plain.content, mtime=0), plain.records, text=False, checked=True)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    return {
        "csv": as_csv(PLAIN),
        "csv in utf-8": as_csv(FOREIGN),
        "csv with decimal comma": as_csv(FOREIGN, delimiter=";", decimal=","),
        "csv in latin-1": as_csv(FOREIGN, delimiter="\t", encoding="latin-1"),
        "csv in utf-16": as_csv(FOREIGN, encoding="utf-16"),
        "csv.gz": as_gzip(),
        "json lines": as_json(FOREIGN, listed=False),
        "json list": as_json(PLAIN, listed=True),
        "parquet": as_parquet(),
        "arrow file": as_arrow(stream=False),
        "arrow stream": as_arrow(stream=True),
        "excel": as_excel(tmp_path_factory.mktemp("excel")),
    }


@dataclass
class Damage:
    """A file after it was damaged, and which of its lines were touched."""

    content: bytes
    touched: set[int] = field(default_factory=set)
    cut: bool = False
    more_lines: int = 0


def flip(whole: Whole, rng: random.Random) -> Damage:
    content = bytearray(whole.content)
    touched = set()
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(content))
        content[place] = rng.choice([rng.randrange(256), *b"\",;#\n\r\t' 0"])
        line = whole.content.count(b"\n", 0, place)
        touched |= {line, line + (whole.content[place] == 10)}
    return Damage(bytes(content), touched, more_lines=4)


def cut(whole: Whole, rng: random.Random) -> Damage:
    place = rng.randrange(len(whole.content))
    lines = set(range(whole.content.count(b"\n", 0, place), whole.content.count(b"\n") + 1))
    return Damage(whole.content[:place], lines, cut=True)


def double_a_line(whole: Whole, rng: random.Random) -> Damage:
    lines = whole.content.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return Damage(b"".join([*lines[: place + 1], *lines[place:]]), {place}, more_lines=1)


def lose_a_line(whole: Whole, rng: random.Random) -> Damage:
    lines = whole.content.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return Damage(b"".join([*lines[:place], *lines[place + 1 :]]), {place})


def swap_fields(whole: Whole, rng: random.Random) -> Damage:
    lines = whole.content.split(b"\n")
    place = rng.randrange(len(lines))
    delimiter = next((d for d in (b";", b"\t", b",") if d in lines[0]), b",")
    cells = lines[place].split(delimiter)
    first, second = rng.randrange(len(cells)), rng.randrange(len(cells))
    cells[first], cells[second] = cells[second], cells[first]
    lines[place] = delimiter.join(cells)
    return Damage(b"\n".join(lines), {place})


def mix_encodings(whole: Whole, rng: random.Random) -> Damage:
    place = rng.randrange(len(whole.content))
    other = rng.choice(["ä€ß".encode("utf-16-le"), "Ünïcödé".encode("latin-1"), "漢字".encode("gbk"), "é".encode()])
    line = whole.content.count(b"\n", 0, place)
    return Damage(
        whole.content[:place] + other + whole.content[place:], {line, line - 1}, more_lines=other.count(b"\n")
    )


def insert_bytes(whole: Whole, rng: random.Random) -> Damage:
    place = rng.randrange(len(whole.content))
    other = rng.choice([b"\0", b'"', b"'", b"\n", b"\r\n", b"\xff\xfe", b"\xef\xbb\xbf", b",,,", b"#", bytes(20)])
    line = whole.content.count(b"\n", 0, place)
    return Damage(whole.content[:place] + other + whole.content[place:], {line, line - 1, line + 1}, more_lines=2)


DAMAGES: tuple[Callable[[Whole, random.Random], Damage], ...] = (
    flip,
    flip,
    cut,
    double_a_line,
    lose_a_line,
    swap_fields,
    mix_encodings,
    insert_bytes,
)


def assert_untouched_rows_are_as_they_were(whole: Whole, damage: Damage, table: Table) -> None:
    untouched = [r for line, r in enumerate(whole.records, start=whole.first_line) if line not in damage.touched]
    header_touched = whole.first_line == 1 and 0 in damage.touched
    if header_touched:  # names may be others, places are not
        rows = [tuple(row) for row in zip(*table.data.to_pydict().values(), strict=True)]
        wanted = [tuple(record.values())[: len(table.names)] for record in untouched]
        rows = [row[: len(NAMES)] for row in rows]
    else:
        assert set(NAMES) <= set(table.names)
        rows = [tuple(row[name] for name in NAMES) for row in table.data.select(NAMES).to_pylist()]
        wanted = [tuple(record.values()) for record in untouched]
        assert (table.decimal or ".") == whole.decimal
    assert len(rows) <= len(whole.records) + damage.more_lines + header_touched
    found = iter(rows)
    for row in wanted:
        assert any(as_texts(row) == as_texts(other) for other in found), f"{row} was lost or changed"


def as_texts(row: tuple[Any, ...]) -> list[str]:
    """Leave the types out: a damaged cell may make a column one of texts."""
    return ["" if c is None else str(c).lower() if isinstance(c, bool) else str(c) for c in row]


def read_damaged(wholes: dict[str, Whole], seed: int) -> str:
    """Damage a file, read it, judge the result, and say which it was."""
    rng = random.Random(seed)
    form = rng.choice(list(wholes))
    whole = wholes[form]
    damage = rng.choice(DAMAGES)(whole, rng)
    started = time.perf_counter()
    try:
        table = read_table([Source(name="request body", content=damage.content, max_bytes=1 << 24)])
    except TableError as error:
        assert str(error).startswith(("request body: ", "The files cannot be put together")), error
        assert "\n" not in str(error)
        return f"{form}: refused"
    finally:
        assert time.perf_counter() - started < LONGEST_SECONDS
    if whole.text:
        assert_untouched_rows_are_as_they_were(whole, damage, table)
    elif whole.checked and set(NAMES) <= set(table.names):
        rows = [as_texts(tuple(row[name] for name in NAMES)) for row in table.data.to_pylist()]
        assert rows == [as_texts(tuple(record.values())) for record in whole.records], "no checksum was looked at"
    return f"{form}: read"


def run(wholes: dict[str, Whole], seeds: range) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for seed in seeds:
        try:
            outcomes[read_damaged(wholes, seed)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    return outcomes


def test_a_mutated_file_is_read_or_refused_and_what_was_not_touched_is_as_it_was(wholes):
    outcomes = run(wholes, range(500))
    assert {outcome.split(": ")[1] for outcome in outcomes} == {"read", "refused"}


@pytest.mark.slow
def test_ten_thousand_mutated_files_are_read_or_refused(wholes):
    seeds = range(100_000, 110_000)
    outcomes = run(wholes, seeds)
    print(f"seeds {seeds.start} to {seeds.stop - 1}:", *sorted(outcomes.items()))
    assert outcomes.total() == 10_000
