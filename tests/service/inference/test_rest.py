"""The Open Inference Protocol over HTTP: the same scores as `/score`, from tensors in JSON and in raw bytes."""

from __future__ import annotations

import gzip
import json
import math
import re
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from in_process import InProcess, in_process, problem, strict
from samples import sample_record
from tensors import USUAL, asked, binary, by_column, flat, infer, numbers, numbers_detector, outputs_of, tensor

from models.bundle import load_detector
from service.inference.outputs import OUTPUTS
from service.inference.tensors import DATATYPES

MIXED = {"number": "FP64", "amount": "FP32", "flag": "BOOL", "mode": "BYTES", "at": "BYTES"}
RECORDS = [
    sample_record(),
    sample_record(number=None, amount=11.5, flag=None, mode="a: text", at="2024-03-01T12:00:00"),
    sample_record(number=90.25, amount=-3.0, flag=False, mode=None, at=None),
]


@pytest.fixture(scope="module")
def service() -> Iterator[InProcess]:
    """A detector of three numbers."""
    with in_process(numbers_detector(), max_rows=5_000) as service:
        yield service


@pytest.fixture(scope="module")
def mixed(made) -> Iterator[InProcess]:
    """A detector with a column of each kind."""
    with in_process(load_detector(made)) as service:
        yield service


def scored(service: InProcess, body: object) -> dict[str, list[object]]:
    """What `/score` answers, as lists by output."""
    results = strict(service.post(json.dumps(body)))["results"]
    return {name: [item[name] for item in results] for name in USUAL}


@pytest.mark.parametrize("rows", [1, 40, 3_000])
def test_a_flat_tensor_scores_as_records_do_to_the_digit(service, rows):
    X = numbers(rows)
    wanted = scored(service, {"columns": ["a", "b", "c"], "rows": X.tolist()})
    assert outputs_of(infer(service, asked([flat(X)]), "numbers")) == wanted
    nested = tensor("any", "FP64", X.shape, X.tolist())
    assert outputs_of(infer(service, asked([nested]), "numbers")) == wanted
    body, length = binary(X)
    assert outputs_of(infer(service, body, "numbers", inference_header_content_length=length)) == wanted


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name not in ("BOOL", "BYTES")])
def test_numbers_of_every_datatype_are_read_in_json_and_in_raw_bytes(service, datatype):
    X = np.array([[1, 2, 3], [4, 0, 100]])
    wanted = scored(service, {"columns": ["a", "b", "c"], "rows": X.tolist()})
    assert outputs_of(infer(service, asked([flat(X, datatype)]), "numbers")) == wanted
    content = X.astype(DATATYPES[datatype].dtype).tobytes()
    head = tensor("x", datatype, X.shape, None, binary_data_size=len(content))
    head.pop("data")
    plain = asked([head])
    answer = infer(service, plain + content, "numbers", inference_header_content_length=str(len(plain)))
    assert outputs_of(answer) == wanted


@pytest.mark.parametrize("shape", [(), (1,)], ids=["[n]", "[n, 1]"])
def test_a_tensor_a_column_scores_as_records_do(mixed, shape):
    body = asked(by_column(RECORDS, MIXED, shape=shape))
    assert outputs_of(infer(mixed, body, "sample")) == scored(mixed, RECORDS)


def test_texts_and_flags_in_raw_bytes_score_as_records_do(mixed):
    records = [sample_record(), sample_record(mode="grün", flag=False)]
    texts = {name: [record[name].encode() for record in records] for name in ("mode", "at")}
    raw = {
        "number": np.array([r["number"] for r in records]).tobytes(),
        "amount": np.array([r["amount"] for r in records], np.float32).tobytes(),
        "flag": bytes(r["flag"] for r in records),
        **{name: b"".join(struct.pack("<I", len(text)) + text for text in of) for name, of in texts.items()},
    }
    inputs = [
        {"name": name, "datatype": MIXED[name], "shape": [2], "parameters": {"binary_data_size": len(content)}}
        for name, content in raw.items()
    ]
    plain = asked(inputs)
    answer = infer(mixed, plain + b"".join(raw.values()), "sample", inference_header_content_length=str(len(plain)))
    assert outputs_of(answer) == scored(mixed, records)


