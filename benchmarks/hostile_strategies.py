"""Requests that a service should stand: what is sent when nobody has read the documents, or means harm."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
from hypothesis import strategies as st

from models.schema import FeatureSchema
from service.api.parameters import ScoreQuery
from service.formats.formats import FORMATS

_PARAMETERS: Final = [field.alias or name for name, field in ScoreQuery.model_fields.items()]
_SCORING: Final = ("/score", "/score/stream", "/embed", "/reconstruct")
_LETTERS: Final = st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f")

_NUMBERS: Final = st.one_of(
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308", "-0", "0.1e-400", "5e-324"]),
    st.sampled_from(["01", "1.", ".5", "+1", "0x10", "1_000", "１"]),
    st.sampled_from([30, 400, 5000]).map(lambda digits: "9" * digits),
)
_TEXTS: Final = st.one_of(
    st.sampled_from(["NaN", "inf", "-Infinity", "1e999", "null", "None", "1,5", "1.234,5", "true", "٣", "=1+1"]),
    st.sampled_from(["2024-02-30", "0001-01-01", "9999-12-31T23:59:59.999999Z", "2024-01-01T00:00:60Z"]),
    st.sampled_from(["", " ", "\0", "\ufeff", "../..", "a" * 5000]),
    st.text(max_size=8),
)
_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_COLUMNS: Final[Sequence[tuple[pa.DataType, Sequence[Any]]]] = (
    (pa.float64(), [float("nan"), float("inf"), 1e308, -0.0, None]),
    (pa.float16(), [1.0, None]),
    (pa.int64(), [2**63 - 1, -(2**63), None]),
    (pa.uint64(), [2**64 - 1, None]),
    (pa.string(), ["", "NaN", "\0", "x" * 3000, None]),
    (pa.string_view(), ["run", "a text that is too long to be kept inline", None]),
    (pa.binary(), [b"\xff\xfe", b"run", None]),
    (pa.bool_(), [True, None]),
    (pa.null(), [None]),
    (pa.decimal128(38, 2), [Decimal("1.50"), Decimal("9" * 36), None]),
    (pa.timestamp("us", "UTC"), [0, 2**62, None]),
    (pa.timestamp("ns"), [-(2**63), 2**63 - 1, None]),
    (pa.timestamp("s"), [0, -(2**62), None]),
    (pa.date32(), [-(2**31), 2**31 - 1, None]),
    (pa.time64("ns"), [86_399_999_999_999, None]),
    (pa.duration("s"), [2**62, None]),
    (pa.list_(pa.int8()), [[1, None], None]),
    (pa.struct([("a", pa.int8())]), [{"a": 1}, None]),
    (pa.map_(pa.string(), pa.int8()), [[("a", 1)], None]),
    (pa.dictionary(pa.int8(), pa.string()), ["run", "idle", None]),
    (pa.run_end_encoded(pa.int32(), pa.string()), ["run", None]),
)
"""Arrow's types, with values that few expect."""

