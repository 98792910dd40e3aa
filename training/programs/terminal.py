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

from models.messages import Message, joined, phrase, plural
from models.programs.cli import as_called
from models.programs.rich_text import escaped
from models.tables.table import Table
from training.data.prepare import Prepared, epochs_of, split_policy
from training.data.words import in_words, parts_in_words
from training.network.history import Epoch
from training.network.lean_imports import without_unused
from training.settings.config import TrainConfig
from training.thresholds.report import threshold_rows

if TYPE_CHECKING:
    from training.fit import FitResult

_INTERRUPTED: Final = phrase(
    "Ctrl-C: stopping after this epoch, the best one so far is kept (once more: at once, nothing is kept)"
)
_GAP: Final = 2  # characters between names and texts


def show_prepared(console: Console, prepared: Prepared, config: TrainConfig) -> None:
    """Print repairs, the encoding of each column, findings and the split of the rows."""
    for repair in prepared.table.repairs:
        console.print(f"[dim]{escaped(phrase('read: {note}', note=repair))}[/dim]")
    grid = Grid(box=box.SIMPLE, pad_edge=False, title=None)
    for heading in (phrase("column"), phrase("kind"), phrase("enters as")):
        grid.add_column(escaped(heading), overflow="fold")
    for encoder in prepared.preprocessor.encodings:
        grid.add_row(escaped(encoder.name), escaped(in_words(encoder.kind)), escaped(encoder.describe()))
    for name in prepared.schema.ids:
        what = phrase("carried through to every output, never a feature")
        grid.add_row(escaped(name), f"[cyan]{escaped(phrase('id'))}[/cyan]", escaped(what))
    if prepared.rule is not None:
        grid.add_row(
            escaped(prepared.rule.column), f"[cyan]{escaped(phrase('label'))}[/cyan]", escaped(prepared.rule.reason)
        )
    for name, reason in prepared.schema.dropped.items():
        kind = f"[yellow]{escaped(phrase('dropped'))}[/yellow]"
        grid.add_row(f"[dim]{escaped(name)}[/dim]", kind, f"[dim]{escaped(reason)}[/dim]")
    console.print(grid)
    for finding in prepared.findings:
        style = "yellow" if finding.warning else "dim"
        note = phrase("noted: {finding}", finding=finding.message)
        console.print(f"[{style}]{escaped(note)}[/{style}]", soft_wrap=True)
    split = phrase("rows are split {how}: {parts}", how=split_policy(config), parts=parts_in_words(prepared.rows))
    console.print(escaped(split))
    for reason, count in prepared.left_out.items():
        left_out = plural(
            "{count:,} row is left out: {reason}", "{count:,} rows are left out: {reason}", count=count, reason=reason
        )
        console.print(escaped(left_out))


def show_plan(console: Console, plan: Mapping[str, Any]) -> None:
    """Print what would be fitted."""
    widths = "–".join(map(str, plan["layers"]))
    networks = plural(
        "{count} network {widths}, {activation}; at most {epochs} epochs of batches of {size}; threshold {method} "
        "{value:g}",
        "{count} networks {widths}, {activation}; at most {epochs} epochs of batches of {size}; threshold {method} "
        "{value:g}",
        count=plan["members"],
        widths=widths,
        activation=plan["activation"],
        epochs=plan["epochs"],
        size=plan["batch_size"],
        method=plan["threshold_method"],
        value=plan["threshold_value"],
    )
    console.print(escaped(networks))
    console.print(escaped(phrase("dry run: nothing was trained, nothing was written")))


def waiting(console: Console, what: str) -> AbstractContextManager[object]:
    """Return a context that shows a word on a terminal while something takes long, and nothing elsewhere.

    A file or a pipe is none, whatever the environment says of colours (`FORCE_COLOR`).
    """
    on_terminal = console.is_terminal and console.file.isatty()
    return console.status(f"{escaped(what)} …", spinner="dots") if on_terminal else nullcontext()


