"""`/metrics`: what both carriers answer is counted, by detector and version, with few series."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from in_process import InProcess, in_process
from prometheus_client.parser import text_string_to_metric_families
from samples import machine_records, numbers_preprocessor, sample_detector, sample_record
from serving import Start

from models.calibration import Calibration
from models.schema import Column, FeatureSchema, Kind
from service.observing.families import FAMILIES
from service.observing.observer import NO_DETECTOR, Observer, clock
from service.observing.scored import MOST_COLUMNS, OTHER_COLUMNS
from service.observing.shared_values import SharedValues

OURS = {"detector": "sample", "version": "1"}


@pytest.fixture
def client(fast_path: bool) -> Iterator[InProcess]:
    with in_process(sample_detector(), fast_path=fast_path) as client:
        yield client


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(text: str) -> Samples:
    """Return the samples of a page of metrics, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(client: InProcess) -> Callable[..., float]:
    """Return what reads a sample of `/metrics` as it is now; 0 where there is none."""
    answer = client.request("GET", "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = samples_of(answer.text)

    def value(name: str, **labels: str) -> float:
        return samples.get((name, frozenset(labels.items())), 0.0)

    return value


def ask(client: InProcess, content: Any, **given: str) -> int:
    return client.post(json.dumps(content), **given).status_code


def test_requests_rows_and_alerts_are_counted_on_both_carriers(client: InProcess) -> None:
    usual, odd = sample_record(), sample_record(number=1000.0)
    assert ask(client, usual) == 200
    assert ask(client, [usual, odd, usual]) == 200
    assert ask(client, [usual] * 700) == 200  # on a thread
    assert ask(client, {"number": 1}) == 422
    assert ask(client, [usual, usual], path="/embed") == 200
    value = scraped(client)
    assert value("detector_requests_total", **OURS, endpoint="score", status="2xx") == 3
    assert value("detector_requests_total", **OURS, endpoint="score", status="4xx") == 1
    assert value("detector_requests_total", **OURS, endpoint="embed", status="2xx") == 1
    assert value("detector_request_seconds_count", **OURS, endpoint="score", status="2xx") == 3
    assert value("detector_request_seconds_sum", **OURS, endpoint="score", status="2xx") > 0
    assert value("detector_rows_total", **OURS, operation="score") == 704
    assert value("detector_rows_total", **OURS, operation="embed") == 2
    assert value("detector_alerts_total", **OURS) == 1
    assert value("detector_score_count", **OURS) == value("detector_p_value_count", **OURS) == 704
    assert value("detector_score_bucket", **OURS, le="1000.0") == 703
    assert value("detector_threshold", **OURS) == sample_detector().calibration.threshold
    assert value("detector_rows_waiting") == 0


def test_values_that_are_missing_unseen_or_out_of_range_are_counted_by_column(client: InProcess) -> None:
    records = [
        sample_record(mode="never", number=None),
        sample_record(number=50.0 + 5 * 3.1, mode=None),
        sample_record(number=50.0 - 5 * 2.9, mode="flush"),
    ]
    assert ask(client, records) == 200
    value = scraped(client)
    for family, expected in {
        "detector_missing_values_total": {"number": 1, "mode": 1},
        "detector_unseen_categories_total": {"mode": 1},
        "detector_out_of_range_values_total": {"number": 1},
    }.items():
        names = [column.name for column in sample_detector().schema.columns]
        assert {name: value(family, **OURS, column=name) for name in names} == dict.fromkeys(names, 0) | expected


def test_paths_and_names_that_callers_make_up_mint_no_series(client: InProcess) -> None:
    client.request("GET", "/metrics")
    before = len(samples_of(client.request("GET", "/metrics").text))
    for index in range(50):
        assert client.request("GET", f"/nowhere/{index}?{index}").status_code == 404
    found = samples_of(client.request("GET", "/metrics").text)
    assert len(found) - before == len(FAMILIES["detector_request_seconds"].buckets) + 4
    assert found["detector_requests_total", frozenset(unmatched().items())] == 50


def unmatched() -> dict[str, str]:
    return {"detector": "", "version": "", "endpoint": "unmatched", "status": "4xx"}


def test_openmetrics_are_written_where_they_are_asked_for(client: InProcess) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.request("GET", "/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert client.request("HEAD", "/metrics").status_code == 200


def test_every_family_has_a_help_and_the_process_is_seen(client: InProcess) -> None:
    text = client.request("GET", "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name.removesuffix("_total") for name in FAMILIES} <= families.keys()
    assert all(family.documentation for family in families.values())
    assert "detector_build_info" in text
    if Path("/proc/self/stat").exists():
        assert 'process_resident_memory_bytes{worker="0"}' in text


def test_without_metrics_nothing_is_counted_or_answered(fast_path: bool) -> None:
    with in_process(sample_detector(), fast_path=fast_path, metrics=False) as client:
        assert ask(client, sample_record()) == 200
        assert client.request("GET", "/metrics").status_code == 404


def test_refused_requests_are_counted_by_reason(fast_path: bool) -> None:
    with in_process(sample_detector(), fast_path=fast_path, max_wait_seconds=1e-9) as client:
        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(lambda _: ask(client, sample_record()), range(200)))
        value = scraped(client)
        refused = statuses.count(503)
        assert refused > 0
        assert value("detector_refused_total", reason="overload") == refused


def test_what_is_no_request_is_counted() -> None:
    with in_process(sample_detector(), fast_path=True) as client:
        long = {"X-Long": "x" * 100_000}
        assert client.request("GET", "/healthz", headers=long).status_code == 431
        found = unmatched() | {"endpoint": "unread"}
        assert scraped(client)("detector_requests_total", **found) == 1


def test_many_columns_are_counted_together() -> None:
    scales = (1.0,) * (MOST_COLUMNS + 5)
    preprocessor = numbers_preprocessor(*scales)
    names = [encoding.name for encoding in preprocessor.encodings]
    schema = FeatureSchema(columns=tuple(Column(name=name, kind=Kind.NUMERIC) for name in names))
    base = sample_detector()
    scorer = replace(base.scorer, preprocessor=preprocessor)
    calibration = Calibration.of(np.linspace(0.05, 2.0, 199), method="fpr", value=0.05)
    observer = Observer()
    detector = observer.watched(replace(base, schema=schema, scorer=scorer, calibration=calibration))
    detector.score({name: np.array([np.nan, 0.5]) for name in names})
    observer.fold()
    key = "detector_missing_values_total", ("sample", "1"), (*names[: MOST_COLUMNS - 1], OTHER_COLUMNS)
    counts = observer.totals()[key]
    assert counts.tolist() == [1.0] * (MOST_COLUMNS - 1) + [6.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_share_their_numbers_and_a_new_one_goes_on_with_those_of_the_old() -> None:
    values, key = SharedValues(2), ("detector_swaps_total", ("é\n", "swapped"), ())
    gauge = "detector_rows_waiting", (), ()
    values.block(key)[0] += 1
    if (child := os.fork()) == 0:
        values.begin(1)
        values.block(key)[0] += 2
        values.block(gauge)[0] = 7
        os._exit(0)
    os.waitpid(child, 0)
    assert values.sums() == {key: 3, gauge: 7}
    assert values.pids() == {0: os.getpid(), 1: child}
    values.begin(1)
    values.block(key)[0] += 4
    assert values.sums() == {key: 7, gauge: 0}


def test_metrics_that_are_full_are_not_counted_on(caplog: pytest.LogCaptureFixture) -> None:
    values = SharedValues(1)
    for index in range(30_000):
        values.block(("detector_swaps_total", (f"{index}" * 20, "swapped"), ()))[0] += 1
    assert 0 < len(values.sums()) < 30_000
    assert caplog.text.count("metrics are full") == 1


def test_an_observer_of_a_loop_that_has_ended_still_counts() -> None:
    import asyncio

    observer = Observer()

    async def one() -> None:
        observer.ended("score", 200, NO_DETECTOR, clock())

    asyncio.run(one())
    asyncio.run(one())
    observer.fold()
    [(key, numbers)] = observer.totals().items()
    assert key[1] == ("", "", "score", "2xx")
    assert numbers[:-1].sum() == 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="several workers need Linux")
def test_any_worker_says_what_all_of_them_have_answered(bundle_path: Path, start: Start) -> None:
    record = json.dumps(machine_records(1, seed=1)[0]).encode()
    with start(bundle_path, "--workers", "2") as service:

        def page() -> Samples:
            with httpx.Client(base_url=service.client.base_url, transport=httpx.HTTPTransport(retries=3)) as client:
                return samples_of(client.get("/metrics").text)

        def total(name: str) -> float:
            return sum(value for (found, labels), value in page().items() if found == name and ours <= labels)

        def reaches(name: str, number: float) -> bool:
            end = time.monotonic() + 60
            while total(name) < number:
                assert time.monotonic() < end
                time.sleep(0.1)
            return total(name) == number

        ours = {("endpoint", "score")}
        for _ in range(30):
            with httpx.Client(base_url=service.client.base_url, timeout=60) as client:
                assert client.post("/score", content=record).status_code == 200
        assert reaches("detector_requests_total", 30)
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
        assert {dict(labels).get("worker") for (name, labels) in page() if name.startswith("process_")} == {"0", "1"}
        os.kill(int(children[0]), signal.SIGKILL)
        assert reaches("detector_requests_total", 30)
        ours = {("operation", "score")}
        assert reaches("detector_rows_total", 30)
