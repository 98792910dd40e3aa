"""One training: from files to a bundle, its report and its page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from models.bundle import new_bundle
from models.messages import phrase
from models.programs.reading_flags import flags_of
from models.programs.rich_text import escaped
from models.repository import ARTIFACTS, next_version, version_of
from models.schema import FeatureSchema
from models.tables.files import read_table
from models.tables.table import Table
from training.columns.schema_file import write_schema_file
from training.data.demo_data import DESCRIPTION, TrainingData
from training.data.prepare import Prepared, plan_of, prepare
from training.network.history import Epoch
from training.programs.strangest import show_strangest
from training.programs.terminal import fit_with_bar, show_plan, show_prepared, show_result, waiting
from training.report.kit.file import check_report
from training.settings.config import TrainConfig

if TYPE_CHECKING:
    from training.fit import FitResult
    from training.training_scores import StrangeRow

_OF_CARD: Final = (
    *("rows", "parts", "split", "left_out", "parameters", "epochs", "best_epoch", "interrupted", "loss"),
    *("validation_loss", "repairs", "findings", "warnings"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainCommand:
    """The command of one training.

    Args:
        test_files: Labelled rows for evaluation alone; none for held-out ones.
        schema: What becomes of each column, where a schema file says so.
        output: The bundle; None for the next version of the detector in `ARTIFACTS`.
        dry_run: Decide on every row and column, and fit nothing.
    """

    data: TrainingData
    test_files: tuple[str, ...] = ()
    config: TrainConfig
    schema: FeatureSchema | None = None
    schema_out: Path | None = None
    output: Path | None = None
    overwrite: bool = False
    dry_run: bool = False
    report: Path | None = None
    tensorboard: Path | None = None
    quiet: bool = False


def train(command: TrainCommand) -> dict[str, Any]:
    """Read, fit, save and print the result; return the report for programs."""
    started = time.perf_counter()
    config = command.config
    console = Console(quiet=command.quiet, highlight=False)
    progress = Console(stderr=True, quiet=command.quiet)
    if not command.data.files:
        console.print(escaped(DESCRIPTION))
    name = command.data.title
    with waiting(progress, phrase("reading")):
        table = command.data.table()
        as_learned = replace(command.data.options, learned=table.marks)
    test_table = read_table(command.test_files, as_learned) if command.test_files else None
    if command.dry_run:
        prepared = _prepare(command, table, test_table, console)
        show_plan(console, plan := plan_of(prepared, config))
        return plan
    path = command.output or next_version(ARTIFACTS / name)
    with new_bundle(path, overwrite=command.overwrite) as folder:
        prepared = _prepare(command, table, test_table, console)
        if command.report is not None:
            check_report(command.report)
        with _log_of(command.tensorboard) as log:
            result = fit_with_bar(
                progress, prepared, config, name=name, version=version_of(path), test_table=test_table, log=log
            )
        from training.fit import write_result
        from training.training_scores import score_training_rows, strangest_rows, write_training_scores

        with waiting(progress, phrase("scoring the rows")):
            scores = score_training_rows(result, prepared)
        write_training_scores(folder, scores, prepared)
        write_result(result, folder)
    strangest = strangest_rows(scores, result, prepared)
    seconds = time.perf_counter() - started
    show_strangest(console, strangest, rows=len(prepared.table))
    show_result(console, result, bundle=path, seconds=seconds, used=_used(command.data))
    if command.report is not None:
        from training.report.fit import write_fit_report  # Matplotlib takes a second

        with waiting(progress, phrase("writing the report")):
            write_fit_report(command.report, result, prepared, config, test_table=test_table)
        console.print(escaped(phrase("report: {path}", path=command.report)), soft_wrap=True)
    return _report(result, path, seconds, strangest=strangest, page=command.report)


def _used(data: TrainingData) -> tuple[str, ...]:
    """Return the files that were learned from as words of a command that reads them again, with their flags."""
    return (*data.files, *flags_of(data.options))


def _log_of(folder: Path | None) -> AbstractContextManager[Callable[[Epoch], None]]:
    """Return a context with a function that logs epochs for TensorBoard, if that is wanted."""
    if folder is None:
        return nullcontext(lambda epoch: None)
    from training.network.tensorboard import tensorboard_log

    return tensorboard_log(folder)


def _prepare(command: TrainCommand, table: Table, test_table: Table | None, console: Console) -> Prepared:
    """Decide on every row and column, and print the decisions."""
    prepared = prepare(table, command.config, test_table=test_table, decided=command.schema)
    show_prepared(console, prepared, command.config)
    if command.schema_out is not None:
        notes = {encoder.name: encoder.describe() for encoder in prepared.preprocessor.encodings}
        write_schema_file(command.schema_out, prepared.schema, notes=notes)
    return prepared


def _report(
    result: FitResult, path: Path, seconds: float, *, strangest: Sequence[StrangeRow], page: Path | None
) -> dict[str, Any]:
    """Return the report that ``--json`` prints; its keys are an interface."""
    detector = result.detector
    report = {
        "bundle": str(path),
        "name": detector.name,
        "version": detector.version,
        **{name: detector.card[name] for name in _OF_CARD},
        "columns_used": list(detector.schema.names),
        "columns_dropped": dict(detector.schema.dropped),
        "activation": result.learned.config.activation,
        "seconds": round(seconds, 3),
        "threshold": detector.calibration.threshold,
        "threshold_method": detector.calibration.spec.method,
        "threshold_report": result.threshold,
        "promised_alert_rate": detector.calibration.promised_alert_rate,
        "realised_alert_rate": result.realised_alert_rate,
        "strangest": [row.to_json() for row in strangest],
        "dead_units": {layer.layer: layer.dead for layer in result.learned.health},
        "report": None if page is None else str(page),
    }
    return report if result.metrics is None else report | {"metrics": asdict(result.metrics)}
