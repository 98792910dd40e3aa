"""Large JSON is decoded some items at a time, and reads as if it were decoded at once."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import sample_record, sample_schema

from models.errors import DetectorError
from service.formats import exact_json, json_slices
from service.formats.json import read_json, read_lines
from service.formats.json_slices import decode_value, slices_of
from service.formats.known_fields import KnownFields
from service.formats.rows import BodySpec
from service.web.problems import RequestError

SCHEMA = sample_schema()
RECORDS = [sample_record(number=40.0 + row, serial=f"s{row}") for row in range(12)]
TABLE = {"columns": list(RECORDS[0]), "rows": [list(record.values()) for record in RECORDS]}
BODIES = {
    "records": json.dumps(RECORDS),
    "records of other fields": json.dumps([record | {"more": [1, {"a": None}]} for record in RECORDS]),
    "a table": json.dumps(TABLE),
    "a table of other columns": json.dumps({"columns": ["number"], "rows": [[1.5]] * 12}),
    "a form of another server": json.dumps({"instances": RECORDS}),
    "one record": json.dumps(RECORDS[0] | {"more": ["x"] * 20}),
    "blanks before it": " \n\t" * 30 + json.dumps(RECORDS),
    "colons in texts": json.dumps([record | {"mode": "a:b"} for record in RECORDS]),
    "no record": "[" + " " * 100 + "]",
    "no rows": json.dumps(TABLE | {"rows": []}) + " " * 100,
    "a key twice": json.dumps(RECORDS).replace('"flag"', '"mode"', 1),
    "a key of a table twice": json.dumps(TABLE)[:-1] + ',"rows":[]}',
    "no end": json.dumps(RECORDS)[:-1],
    "something behind it": json.dumps(RECORDS) + "x",
    "a comma too many": json.dumps(RECORDS)[:-1] + ",]",
    "a wrong item": json.dumps(RECORDS)[:-1] + ",nul]",
    "an item that is no object": json.dumps([*RECORDS, 7]),
    "a number that is too large": json.dumps(RECORDS)[:-1] + ",1e999]",
    "half a character": json.dumps(RECORDS)[:-2] + ',"x":"\\ud800"}]',
    "a cell that is no number": json.dumps([*RECORDS, sample_record(number="x")]),
    "too deep": "[" * 3_000 + "]" * 3_000,
}


@pytest.fixture
def sliced(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (json_slices, exact_json):
        monkeypatch.setattr(module, "SLICE_BYTES", 64)


def kept_of(items: Any) -> Any:
    """Return what is kept of the items of a list."""
    return list(map(KnownFields(SCHEMA).of_item, items))


def outcome(content: bytes, *, lines: bool = False) -> Any:
    spec = BodySpec(schema=SCHEMA, max_rows=100, max_bytes=1 << 20)
    try:
        rows = (read_lines if lines else read_json)(content, spec)
        return rows.names, list(map(tuple, rows.rows)) if rows.names else kept_of(rows.rows), rows.typed, rows.notes
    except (RequestError, DetectorError) as error:
        return str(error)


WHOLE = {name: outcome(body.encode()) for name, body in BODIES.items()}
LINES = "\n".join(map(json.dumps, RECORDS)).encode()
WHOLE_LINES = outcome(LINES, lines=True)


@pytest.mark.usefixtures("sliced")
@pytest.mark.parametrize("name", BODIES)
def test_a_body_reads_the_same_in_slices_and_at_once(name: str) -> None:
    assert outcome(BODIES[name].encode()) == WHOLE[name]


@pytest.mark.usefixtures("sliced")
def test_lines_read_the_same_in_slices_and_at_once() -> None:
    assert outcome(LINES, lines=True) == WHOLE_LINES
    assert len(WHOLE_LINES[1]) == len(RECORDS)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=VALUES, slice_bytes=st.integers(1, 40))
def test_any_value_is_decoded_as_msgspec_decodes_it_but_for_what_is_not_kept(value: Any, slice_bytes: int) -> None:
    content = msgspec.json.encode(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_slices, "SLICE_BYTES", slice_bytes)
        decoded = decode_value(content, KnownFields(SCHEMA))
    whole = msgspec.json.decode(content)
    if len(content) > slice_bytes and isinstance(whole, list):
        whole = kept_of(whole)
    elif len(content) > slice_bytes and isinstance(whole, dict):
        lists = {name: part for name, part in whole.items() if isinstance(part, list)}
        large = {name: part for name, part in lists.items() if len(msgspec.json.encode(part)) > slice_bytes}
        whole |= {name: kept_of(part) for name, part in large.items()}
    assert decoded == whole


def test_slices_hold_every_item_once_and_about_as_many_bytes() -> None:
    assert [list(some) for some in slices_of(range(5), 2 * json_slices.SLICE_BYTES)] == [[0, 1], [2, 3], [4]]
    assert [list(some) for some in slices_of(range(3), 10)] == [[0, 1, 2]]
    assert not list(slices_of([], 10))
