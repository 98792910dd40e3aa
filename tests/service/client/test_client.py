from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from samples import arrow_table, machine_records

from models.detector import Detector
from models.errors import TableError
from models.tables.table import table_of
from service.client import DetectorClient, ScoredRecord, ServiceError
from service.client.results import arrow_of

RECORDS = machine_records(40, seed=7)


@pytest.fixture
def ours(service: Any) -> Iterator[DetectorClient]:
    with DetectorClient(str(service.client.base_url)) as client:
        yield client


@pytest.fixture(scope="module")
def narrow(bundle_path: Path, start: Any) -> Iterator[DetectorClient]:
    """A service that takes little at a time."""
    with (
        start(bundle_path, "--max-rows", "7", "--max-body-bytes", "2500") as service,
        DetectorClient(str(service.client.base_url)) as client,
    ):
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("service.client.sending.time.sleep", found.append)
    return found


def scores(records: tuple[ScoredRecord, ...]) -> list[float]:
    return [record.anomaly_score for record in records]


def test_records_get_typed_scores(ours: DetectorClient, detector: Detector) -> None:
    result = ours.score(RECORDS, explain=2)
    assert (result.detector, result.version) == (detector.name, detector.version)
    assert result.threshold == detector.calibration.threshold
    assert scores(result.records) == pytest.approx(detector.score_records(RECORDS).anomaly_score.tolist(), rel=1e-5)
    assert [record.ids["serial"] for record in result.records] == [record["serial"] for record in RECORDS]
    assert {len(record.contributions) for record in result.records} == {2}
    assert ours.score(RECORDS[0]).records[0].contributions == ()


def test_the_detector_is_described(ours: DetectorClient, detector: Detector) -> None:
    info = ours.detector()
    assert (info.name, info.columns, info.ids) == (detector.name, detector.schema.names, detector.schema.ids)
    assert info.max_rows == 100_000
    assert ours.is_ready()


def test_embeddings_and_expected_values_are_plain(ours: DetectorClient, detector: Detector) -> None:
    assert len(ours.embed(RECORDS)) == 40
    assert [row.keys() for row in ours.reconstruct(RECORDS)] == [dict.fromkeys(detector.schema.names).keys()] * 40


def test_values_of_numpy_and_pandas_can_be_sent(ours: DetectorClient) -> None:
    record = RECORDS[0] | {
        "pressure": np.float32(RECORDS[0]["pressure"]),
        "flow": float("nan"),
        "valve_open": np.bool_(True),
        "at": pd.Timestamp(RECORDS[0]["at"]),
    }
    plain = record | {"pressure": float(record["pressure"]), "flow": None, "valve_open": True, "at": RECORDS[0]["at"]}
    assert ours.score(record).records == ours.score(plain).records


def test_inputs_above_the_limits_are_sent_in_chunks(ours: DetectorClient, narrow: DetectorClient) -> None:
    assert scores(narrow.score(RECORDS).records) == pytest.approx(scores(ours.score(RECORDS).records), rel=1e-5)
    assert len(narrow.embed(RECORDS)) == len(narrow.reconstruct(RECORDS)) == 40
    table = arrow_table(RECORDS)
    expected = ours.score_frame(table)["anomaly_score"].to_pylist()
    assert narrow.score_frame(table)["anomaly_score"].to_pylist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_a_data_frame_comes_back_as_one_of_its_kind(ours: DetectorClient, kind: str) -> None:
    table = arrow_table(RECORDS)
    frame: Any = {"arrow": table, "pandas": table.to_pandas(), "polars": pl.from_arrow(table)}[kind]
    if kind == "pandas":
        frame.index = range(100, 140)
    scored = ours.score_frame(frame, explain=1)
    assert type(scored) is type(frame)
    names = list(scored.column_names if kind == "arrow" else scored.columns)
    assert names[:5] == ["serial", "anomaly_score", "p_value", "is_anomaly", "top_1_feature"]
    columns = scored.to_pydict() if kind == "arrow" else scored
    assert list(columns["anomaly_score"]) == scores(ours.score(RECORDS).records)
    if kind == "pandas":
        assert list(scored.index) == list(range(100, 140))


