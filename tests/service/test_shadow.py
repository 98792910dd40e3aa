"""The challenger scores what the active version scores, aside; it changes no answer and no count of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import problem, strict
from samples import sample_record
from scipy.stats import spearmanr
from serving import Start

from models.bundle import load_detector
from models.errors import UnknownDetectorError
from service.registry import Registry
from service.registry.changes import set_alias
from service.shadow import MOST_PAIRS, Shadow, Shadows, rank_correlation

RECORDS = [sample_record(number=number, mode=mode) for number in range(0, 400, 5) for mode in ("run", None)]


def wait_for(what: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def registry(many: Path) -> Registry:
    registry = Registry.open(many, default="pumps")
    set_alias(registry, "pumps", "challenger", "2")
    return registry


def test_the_figures_are_those_of_both_versions_on_the_same_rows(many: Path, start: Start, fast_path: bool) -> None:
    with start(many, "--default", "pumps", "--fast-path" if fast_path else "--no-fast-path") as service:
        client = service.client
        assert "has no challenger" in problem(client.get("/detectors/pumps/shadow"), 404)["detail"]
        client.put("/detectors/pumps/aliases/challenger", json={"version": "2"})
        assert strict(client.get("/detectors/pumps/shadow"))["rows"] == 0
        answers = [client.post("/score", json=record).json()["version"] for record in RECORDS]
        assert set(answers) == {"10"}
        lines = "\n".join(map(json.dumps, RECORDS))
        assert client.post("/score", content=lines, headers={"Content-Type": "application/x-ndjson"}).is_success
        wait_for(lambda: client.get("/detectors/pumps/shadow").json()["rows"] == 2 * len(RECORDS))
        found = strict(client.get("/detectors/pumps/shadow"))
        metrics = client.get("/metrics").text
    active, challenger = (load_detector(many / "pumps" / version).score_records(RECORDS) for version in ("10", "2"))
    assert found["alert_rate"] == {
        "active": pytest.approx(active.is_anomaly.mean()),
        "challenger": pytest.approx(challenger.is_anomaly.mean()),
    }
    assert found["disagreements"] == {
        "only_active": 2 * int((active.is_anomaly & ~challenger.is_anomaly).sum()),
        "only_challenger": 2 * int((~active.is_anomaly & challenger.is_anomaly).sum()),
    }
    expected = spearmanr(active.anomaly_score, challenger.anomaly_score).statistic
    assert found["rank_correlation"] == pytest.approx(expected, abs=0.01)
    assert (found["dropped"], "problem" in found) == (0, False)
    counted = [line for line in metrics.splitlines() if line.startswith("detector_shadow_rows_total{")]
    assert sum(float(line.split()[-1]) for line in counted) == 2 * len(RECORDS)
    assert all('challenger="2"' in line for line in counted)
    assert 'detector_rows_total{detector="pumps",version="2"' not in metrics, "nobody was answered by it"


def test_a_share_of_the_batches_is_compared(registry: Registry) -> None:
    shadows = Shadows(registry, share=0.25)
    registry.watch(shadows.watched)
    for record in RECORDS[:40]:
        registry.active().score_records([record])
    shadow = shadows.of("pumps")
    wait_for(lambda: sum(shadow.outcomes.values()) == 10)


def test_without_a_share_nothing_is_compared(registry: Registry) -> None:
    shadows = Shadows(registry, share=0)
    registry.watch(shadows.watched)
    registry.active().score_records(RECORDS)
    with pytest.raises(Exception, match="above 0"):
        shadows.of("pumps")


def test_too_many_rows_are_dropped_and_counted_and_of_a_large_batch_a_part_is_compared(registry: Registry) -> None:
    shadows = Shadows(registry, share=1)
    counted: list[tuple[str, int]] = []
    shadows.count = lambda labels, outcome, rows: counted.append((outcome, rows))
    registry.watch(shadows.watched)
    many = RECORDS * 10
    with registry.changing("pumps"):  # its thread waits for the challenger
        for _ in range(25):
            registry.table.loaded["pumps", "10"].detector.score_records(many)
    shadow = shadows.of("pumps")
    wait_for(lambda: sum(shadow.outcomes.values()) + shadow.dropped == 25_000)
    assert shadow.dropped >= 4_000
    assert sum(rows for outcome, rows in counted if outcome == "dropped") == shadow.dropped
    assert shadow.pairs <= MOST_PAIRS + 1_000


def test_a_new_champion_or_challenger_begins_anew(registry: Registry) -> None:
    shadows = Shadows(registry, share=1)
    first = shadows.of("pumps")
    set_alias(registry, "valves", "challenger", "1")
    assert shadows.of("pumps") is first
    set_alias(registry, "pumps", "challenger", "9")
    assert shadows.of("pumps") is not first
    set_alias(registry, "pumps", "champion", "9")
    with pytest.raises(UnknownDetectorError, match=r"no challenger beside version 9"):
        shadows.of("pumps")


def test_a_challenger_that_is_damaged_is_named_and_the_answers_go_on(many: Path) -> None:
    registry = Registry.open(many, default="pumps")
    set_alias(registry, "pumps", "challenger", "2")
    (many / "pumps" / "2" / "network.onnx").write_bytes(b"damaged")
    registry = Registry.open(many, default="pumps")  # the next start
    shadows = Shadows(registry, share=1)
    registry.watch(shadows.watched)
    assert len(registry.active().score_records(RECORDS)) == len(RECORDS)
    shadow = shadows.of("pumps")
    wait_for(lambda: shadow.problem is not None)
    assert "Version 2 of the detector 'pumps' cannot be loaded" in shadow.figures()["problem"]


def test_the_rank_correlation_is_spearmans_also_with_equal_scores() -> None:
    random = np.random.default_rng(0)
    for _ in range(5):
        first, second = random.integers(0, 20, (2, 200)).astype(float)
        assert rank_correlation(first, first + second) == pytest.approx(spearmanr(first, first + second).statistic)
    assert rank_correlation(np.zeros(3), np.arange(3.0)) is None
    assert Shadow(name="a", version="1", challenger="2").figures()["rank_correlation"] is None
