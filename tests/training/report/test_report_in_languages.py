"""Report and terminal of a training in another language: no text of ours stays in English."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from said import WORD, english_in, in_language, texts_of, unmarked_words

from training.data.prepare import plan_of
from training.programs.terminal import show_plan, show_prepared, show_result
from training.report.fit import write_fit_report

CATALOGUE = Path(__file__).resolve().parents[3] / "models" / "languages" / "pt.po"


def words_of_data(trained: Any) -> set[str]:
    """Return the words that are no texts of ours: names, values, settings, layers."""
    cells = [cell for column in trained.table.data.columns for cell in column.unique().to_pylist()]
    names = [*trained.table.names, *(layer.layer for layer in trained.result.learned.health), "output"]
    settings = [*asdict(trained.config), *asdict(trained.config).values(), "balanced", "relu", "fpr", "out"]
    return {*WORD.findall(" ".join(map(str, [*cells, *names, *settings])).replace("_", " ")), "max"}  # of its formula


@pytest.fixture(scope="module")
def page(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    path = tmp_path_factory.mktemp("page") / "report.html"

    def written() -> str:
        write_fit_report(path, trained.result, trained.prepared, trained.config)
        return path.read_text(encoding="utf-8")

    return written


def printed(trained: Any) -> str:
    console = Console(file=io.StringIO(), width=500, highlight=False)
    show_prepared(console, trained.prepared, trained.config)
    show_plan(console, plan_of(trained.prepared, trained.config))
    show_result(console, trained.result, bundle=Path("1"), seconds=1.0, used=("DATA",))
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"python -m .*", "", console.file.getvalue())


def test_every_text_of_the_report_is_in_the_catalogues(page: Callable[[], str], trained: Any) -> None:
    left = unmarked_words(lambda: texts_of(page()).replace("_", " "))
    assert set(left) - words_of_data(trained) - {"stroke", "linejoin", "linecap", "round", "butt"} == set()


def test_the_report_in_portuguese_has_no_english_text(page: Callable[[], str]) -> None:
    written = in_language("pt", page)
    assert '<html lang="pt-BR">' in written
    assert "Linhas com os scores mais altos" in written
    assert english_in(html.unescape(written), CATALOGUE) == []
    assert re.search(r"p-valor 0,\d+", written)
    assert not re.search(r"p-valor \d\.", written)


def test_every_text_on_the_terminal_is_in_the_catalogues(trained: Any) -> None:
    left = unmarked_words(lambda: printed(trained).replace("_", " "))
    assert set(left) - words_of_data(trained) == set()


def test_the_terminal_in_portuguese_has_no_english_text(trained: Any) -> None:
    text = in_language("pt", lambda: printed(trained))
    assert "nada foi treinado" in text
    assert english_in(text, CATALOGUE) == []
    assert re.search(r"limiar +\d+,\d+ \(fpr, taxa de alertas 0,05\)", text)


def test_the_card_of_a_bundle_does_not_depend_on_the_language(trained: Any) -> None:
    def card() -> str:
        return json.dumps(trained.result.detector.card, default=str)

    assert in_language("pt", card) == card()