@pytest.mark.parametrize("kind", ["arrow", "pandas", "polars"])
def test_a_data_frame_is_answered_like_its_records(ours: DetectorClient, narrow: DetectorClient, kind: str) -> None:
    table = arrow_table(RECORDS)
    frame: Any = {"arrow": table, "pandas": table.to_pandas(), "polars": pl.from_arrow(table)}[kind]
    by_records = ours.score(RECORDS, explain=2)
    assert ours.score(frame, explain=2) == by_records
    assert scores(narrow.score(frame).records) == pytest.approx(scores(by_records.records), rel=1e-5)
    assert ours.embed(frame) == ours.embed(RECORDS)
    assert ours.reconstruct(frame) == ours.reconstruct(RECORDS)
    if kind == "pandas":
        assert ours.score(frame.iloc[3]).records == ours.score(RECORDS[3]).records
    wrong = table.set_column(table.column_names.index("flow"), "flow", pa.array(["high"] * len(table)))
    with pytest.raises(ServiceError, match="422"):
        narrow.score(wrong)


def test_a_refusal_is_an_error_with_every_wrong_place(ours: DetectorClient, narrow: DetectorClient) -> None:
    wrong = [*RECORDS[:20], RECORDS[20] | {"pressure": "high", "mode": []}]
    for client in (ours, narrow):
        with pytest.raises(ServiceError, match="422: record") as caught:
            client.score(wrong)
        assert caught.value.status == 422
        assert {(place.record, place.field) for place in caught.value.places} == {(20, "pressure"), (20, "mode")}
    with pytest.raises(ServiceError, match="holds no rows"):
        ours.score_frame(arrow_table(RECORDS).slice(0, 0))
    with pytest.raises(ServiceError, match="there is no record"):
        ours.score([])


def test_a_frame_that_mixes_types_is_refused_in_the_words_of_the_other_doors(ours: DetectorClient) -> None:
    frame = pd.DataFrame({"a": [1, "x", b"y"]})
    with pytest.raises(
        TableError, match="Column 'a' of the data frame mixes values of several types: '1' in row 1"
    ) as same:
        table_of(frame)
    for send in (ours.score, ours.score_frame, ours.embed):
        with pytest.raises(ServiceError) as caught:
            send(frame)
        assert str(caught.value) == str(same.value)


def test_periods_and_mixed_times_of_a_frame_are_sent_as_they_are_read_elsewhere() -> None:
    days = [date(2024, 1, 1), datetime(2024, 1, 2, 6, 30)] * 2
    frame = pd.DataFrame({"month": pd.period_range("2024-01", periods=4, freq="M"), "at": days})
    assert arrow_of(frame).equals(table_of(frame).data)
    assert arrow_of(frame).column("at").to_pylist()[1] == datetime(2024, 1, 2, 6, 30)


