"""The page holds what it says, can be read by anyone, and needs nothing from elsewhere."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from page_reader import Page, complaints_about

from benchmarks.quality.comparison import compare
from benchmarks.quality.experiments.benchmark import BENCHMARK
from benchmarks.quality.experiments.table import EXPERIMENTS
from benchmarks.quality.measure import FIGURES
from benchmarks.quality.page import SECTIONS, write_page
from benchmarks.quality.results import Row
from models.errors import ConfigError

METHODS = {"ours": 0.9, "ours_clean": 0.92, "AutoEncoder": 0.8, "KNN": 0.85, "<odd> & co": 0.7}


def made_up_rows(methods: dict[str, float] = METHODS, *, sets: int = 12, seeds: int = 2) -> list[Row]:
    draw = np.random.default_rng(0)
    rows: list[Row] = []
    for number, protocol, (method, level), seed in itertools.product(range(sets), "SU", methods.items(), range(seeds)):
        if method == "ours_clean" and protocol == "U":
            continue
        quality = np.clip(level + draw.normal(0, 0.03), 0, 1)
        key = {"set": f"{number}_set", "protocol": protocol, "method": method, "seed": str(seed)}
        figures = (f"{quality:.5f}", f"{quality / 2:.5f}", f"{level / 10:.3f}", "0.002", "12.0")
        rows.append(key | dict(zip(FIGURES, figures, strict=True)))
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    results = BENCHMARK.results(folder)
    for row in [*made_up_rows(), *made_up_rows({"ours:dropout=0.5": 0.6}, sets=3)]:
        results.append([row])
    write_page(folder)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_is_whole_and_can_be_read_by_anyone_without_anything_from_elsewhere(page: str) -> None:
    assert complaints_about(Page(page)) == []


def test_every_picture_says_in_words_what_is_to_be_seen(page: str) -> None:
    texts = Page(page).pictures
    assert len(texts) == 2 * 3 + 1 + 1 + 1
    assert any("ours_clean is first with a mean rank of" in text for text in texts)
    assert all("protocol" in text for text in texts)


def test_pictures_take_their_colours_from_the_page_in_light_and_in_dark(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    pictures = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "currentColor" in pictures
    assert "var(--accent)" in pictures


def test_each_protocol_has_its_tables(page: str) -> None:
    for protocol in "SU":
        section = page.split(f'<section id="{protocol}" ')[1].split("</section>", maxsplit=1)[0]
        for title in (
            *(f"Means over the sets, protocol {protocol}", f"ours against every other, protocol {protocol}"),
            *(
                f"Every set, ROC AUC in %, protocol {protocol}",
                f"Every set, average precision in %, protocol {protocol}",
            ),
            *(f"Variants of ours, protocol {protocol}", f"Sets on which a peer is ahead of ours, protocol {protocol}"),
        ):
            assert title in section
        assert ("ours_clean against every other" in section) == (protocol == "S")
        assert "&lt;odd&gt; &amp; co" in section


def test_the_tables_are_markdown_too_and_their_figures_are_those_of_the_rows(folder: Path) -> None:
    tables = (folder / "tables.md").read_text(encoding="utf-8")
    rows = [row for row in made_up_rows() if row["protocol"] == "S" and row["method"] == "KNN"]
    mean = 100 * np.mean([float(row["roc_auc"]) for row in rows])
    assert f"| KNN | {mean:.1f} |" in tables
    for line in re.findall(r"(?:^\|.*\n)+", tables, flags=re.MULTILINE):
        assert len({row.count("|") for row in line.splitlines()}) == 1


def test_a_variant_is_compared_where_both_have_figures_and_nowhere_else(folder: Path) -> None:
    tables = (folder / "tables.md").read_text(encoding="utf-8")
    assert "| ours:dropout=0.5 | 3 × 2 |" in tables
    assert "Every method has figures of each split." in tables, "a variant takes no set away from the others"


def test_a_method_with_few_sets_is_left_out_and_a_failure_takes_its_split_away_from_all() -> None:
    rows = [row for row in made_up_rows() if row["protocol"] == "S"]
    few = [row | {"method": "few"} for row in rows if row["method"] == "KNN"][:3]
    failed = [
        row | dict.fromkeys(FIGURES, "") if (row["set"], row["seed"], row["method"]) == ("3_set", "1", "KNN") else row
        for row in rows
    ]
    found = compare([*failed, *few], FIGURES)
    assert found is not None
    assert found.methods == tuple(METHODS)
    assert len(found.blocks) == 23
    assert found.left_out == ("few: it has figures of 3 splits, the others of 24", "3_set, seed 1: no figures of KNN")


def test_every_experiment_has_its_part_of_the_page() -> None:
    assert SECTIONS.keys() == EXPERIMENTS.keys()


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no results; measure first"):
        write_page(tmp_path)
