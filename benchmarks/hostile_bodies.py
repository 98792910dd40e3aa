"""Requests that somebody could send: hypothesis draws bodies of every form, damages them, and lies about them."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
from hypothesis import strategies as st

from benchmarks.hostile_answers import Hostile

Draw = Callable[[st.SearchStrategy[Any]], Any]

CELLS: Final = (
    *("null", "true", "false", '""', '" "', "0", "-0.0", "1", '"1"', '"1.5"', '"1,5"', '"1.000,5"', '"１２"'),
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "5e-324", "1.7976931348623157e308", "-1e308"),
    *('"NaN"', '"inf"', '"-Infinity"', '"1e999"', '"∞"', '"null"', '"None"', '"N/A"', '"-"', '"true"', '"yes"'),
    *("1" + "0" * 400, "1" + "0" * 5000, f'"{"9" * 5000}"', str(2**63), str(2**64), str(-(2**63)), "1" * 30),
    *("[]", "{}", "[1]", '{"a": 1}', "[" * 300 + "]" * 300, '{"a":' * 300 + "1" + "}" * 300, "[[], {}, null]"),
    *('"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\0"', '"\\x"', "'a'", '"é"', '"e\\u0301"', '"\u202e"'),
    *('"2024-02-30"', '"0000-00-00"', '"9999-12-31T23:59:60Z"', '"2024-01-20T06:30:00+99:00"', '"12:00"', "1e18"),
    *("+1", "01", ".5", "1.", "0x1", "1_000", "--1", "undefined", "", "tru", '"' + "x" * 3000 + '"'),
)
"""Values as they are written in JSON, and what is none."""

_TYPES: Final[Mapping[str, tuple[pa.DataType, Sequence[Any]]]] = {
    "float": (pa.float64(), [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 1e308, None]),
    "small float": (pa.float16(), [1.0, None, 65504.0]),
    "integer": (pa.int64(), [0, 2**63 - 1, -(2**63), None]),
    "natural": (pa.uint64(), [2**64 - 1, 0, None]),
    "text": (pa.string(), ["", "run", "1.5", "NaN", "inf", "\0", "é", "x" * 3000, None]),
    "large text": (pa.large_string(), ["run", None]),
    "text view": (pa.string_view(), ["run", "a long text that is not inline", None]),
    "bytes": (pa.binary(), [b"\xff\xfe", b"", b"run", None]),
    "truth": (pa.bool_(), [True, False, None]),
    "null": (pa.null(), [None]),
    "decimal": (pa.decimal128(38, 2), [Decimal("1.50"), Decimal("9" * 36), None]),
    "instant": (pa.timestamp("us", "UTC"), [datetime.datetime(2024, 1, 20, tzinfo=datetime.UTC), None]),
    "nanoseconds": (pa.timestamp("ns"), [0, -(2**63), 2**63 - 1, None]),
    "seconds": (pa.timestamp("s"), [-(2**62), 2**62, 0, None]),
    "date": (pa.date32(), [0, -(2**31), 2**31 - 1, None]),
    "time": (pa.time64("ns"), [0, 86_399_999_999_999, None]),
    "duration": (pa.duration("s"), [0, 2**62, None]),
    "list": (pa.list_(pa.int8()), [[], [1, None], None]),
    "struct": (pa.struct([("a", pa.int8())]), [{"a": 1}, {"a": None}, None]),
    "map": (pa.map_(pa.string(), pa.int8()), [[("a", 1)], None]),
    "shared text": (pa.dictionary(pa.int8(), pa.string()), ["run", "idle", None]),
}
"""Arrow's types with values of them."""

_FORMS: Final = {
    "json": ("application/json",),
    "jsonl": ("application/x-ndjson", "application/jsonl"),
    "csv": ("text/csv",),
    "arrow": ("application/vnd.apache.arrow.stream",),
    "arrow_file": ("application/vnd.apache.arrow.file",),
    "parquet": ("application/vnd.apache.parquet",),
}
_CONTENT_TYPES: Final = tuple(kind for kinds in _FORMS.values() for kind in kinds)
_ODD_CONTENT_TYPES: Final = (
    *(b"", b"text/plain", b"application/xml", b"application/vnd.api+json", b"multipart/form-data; boundary=x"),
    *(b"application/json; charset=utf-8", b"application/json;charset=utf-16", b"text/csv; charset=latin-1"),
    *(b"text/csv; charset=utf-16", b"text/csv;charset=klingon", b"text/csv; charset=base64", b";;;", b"\xff", b"*/*"),
)
_ACCEPTS: Final = (
    *(b"*/*", b"", b"text/*", b"application/xml", b"*/*;q=0", b"application/json;q=0", b"text/csv;q=0.1, */*;q=0.05"),
    *(b"text/html,application/xml;q=0.9,*/*;q=0.8", b",,;,", b"\xe9", b"application/json;q=abc", b"a" * 4000),
)
_PACKINGS: Final = (b"gzip", b"zstd", b"identity", b"br", b"deflate", b"gzip, gzip", b"x-gzip", b"", b"\xff")
_QUERIES: Final = (
    *(("explain", value) for value in ("0", "1", "3", "10000", "10001", "-1", "1.5", "", "٣", "9" * 5000, "NaN")),
    *(("delimiter", value) for value in (",", ";", "tab", "ab", "", '"', "\n", "é")),
    *(("decimal", value) for value in (",", ".", "x", "")),
    *(("thousands", value) for value in (",", ".", "space", "none", "x")),
    *(("encoding", "latin-1"), ("header", "absent"), ("header", "present"), ("quote", "none"), ("comment", "#")),
    *(("column-names", "a,b"), ("column-names", "a,a"), ("skip-lines", "1"), ("skip-lines", "999999999")),
    *(("ragged-rows", "fill"), ("explian", "1"), ("", ""), ("\0", "\0"), ("explain[]", "1")),
)
_METHODS: Final = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW")
_PATHS: Final = ("/score", "/embed", "/reconstruct")
_OTHER_PATHS: Final = ("/healthz", "/readyz", "/detector", "/openapi.json", "/nowhere", "/", "//", "/score/", "/%00")


