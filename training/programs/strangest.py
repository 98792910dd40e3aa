"""The list that a training shows first: the strangest rows of the user's own table, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from models.languages import shown, spoken
from models.messages import phrase
from models.programs.rich_text import escaped
from models.reasons.values import brief, rounded_text

if TYPE_CHECKING:
    from training.training_scores import StrangeRow


def show_strangest(console: Console, strangest: Sequence[StrangeRow], *, rows: int) -> None:
    """Print the strangest rows of a table of so many: id or number, score, p-value, verdict and reasons."""
    if not strangest:
        return
    console.print(escaped(phrase("The strangest of {rows:,} rows:", rows=rows)), style="bold")
    ids = list(strangest[0].ids)
    is_labelled = strangest[0].label is not None
    grid = Grid(box=box.SIMPLE, pad_edge=False)
    for name in ids or [phrase("row")]:
        grid.add_column(escaped(brief(shown(name))), overflow="fold")
    for heading in (phrase("score"), phrase("p-value")):
        grid.add_column(escaped(heading), justify="right", no_wrap=True)
    grid.add_column(escaped(phrase("verdict")), no_wrap=True)
    if is_labelled:
        grid.add_column(escaped(phrase("label")), no_wrap=True)
    grid.add_column(escaped(phrase("because")), overflow="fold")
    flagged, usual = escaped(phrase("flagged")), escaped(phrase("not flagged"))
    anomaly, normal = escaped(phrase("anomaly")), escaped(phrase("normal"))
    for row in strangest:
        names = ["" if row.ids[name] is None else brief(str(row.ids[name])) for name in ids] or [
            phrase("{row:,}", row=row.row)
        ]
        grid.add_row(
            *map(escaped, names),
            spoken().number(rounded_text(row.anomaly_score)),
            spoken().number(rounded_text(row.p_value, digits=2)),
            f"[red]{flagged}[/red]" if row.is_anomaly else f"[dim]{usual}[/dim]",
            *([anomaly if row.label else normal] if is_labelled else []),
            escaped(row.shown_reason),
        )
    console.print(grid)