def answers(*given: httpx.Response | type[Exception]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Answer with each in turn, the first being for /detector."""
    waiting, asked = list(given), []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = waiting.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("lost", request=request)

    return httpx.MockTransport(handle), asked


CARD = {
    "name": "m",
    "version": "1",
    "threshold": {"value": 1.0},
    "columns": [{"name": "a"}],
    "ids": [],
    "limits": {"max_rows": 2, "max_body_bytes": 1000, "max_values": 10},
}
SCORED = {"anomaly_score": 1.0, "p_value": 0.5, "is_anomaly": False}


def card(**headers: str) -> httpx.Response:
    return httpx.Response(200, json=CARD, headers=headers)


def scored(version: str = "1", rows: int = 1) -> httpx.Response:
    answer = {"detector": "m", "version": version, "threshold": 1.0, "results": [SCORED] * rows}
    return httpx.Response(200, json=answer)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (np.datetime64("2024-01-02T06:30:00", "ns"), "2024-01-02T06:30:00"),
        (np.datetime64("2024-01-02", "D"), "2024-01-02T00:00:00"),
        (pd.Timestamp("2024-01-02T06:30:00"), "2024-01-02T06:30:00"),
        (np.timedelta64(192, "s").astype("m8[ns]"), "PT192S"),
        (pd.Timedelta(seconds=192), "P0DT0H3M12S"),
        (timedelta(seconds=192), "PT192S"),
        (np.float64(1.5), 1.5),
    ],
)
def test_values_of_numpy_and_pandas_in_records_are_sent_as_what_they_are(value: Any, sent: object) -> None:
    transport, asked = answers(card(), scored())
    with DetectorClient("http://x", transport=transport) as client:
        client.score([{"x": value}])
    assert json.loads(asked[-1].content) == [{"x": sent}]


def test_a_lost_or_refused_request_is_sent_again_with_growing_waits(waits: list[float]) -> None:
    transport, asked = answers(
        card(), httpx.ConnectError, httpx.Response(503), httpx.ReadError, httpx.Response(429), scored()
    )
    with DetectorClient("http://x", transport=transport, backoff_seconds=0.5) as client:
        assert len(client.score({"a": 1}).records) == 1
    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert len(asked) == 6


def test_retry_after_sets_the_wait(waits: list[float]) -> None:
    later = "Wed, 21 Oct 2065 07:28:00 GMT"
    transport, _ = answers(
        card(),
        httpx.Response(503, headers={"retry-after": "7"}),
        httpx.Response(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        httpx.Response(429, headers={"retry-after": later}),
    )
    with DetectorClient("http://x", transport=transport) as client, pytest.raises(ServiceError) as caught:
        client.score({"a": 1})
    assert waits == [7.0, 0.0]
    assert caught.value.status == 429


def test_rows_whose_answer_would_be_too_large_are_asked_for_in_smaller_requests() -> None:
    large = httpx.Response(413, json={"detail": "The answer would have more than 100 bytes."})
    for rows in ([{"a": 1}, {"a": 2}, {"a": 3}], pa.table({"a": [1, 2, 3]})):
        transport, asked = answers(card(), large, scored(), scored(), scored())
        with DetectorClient("http://x", transport=transport) as client:
            assert len(client.score(rows).records) == 3
        assert len(asked) == 5
    transport, asked = answers(card(), large, scored(), large)
    with (
        DetectorClient("http://x", transport=transport) as client,
        pytest.raises(ServiceError, match="413: The answer"),
    ):
        client.score([{"a": 1}, {"a": 2}])
    assert len(asked) == 4


@pytest.mark.parametrize("status", [400, 413, 415, 422, 500])
def test_errors_that_repeating_cannot_help_are_raised_at_once(waits: list[float], status: int) -> None:
    transport, asked = answers(card(), httpx.Response(status, text="<html>a proxy's page</html>"))
    with DetectorClient("http://x", transport=transport) as client, pytest.raises(ServiceError, match=str(status)):
        client.score({"a": 1})
    assert (len(asked), waits) == (2, [])


def test_a_service_that_is_not_there_is_one_error_after_all_tries(waits: list[float]) -> None:
    with DetectorClient("http://127.0.0.1:9", retries=2) as client:
        assert not client.is_ready()
        with pytest.raises(ServiceError, match=r"does not answer .* Is the service there") as caught:
            client.score({"a": 1})
    assert (caught.value.status, len(waits)) == (None, 2)


def test_an_answer_that_takes_too_long_is_not_asked_for_again(waits: list[float]) -> None:
    transport, asked = answers(card(), httpx.ReadTimeout)
    with DetectorClient("http://x", transport=transport) as client, pytest.raises(ServiceError, match="ReadTimeout"):
        client.score({"a": 1})
    assert (len(asked), waits) == (2, [])


def test_scores_of_two_versions_are_refused() -> None:
    transport, _ = answers(card(), scored("1", 2), scored("2", 1))
    with DetectorClient("http://x", transport=transport) as client, pytest.raises(ServiceError, match="versions 1, 2"):
        client.score([{"a": 1}] * 3)


def test_a_records_index_is_counted_over_all_chunks() -> None:
    place = {"record": 1, "field": "a", "problem": "got x.", "remedy": "Send a number."}
    refused = httpx.Response(422, json={"detail": "record 1: got x.", "errors": [place]})
    transport, _ = answers(card(), scored("1", 2), refused)
    with DetectorClient("http://x", transport=transport) as client, pytest.raises(ServiceError) as caught:
        client.score([{"a": 1}] * 4)
    assert [found.record for found in caught.value.places] == [3]


def test_the_client_loads_neither_the_server_nor_arrow(run_python: Callable[..., Any]) -> None:
    code = "import sys, json, service.client; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(run_python("-c", code).stdout))
    assert not loaded & {"fastapi", "starlette", "uvicorn", "pydantic", "onnxruntime", "pyarrow", "pandas", "numpy"}
    assert "httpx" in loaded
    assert sys.modules["service.client"].__doc__
    assert isinstance(pa.table({"a": [1]}), pa.Table)
