"""What a comparison says in the terminal: a bar while it runs, one table and the verdict when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as Grid

from training.comparison.results import Failure, Outcome
from training.comparison.summary import Mean, Summary
from training.comparison.verdict import Verdict


class TrialBar:
    """A progress bar over the trials.

    Args:
        console: Where to.
        done: Trials that were there already.
        total: All trials.
    """

    def __init__(self, console: Console, *, done: int, total: int) -> None:
        self._progress = Progress(
            TextColumn("fitting"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("networks, {task.fields[last]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("fitting", total=total, completed=done, last="starting")

    def __enter__(self) -> TrialBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, found: Outcome | Failure) -> None:
        """Show one more."""
        what = f"error {found.error:.4f}" if isinstance(found, Outcome) else "no result"
        self._progress.update(self._task, advance=1, last=f"{found.trial.activation} seed {found.trial.seed}: {what}")


def show_comparison(console: Console, summaries: Sequence[Summary], verdict: Verdict) -> None:
    """Print the figures of each activation, best first, and what follows from them.

    Args:
        console: Where to.
        summaries: One for each activation, under the setting that suits it best.
        verdict: On them.
    """
    labelled = summaries[0].outcomes[0].roc_auc is not None if summaries else False
    several = len({summary.setting for summary in summaries}) > 1
    grid = Grid(box=box.SIMPLE, pad_edge=False)
    names = [
        "activation",
        "held-out error",
        "best epoch",
        "s to it",
        "ms a step",
        "µs a row",
        "dead",
        "zeros",
        "ranking",
    ]
    for number, name in enumerate([*names, *(["ROC AUC"] if labelled else []), *(["setting"] if several else [])]):
        grid.add_column(name, justify="left" if number == 0 else "right")
    order = {one.activation: place for place, one in enumerate(verdict.differences)}
    for summary in sorted(summaries, key=lambda one: order.get(one.activation, len(order))):
        stable = summary.rank_stability
        name = escape(summary.activation)
        cells = [
            f"[bold green]{name}[/bold green]" if summary.activation == verdict.activation else name,
            _interval(summary.error, 4),
            f"{summary.mean(lambda one: one.best_epoch).mean:.0f}",
            f"{summary.mean(lambda one: one.seconds_to_best).mean:.2f}",
            f"{1e3 * summary.mean(lambda one: one.step_seconds).mean:.2f}",
            f"{1e6 * summary.mean(lambda one: one.scoring_seconds).mean:.2f}",
            f"{summary.mean(lambda one: one.share('dead')).mean:.1%}",
            f"{summary.mean(lambda one: one.zeros).mean:.0%}",
            "–" if stable is None else f"{stable:.2f}",
        ]
        if labelled:
            cells.append(_interval(summary.mean(lambda one: one.roc_auc or 0.0), 3))
        if several:
            cells.append(str(summary.setting))
        grid.add_row(*cells)
    console.print(grid)
    if verdict.activation is not None:
        ties = [name for name in verdict.ties if name != verdict.activation]
        console.print(f"[bold]recommended:[/bold] --activation {verdict.activation}", soft_wrap=True)
        if ties:
            console.print(f"no worse, as far as these seeds tell: {', '.join(ties)}", soft_wrap=True)
    console.print(escape(verdict.reason), soft_wrap=True)


def _interval(mean: Mean, digits: int) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.mean:.{digits}f}"
    return f"{mean.mean:.{digits}f} ± {(mean.high - mean.low) / 2:.{digits}f}"
