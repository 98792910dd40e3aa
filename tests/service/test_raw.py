"""Numbers alone: the same answers as JSON's, and no way to have a column taken for another."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from in_process import InProcess, in_process, problem, strict
from samples import FakeEngine, numbers_preprocessor, sample_detector

from models.calibration import Calibration
from models.detector import Detector
from models.schema import Column, FeatureSchema, Kind
from models.scoring import Scorer
from service.formats.pieces import PIECE_ROWS
from service.formats.raw_bodies import RawRows

RAW = "application/octet-stream"
NAMES = ("a", "b", "c")


def numbers_detector(*, missing: tuple[str, ...] = ()) -> Detector:
    """A detector of three columns of numbers."""
    columns = tuple(Column(name=name, kind=Kind.NUMERIC, missing=missing) for name in NAMES)
    scorer = Scorer(preprocessor=numbers_preprocessor(1.0, 2.0, 4.0), engine=FakeEngine(lambda Z: 0.5 * Z))
    calibration = Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05)
    return Detector(
        name="numbers", version="1", schema=FeatureSchema(columns=columns), scorer=scorer, calibration=calibration
    )


DETECTOR = numbers_detector(missing=("-200",))
DIGEST = DETECTOR.schema.digest


@pytest.fixture(scope="module")
def numbers() -> Iterator[InProcess]:
    with in_process(DETECTOR, max_rows=20_000) as service:
        yield service


def send(service: InProcess, body: bytes, path: str = "/score", *, digest: str | None = DIGEST, **headers: str) -> Any:
    named = {"detector_schema": digest} if digest is not None else {}
    return service.post(body, path, content_type=RAW, **named, **headers)


def rows_as_json(X: Any) -> bytes:
    cells = [[None if np.isnan(cell) else float(cell) for cell in row] for row in X]
    return json.dumps({"columns": NAMES, "rows": cells}).encode()


cells = st.floats(width=32, allow_infinity=False) | st.sampled_from([-200.0, 0.0, -0.0])


@given(arrays("<f4", array_shapes(min_dims=1, max_dims=1, max_side=20).map(lambda n: (*n, 3)), elements=cells))
def test_numbers_alone_get_the_answer_of_the_same_numbers_in_json(numbers: InProcess, X: Any) -> None:
    for path in ("/score?explain=3", "/embed", "/reconstruct"):
        assert send(numbers, X.tobytes(), path).content == numbers.post(rows_as_json(X), path).content


def test_more_than_one_piece_gets_the_same_scores(numbers: InProcess) -> None:
    X = np.random.default_rng(0).normal(0, 2, (PIECE_ROWS + 500, 3)).astype("<f4")
    X[::7, 1] = np.nan
    assert send(numbers, X.tobytes()).content == numbers.post(rows_as_json(X)).content


def test_an_answer_of_numbers_alone_has_score_p_value_and_verdict(numbers: InProcess) -> None:
    X = np.random.default_rng(1).normal(0, 4, (40, 3)).astype("<f4")
    answer = send(numbers, X.tobytes(), accept=RAW)
    assert answer.headers["content-type"] == RAW
    wanted = [
        [item["anomaly_score"], item["p_value"], item["is_anomaly"]]
        for item in strict(send(numbers, X.tobytes()))["results"]
    ]
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<f8").reshape(-1, 3), np.array(wanted, float))


def test_embeddings_and_expected_values_are_numbers_too(numbers: InProcess) -> None:
    body = np.random.default_rng(2).normal(0, 4, (5, 3)).astype("<f4").tobytes()
    for path, name in (("/embed", "embeddings"), ("/reconstruct", "reconstructions")):
        wanted = [list(x.values()) if isinstance(x, dict) else x for x in strict(send(numbers, body, path))[name]]
        found = np.frombuffer(send(numbers, body, path, accept=RAW).content, "<f8").reshape(5, -1)
        np.testing.assert_array_equal(found.astype("<f4"), np.array(wanted, "<f4"))


def test_what_is_no_number_is_not_answered_as_one(numbers: InProcess) -> None:
    detail = problem(send(numbers, bytes(12), "/score?explain=1", accept=RAW), 406)["detail"]
    assert detail == "Names of columns are texts, and the answer is to be numbers alone. Ask for JSON."
    with in_process(sample_detector()) as service:
        record = '{"number": 1, "amount": 2, "flag": true, "mode": "run", "at": "2024-01-20"}'
        refused = problem(service.post(record, "/reconstruct", accept=RAW), 406)
        assert "The column 'flag' is boolean" in refused["detail"]
        assert len(service.post(record, accept=RAW).content) == 24


REFUSED: dict[str, tuple[bytes, str | None, int, str]] = {
    "no digest": (bytes(12), None, 422, "field 'Detector-Schema': is absent. A body of numbers alone has no names"),
    "another digest": (bytes(12), "0" * 16, 409, f"the active detector's have '{DIGEST}'. Ask GET /detector"),
    "a row that is cut off": (bytes(20), DIGEST, 400, "it has 8 bytes of 12 (3 columns of 4)"),
    "nothing": (b"", DIGEST, 400, "The body is empty"),
    "too many rows": (bytes(12 * 20_001), DIGEST, 413, "20,001 records are more than 20,000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(numbers: InProcess, name: str) -> None:
    body, digest, status, detail = REFUSED[name]
    assert detail in problem(send(numbers, body, digest=digest), status)["detail"]


def test_every_infinite_number_is_named(numbers: InProcess) -> None:
    X = np.zeros((PIECE_ROWS + 10, 3), "<f4")
    X[3, 1], X[PIECE_ROWS + 1, 2] = np.inf, -np.inf
    document = problem(send(numbers, X.tobytes()), 422)
    assert [(one["record"], one["field"]) for one in document["errors"]] == [(3, "b"), (PIECE_ROWS + 1, "c")]
    assert document["total"] == 2


def test_a_detector_with_other_columns_takes_no_numbers_alone() -> None:
    with in_process(sample_detector()) as service:
        refused = problem(send(service, struct.pack("<5f", *range(5))), 415)
    assert "The column 'flag' is boolean" in refused["detail"]
    assert "Send another form, such as an Arrow stream." in refused["detail"]


def test_the_service_says_the_digest_that_it_wants(numbers: InProcess) -> None:
    said = strict(numbers.request("GET", "/detector"))
    assert said["schema_digest"] == DIGEST
    assert [column["name"] for column in said["columns"]] == list(NAMES)


def test_rows_keep_their_numbers_in_pieces() -> None:
    rows = RawRows(cells=np.zeros((PIECE_ROWS + 904, 3), "<f4"), first=100)
    assert [(piece.first, len(piece)) for piece in rows.pieces()] == [(100, PIECE_ROWS), (100 + PIECE_ROWS, 904)]


def test_another_name_order_kind_or_unit_is_another_digest() -> None:
    columns = DETECTOR.schema.columns
    others = [
        columns[::-1],
        columns[:2],
        (*columns[:2], replace(columns[2], name="d")),
        (*columns[:2], replace(columns[2], unit="°C")),
    ]
    digests = {replace(DETECTOR.schema, columns=other).digest for other in others}
    assert len(digests | {DIGEST}) == 5
    assert numbers_detector().schema.digest == DIGEST  # which values are missing changes no column's place


@pytest.mark.parametrize("path", ["/score", "/embed", "/reconstruct"])
def test_a_network_that_gives_no_number_is_an_error_here_too(path: str) -> None:
    broken = FakeEngine(lambda Z: Z * np.nan)
    broken.embed = broken.reconstruct  # type: ignore[method-assign]
    with in_process(replace(DETECTOR, scorer=replace(DETECTOR.scorer, engine=broken))) as service:
        assert "gave what is no number" in problem(send(service, bytes(12), path, accept=RAW), 500)["detail"]
