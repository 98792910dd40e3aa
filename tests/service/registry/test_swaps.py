"""Versions change under load: every request is answered, each by one version from its start to its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from samples import sample_record
from serving import Start

from benchmarks.serving.request import Request
from benchmarks.serving.swapped_load import Tally, load_with_swaps

VERSIONS = ("2", "9", "10")


def swapped(port: int, path: str, *, connections: int, seconds: float, every: float) -> Tally:
    request = Request(body=json.dumps(sample_record()).encode(), path=path)
    return asyncio.run(
        load_with_swaps(
            port, request, name="pumps", versions=VERSIONS, connections=connections, seconds=seconds, every=every
        )
    )


def check(tally: Tally) -> None:
    assert tally.faults == {}
    assert tally.swaps >= len(VERSIONS)
    assert set(tally.versions) == set(VERSIONS)
    assert sum(tally.versions.values()) == len(tally.took)


@pytest.mark.parametrize("path", ["/score", "/detectors/pumps/score"])
def test_no_answer_is_lost_or_mixed_while_versions_change(path: str, many: Path, start: Start, fast_path: bool) -> None:
    with start(many, "--default", "pumps", "--fast-path" if fast_path else "--no-fast-path") as service:
        check(swapped(service.client.base_url.port or 0, path, connections=16, seconds=1.5, every=0.1))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_answer_of_64_connections_is_lost_or_mixed_in_many_changes(workers: str, many: Path, start: Start) -> None:
    with start(many, "--default", "pumps", "--workers", workers) as service:
        port = service.client.base_url.port or 0
        check(swapped(port, "/score", connections=64, seconds=20, every=1))
        check(swapped(port, "/score", connections=64, seconds=5, every=0.01))


def test_the_load_notices_an_answer_that_is_mixed_or_lost(many: Path, start: Start) -> None:
    with start(many, "--default", "pumps") as service:
        port = service.client.base_url.port or 0
        other = swapped(port, "/detectors/valves/score", connections=1, seconds=0.2, every=10)
        assert other.faults == {"version 1": len(other.took)}
        lost = swapped(port, "/nowhere", connections=1, seconds=0.2, every=10)
        assert lost.faults == {"status 404": len(lost.took)}
