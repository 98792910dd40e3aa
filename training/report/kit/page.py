"""The page of a report and its parts: one HTML file for any screen, paper, keyboard and screen reader."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from models.languages import shown, spoken
from models.messages import Template as MessageTemplate
from training.report.kit.file import GENERATOR

PLOT_ID: Final = "@plot@"
"""Begins every id within a plot; on the page, each plot gets a prefix of its own."""

_LONG: Final = 24  # letters from which on a text has several lines on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table; the `best` of its row or column is bold."""

    text: str
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table.

    Args:
        rows: The first cell of each names the row.
        folded: Whether it is collapsed until the reader opens it.
        marked: Names of the rows to highlight.
        prose: Whether the cells are texts rather than numbers: left-aligned, long ones wrapped.
    """

    template: ClassVar[str] = "grid.html"

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""
    folded: bool = False
    marked: Collection[str] = ()
    prose: bool = False

    def lines(self) -> Iterator[tuple[str, list[Cell]]]:
        """Yield the name and the other cells of each row."""
        for row in self.rows:
            name, *cells = (cell if isinstance(cell, Cell) else Cell(text=cell) for cell in row)
            yield name.text, cells

    def is_long(self, cell: Cell) -> bool:
        """Return whether a cell's text wraps."""
        return self.prose and len(cell.text) > _LONG


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture.

    Args:
        title: The caption.
        alt: The content in words, for screen readers.
        svg: The picture, an element of SVG whose ids begin with `PLOT_ID`.
        wide: The same picture for the whole width of a wide screen, where it shall have that.
    """

    template: ClassVar[str] = "plot.html"

    title: str
    alt: str
    svg: str
    wide: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plots:
    """Pictures that belong together, side by side where there is room; more of them where they are small."""

    template: ClassVar[str] = "plots.html"

    title: str
    plots: Sequence[Plot]
    note: str = ""
    small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph."""

    template: ClassVar[str] = "text.html"

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A column that adds to the score of a row: its share, in [0, 1], and its value beside the expected one."""

    column: str
    share: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is to be known of one row: its name, its verdict in a word, and the reasons, the strongest first."""

    name: str
    verdict: str
    facts: str
    reasons: Sequence[Reason]
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """Cards side by side where there is room, below each other on a phone."""

    template: ClassVar[str] = "cards.html"

    cards: Sequence[Card]
    note: str = ""


Part = Cards | Grid | Plot | Plots | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the page; its anchor is the id that links point to."""

    anchor: str
    title: str
    parts: Sequence[Part] = ()


def page_of(sections: Sequence[Section], *, title: str, introduction: str, verdict: str = "") -> str:
    """Return a page as HTML, with the verdict, in large letters, and the introduction below its heading."""
    numbers = itertools.count(1)
    return _template().render(
        language=spoken(),
        generator=GENERATOR,
        title=title,
        verdict=verdict,
        introduction=introduction,
        sections=sections,
        numbered=lambda svg: svg.replace(PLOT_ID, f"plot-{next(numbers)}"),
    )


@cache
def _template() -> Template:
    loader = PackageLoader("training.report")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: shown(MessageTemplate((text,)).filled()),
        lambda *texts: shown(MessageTemplate(texts[:2], texts[2]).filled()),
    )
    return environment.get_template("page.html")