def hostile_requests(record: Mapping[str, Any], ids: Sequence[str] = ()) -> st.SearchStrategy[Hostile]:
    """Return requests around a record that can be scored.

    Args:
        record: Values by name.
        ids: Fields that name a record.
    """
    plain = dict.fromkeys(ids, "r-1") | dict(record)

    @st.composite
    def requests(draw: Draw) -> Hostile:
        form = draw(st.sampled_from(list(_FORMS)))
        body = _BODIES[form](draw, plain)
        if _sometimes(draw, 3):
            body = _damaged(draw, body)
        headers, body = _headers(draw, form, body)
        usual = not _sometimes(draw, 20)
        path = draw(st.sampled_from(_PATHS if usual else _OTHER_PATHS))
        query = draw(st.lists(st.sampled_from(_QUERIES), max_size=2)) if _sometimes(draw, 3) else []
        return Hostile(
            source="hypothesis",
            method="POST" if usual else draw(st.sampled_from(("POST", *_METHODS))),
            target=path + (f"?{urlencode(query)}" if query else "") + ("&" if _sometimes(draw, 50) else ""),
            headers=tuple(headers),
            body=body,
            pieces=draw(st.sampled_from((1, 1, 1, 2, 7))),
            leaves=_sometimes(draw, 100),
        )

    return requests()


def of_schemathesis(case: Any) -> Hostile:
    """Return the request that a case of schemathesis means."""
    from requests import Request

    given = case.as_transport_kwargs(base_url="http://service")
    known = {
        name: given[name]
        for name in ("method", "url", "headers", "data", "json", "params", "cookies")
        if given.get(name) is not None
    }
    prepared = Request(**known).prepare()
    body = prepared.body or b""
    headers = [(_bytes(name), _bytes(value)) for name, value in prepared.headers.items()]
    return Hostile(
        source="schemathesis",
        method=prepared.method or "GET",
        target=quote(prepared.path_url, safe="/?&=%+,;:@!$'()*~[]"),
        headers=tuple(headers),
        body=body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"),
    )


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _sometimes(draw: Draw, once_in: int) -> bool:
    return bool(draw(st.integers(1, once_in)) == once_in)


def _pairs(draw: Draw, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a record's members as they are written, some of them odd, absent, or there twice."""
    pairs = [(json.dumps(name), json.dumps(value)) for name, value in record.items()]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(pairs) - 1))
        name = pairs[place][0]
        change = draw(st.integers(0, 9))
        if change == 0 and len(pairs) > 1:
            pairs.pop(place)
        elif change == 1:
            pairs.append((name, draw(st.sampled_from(CELLS))))
        elif change == 2:
            pairs.append((json.dumps(draw(st.text(max_size=5))), draw(st.sampled_from(CELLS))))
        elif change == 3:
            pairs[place] = (name, json.dumps(draw(st.text(max_size=12))))
        else:
            pairs[place] = (name, draw(st.sampled_from(CELLS)))
    return pairs


def _object(draw: Draw, record: Mapping[str, Any]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in _pairs(draw, record)) + "}"


def _json_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    shape = draw(st.integers(0, 9))
    if shape < 3:
        text = _object(draw, record)
    elif shape < 6:
        text = "[" + ",".join(_object(draw, record) for _ in range(draw(st.integers(0, 4)))) + "]"
    elif shape < 8:
        rows = [[value for _, value in _pairs(draw, record)] for _ in range(draw(st.integers(0, 3)))]
        names = ",".join(map(json.dumps, record))
        text = f'{{"columns":[{names}],"rows":[{",".join("[" + ",".join(row) + "]" for row in rows)}]}}'
    elif shape == 8:
        text = draw(st.sampled_from(CELLS))
    else:
        return draw(st.binary(max_size=40))
    return text.encode("utf-8", "surrogatepass")


