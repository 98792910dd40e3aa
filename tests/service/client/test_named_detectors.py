"""The client asks for a detector and a version of it, and changes what a service serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from samples import sample_record
from serving import running

from models.bundle import load_detector
from service.client import DetectorClient, ServiceError, ServiceOperator

RECORDS = [sample_record(), sample_record(mode=None)]


@pytest.fixture(scope="module")
def url(made_versions: Path) -> Iterator[str]:
    with running(made_versions) as service:
        yield str(service.client.base_url)


@pytest.mark.parametrize(
    ("version", "expected"), [(None, "10"), ("2", "2"), ("9", "9")], ids=["the active one", "the oldest", "another"]
)
def test_a_client_asks_for_the_detector_and_version_that_it_is_told(
    version: str | None, expected: str, url: str, made_versions: Path
) -> None:
    detector = load_detector(made_versions / "pumps" / expected)
    with DetectorClient(url, detector="pumps", version=version) as client:
        assert client.is_ready()
        info = client.detector()
        assert (info.name, info.version) == ("pumps", expected)
        result = client.score(RECORDS)
        assert (result.detector, result.version) == ("pumps", expected)
        scores = [record.anomaly_score for record in result.records]
        assert scores == pytest.approx(detector.score_records(RECORDS).anomaly_score.tolist(), rel=1e-5)
        assert len(client.embed(RECORDS)) == len(client.reconstruct(RECORDS)) == 2


def test_without_a_default_a_client_is_told_to_name_a_detector(url: str) -> None:
    with DetectorClient(url) as client, pytest.raises(ServiceError, match=r"Name one: .*there is pumps, valves"):
        client.score(RECORDS)
    with pytest.raises(ServiceError, match=r"A version \(2\) needs its detector"):
        DetectorClient(url, version="2")


def test_an_operator_promotes_and_rolls_back(many: Path) -> None:
    with running(many) as service, ServiceOperator(str(service.client.base_url)) as operator:
        assert {one.name: one.version for one in operator.detectors()} == {"pumps": "10", "valves": "1"}
        assert operator.promote("pumps", "2").version == "2"
        assert operator.set_alias("pumps", "challenger", "9").aliases == {"champion": "2", "challenger": "9"}
        assert operator.roll_back("pumps").version == "10"
        assert operator.remove_alias("pumps", "challenger").aliases == {"champion": "10"}
        with pytest.raises(ServiceError, match=r"404: The detector 'pumps' has no version '3'"):
            operator.promote("pumps", "3")


def test_a_roll_back_whose_answer_is_lost_is_not_sent_again() -> None:
    sent = []

    def lose(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.raw_path))
        raise httpx.ReadError("the connection is gone")

    operator = ServiceOperator("http://service", transport=httpx.MockTransport(lose))
    with pytest.raises(ServiceError, match="does not answer"):
        operator.roll_back("Bremsen, Süd")
    operator.close()
    assert sent == [("POST", b"/detectors/Bremsen%2C%20S%C3%BCd/rollback")]
