"""What pages are made of, and where they are written."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from page_reader import Page, complaints_about

from models.errors import ConfigError
from models.messages import listed
from models.network.activations import ACTIVATIONS
from training.report.kit.file import check_report, write_report
from training.report.kit.formatting import shortened
from training.report.kit.lines import Line, line_plot
from training.report.kit.page import Card, Cards, Cell, Grid, Plot, Plots, Reason, Section, Text, page_of
from training.report.kit.shapes import dot_plot, heat_map, in_two_widths, score_histogram
from training.report.learning import activation_values

EVERYTHING = [
    Section(
        anchor="all",
        title="Everything <&>",
        parts=[
            Text(text="a < b"),
            Cards(
                cards=[
                    Card(
                        name="row <1>",
                        verdict="flagged",
                        facts="score 2",
                        reasons=[Reason(column="<b>", share=0.254, text="1, expected 2")],
                        marked=True,
                    )
                ]
            ),
            Grid(title="numbers", header=("name", "value"), rows=[("a|b", Cell(text="1", best=True))], marked=["a|b"]),
            Grid(title="texts", header=("name", "value"), rows=[("c", "2")], note="note", folded=True, prose=True),
            Plots(
                title="two alike",
                plots=[Plot(title="line", alt="a line", svg=line_plot([Line(x=[0, 1], y=[0, 1])], setting={}))] * 2,
                note="note",
                small=True,
            ),
            Plot(
                title="map",
                alt="a map",
                **dict(zip(("svg", "wide"), in_two_widths(heat_map, np.eye(3), ["x", "y", "z"]), strict=True)),
            ),
        ],
    )
]


def test_a_page_of_every_part_is_whole_and_says_what_it_holds() -> None:
    page = Page(page_of(EVERYTHING, title="a < b", introduction="says & says", verdict="1 > 0"))
    assert complaints_about(page) == []
    assert '<p class="loud">1 &gt; 0</p>' in page.html
    assert '<h3>row &lt;1&gt; <span class="verdict">flagged</span></h3>' in page.html
    assert "<span><strong>&lt;b&gt;</strong> 1, expected 2</span> <span>25%</span></li>" in page.html
    assert "<h1>a &lt; b</h1>" in page.html
    assert '<a href="#all">Everything &lt;&amp;&gt;</a>' in page.html
    assert re.search(r'<tr class="marked"><th scope="row">a\|b</th><td class="best">1</td>', page.html)
    assert "<details><summary>texts</summary>" in page.html


@pytest.mark.parametrize("rule", ["default-src 'none'", "prefers-color-scheme: dark", "@media print", "max-width"])
def test_a_page_refuses_to_load_and_suits_light_dark_paper_and_phones(rule: str) -> None:
    assert rule in page_of([], title="t", introduction="s")


def test_every_colour_of_a_picture_is_one_that_the_page_has_in_light_and_in_dark() -> None:
    page = page_of(EVERYTHING, title="t", introduction="s")
    light, dark = page.split("prefers-color-scheme: dark", maxsplit=1)
    wanted = set(re.findall(r"var\((--[\w-]+)\)", page))
    assert wanted
    for name in wanted:
        assert f"{name}: #" in light
        assert f"{name}: #" in dark


def test_pictures_hold_names_that_are_no_formulas_and_letters_that_the_fonts_here_lack() -> None:
    svg = dot_plot({"$a_b$": [1.0, 2.0], "\u6e29\u5ea6": [3.0]}, loud=None, xlabel="<x>")
    assert "$a_b$" in svg
    assert "\u6e29\u5ea6" in svg
    assert "&lt;x&gt;" in svg


def test_a_share_that_rounds_to_zero_is_white() -> None:
    def coloured(share: float) -> int:
        return heat_map(np.array([[share]]), ["row"]).count("var(--level-1)")

    assert coloured(0.004) == coloured(0.0) == coloured(0.006) - 1


def test_the_same_picture_is_the_same_text() -> None:
    first, second = (line_plot([Line(x=[0, 1], y=[1, 0])], setting={}) for _ in range(2))
    assert first == second


def test_a_histogram_takes_scores_of_zero_and_equal_scores() -> None:
    scores = np.array([0.0, 1.0, 1.0, 1.0])
    assert "<svg" in score_histogram({"rows": scores}, threshold=1.0, p_values=[(1.0, 0.5), (1.0, 0.1)])
    assert "<svg" in score_histogram({"rows": np.zeros(3)}, threshold=0.0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_drawn_as_its_formula_says(name: str) -> None:
    x = np.array([-2.0, -0.5, 0.5, 2.0], np.float32)
    got = activation_values(name, x, parameter={"leaky_relu": 0.2, "elu": 0.5}.get(name))
    exp, tanh = np.exp, np.tanh
    wanted = {
        "relu": np.maximum(0, x),
        "leaky_relu": np.where(x > 0, x, 0.2 * x),
        "prelu": np.where(x > 0, x, 0.25 * x),
        "elu": np.where(x > 0, x, 0.5 * (exp(x) - 1)),
        "selu": 1.0507 * np.where(x > 0, x, 1.6733 * (exp(x) - 1)),
        "silu": x / (1 + exp(-x)),
        "tanh": tanh(x),
        "sigmoid": 1 / (1 + exp(-x)),
    }
    if name in wanted:
        np.testing.assert_allclose(got, wanted[name], rtol=1e-3, atol=1e-5)


def test_names_are_shortened_in_the_middle_and_listed_as_in_a_sentence() -> None:
    assert shortened("a" * 30 + "\n" + "b" * 30) == "a" * 12 + "…" + "b" * 11
    assert shortened(" a\x00 b ") == "a b"
    assert shortened("\n") == "(blank)"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_a_report_takes_the_place_of_a_report_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    check_report(path)
    assert list(tmp_path.iterdir()) == [], "it is tried, and nothing is left"
    for introduction in ("first", "second"):
        write_report(path, page_of([], title="t", introduction=introduction))
        assert introduction in path.read_text(encoding="utf-8")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    path.write_text("years of work")
    for other in (path, tmp_path):
        with pytest.raises(ConfigError, match="is no report"):
            write_report(other, "page")
    with pytest.raises(ConfigError, match="a report cannot be written there"):
        check_report(path / "report.html")
    assert path.read_text() == "years of work"


def test_half_a_letter_in_a_name_does_not_stop_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, page_of([], title="\ud83d", introduction=""))
    assert "<h1>?</h1>" in path.read_text(encoding="utf-8")


def test_training_imports_matplotlib_only_where_a_report_is_written(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = "import sys, training.train, training.compare; print('matplotlib' in sys.modules)"
    run = run_python("-c", code)
    assert run.stdout == "False\n", run.stderr


def test_every_template_is_in_the_package() -> None:
    root = Path(__file__).resolve().parents[3]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["training"]
    packaged = {path for pattern in patterns for path in (root / "training").glob(pattern)}
    assert set((root / "training" / "report" / "templates").iterdir()) <= packaged
