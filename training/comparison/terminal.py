"""Terminal output of a comparison: a progress bar, then tables and the recommendation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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

from models.languages import spoken
from models.messages import Message, Set, phrase
from models.programs.rich_text import escaped
from training.comparison.gains import Gain
from training.comparison.outcomes import Outcome, TrialResult
from training.comparison.recommendation import Recommendation
from training.comparison.summary import Mean, Summary
from training.report.kit.formatting import as_p


@contextmanager
def trial_bar(console: Console, *, done: int, total: int) -> Iterator[Callable[[TrialResult], None]]:
    """Show a progress bar over all trials; yield what advances it by one, with its result."""
    fitting = escaped(phrase("fitting"))
    columns = (TextColumn(fitting), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[last]}"))
    times = (TimeElapsedColumn(), TextColumn(escaped(phrase("left"))), TimeRemainingColumn())

    def words(last: Message) -> str:
        return escaped(phrase("networks, {last}", last=last))

    with Progress(*columns, *times, console=console) as progress:
        last = phrase("loading TensorFlow …") if done < total else phrase("all there")
        task = progress.add_task("fitting", total=total, completed=done, last=words(last))

        def advance(result: TrialResult) -> None:
            found = {"activation": result.trial.activation, "seed": result.trial.seed}
            if isinstance(result, Outcome):
                last = phrase("{activation} seed {seed}: error {error:.4f}", **found, error=result.error)
            else:
                last = phrase("{activation} seed {seed}: no result", **found)
            progress.update(task, advance=1, last=words(last))

        yield advance


def show_comparison(console: Console, summaries: Sequence[Summary], recommendation: Recommendation) -> None:
    """Print the figures of each activation under its best setting, what finds most first, and the recommendation."""
    ranked = recommendation.ranked(summaries)
    for grid in _found(ranked, recommendation):
        console.print(grid)
    console.print(_quality(ranked, recommendation))
    console.print(_cost(ranked, chosen=recommendation.activation))
    settings = {summary.activation: summary.setting for summary in ranked}
    if len(set(settings.values())) > 1:
        for activation, setting in settings.items():
            best = phrase("{activation}: best with {setting}", activation=activation, setting=setting.in_words)
            console.print(f"[dim]{escaped(best)}[/dim]", soft_wrap=True)
    if recommendation.activation is not None:
        flag = Set("activation", recommendation.activation)
        console.print(f"[bold]{escaped(phrase('recommended:'))}[/bold] {flag}", soft_wrap=True)
    console.print(escaped(recommendation.reason), soft_wrap=True)


def _found(summaries: Sequence[Summary], recommendation: Recommendation) -> Iterator[Grid]:
    """Yield what is found: planted errors, then labelled anomalies, where there are any."""
    if not summaries:
        return
    if summaries[0].found is not None:
        titles = [phrase("planted errors"), phrase("at {rate:.0%}", rate=summaries[0].outcomes[0].false_alarm_rate)]
        flagged = [summary.share(lambda outcome: outcome.found_at_rate) for summary in summaries]
        figures = [
            [_interval(summary.found, ".3f"), spoken().formatted(share.mean, ".0%")]
            for summary, share in zip(summaries, flagged, strict=True)
        ]
        yield _gains(titles, figures, recommendation.gains, summaries, recommendation.activation)
    if summaries[0].labelled is not None:
        figures = [[_interval(summary.labelled, ".3f")] for summary in summaries]
        titles = [phrase("labelled anomalies")]
        yield _gains(titles, figures, recommendation.label_gains, summaries, recommendation.activation)


def _gains(
    titles: Sequence[str],
    figures: Sequence[Sequence[str]],
    gains: Sequence[Gain],
    summaries: Sequence[Summary],
    chosen: str | None,
) -> Grid:
    """Return figures by activation, and how much more each finds than the baseline, where that was compared."""
    by_name = {item.activation: item for item in gains}
    compared = [
        phrase("vs {baseline}, points", baseline=item.activation) for item in gains if item.verdict == "baseline"
    ]
    grid = _grid(phrase("activation"), *titles, *([*compared, "p"] if compared else []))
    for summary, row in zip(summaries, figures, strict=True):
        gain = by_name.get(summary.activation)
        against = ["–", "–"] if gain is None or gain.verdict == "baseline" else [_points(gain), escaped(as_p(gain.p))]
        grid.add_row(_name(summary, chosen), *row, *(against if compared else []))
    return grid


def _points(gain: Gain) -> str:
    middle, low, high = (spoken().formatted(100 * each, "+.1f") for each in (gain.gain, gain.low, gain.high))
    return escaped(phrase("{middle} ({low} to {high})", middle=middle, low=low, high=high))


def _quality(summaries: Sequence[Summary], recommendation: Recommendation) -> Grid:
    differences = {item.activation: item for item in recommendation.differences}
    grid = _grid(phrase("activation"), phrase("held-out error"), phrase("vs lowest"), "p", phrase("ranking"))
    for summary in summaries:
        difference, stable = differences.get(summary.activation), summary.rank_stability
        against = difference is not None and difference.verdict != "best"
        grid.add_row(
            _name(summary, recommendation.activation),
            _interval(summary.error, ".4f"),
            escaped(phrase("{ratio:+.1%}", ratio=difference.ratio)) if difference and against else "–",
            escaped(as_p(difference.p)) if difference and against else "–",
            "–" if stable is None else escaped(phrase("{value:.3f}", value=stable)),
        )
    return grid


def _cost(summaries: Sequence[Summary], *, chosen: str | None) -> Grid:
    grid = _grid(
        phrase("activation"),
        phrase("epoch"),
        phrase("s to it"),
        phrase("ms a step"),
        phrase("µs a row"),
        phrase("dead"),
        phrase("saturated"),
        phrase("zeros"),
    )
    for summary in summaries:
        figures = (
            (summary.mean(lambda outcome: outcome.best_epoch), ".0f"),
            (summary.mean(lambda outcome: outcome.seconds_to_best), ".2f"),
            (summary.mean(lambda outcome: 1e3 * outcome.step_seconds), ".2f"),
            (summary.mean(lambda outcome: 1e6 * outcome.scoring_seconds), ".2f"),
            (summary.mean(lambda outcome: outcome.share("dead")), ".1%"),
            (summary.mean(lambda outcome: outcome.share("saturated")), ".1%"),
            (summary.mean(lambda outcome: outcome.zeros), ".0%"),
        )
        grid.add_row(_name(summary, chosen), *(spoken().formatted(mean.mean, form) for mean, form in figures))
    return grid


def _grid(first: str, *others: str) -> Grid:
    grid = Grid(box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    grid.add_column(escaped(first), no_wrap=True)
    for name in others:
        grid.add_column(escaped(name), justify="right", no_wrap=True)
    return grid


def _name(summary: Summary, chosen: str | None) -> str:
    return f"[bold]{summary.activation}[/bold]" if summary.activation == chosen else summary.activation


def _interval(mean: Mean | None, form: str) -> str:
    if mean is None:
        return "–"
    middle, low, high = (spoken().formatted(each, form) for each in (mean.mean, mean.low, mean.high))
    if low == high:
        return middle
    return escaped(phrase("{middle} ({low}–{high})", middle=middle, low=low, high=high))
