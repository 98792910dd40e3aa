"""What a page is made of: tables, plots and sentences; a table is HTML and Markdown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

PICTURE: Final = "@picture@"
"""Begins every name in a picture; on the page each picture has another beginning."""


_LONG: Final = 24  # letters from which on a text has several lines on a phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table.

    Args:
        text: What it says.
        best: It is the best of its row or column.
    """

    text: str
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table.

    Args:
        title: What it shows.
        header: Of each column.
        rows: Cells, the first of each row names it.
        note: What has to be known to read it.
        folded: It is long, and shown when asked for.
        marked: Names of the rows that stand out.
        prose: The cells are texts rather than numbers: they begin at the left, and long ones have several lines.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""
    folded: bool = False
    marked: Collection[str] = ()
    prose: bool = False

    def to_html(self) -> str:
        """Return the table as HTML."""
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.header)
        body = "\n".join(self._html_row(row) for row in self.rows)
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        kind = ' class="prose"' if self.prose else ""
        # A region that can be scrolled has to be reached by the keyboard, and then needs a name.
        table = (
            f'<div class="wide" role="region" tabindex="0" aria-label="{escape(self.title)}">'
            f"<table{kind}><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
        )
        if self.folded:
            return f"<details><summary>{escape(self.title)}</summary>{note}{table}</details>"
        return f"<h3>{escape(self.title)}</h3>{note}{table}"

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.header, ["---"] * len(self.header), *([_bold(cell) for cell in row] for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
        return f"### {self.title}\n\n" + (f"{self.note}\n\n" if self.note else "") + table + "\n"

    def _html_row(self, row: Sequence[Cell | str]) -> str:
        name, *cells = (cell if isinstance(cell, Cell) else Cell(text=cell) for cell in row)
        mark = ' class="marked"' if name.text in self.marked else ""
        rest = "".join(f"<td{self._class_of(cell)}>{escape(cell.text)}</td>" for cell in cells)
        return f'<tr{mark}><th scope="row">{escape(name.text)}</th>{rest}</tr>'

    def _class_of(self, cell: Cell) -> str:
        if cell.best:
            return ' class="best"'
        return ' class="long"' if self.prose and len(cell.text) > _LONG else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture.

    Args:
        title: What it shows.
        alt: What is to be seen, for those who cannot see it.
        svg: The picture.
    """

    title: str
    alt: str
    svg: str

    def to_html(self) -> str:
        """Return the picture as HTML."""
        return (
            f'<figure><div role="img" aria-label="{escape(self.alt)}">{self.svg}</div>'
            f"<figcaption>{escape(self.title)}</figcaption></figure>"
        )

    def to_markdown(self) -> str:
        """Return nothing: the Markdown holds tables."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plots:
    """Pictures that belong together, beside one another where there is room.

    Args:
        title: What they show.
        plots: The pictures.
        note: What has to be known to read them.
        small: They are of the size of panels, and more of them stand beside one another.
    """

    title: str
    plots: Sequence[Plot]
    note: str = ""
    small: bool = False

    def to_html(self) -> str:
        """Return the pictures as HTML, under a heading."""
        note = f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        kind = "plots small" if self.small else "plots"
        plots = "".join(plot.to_html() for plot in self.plots)
        return f'<h3>{escape(self.title)}</h3>{note}<div class="{kind}">{plots}</div>'

    def to_markdown(self) -> str:
        """Return nothing: the Markdown holds tables."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Sentences.

    Args:
        text: The sentences.
        loud: They are what has to be read first.
    """

    text: str
    loud: bool = False

    def to_html(self) -> str:
        """Return a paragraph."""
        kind = ' class="loud"' if self.loud else ""
        return f"<p{kind}>{escape(self.text)}</p>"

    def to_markdown(self) -> str:
        """Return a paragraph."""
        return f"{self.text}\n"


Part = Grid | Plot | Plots | Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page with a heading.

    Args:
        anchor: Its name in addresses.
        title: Its heading.
        parts: What it holds.
    """

    anchor: str
    title: str
    parts: Sequence[Part] = field(default=())


def _bold(cell: Cell | str) -> str:
    if isinstance(cell, str):
        return cell
    return f"**{cell.text}**" if cell.best else cell.text