@contextmanager
def epoch_bar(console: Console, *, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Show a progress bar over the epochs; yield a function that shows an epoch that is done.

    At the end the bar says how many there were: early stopping may have needed fewer.
    """
    progress = Progress(
        TextColumn(escaped(phrase("fitting"))),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TimeElapsedColumn(),
        console=console,
    )

    def words(loss: str, best: str) -> str:
        return escaped(phrase("epochs, validation loss {loss}, best {best}", loss=loss, best=best))

    task = progress.add_task("fitting", total=epochs, losses=words("–", "–"))
    losses: list[float] = []

    def show(epoch: Epoch) -> None:
        if epoch.number == 1:  # of a new run, whose losses are of other networks
            losses.clear()
        losses.append(epoch.validation_loss)
        last, best = (phrase("{loss:.4f}", loss=loss) for loss in (losses[-1], min(losses)))
        progress.update(task, advance=1, losses=words(last, best))

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
    with waiting(progress, phrase("loading TensorFlow")), without_unused():
        from training.fit import fit  # it takes seconds: after all that can be refused at once

    with (
        epoch_bar(progress, epochs=epochs_of(prepared, config)) as bar,
        _stop_on_interrupt(lambda: progress.print(escaped(_INTERRUPTED))) as stopped,
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
    rows = list(_result_rows(result, bundle, seconds))
    grid = Grid.grid(padding=(0, _GAP))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*row)
    width = max(len(name) for name, _ in rows) + _GAP
    console.print(grid)
    files = shlex.join(used) or "DATA"
    for label, command in (
        (phrase("next"), f"service --detector {shlex.quote(str(bundle))}"),
        ("", f"service.batch {shlex.quote(str(bundle))} {files} --output scores.csv"),
    ):  # not in the grid: a command must stay on one line to be copied
        called = escaped(as_called(f"python -m {command}"))
        console.print(f"[bold]{escaped(label):<{width}}[/bold]{called}", soft_wrap=True)
    for warning in result.warnings:
        console.print(f"[yellow]{escaped(phrase('warning:'))} [/yellow]{escaped(warning)}")


def _result_rows(result: FitResult, bundle: Path, seconds: float) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the result, as markup."""
    detector, config = result.detector, result.learned.config
    parts = parts_in_words(result.rows)
    yield _row(phrase("rows"), phrase("{rows:,} ({parts})", rows=sum(result.rows.values()), parts=parts))
    columns = phrase(
        "{columns} used as {features} features, {dropped} dropped",
        columns=len(detector.schema.columns),
        features=config.features,
        dropped=len(detector.schema.dropped),
    )
    yield _row(phrase("columns"), columns)
    widths = "–".join(map(str, (config.features, *config.layer_units, config.features)))
    if config.members > 1:
        widths = phrase("{members} of {widths}", members=config.members, widths=widths)
    network = phrase(
        "{widths}, {activation}, {weights:,} weights",
        widths=widths,
        activation=config.activation,
        weights=result.learned.parameters,
    )
    yield _row(phrase("network"), network)
    yield _row(phrase("epochs"), _epochs_in_words(result))
    dead = ", ".join(f"{layer.layer} {layer.dead}/{layer.units}" for layer in result.learned.health if layer.dead)
    yield _row(phrase("dead units"), dead or phrase("none"))
    for layer, (low, mean, high) in result.learned.slopes.items():
        slopes = phrase("{low:.2f} … {high:.2f}, mean {mean:.2f} (learned)", low=low, mean=mean, high=high)
        yield _row(phrase("slopes {layer}", layer=layer), slopes)
    for name, text in threshold_rows(result.threshold):
        yield _row(name, text)
    promised = detector.calibration.promised_alert_rate
    rates = {"promised": promised, "realised": result.realised_alert_rate}
    if promised is None:
        rate = phrase("realised {realised:.2%} on test rows", **rates)
    else:
        rate = phrase("promised {promised:.2%}, realised {realised:.2%} on test rows", **rates)
    yield _row(phrase("alert rate"), rate)
    yield "", f"[dim]{escaped(detector.calibration.promise)}[/dim]"
    if result.metrics is not None:
        metrics = result.metrics
        named = [phrase("{name} {value}", name=name, value=value) for name, value in metrics.figures.items()]
        measured = phrase(
            "{figures} ({anomalies:,} anomalies in {rows:,} test rows)",
            figures=joined(named, by=", "),
            anomalies=metrics.anomalies,
            rows=metrics.rows,
        )
        yield _row(phrase("metrics"), measured)
    written = phrase(
        "{path} (version {version}, {seconds:.1f} s in all)", path=bundle, version=detector.version, seconds=seconds
    )
    yield _row(phrase("bundle"), written)


def _row(name: str, text: str) -> tuple[str, str]:
    return escaped(name), escaped(text)


def _epochs_in_words(result: FitResult) -> Message:
    history, config = result.learned.history, result.learned.config
    best = history.best_epoch
    if config.members > 1:
        runs = [" + ".join(map(str, counts)) for counts in result.epochs]
        fits: list[Message] = [phrase("{epochs} without the rows held out", epochs=runs[0])]
        fits += [phrase("then {epochs} with them", epochs=run) for run in runs[1:]]
        found = phrase("{fits}; loss {loss:.4f}", fits=joined(fits, by=", "), loss=best.loss)
    else:
        found = phrase(
            "the best was {epoch}, loss {loss:.4f}, validation loss {validation:.4f}",
            epoch=history.best,
            loss=best.loss,
            validation=best.validation_loss,
        )
    figures = {"epochs": sum(map(sum, result.epochs)), "found": found, "seconds": result.seconds}
    if history.interrupted:
        return phrase("{epochs} (interrupted): {found}; {seconds:.1f} s", **figures)
    return phrase("{epochs}: {found}; {seconds:.1f} s", **figures)
