"""Each kind of odd request has one outcome. The rows of `OUTCOMES` are the document of that."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from in_process import InProcess, in_process, problem, strict
from samples import sample_detector, sample_record

from models.columns.from_records import columns_of_records
from models.strict_json import repeated_keys
from service.formats.formats import FORMATS
from service.web.problems import MOST_PROBLEMS

RECORD = json.dumps(sample_record())
MANY = 5000  # more records than are decoded at once


@pytest.fixture(scope="module")
def service(fast_path: bool) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=fast_path, max_body_bytes=2_000_000, max_rows=MANY + 10) as service:
        yield service


def number(text: str) -> str:
    """Return the usual record with another number, as it is written."""
    return RECORD.replace("51.5", text)


def mode(text: str) -> str:
    return RECORD.replace('"run"', text)


OUTCOMES: dict[str, tuple[str | bytes, int, str]] = {
    # what comes: body, status, a part of the detail
    "an absent field": ("{}", 422, "field 'number': is absent. Send it, or null where it has no value."),
    "null is a missing value": (number("null"), 200, ""),
    "an unseen category": (mode('"never seen"'), 200, ""),
    "an extra field": (RECORD[:-1] + ', "colour": {"a": [1]}}', 200, ""),
    "a number in a text": (number('"51.5"'), 200, ""),
    "a text that is no number": (number('"high"'), 422, "got the text 'high'. Send a number, or null."),
    "true for a number": (number("true"), 422, "got true. Send a number, or null."),
    "a list for a number": (number("[1]"), 422, "got a list. Send a number, or null."),
    "an object for a number": (number('{"a": 1}'), 422, "got an object. Send a number, or null."),
    "an empty list for a number": (number("[]"), 422, "got an empty list."),
    "a word for a truth value": (RECORD.replace("true", '"perhaps"'), 422, "Send true or false, or null."),
    "a list for a category": (mode("[]"), 422, "Send a text, a number or a truth value, or null."),
    "a word for a time": (RECORD.replace("2024-01-20T06:30:00", "yesterday"), 422, "ISO 8601"),
    "NaN": (number("NaN"), 400, "NaN and Infinity are no JSON: send null"),
    "Infinity": (number("Infinity"), 400, "NaN and Infinity are no JSON: send null"),
    "-Infinity": (number("-Infinity"), 400, "NaN and Infinity are no JSON: send null"),
    "1e999": (number("1e999"), 400, "a number is beyond 1.8e308"),
    "-1e999": (number("-1e999"), 400, "a number is beyond 1.8e308"),
    "NaN in a text is missing": (number('"NaN"'), 200, ""),
    "inf in a text": (number('"inf"'), 422, "got the text 'inf'. Send a finite number, or null."),
    "Infinity in a text": (number('"-Infinity"'), 422, "Send a finite number, or null."),
    "1e999 in a text": (number('"1e999"'), 422, "Send a finite number, or null."),
    "the largest number": (number("1.7e308"), 200, ""),
    "the smallest number": (number("-5e-324"), 200, ""),
    "10**400": (number("1" + "0" * 400), 422, "got a number of hundreds of digits. Send a number below 1.8e308"),
    "10**5000": (number("1" + "0" * 5000), 400, "a number is beyond 1.8e308"),
    "10**4000 as a category": (mode("1" + "0" * 4000), 200, ""),
    "10**4000 as an id": (RECORD[:-1] + ', "serial": 1' + "0" * 4000 + "}", 200, ""),
    "a list as an id": (RECORD[:-1] + ', "serial": [1]}', 422, "field 'serial': got a list."),
    "lists within lists, as a value": (number("[" * 900 + "]" * 900), 422, "got a list."),
    "objects within objects, as an extra": (RECORD[:-1] + ', "x": ' + '{"a":' * 900 + "1" + "}" * 901, 200, ""),
    "lists nested too deeply": ("[" * 100_000 + "]" * 100_000, 400, "nested too deeply"),
    "a key twice": (RECORD[:-1] + ', "number": 1}', 422, "field 'number': has the key 'number' more than once"),
    "a key twice, deep in an extra": (RECORD[:-1] + ', "x": [{"b": 1, "b": 1}]}', 422, "'b' more than once"),
    "a key twice, once escaped": (RECORD[:-1] + ', "n\\u0075mber": 1}', 422, "'number' more than once"),
    "an empty list": ("[]", 422, "there is no record. Send at least one."),
    "a list of other things": (f"[{RECORD}, 3]", 422, "record 1: is 3. Send an object with the fields by name."),
    "a number": ("3", 422, "the body is 3. Send a record or a list of records."),
    "null": ("null", 422, "the body is null."),
    "a text": ('"x"', 422, "the body is the text 'x'."),
    "nothing": (b"", 400, "The body is empty."),
    "half a body": (RECORD[:-5], 400, "it ends too early"),
    "a comma too many": (RECORD[:-1] + ",}", 400, "The body is not JSON"),
    "two bodies": (RECORD + RECORD, 400, "trailing characters"),
    "half of a surrogate pair": (mode('"\\ud800"'), 400, "The body is not JSON"),
    "a surrogate pair": (mode('"\\ud83d\\ude00"'), 200, ""),
    "bytes that are not UTF-8": (mode('"\xff"').encode("latin-1"), 400, "is not UTF-8"),
    "a NUL in a text": (mode('"a\\u0000b"'), 200, ""),
    "a bare NUL": (mode('"a\0b"'), 400, "The body is not JSON"),
    "a byte-order mark": (b"\xef\xbb\xbf" + RECORD.encode(), 200, ""),
    "UTF-16": (RECORD.encode("utf-16"), 400, "The body is UTF-16"),
    "rows": ('{"columns": ["a"], "rows": [[1]]}', 422, "field 'number': is absent. Send the column."),
    "rows that are ragged": ('{"columns": ["a"], "rows": [[1, 2]]}', 422, "(5 more problems: see errors.)"),
    "rows that are none": ('{"columns": ["a"], "rows": [1]}', 422, "record 0: is 1. Send a list of cells."),
    "rows without any": ('{"columns": ["a"], "rows": []}', 422, "there is no record."),
    "rows with a column twice": ('{"columns": ["a", "a"], "rows": [[1, 2]]}', 422, "names 'a' twice"),
    "too many records": ("[" + ",".join(["{}"] * (MANY + 11)) + "]", 413, "5,011 records are more than 5,010"),
}


@pytest.mark.parametrize("accept", [row.types[0] for row in FORMATS.values()])
@pytest.mark.parametrize("name", OUTCOMES)
def test_a_json_body_has_one_outcome_whatever_the_format_of_the_answer(
    service: InProcess, name: str, accept: str
) -> None:
    body, status, detail = OUTCOMES[name]
    answer = service.post(body, accept=accept)
    if status == 200:
        assert answer.status_code == 200, answer.text
        if accept == "application/json":
            assert math.isfinite(strict(answer)["results"][0]["anomaly_score"])
    else:
        assert detail in problem(answer, status)["detail"]


HEADERS: dict[str, tuple[dict[str, str], int, str]] = {
    "no content type": ({"content_type": ""}, 200, ""),
    "capitals": ({"content_type": "Application/JSON"}, 200, ""),
    "utf-8": ({"content_type": 'application/json; charset="UTF-8"'}, 200, ""),
    "latin-1": ({"content_type": "application/json; charset=latin-1"}, 415, "charset 'latin-1' is not read"),
    "utf-16": ({"content_type": "application/json; charset=utf-16"}, 415, "Send UTF-8"),
    "CSV in no charset that there is": ({"content_type": "text/csv; charset=klingon"}, 415, "Send UTF-8"),
    "CSV in what is no charset": ({"content_type": "text/csv; charset=base64"}, 415, "Send UTF-8"),
    "another form": ({"content_type": "application/xml"}, 415, "Send one of application/json"),
    "JSON of a kind": ({"content_type": "application/vnd.api+json"}, 415, "Send one of application/json"),
    "a form's field": ({"content_type": "multipart/form-data; boundary=x"}, 415, "Send one of application/json"),
    "a content coding": ({"content_encoding": "br"}, 415, "one of gzip, zstd"),
    "two content codings": ({"content_encoding": "gzip, zstd"}, 415, "one of gzip, zstd"),
    "gzip that is none": ({"content_encoding": "gzip"}, 400, "The body is not gzip"),
    "zstd that is none": ({"content_encoding": "zstd"}, 400, "The body is not zstd"),
    "identity": ({"content_encoding": "identity"}, 200, ""),
    "an answer in another form": ({"accept": "application/xml"}, 406, "Accept one of application/json"),
    "an answer in no form": ({"accept": "*/*;q=0"}, 406, "Accept one of application/json"),
    "what a browser accepts": ({"accept": "text/html,application/xml;q=0.9,*/*;q=0.8"}, 200, ""),
    "a length that is a lie": ({"content_length": "99999999999999999999999"}, 413, "larger than 2,000,000 bytes"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_has_one_outcome(service: InProcess, name: str, fast_path: bool) -> None:
    if fast_path and name == "a length that is a lie":
        pytest.skip("over a socket it is no HTTP, and refused by the server below")
    headers, status, detail = HEADERS[name]
    answer = service.post(RECORD, **headers)
    if status == 200:
        assert answer.status_code == 200, answer.text
    else:
        assert detail in problem(answer, status)["detail"]


def test_a_refusal_says_in_its_headers_what_is_read(service: InProcess) -> None:
    assert service.post(RECORD, content_encoding="br").headers["accept-encoding"] == "gzip, zstd"
    assert "text/csv" in service.post(RECORD, content_type="text/plain").headers["accept"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("explain=-1", "field 'explain': got the text '-1'. Send a whole number from 0 to 10,000."),
        ("explain=10001", "Send a whole number from 0 to 10,000."),
        ("explain=1.5", "Send a whole number"),
        ("explain=", "Send a whole number"),
        ("explain=%D9%A1", "Send a whole number"),
        (f"explain={'9' * 5000}", "Send a whole number"),
        ("explain=1&explain=2", "comes more than once. Send it once."),
        ("explian=1", "field 'explian': is no query parameter. This address takes explain"),
        ("delimiter=%3B", "The query says how CSV is written, but the body is JSON."),
        ("delimiter=ab", "Send one ASCII character"),
        ("decimal=x", "Send '.' or ','."),
        ("skip-lines=x", "Send a whole number from 0 to 999,999."),
        ("column-names=a,a", "none of them twice"),
    ],
)
def test_a_query_that_cannot_be_followed_is_refused(service: InProcess, query: str, detail: str) -> None:
    assert detail in problem(service.post(RECORD, f"/score?{query}"), 422)["detail"]


def test_other_addresses_take_no_parameters_and_probes_do_not_mind_them(service: InProcess) -> None:
    problem(service.post(RECORD, "/embed?explain=1"), 422)
    problem(service.request("GET", "/detector?x=1"), 422)
    assert service.request("GET", "/healthz?x=1").status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_another_method_is_refused_with_the_one_that_is_allowed(
    service: InProcess, method: str, fast_path: bool
) -> None:
    if fast_path and method == "BREW":
        pytest.skip("over a socket it is no HTTP, and refused by the server below")
    answer = service.request(method, "/score")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/detector"])
def test_what_can_be_got_has_a_head(service: InProcess, path: str) -> None:
    assert service.request("HEAD", path).status_code == 200


@pytest.mark.parametrize("compress", [gzip.compress, lambda body: pa.compress(body, "zstd", asbytes=True)])
def test_a_compressed_body_is_decompressed_and_a_bomb_is_not(service: InProcess, compress: Any) -> None:
    coding = "gzip" if compress is gzip.compress else "zstd"
    assert service.post(compress(RECORD.encode()), content_encoding=coding).json() == service.post(RECORD).json()
    problem(service.post(compress(b" " * 100_000_000), content_encoding=coding), 413)
    problem(service.post(compress(RECORD.encode())[:-5], content_encoding=coding), 400)


def test_everything_that_is_wrong_is_reported_in_the_order_of_the_records(service: InProcess) -> None:
    wrong = [sample_record(), {}, 3, sample_record(number="x", flag=5, serial={}), sample_record(mode=[])]
    document = problem(service.post(json.dumps(wrong)), 422)
    places = [(error["record"], error["field"]) for error in document["errors"]]
    assert sorted(places[:5]) == sorted((1, name) for name in ("number", "amount", "flag", "mode", "at"))
    assert places[5] == (2, None)
    assert sorted(places[6:]) == [(3, "flag"), (3, "number"), (3, "serial"), (4, "mode")]
    assert document["total"] == 10
    assert "(9 more problems: see errors.)" in document["detail"]


def test_of_very_many_problems_the_first_hundred_are_listed_and_all_are_counted(service: InProcess) -> None:
    document = problem(service.post(json.dumps([sample_record(number="x")] * MANY)), 422)
    assert len(document["errors"]) == MOST_PROBLEMS == 100
    assert [error["record"] for error in document["errors"]] == list(range(100))
    assert document["total"] == MANY


def test_nested_objects_are_fields_with_dotted_names_and_only_the_known_ones_are_opened() -> None:
    from models.schema import Column, FeatureSchema, Kind

    schema = FeatureSchema(columns=(Column(name="motor.heat", kind=Kind.NUMERIC),))
    bomb = {"a" * 1000: {str(number): 1 for number in range(1000)}}
    columns = columns_of_records(
        schema, [{"motor": {"heat": 3, "x": bomb}, **bomb}, {"motor.heat": 4}, {"motor": None}]
    )
    assert columns["motor.heat"].tolist()[:2] == [3.0, 4.0]
    assert math.isnan(columns["motor.heat"][2])


keys = st.sampled_from(["a", "b", 'c"', "d:", "{", "\\"])
values = st.recursive(
    st.none() | st.integers() | st.text('ab":{}[]\\,', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=4).map(tuple),
    max_leaves=12,
)


def written(value: Any) -> str:
    """Write JSON whose objects are tuples of pairs, and may have a key twice."""
    if isinstance(value, tuple):
        return "{" + ", ".join(f"{json.dumps(name)} : {written(inner)}" for name, inner in value) + "}"
    return f"[{','.join(map(written, value))}]" if isinstance(value, list) else json.dumps(value)


def holds_repeated_keys(value: Any) -> bool:
    inner = [part for _, part in value] if isinstance(value, tuple) else value if isinstance(value, list) else []
    own = isinstance(value, tuple) and len({name for name, _ in value}) < len(value)
    return own or any(map(holds_repeated_keys, inner))


@given(values)
@example([(("a", 1),), [(("b", 2),)]])  # as many objects as items, one of them deeper
@example([[(("a", 1), ("a", 2))], 1])
def test_a_key_that_comes_twice_is_seen_wherever_it_is(value: Any) -> None:
    text = written(value)
    assert bool(repeated_keys(text.encode(), json.loads(text))) == holds_repeated_keys(value)


@pytest.mark.parametrize("path", ["/score?explain=5", "/embed", "/reconstruct"])
@pytest.mark.parametrize("accept", [row.types[0] for row in FORMATS.values()])
def test_case_17_a_network_that_gives_no_number_is_an_error_and_never_a_bare_nan(path: str, accept: str) -> None:
    """No network that training saves does so; a null would be a record that no threshold ever flags."""
    detector = sample_detector()
    broken = replace(detector, scorer=replace(detector.scorer, engine=BrokenEngine()))
    with in_process(broken) as service:
        assert "gave what is no number" in problem(service.post(RECORD, path, accept=accept), 500)["detail"]


class BrokenEngine:
    """A network whose weights are no numbers."""

    def reconstruct(self, Z: Any, /) -> Any:
        return Z[None] * float("nan")

    def embed(self, Z: Any, /) -> Any:
        return Z[:, :1] * float("nan")