def _lines_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    lines = [_object(draw, record) for _ in range(draw(st.integers(0, 4)))]
    if _sometimes(draw, 5):
        lines.append(draw(st.sampled_from(("", " ", "[1]", "3", "null", "{", "\0", "[]"))))
    return draw(st.sampled_from(("\n", "\r\n", "\n\n", " \n"))).join(lines).encode("utf-8", "surrogatepass")


def _csv_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=draw(st.sampled_from((",", ",", ";", "\t", "|"))), lineterminator="\n")
    names = list(record)
    if not _sometimes(draw, 10):
        writer.writerow(names + ([draw(st.sampled_from((names[0], "", "z")))] if _sometimes(draw, 5) else []))
    for _ in range(draw(st.integers(0, 4))):
        cells = [str(value) for value in record.values()]
        for _ in range(draw(st.integers(0, 2))):
            cells[draw(st.integers(0, len(cells) - 1))] = draw(
                st.sampled_from([cell.strip('"') for cell in CELLS]) | st.text(max_size=8)
            )
        writer.writerow(cells[: -1 if _sometimes(draw, 15) else None])
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))
    return out.getvalue().encode(encoding, "replace")


def _table(draw: Draw, record: Mapping[str, Any]) -> pa.Table:
    rows = draw(st.integers(0, 3))
    columns: list[tuple[str, pa.Array]] = [(name, pa.array([value] * rows)) for name, value in record.items()]
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(columns) - 1))
        kind, values = draw(st.sampled_from(list(_TYPES.values())))
        picked = draw(st.lists(st.sampled_from(values), min_size=rows, max_size=rows))
        odd = pa.array(picked, kind)
        change = draw(st.integers(0, 7))
        if change == 0 and len(columns) > 1:
            columns.pop(place)
        elif change == 1:
            columns.append((draw(st.sampled_from((columns[place][0], "z", "", "a.b"))), odd))
        else:
            columns[place] = (columns[place][0], odd)
    return pa.table([column for _, column in columns], names=[name for name, _ in columns])


def _arrow_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    table, out = _table(draw, record), io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=draw(st.sampled_from((None, None, "zstd", "lz4"))))
    with pa.ipc.new_stream(out, table.schema, options=options) as writer:
        writer.write_table(table)
    return out.getvalue()


def _arrow_file_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    table, out = _table(draw, record), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _parquet_body(draw: Draw, record: Mapping[str, Any]) -> bytes:
    table, out = _table(draw, record), io.BytesIO()
    try:
        pa.parquet.write_table(table, out, compression=draw(st.sampled_from(("none", "snappy", "zstd"))))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # a type that Parquet has not
        return b"PAR1"
    return out.getvalue()


_BODIES: Final[dict[str, Callable[[Draw, Mapping[str, Any]], bytes]]] = {
    "json": _json_body,
    "jsonl": _lines_body,
    "csv": _csv_body,
    "arrow": _arrow_body,
    "arrow_file": _arrow_file_body,
    "parquet": _parquet_body,
}


def _damaged(draw: Draw, body: bytes) -> bytes:
    """Flip, cut, insert, and repeat bytes."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(0, len(body) - 1)))
        change = draw(st.integers(0, 5))
        if change == 0:
            body = body[:start]
        elif change == 1:
            body = body[:start] + draw(st.binary(min_size=1, max_size=8)) + body[start:]
        elif change == 2:
            body = body[:start] + body[start : start + 40] * 3 + body[start + 40 :]
        elif change == 3:
            body = b"\xef\xbb\xbf" + body
        else:
            body = body[:start] + bytes([draw(st.integers(0, 255))]) + body[start + 1 :]
    return body


def _headers(draw: Draw, form: str, body: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers, which may lie, and the body, which may be packed."""
    honest = draw(st.sampled_from(_FORMS[form])).encode()
    kinds = (honest, *(kind.encode() for kind in _CONTENT_TYPES), *_ODD_CONTENT_TYPES)
    kind = draw(st.sampled_from(kinds)) if _sometimes(draw, 6) else honest
    headers = [(b"content-type", kind)]
    accept = draw(st.sampled_from([kind.encode() for kind in _CONTENT_TYPES]))
    headers.append((b"accept", draw(st.sampled_from(_ACCEPTS)) if _sometimes(draw, 8) else accept))
    if _sometimes(draw, 6):
        packing = draw(st.sampled_from(_PACKINGS))
        headers.append((b"content-encoding", packing))
        if packing == b"gzip" and not _sometimes(draw, 6):
            body = gzip.compress(body, 1)
        elif packing == b"zstd" and not _sometimes(draw, 6):
            body = pa.compress(body, "zstd", asbytes=True)
    if _sometimes(draw, 15):
        length = draw(st.sampled_from((b"0", b"1", b"99999999999", b"-1", b"x", b"9" * 30)))
        headers.append((b"content-length", length))
    if _sometimes(draw, 30):
        headers.append((b"x-odd", draw(st.binary(max_size=20).map(lambda value: value.translate(None, b"\r\n\0")))))
    return headers, body
