"""Terminal output of a comparison: a progress bar, then tables and the recommendation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as Grid

from models.programs.rich_text import escaped
from training.comparison.outcomes import Outcome, TrialResult
from training.comparison.recommendation import Difference, Recommendation
from training.comparison.summary import Mean, Summary
from training.report.kit.formatting import as_p


@contextmanager
def trial_bar(console: Console, *, done: int, total: int) -> Iterator[Callable[[TrialResult], None]]:
    """Show a progress bar over all trials; yield what advances it by one, with its result."""
    columns = (TextColumn("fitting"), BarColumn(), MofNCompleteColumn(), TextColumn("networks, {task.fields[last]}"))
    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, *times, console=console) as progress:
        last = "loading TensorFlow …" if done < total else "all there"
        task = progress.add_task("fitting", total=total, completed=done, last=last)

        def advance(result: TrialResult) -> None:
            error = f"error {result.error:.4f}" if isinstance(result, Outcome) else "no result"
            progress.update(task, advance=1, last=f"{result.trial.activation} seed {result.trial.seed}: {error}")

        yield advance


def show_comparison(console: Console, summaries: Sequence[Summary], recommendation: Recommendation) -> None:
    """Print the figures of each activation under its best setting, best first, and the recommendation."""
    differences = {item.activation: item for item in recommendation.differences}
    ranked = recommendation.ranked(summaries)
    console.print(_quality(ranked, differences, chosen=recommendation.activation))
    console.print(_cost(ranked, chosen=recommendation.activation))
    settings = {summary.activation: summary.setting for summary in ranked}
    if len(set(settings.values())) > 1:
        for activation, setting in settings.items():
            console.print(f"[dim]{activation}: best with {setting}[/dim]", soft_wrap=True)
    if recommendation.activation is not None:
        console.print(f"[bold]recommended:[/bold] --activation {recommendation.activation}", soft_wrap=True)
    console.print(escaped(recommendation.reason), soft_wrap=True)


def _quality(summaries: Sequence[Summary], differences: Mapping[str, Difference], *, chosen: str | None) -> Grid:
    labelled = bool(summaries) and summaries[0].outcomes[0].roc_auc is not None
    grid = _grid("activation", "held-out error", "vs best", "p", "ranking", *(["ROC AUC"] if labelled else []))
    for summary in summaries:
        difference, stable = differences.get(summary.activation), summary.rank_stability
        against = difference is not None and difference.verdict != "best"
        grid.add_row(
            _name(summary, chosen),
            _interval(summary.error, 4),
            f"{difference.ratio:+.1%}" if difference and against else "–",
            as_p(difference.p) if difference and against else "–",
            "–" if stable is None else f"{stable:.3f}",
            *([_interval(summary.mean(lambda outcome: outcome.roc_auc or 0.0), 3)] if labelled else []),
        )
    return grid


def _cost(summaries: Sequence[Summary], *, chosen: str | None) -> Grid:
    grid = _grid("activation", "epoch", "s to it", "ms a step", "µs a row", "dead", "saturated", "zeros")
    for summary in summaries:
        grid.add_row(
            _name(summary, chosen),
            f"{summary.mean(lambda outcome: outcome.best_epoch).mean:.0f}",
            f"{summary.mean(lambda outcome: outcome.seconds_to_best).mean:.2f}",
            f"{1e3 * summary.mean(lambda outcome: outcome.step_seconds).mean:.2f}",
            f"{1e6 * summary.mean(lambda outcome: outcome.scoring_seconds).mean:.2f}",
            f"{summary.mean(lambda outcome: outcome.share('dead')).mean:.1%}",
            f"{summary.mean(lambda outcome: outcome.share('saturated')).mean:.1%}",
            f"{summary.mean(lambda outcome: outcome.zeros).mean:.0%}",
        )
    return grid


def _grid(first: str, *others: str) -> Grid:
    grid = Grid(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    grid.add_column(first, no_wrap=True)
    for name in others:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid


def _name(summary: Summary, chosen: str | None) -> str:
    return f"[bold]{summary.activation}[/bold]" if summary.activation == chosen else summary.activation


def _interval(mean: Mean, digits: int) -> str:
    return f"{mean.mean:.{digits}f}" + ("" if mean.half is None else f" ± {mean.half:.{digits}f}")