def test_null_and_nan_are_missing_values(service, mixed):
    wanted = scored(mixed, [sample_record(number=None)])
    plain = by_column([sample_record(number=None)], MIXED)
    assert outputs_of(infer(mixed, asked(plain), "sample")) == wanted
    with_nan = asked(by_column([sample_record(number=math.nan)], MIXED))
    assert b"NaN" in with_nan
    assert outputs_of(infer(mixed, with_nan, "sample")) == wanted
    text = asked(by_column([sample_record(number=math.nan, mode="no NaN, said")], MIXED))
    assert outputs_of(infer(mixed, text, "sample")) == scored(mixed, [sample_record(number=None, mode="no NaN, said")])
    of_integers = by_column([sample_record(number=None), sample_record(number=3)], MIXED | {"number": "INT64"})
    assert outputs_of(infer(mixed, asked(of_integers), "sample")) == scored(
        mixed, [sample_record(number=None), sample_record(number=3)]
    )


def test_every_output_is_what_the_other_endpoints_answer(mixed):
    body = asked(by_column(RECORDS, MIXED), *OUTPUTS)
    found = outputs_of(infer(mixed, body, "sample"))
    assert list(found) == list(OUTPUTS)
    results = strict(mixed.post(json.dumps(RECORDS), "/score?explain=5"))["results"]
    assert found["reason"] == [item["reason"] for item in results]
    for row, item in zip(found["contributions"], results, strict=True):
        parts = {part["feature"]: part["contribution"] for part in item["contributions"]}
        assert row == [parts[name] for name in MIXED]
    assert found["embedding"] == strict(mixed.post(json.dumps(RECORDS), "/embed"))["embeddings"]
    expected = strict(mixed.post(json.dumps(RECORDS), "/reconstruct"))["reconstructions"]
    assert found["reconstruction"][0] == [
        str(value).lower() if isinstance(value, bool) else str(value) for value in expected[0].values()
    ]


def test_expected_numbers_are_numbers(service):
    X = numbers(4)
    found = outputs_of(infer(service, asked([flat(X)], "reconstruction"), "numbers"))
    expected = strict(service.post(json.dumps({"columns": ["a", "b", "c"], "rows": X.tolist()}), "/reconstruct"))
    assert found == {"reconstruction": [list(row.values()) for row in expected["reconstructions"]]}


def test_outputs_are_answered_as_raw_bytes_where_that_is_asked_for(service):
    X = numbers(7)
    wanted = outputs_of(infer(service, asked([flat(X)], *USUAL), "numbers"))
    whole = infer(service, asked([flat(X)], parameters={"binary_data_output": True}), "numbers")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert outputs_of(whole) == wanted
    some = [{"name": "p_value"}, {"name": "anomaly_score", "parameters": {"binary_data": True}}]
    answer = infer(service, asked([flat(X)], outputs=some), "numbers")
    assert outputs_of(answer) == {name: wanted[name] for name in ("p_value", "anomaly_score")}
    length = int(answer.headers["inference-header-content-length"])
    assert len(answer.content) == length + 8 * len(X)


