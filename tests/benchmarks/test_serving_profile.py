"""Where a record's time goes: every stage has its figure, and the page shows all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples import sample_record

from benchmarks.serving import profile
from benchmarks.serving.profile import DETECTORS, FRAMEWORK, TOGETHER, Profile, main, page_of
from benchmarks.serving.stages import REASONS, STAGES, measured
from models.bundle import load_detector


def test_each_stage_of_one_and_of_many_requests_has_its_figure(made: Path) -> None:
    record = dict.fromkeys(load_detector(made).schema.ids, "m-1") | sample_record()
    found = measured(made, [json.dumps(record).encode()] * 8, repetitions=2)
    assert [(one.together, one.reasons) for one in found] == [(1, 0), (1, 5), (8, 0), (8, 5)]
    assert all(list(one.stages) == list(STAGES) for one in found)
    assert all(one.stages["engine"] > 0 for one in found)


def test_the_page_has_a_table_for_each_number_of_requests_with_sum_and_whole() -> None:
    page = page_of(profiles())
    assert page.count("| preset | table | reasons |") == len(TOGETHER)
    assert page.count("| fast | mixed | 5 |") == len(TOGETHER)
    assert f"| {' | '.join(['2.0'] * (len(STAGES) + 1))} | 20.0 | 21.0 |" in page
    assert all(f"- {name}: " in page for name in STAGES)


def test_the_figures_are_printed_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(profile, "profiled", lambda folder, rounds, seconds: profiles())
    assert main(["--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed) == len(DETECTORS) * len(REASONS) * len(TOGETHER)
    assert all(one["stages"].keys() == {*STAGES, FRAMEWORK} for one in printed)


def profiles() -> list[Profile]:
    stages = dict.fromkeys([*STAGES, FRAMEWORK], 2.0)
    return [
        Profile(preset=preset, table=table, reasons=reasons, together=together, stages=stages, whole=21.0)
        for together in TOGETHER
        for preset, table in DETECTORS.values()
        for reasons in REASONS
    ]
