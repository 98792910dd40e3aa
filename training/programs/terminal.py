"""The terminal output of a training: the decision on each column, a progress bar, one screen of results."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from models.programs.cli import as_called
from models.programs.rich_text import escaped
from models.tables.table import Table
from training.data.prepare import Prepared, epochs_of, split_policy
from training.network.history import Epoch
from training.network.lean_imports import without_unused
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_rows

if TYPE_CHECKING:
    from training.fit import FitResult

_INTERRUPTED: Final = (
    "Ctrl-C: stopping after this epoch, the best one so far is kept (once more: at once, nothing is kept)"
)


def show_prepared(console: Console, prepared: Prepared, config: TrainConfig) -> None:
    """Print repairs, the encoding of each column, findings and the split of the rows."""
    for repair in prepared.table.repairs:
        console.print(f"[dim]read: {escaped(repair)}[/dim]")
    grid = Grid(box=box.SIMPLE, pad_edge=False, title=None)
    for heading in ("column", "kind", "enters as"):
        grid.add_column(heading, overflow="fold")
    for encoder in prepared.preprocessor.encodings:
        grid.add_row(escaped(encoder.name), str(encoder.kind), escaped(encoder.describe()))
    for name in prepared.schema.ids:
        grid.add_row(escaped(name), "[cyan]id[/cyan]", "carried through to every output, never a feature")
    if prepared.rule is not None:
        grid.add_row(escaped(prepared.rule.column), "[cyan]label[/cyan]", escaped(prepared.rule.reason))
    for name, reason in prepared.schema.dropped.items():
        grid.add_row(f"[dim]{escaped(name)}[/dim]", "[yellow]dropped[/yellow]", f"[dim]{escaped(reason)}[/dim]")
    console.print(grid)
    for finding in prepared.findings:
        style = "yellow" if finding.warning else "dim"
        console.print(f"[{style}]noted: {escaped(str(finding))}[/{style}]", soft_wrap=True)
    parts = ", ".join(f"{part} {count:,}" for part, count in prepared.rows.items())
    console.print(f"rows are split {escaped(split_policy(config))}: {parts}")
    for reason, count in prepared.left_out.items():
        console.print(f"{count:,} rows are left out: {escaped(reason)}")


def show_plan(console: Console, plan: Mapping[str, Any]) -> None:
    """Print what would be fitted."""
    widths = "–".join(map(str, plan["layers"]))
    console.print(
        f"{plan['members']} network{'s' if plan['members'] > 1 else ''} {widths}, {plan['activation']}; at most "
        f"{plan['epochs']} epochs of batches of {plan['batch_size']}; "
        f"threshold {plan['threshold_method']} {plan['threshold_value']:g}"
    )
    console.print("dry run: nothing was trained, nothing was written")


def waiting(console: Console, what: str) -> AbstractContextManager[object]:
    """Return a context that shows a word on a terminal while something takes long, and nothing elsewhere."""
    return console.status(f"{escaped(what)} …", spinner="dots") if console.is_terminal else nullcontext()


@contextmanager
def epoch_bar(console: Console, *, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Show a progress bar over the epochs; yield a function that shows an epoch that is done.

    At the end the bar says how many there were: early stopping may have needed fewer.
    """
    progress = Progress(
        TextColumn("fitting"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs, validation loss {task.fields[loss]}, best {task.fields[best]}"),
        TimeElapsedColumn(),
        console=console,
    )
    task = progress.add_task("fitting", total=epochs, loss="–", best="–")
    losses: list[float] = []

    def show(epoch: Epoch) -> None:
        if epoch.number == 1:  # of a new run, whose losses are of other networks
            losses.clear()
        losses.append(epoch.validation_loss)
        progress.update(task, advance=1, loss=f"{losses[-1]:.4f}", best=f"{min(losses):.4f}")

    with progress:
        yield show
        progress.update(task, total=progress.tasks[task].completed)


def fit_with_bar(
    progress: Console,
    prepared: Prepared,
    config: TrainConfig,
    *,
    name: str,
    version: str,
    test_table: Table | None = None,
    log: Callable[[Epoch], None] = lambda epoch: None,
) -> FitResult:
    """Fit as `training.fit.fit` does, with a progress bar; Ctrl-C ends it and keeps the best epoch so far."""
    with waiting(progress, "loading TensorFlow"), without_unused():
        from training.fit import fit  # it takes seconds: after all that can be refused at once

    with (
        epoch_bar(progress, epochs=epochs_of(prepared, config)) as bar,
        _stop_on_interrupt(lambda: progress.print(_INTERRUPTED)) as stopped,
    ):

        def on_epoch(epoch: Epoch) -> None:
            bar(epoch)
            log(epoch)

        return fit(
            prepared, config, name=name, version=version, test_table=test_table, on_epoch=on_epoch, should_stop=stopped
        )


@contextmanager
def _stop_on_interrupt(on_first: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed; a second Ctrl-C raises `KeyboardInterrupt` as usual."""
    pressed = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        on_first()

    usual = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, usual)


def show_result(console: Console, result: FitResult, *, bundle: Path, seconds: float, used: Sequence[str] = ()) -> None:
    """Print the result on one screen, with the next commands; `used` are the words for the rows that were used."""
    detector, history = result.detector, result.learned.history
    best, config = history.best_epoch, result.learned.config
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    parts = ", ".join(f"{part} {count:,}" for part, count in result.rows.items())
    grid.add_row("rows", f"{sum(result.rows.values()):,} ({parts})")
    grid.add_row(
        "columns",
        f"{len(detector.schema.columns)} used as {config.features} features, {len(detector.schema.dropped)} dropped",
    )
    widths = "–".join(map(str, (config.features, *config.layer_units, config.features)))
    several = "" if config.members == 1 else f"{config.members} of "
    grid.add_row("network", f"{several}{widths}, {config.activation}, {result.learned.parameters:,} weights")
    stopped = " (interrupted)" if history.interrupted else ""
    found = f"the best was {history.best}, loss {best.loss:.4f}, validation loss {best.validation_loss:.4f}"
    if config.members > 1:
        runs = [" + ".join(map(str, counts)) for counts in result.epochs]
        fits = [f"{run} {rows}" for run, rows in zip(runs, ("without the rows held out", "with them"), strict=False)]
        found = f"{', then '.join(fits)}; loss {best.loss:.4f}"
    grid.add_row("epochs", f"{sum(map(sum, result.epochs))}{stopped}: {found}; {result.seconds:.1f} s")
    dead = ", ".join(f"{layer.layer} {layer.dead}/{layer.units}" for layer in result.learned.health if layer.dead)
    grid.add_row("dead units", dead or "none")
    for layer, (low, mean, high) in result.learned.slopes.items():
        grid.add_row(f"slopes {layer}", f"{low:.2f} … {high:.2f}, mean {mean:.2f} (learned)")
    promised = detector.calibration.promised_alert_rate
    for name, text in threshold_rows(result.threshold):
        grid.add_row(name, escaped(text))
    grid.add_row(
        "alert rate",
        ("" if promised is None else f"promised {promised:.2%}, ")
        + f"realised {result.realised_alert_rate:.2%} on test rows",
    )
    grid.add_row("", f"[dim]{escaped(detector.calibration.promise)}[/dim]")
    if result.metrics is not None:
        metrics = result.metrics
        shown = ", ".join(f"{name} {text}" for name, text in metrics.figures.items())
        grid.add_row("metrics", f"{shown} ({metrics.anomalies:,} anomalies in {metrics.rows:,} test rows)")
    grid.add_row("bundle", f"{escaped(str(bundle))} (version {detector.version}, {seconds:.1f} s in all)")
    console.print(grid)
    files = shlex.join(used) or "DATA"
    for label, command in (
        ("next", f"service --detector {shlex.quote(str(bundle))}"),
        ("", f"service.batch {shlex.quote(str(bundle))} {files} --output scores.csv"),
    ):  # not in the grid: a command must stay on one line to be copied
        console.print(f"[bold]{label:<12}[/bold]{escaped(as_called(f'python -m {command}'))}", soft_wrap=True)
    for warning in result.warnings:
        console.print(f"[yellow]warning: [/yellow]{escaped(warning)}")
