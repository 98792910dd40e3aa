"""Several detectors and versions over HTTP: the same answers as of one, with the shortcut on and off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from in_process import problem, strict
from samples import sample_record
from serving import Service, Start, running

from models.bundle import load_detector
from service.operations import OPERATIONS

RECORDS = [sample_record(), sample_record(mode=None), sample_record(number=7)]
LINES = "\n".join(map(json.dumps, RECORDS)) + "\n"
PLACES = {
    "": ("valves", "1"),
    "/detectors/valves": ("valves", "1"),
    "/detectors/valves/versions/1": ("valves", "1"),
    "/detectors/pumps": ("pumps", "10"),
    "/detectors/pumps/versions/10": ("pumps", "10"),
    "/detectors/pumps/versions/9": ("pumps", "9"),
    "/detectors/pumps/versions/2": ("pumps", "2"),
}


@pytest.fixture(scope="module")
def several(made_versions: Path, fast_path: bool) -> Iterator[Service]:
    flag = "--fast-path" if fast_path else "--no-fast-path"
    with running(made_versions, "--default", "valves", flag) as service:
        yield service


@pytest.fixture
def asked(several: Service) -> httpx.Client:
    return several.client


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer, but for its date and its id."""
    assert answer.status_code == 200, answer.text
    return (
        200,
        {name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}},
        answer.content,
    )


@pytest.mark.parametrize("path", PLACES)
def test_a_record_is_scored_by_the_detector_and_version_of_the_address(
    path: str, asked: httpx.Client, made_versions: Path
) -> None:
    name, version = PLACES[path]
    scored = load_detector(made_versions / name / version).score_records(RECORDS)
    for _ in range(2):  # the second time, it is loaded
        for index, record in enumerate(RECORDS):
            answer = asked.post(f"{path}/score", json=record)
            plain = strict(answer)
            assert (plain["detector"], plain["version"]) == (name, version)
            assert (answer.headers["detector-name"], answer.headers["detector-version"]) == (name, version)
            assert plain["results"][0]["anomaly_score"] == pytest.approx(scored.anomaly_score[index], rel=1e-5)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/x-ndjson"])
def test_the_default_detector_answers_the_same_bytes_by_its_name_and_by_its_version(
    operation: Any, accept: str, asked: httpx.Client
) -> None:
    first, *others = (
        seen(asked.post(f"{path}{operation.path}", json=RECORDS, headers={"Accept": accept}))
        for path, key in PLACES.items()
        if key == ("valves", "1")
    )
    assert others == [first, first]


def test_a_stream_is_scored_by_the_detector_of_the_address(asked: httpx.Client) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    for path, (name, version) in PLACES.items():
        stream = asked.post(f"{path}/score/stream", content=LINES, headers=headers)
        whole = asked.post(f"{path}/score", content=LINES, headers=headers | {"Accept": "application/x-ndjson"})
        assert stream.status_code == 200
        assert (stream.headers["detector-name"], stream.headers["detector-version"]) == (name, version)
        assert stream.content == whole.content


def test_the_detectors_are_listed_and_each_describes_itself(asked: httpx.Client) -> None:
    listed = strict(asked.get("/detectors"))
    assert listed["default"] == "valves"
    assert [{**item, "state": None} for item in listed["detectors"]] == [
        {"name": "pumps", "version": "10", "versions": ["2", "9", "10"], "aliases": {}, "state": None},
        {"name": "valves", "version": "1", "versions": ["1"], "aliases": {}, "state": None},
    ]
    assert asked.get("/detector").content == asked.get("/detectors/valves").content
    for path, (name, version) in PLACES.items():
        if path:
            described = strict(asked.get(path))
            assert (described["name"], described["version"]) == (name, version)
    assert strict(asked.get("/readyz"))["detectors"].keys() == {"pumps", "valves"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/detectors/pump/score", "There is no detector 'pump'. Did you mean 'pumps'? Name one of: pumps, valves."),
        ("/detectors/pumps/versions/3/score", "The detector 'pumps' has no version '3'. Name one of: 2, 9, 10."),
        ("/detectors/pumps/versions/02/score", "has no version '02'"),
        ("/detectors/fans/embed", "There is no detector 'fans'."),
        ("/detectors/fans/score/stream", "There is no detector 'fans'."),
        ("/detectors/../score", "There is no detector '..'."),
        ("/detectors/%2e%2e/score", "There is no detector '..'."),
        ("/detectors/pumps/versions/../score", "has no version '..'"),
        ("/detectors/pumps/versions/..%2fvalves%2f1/score", "Not Found"),
        ("/detectors/..%2f..%2fetc/score", "Not Found"),
        ("/detectors/..%5c..%5cetc/score", "There is no detector '..\\\\..\\\\etc'."),
        ("/detectors/%00/score", "There is no detector '\\x00'."),
        ("/detectors//score", "Not Found"),
    ],
)
def test_an_address_that_means_no_detector_is_not_found(path: str, said: str, several: Service) -> None:
    answer = as_it_is(several, path)
    assert said in problem(answer, 404)["detail"]


def as_it_is(service: Service, path: str) -> httpx.Response:
    """Send a record to a path that httpx would tidy up."""
    connection = HTTPConnection(service.client.base_url.netloc.decode(), timeout=60)
    connection.request("POST", path, json.dumps(RECORDS[0]), {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        found = httpx.Response(answer.status, headers=dict(answer.getheaders()), content=answer.read())
    connection.close()
    return found


def test_without_a_default_the_service_is_ready_and_says_which_detectors_there_are(
    made_versions: Path, start: Start
) -> None:
    with start(made_versions) as service:
        ready = strict(service.client.get("/readyz"))
        assert (ready["status"], ready["detector"], ready["version"]) == ("ready", None, None)
        for method, path in (("POST", "/score"), ("GET", "/detector"), ("POST", "/embed")):
            answer = service.client.request(method, path, json=RECORDS[0] if method == "POST" else None)
            assert "Name one: /detectors/NAME/score; there is pumps, valves." in problem(answer, 404)["detail"]
        assert service.client.post("/detectors/pumps/score", json=RECORDS[0]).status_code == 200
        assert service.client.get("/openapi.json").status_code == 200


def test_a_damaged_detector_is_named_where_it_is_asked_for_and_the_others_are_served(many: Path, start: Start) -> None:
    (many / "pumps" / "2" / "network.onnx").write_bytes(b"damaged")
    (many / "valves" / "1" / "network.onnx").write_bytes(b"damaged")
    with start(many) as service:
        answer = problem(service.client.post("/detectors/valves/score", json=RECORDS[0]), 503)
        assert answer["detail"].startswith("Version 1 of the detector 'valves' cannot be loaded: network.onnx is not")
        problem(service.client.post("/detectors/pumps/versions/2/score", json=RECORDS[0]), 503)
        assert service.client.post("/detectors/pumps/score", json=RECORDS[0]).status_code == 200
        ready = strict(service.client.get("/readyz"))
        assert ready["detectors"] == {"pumps": "loaded", "valves": "failed"}
        assert ready["problems"].keys() == {"valves"}