_TYPES: Final = [kind for row in FORMATS.values() for kind in row.types]
_CONTENT_TYPES: Final = st.one_of(
    st.sampled_from(_TYPES),
    st.sampled_from(["", "text/plain", "multipart/form-data; boundary=x", "*/*", "application/json;;;=,"]),
    st.sampled_from(["json; charset=utf-8", "json; charset=utf-16"]).map(lambda kind: f"application/{kind}"),
    st.sampled_from(["latin-1", "utf-16", "klingon"]).map(lambda charset: f"text/csv; charset={charset}"),
    st.text(_LETTERS, max_size=20),
)
_ACCEPTS: Final = st.one_of(
    st.sampled_from(_TYPES),
    st.sampled_from(_TYPES),
    st.sampled_from(["", "*/*", "text/*;q=0.1, */*;q=0", "application/xml", "text/csv;q=2", ", ,"]),
    st.text(_LETTERS, max_size=20),
)
_CODINGS: Final = ("gzip", "zstd", "identity", "br", "gzip, gzip", "GZIP", "x-gzip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A request as it goes over the wire.

    Args:
        method: Of HTTP.
        target: Path and query.
        headers: Names and values.
        body: The bytes.
    """

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def wires(schema: FeatureSchema, record: dict[str, Any]) -> st.SearchStrategy[Wire]:
    """Return requests that a caller could send: any path, method, query, headers and body."""
    values = ["0", "1", "3", "-1", "10001", "1e3", "", "tab", ",", ";", "present", "absent", "none", "fill", "a,b"]
    queries = st.dictionaries(st.sampled_from([*_PARAMETERS, "explian"]), st.sampled_from(values), max_size=2)
    others = ["/detector", "/healthz", "/readyz", "/openapi.json", "/", "/score/", "//score"]
    paths = _mostly(st.sampled_from(_SCORING), st.sampled_from(others))
    targets = st.builds(
        lambda path, query: f"{path}?{httpx.QueryParams(query)}" if query else path,
        paths,
        _mostly(st.just({}), queries, share=60),
    )
    return st.builds(
        _wire,
        method=_mostly(
            st.just("POST"), st.sampled_from(["GET", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH"]), share=95
        ),
        target=targets,
        body=bodies(schema, record),
        accept=_mostly(st.just("application/json"), _ACCEPTS, share=50),
        content_type=_mostly(st.none(), _CONTENT_TYPES),
        coding=_mostly(st.just(""), st.sampled_from(_CODINGS)),
    )


def bodies(schema: FeatureSchema, record: dict[str, Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Return bodies with the form that they are nearly of."""
    names = st.sampled_from([*record, *schema.ids, "extra", "columns", "rows"])
    odd = st.dictionaries(names, _VALUES, max_size=3).map(lambda change: record | change)
    thin = st.dictionaries(names, _VALUES, max_size=len(record))
    records = st.lists(odd | thin | st.just(record), min_size=1, max_size=4)
    objects = st.one_of(odd, records, _VALUES, st.lists(odd | _VALUES, max_size=3))
    rows = st.fixed_dictionaries(
        {
            "columns": st.just(list(record)) | _VALUES,
            "rows": st.lists(st.lists(_VALUES, max_size=8), max_size=3) | _VALUES,
        }
    )
    texts = (objects | rows).map(lambda value: ("json", _json(value)))
    spelled = st.tuples(names, _NUMBERS).map(lambda pair: ("json", _spelled(record, *pair)))
    twice = names.map(lambda name: ("json", _json(record)[:-1] + f', "{name}": 1}}'.encode()))
    deep = st.tuples(st.sampled_from([b"[", b'{"a":', b'[{"b":']), st.integers(1, 3000)).map(
        lambda p: ("json", p[0] * p[1])
    )
    lines = records.map(lambda many: ("jsonl", b"\n".join(map(_json, many))))
    tables = st.tuples(
        st.sampled_from(["csv", "arrow", "arrow_file", "parquet"]), st.integers(1, 5), names, _VALUES
    ).map(lambda drawn: (drawn[0], _table(drawn[0], [record | {drawn[2]: drawn[3]}] * drawn[1])))
    typed = st.tuples(
        st.sampled_from(["arrow", "arrow_file", "parquet"]), st.integers(0, 5), names, st.sampled_from(_COLUMNS)
    ).map(lambda drawn: (drawn[0], _table(drawn[0], [record] * drawn[1], odd=(drawn[2], *drawn[3]))))
    anything = st.tuples(st.sampled_from(list(FORMATS)), st.binary(max_size=200))
    kinds = [texts, texts, spelled, twice, deep, lines, lines, *[tables] * 5, *[typed] * 5, anything]
    whole = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return st.one_of(whole, whole.flatmap(_damaged))


def raw_requests(schema: FeatureSchema, record: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Return bytes that begin like a request, mostly; the connection is to be closed behind the answer."""
    odd_lines = st.one_of(
        st.sampled_from([b"GET /score HTTP/1.1", b"POST /score HTTP/9.9", b"post /score HTTP/1.1"]),
        st.sampled_from([b"POST  /score  HTTP/1.1", b"POST http://x/score HTTP/1.1", b"POST /sc\xffore HTTP/1.1"]),
        st.sampled_from([b"POST /%00 HTTP/1.1", b"CONNECT x:1 HTTP/1.1", b"PRI * HTTP/2.0"]),
        st.binary(max_size=30),
    )
    odd_lengths = st.one_of(
        st.sampled_from([b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 9e9", b"X: y"]),
        st.sampled_from([b"Content-Length: 99999", b"Content-Length: %d\r\nContent-Length: 5"]),
        st.sampled_from([b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked"]),
    )
    extra = st.one_of(
        st.sampled_from([b"Expect: 100-continue", b"Expect: pizza", b"Upgrade: websocket", b"Accept: text/csv"]),
        st.sampled_from([b"Host: \xff", b"Content-Encoding: gzip", b": x", b"Cookie: \x00", b" folded: y"]),
        st.integers(1, 70_000).map(lambda length: b"X-Long: " + b"a" * length),
    )
    lines = st.sampled_from([b"POST /score HTTP/1.1", b"POST /score?explain=2 HTTP/1.1", b"POST /embed HTTP/1.0"])
    return st.builds(
        _raw,
        line=_mostly(lines, odd_lines),
        length=_mostly(st.just(b"Content-Length: %d"), odd_lengths, share=60),
        extra=_mostly(st.just([]), st.lists(extra, max_size=2), share=60),
        body=bodies(schema, record),
        chunked=st.booleans(),
    )


def _mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any], *, share: int = 80) -> st.SearchStrategy[Any]:
    """Draw the usual in so many of a hundred."""
    return st.integers(0, 99).flatmap(lambda drawn: usual if drawn < share else odd)


def _wire(
    *,
    method: str,
    target: str,
    body: tuple[str, bytes],
    accept: str,
    content_type: str | None,
    coding: str,
) -> Wire:
    form, content = body
    kind = FORMATS[form].types[0] if content_type is None else content_type
    named = {"accept": accept, "content-type": kind, "content-encoding": coding}
    if coding in ("gzip", "GZIP", "x-gzip") and len(content) % 4:
        content = gzip.compress(content, 1)
    if coding == "zstd" and len(content) % 4:
        content = pa.compress(content, "zstd", asbytes=True)
    headers = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in named.items() if value)
    return Wire(method=method, target=target, headers=headers, body=content)


def _raw(*, line: bytes, length: bytes, extra: list[bytes], body: tuple[str, bytes], chunked: bool) -> bytes:
    form, content = body
    kind = b"Content-Type: " + FORMATS[form].types[0].encode()
    told = length.replace(b"%d", str(len(content)).encode())
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content) if chunked and b"chunked" in told else content
    return b"\r\n".join([line, b"Host: x", b"Connection: close", kind, told, *extra, b"", b""]) + sent


def _damaged(body: tuple[str, bytes]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Flip a byte, cut off, or put something in."""
    form, content = body
    place = st.integers(0, max(len(content) - 1, 0))
    flipped = st.tuples(place, st.integers(0, 255)).map(lambda p: content[: p[0]] + bytes([p[1]]) + content[p[0] + 1 :])
    cut = place.map(lambda p: content[:p])
    grown = st.tuples(place, st.binary(min_size=1, max_size=8)).map(lambda p: content[: p[0]] + p[1] + content[p[0] :])
    return st.tuples(st.just(form), st.one_of(flipped, cut, grown))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _spelled(record: dict[str, Any], name: str, number: str) -> bytes:
    return _json(record | {name: "@@"}).replace(b'"@@"', number.encode())


def _table(
    form: str, records: list[dict[str, Any]], odd: tuple[str, pa.DataType, Sequence[Any]] | None = None
) -> bytes:
    """Write records as a table, values that stand in no column as text, and a column of an odd type."""
    columns: dict[str, pa.Array] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        cells = [record.get(name) for record in records]
        try:
            columns[name] = pa.array(cells)
        except (pa.ArrowException, OverflowError, UnicodeError):
            columns[name] = pa.array([json.dumps(cell) for cell in cells])
    if odd is not None:
        name, kind, values = odd
        columns[name] = pa.array([values[row % len(values)] for row in range(len(records))], kind)
    table = pa.table(columns)
    out = io.BytesIO()
    try:
        if form == "parquet":
            pa.parquet.write_table(table, out)
        elif form in ("arrow", "arrow_file"):
            new = pa.ipc.new_stream if form == "arrow" else pa.ipc.new_file
            with new(out, table.schema) as writer:
                writer.write_table(table)
        else:
            text = io.StringIO()
            rows = csv.writer(text)
            rows.writerow(columns)
            rows.writerows(["" if cell is None else cell for cell in record.values()] for record in records)
            return text.getvalue().encode("utf-8", "replace")
    except (pa.ArrowException, csv.Error):  # a type that the form has not
        return b""
    return out.getvalue()