def test_a_compressed_body_is_read_and_a_long_answer_compressed(service):
    X = numbers(200)
    answer = infer(service, gzip.compress(asked([flat(X)])), "numbers", content_encoding="gzip", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert outputs_of(answer) == outputs_of(infer(service, asked([flat(X)]), "numbers"))


def test_the_answer_names_the_detector_the_request_and_what_is_ignored(mixed):
    inputs = [*by_column([sample_record()], MIXED), tensor("extra", "FP64", [1], [1.0])]
    answer = infer(mixed, asked(inputs, id="a-7", parameters={"priority": 3}), "sample")
    plain = strict(answer)
    assert (plain["model_name"], plain["model_version"], plain["id"]) == ("sample", "1", "a-7")
    assert plain["parameters"]["notes"].splitlines() == [
        "ignored: 'extra', which the detector does not know",
        "ignored: the parameters 'priority'",
    ]
    assert answer.headers["detector-name"] == "sample"


@pytest.mark.parametrize(
    "path", ["", "/health/live", "/health/ready", "/models/sample", "/models/sample/ready", "/models/sample/versions/1"]
)
def test_head_is_answered_where_get_is(mixed, path):
    assert mixed.request("HEAD", f"/v2{path}").status_code == 200


def test_the_server_and_its_detectors_say_what_they_are(mixed):
    assert strict(mixed.request("GET", "/v2"))["extensions"] == ["binary_tensor_data"]
    assert strict(mixed.request("GET", "/v2/health/live")) == {"live": True}
    for path in ("/v2/health/ready", "/v2/models/sample/ready", "/v2/models/sample/versions/1/ready"):
        assert strict(mixed.request("GET", path)) == {"ready": True}
    found = strict(mixed.request("GET", "/v2/models/sample"))
    assert found == strict(mixed.request("GET", "/v2/models/sample/versions/1"))
    assert (found["name"], found["versions"]) == ("sample", ["1"])
    datatypes = {item["name"]: item["datatype"] for item in found["inputs"]}
    assert datatypes == MIXED | {"amount": "FP64"}
    assert [item["name"] for item in found["outputs"]] == list(OUTPUTS)
    assert outputs_of(mixed.post(asked(by_column(RECORDS, datatypes)), "/v2/models/sample/versions/1/infer")) == scored(
        mixed, RECORDS
    )


@pytest.mark.parametrize("path", ["/other", "/other/ready", "/sample/versions/9", "/sample/versions/9/ready"])
def test_a_detector_or_version_that_is_not_there_is_404(mixed, path):
    document = problem(mixed.request("GET", f"/v2/models{path}"), 404)
    assert document["error"] == document["detail"]
    problem(mixed.post(asked([]), f"/v2/models{path.removesuffix('/ready')}/infer"), 404)


ROW = [1.0, 2.0, 3.0]


def columns(lengths: dict[str, int]) -> bytes:
    return asked([tensor(name, "FP64", [rows], ROW[:rows]) for name, rows in lengths.items()])


def without_data(**parameters: int) -> bytes:
    return asked([{"name": "x", "datatype": "FP64", "shape": [1, 3], "parameters": parameters}])


REFUSED = {
    "no tensor": (asked([]), 422, "holds no tensor"),
    "no shape": (b'{"inputs": [{"name": "x"}]}', 422, "missing required field"),
    "a negative size": (asked([tensor("x", "FP64", [-1, 3], ROW)]), 422, r"the shape \[-1, 3\]"),
    "no rows": (asked([tensor("x", "FP64", [0, 3], [])]), 422, r"the shape \[0, 3\]"),
    "no size": (asked([tensor("x", "FP64", [], 1.0)]), 422, r"the shape \[\]"),
    "three sizes": (asked([tensor("x", "FP64", [1, 1, 3], ROW)]), 422, r"the shape \[1, 1, 3\]"),
    "more than it holds": (asked([tensor("x", "FP64", [2, 3], ROW)]), 422, "has 3 elements, and its shape means 6"),
    "less than it holds": (asked([tensor("x", "FP64", [1, 3], [*ROW, 4.0])]), 422, "has 4 elements"),
    "a ragged row": (asked([tensor("x", "FP64", [2, 3], [ROW, [1.0]])]), 422, "has 1 elements"),
    "rows beyond the limit": (asked([tensor("x", "FP64", [10**30, 3], ROW)]), 413, "records are more than 5,000"),
    "columns beyond all": (asked([tensor("x", "FP64", [1, 10**30], ROW)]), 413, "cells, more than"),
    "other columns": (asked([tensor("x", "FP64", [1, 2], [1, 2])]), 422, "has 2 columns, and the detector reads 3"),
    "another datatype": (asked([tensor("x", "FP8", [1, 3], ROW)]), 422, "Send one of BOOL"),
    "texts for numbers": (asked([tensor("x", "FP64", [1, 3], ["a", "b", "c"])]), 422, "is no FP64"),
    "fractions for whole numbers": (asked([tensor("x", "INT32", [1, 3], [1.5, 2, 3])]), 422, "is no INT32"),
    "too large for its datatype": (asked([tensor("x", "INT8", [1, 3], [1, 2, 300])]), 422, "INT8 cannot hold"),
    "too large for a float": (asked([tensor("x", "FP32", [1, 3], [1e300, 2, 3])]), 422, "a finite number"),
    "a text of all columns": (asked([tensor("x", "BYTES", [1, 3], ["1", "2", "3"])]), 422, "one tensor a column"),
    "an absent column": (asked([tensor(n, "FP64", [1], [1]) for n in "ab"]), 422, "'c'"),
    "a column twice": (asked([tensor(n, "FP64", [1], [1]) for n in "abca"]), 422, "comes twice"),
    "columns of other lengths": (
        columns({"a": 1, "b": 2, "c": 1}),
        422,
        "has 2 rows",
    ),
    "a wide column": (asked([tensor(n, "FP64", [1, 2], [1, 2]) for n in "abc"]), 422, "has 2 columns"),
    "no data": (b'{"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 3]}]}', 422, "has no data"),
    "a key twice": (b'{"inputs": [], "id": "a", "id": "b"}', 422, "more than once"),
    "an unknown output": (asked([flat(numbers(1))], "loss"), 422, "is no output"),
    "an output twice": (asked([flat(numbers(1))], "p_value", "p_value"), 422, "twice"),
    "no JSON": (b"{", 400, "is not JSON"),
    "infinity": (asked([tensor("x", "FP64", [1, 3], [math.inf, 2, 3])]), 400, "is not JSON"),
    "a list": (b"[]", 422, "no request for inference"),
    "half a text": (rb'{"inputs": [], "id": "\ud800"}', 400, "is not JSON"),
    "a flag that is none": (asked([flat(numbers(1))], parameters={"binary_data_output": 3}), 422, "true or false"),
    "bytes that are not there": (
        without_data(binary_data_size=24),
        422,
        "0 bytes are there",
    ),
    "a negative number of bytes": (
        without_data(binary_data_size=-1),
        422,
        "binary_data_size -1",
    ),
    "data and bytes": (asked([tensor("x", "FP64", [1, 3], ROW, binary_data_size=24)]), 422, "has both"),
}


@pytest.mark.parametrize(("body", "status", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_is_refused_in_one_line(service, body, status, said):
    document = problem(infer(service, body, "numbers"), status)
    assert document["error"] == document["detail"]
    assert len(document["detail"].splitlines()) == 1
    assert re.search(said, document["detail"])


def raw(shape, content: bytes, *, size: object = None, datatype: str = "FP64") -> tuple[bytes, str]:
    parameters = {"binary_data_size": len(content) if size is None else size}
    plain = asked([{"name": "x", "datatype": datatype, "shape": shape, "parameters": parameters}])
    return plain + content, str(len(plain))


REFUSED_BYTES = {
    "fewer bytes than the shape says": (
        *raw([2, 3], bytes(24)),
        422,
        "has 24 bytes, and its shape and datatype mean 48",
    ),
    "more bytes than the shape says": (*raw([1, 3], bytes(32)), 422, "has 32 bytes"),
    "bytes that are cut off": (*raw([1, 3], bytes(16), size=24), 422, "16 bytes are there"),
    "a size beyond all": (*raw([1, 3], bytes(16), size=10**18), 422, "16 bytes are there"),
    "bytes behind the tensors": (*raw([1, 3], bytes(32), size=24), 400, "8 bytes stand behind"),
    "an infinite number": (*raw([1, 3], np.array([1, np.inf, 2.0]).tobytes()), 422, "a finite number"),
    "a text that is cut off": (*raw([2], b"\x05\0\0\0ab", datatype="BYTES"), 422, "ends within element 0 of 2"),
    "a length without a text": (
        *raw([2], b"\x01\0\0\0a\xff\xff\xff\xff", datatype="BYTES"),
        422,
        "ends within element 1",
    ),
    "half a length": (*raw([1], b"\x01\0", datatype="BYTES"), 422, "ends within element 0"),
    "no UTF-8": (*raw([1], b"\x01\0\0\0\xff", datatype="BYTES"), 422, "element 0 is not UTF-8"),
    "more texts": (*raw([1], b"\0\0\0\0\0\0\0\0", datatype="BYTES"), 422, "4 bytes behind its 1 elements"),
    "a head beyond the body": (b"{}", "99", 400, "is 99, and the body has 2 bytes"),
    "a head that is no number": (b"{}", "-1", 400, "Send a number of bytes"),
    "an empty head": (b"{}", "0", 400, "is not JSON"),
}


@pytest.mark.parametrize(("body", "length", "status", "said"), REFUSED_BYTES.values(), ids=REFUSED_BYTES)
def test_raw_bytes_that_are_not_what_is_said_are_refused(service, body, length, status, said):
    document = problem(infer(service, body, "numbers", inference_header_content_length=length), status)
    assert said in document["detail"]


def test_each_cell_that_is_wrong_is_named(mixed):
    records = [sample_record(), sample_record(at="yesterday"), sample_record(at="soon")]
    document = problem(infer(mixed, asked(by_column(records, MIXED)), "sample"), 422)
    assert [(error["record"], error["field"]) for error in document["errors"]] == [(1, "at"), (2, "at")]


def test_other_content_types_and_parameters_of_the_query_are_refused(service):
    body = asked([flat(numbers(1))])
    assert "octet-stream" in problem(infer(service, body, "numbers", content_type="text/csv"), 415)["detail"]
    problem(service.post(body, "/v2/models/numbers/infer?explain=3"), 422)
    assert outputs_of(infer(service, body, "numbers", content_type="application/octet-stream"))


def test_an_answer_of_too_many_values_is_refused(made):
    with in_process(load_detector(made)) as service:
        records = [sample_record()] * 50_001
        inputs = by_column(records, MIXED)
        document = problem(infer(service, asked(inputs, "contributions", "embedding"), "sample"), 413)
        assert "500,010 values" in document["detail"]


def test_a_long_list_of_numbers_is_read_in_pieces(service):
    X = numbers(4_999)
    assert len(asked([flat(X)])) > 1 << 18
    wanted = outputs_of(infer(service, binary(X)[0], "numbers", inference_header_content_length=binary(X)[1]))
    with_gap = flat(X)
    assert outputs_of(infer(service, asked([with_gap]), "numbers")) == wanted
    assert outputs_of(infer(service, asked([tensor("x", "FP64", X.shape, X.tolist())]), "numbers")) == wanted
    with_gap["data"][3] = None
    gap = outputs_of(infer(service, asked([with_gap]), "numbers"))
    assert gap["anomaly_score"][2:] == wanted["anomaly_score"][2:]
    long = json.dumps({"inputs": [tensor("x", "FP64", [1, 3], {"a": [1.0] * 90_000})]}).encode()
    assert "is no FP64" in problem(infer(service, long, "numbers"), 422)["detail"]
