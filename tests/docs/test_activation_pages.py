"""Each activation has a page, with what comes with it taken from its row, and a line in the table of costs."""

from __future__ import annotations

import re
import sys

import pytest
from page_examples import DOCS

from models.network.activations import ACTIVATIONS

FOLDER = DOCS / "activations"
INDEX = (FOLDER / "index.md").read_text(encoding="utf-8")


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch):
    """What the directive shows of an activation."""
    monkeypatch.syspath_prepend(DOCS / "extensions")
    from code_tables.activation_facts import activation_facts

    yield activation_facts
    for name in [name for name in sys.modules if name.startswith("code_tables")]:
        del sys.modules[name]


def test_there_is_a_page_for_each_and_the_index_lists_them_in_the_order_of_the_table() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*ACTIVATIONS, "index"}
    assert re.findall(r"^- \[`(\w+)`\]\(\1\.md\)", INDEX, re.MULTILINE) == list(ACTIVATIONS)


def test_the_tables_of_costs_name_what_was_measured_in_the_order_of_the_table() -> None:
    beside_relu, beside_others = (
        re.findall(r"^\| ([a-z_, ]+) \| \d", section, re.MULTILINE) for section in INDEX.split("\n## ")[1:]
    )
    assert len(beside_relu) >= 9
    assert [*beside_relu] == [*(name for name in ACTIVATIONS if name in beside_relu and name != "relu"), "relu, again"]
    assert beside_others == [name for name in ACTIVATIONS if name in beside_others]
    assert "An activation without a line was not measured" in INDEX


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_page_shows_its_own_row_and_its_own_picture_and_names_a_paper(name: str) -> None:
    page = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{activation-facts\} (\w+)$", page, re.MULTILINE) == [name]
    assert re.findall(r"images/activation-(\w+)\.png", page) == [name]
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["Units", "When", "Papers"]
    surname = re.split(r" |,", ACTIVATIONS[name].source)[0]
    year = re.findall(r"\d{4}", ACTIVATIONS[name].source)[-1]
    papers = page.partition("## Papers")[2].split("\n- ")
    introduced = "2016" if name == "gelu" else year  # its row names the number of the paper
    assert any(surname in paper and introduced in paper for paper in papers)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_comes_with_an_activation_is_said_as_its_row_has_it(facts, name: str) -> None:
    spec, text = ACTIVATIONS[name], facts(name)
    assert f"`{spec.initializer}`: " in text
    assert ("alpha dropout" in text) == spec.alpha_dropout
    assert ("| can die |" in text) == spec.can_die
    assert ("saturate" in re.sub(r"\| in one line .*", "", text)) == (spec.ends is not None)
    assert ("where it is not given" in text) == (spec.parameter is not None)
    assert spec.parameter is None or f"`--{spec.parameter.name.replace('_', '-')}`" in text
    assert all(f"`{node.op}`" in text for node in spec.onnx)
