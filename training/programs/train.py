"""One training, from files to a bundle and to what is said of it."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from models.bundle import new_bundle
from models.errors import ConfigError
from models.programs.reading_flags import read_options_of
from models.repository import ARTIFACTS, next_version, version_of
from models.schema import FeatureSchema
from models.tables.files import expand, read_table
from models.tables.table import Table
from training.columns.schema_file import read_schema_file, write_schema_file
from training.data.plan import plan_of
from training.data.prepare import Prepared, prepare
from training.network.history import Epoch
from training.programs.terminal import fit_with_bar, show_plan, show_prepared, show_result
from training.report.kit.file import check_report
from training.settings.config import TrainConfig
from training.settings.flags import config_of

if TYPE_CHECKING:
    from training.fit import FitResult

_NAME = re.compile(r"\w[\w.-]*")
_DECIDED = ("id", "label", "include", "exclude", "kind", "date_order", "missing_values", "infinite")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What a training starts from.

    Args:
        config: The settings.
        name: What the detector will be called.
        table: The rows.
        test_table: Labelled rows that are only judged on.
        decided: What becomes of each column, where a schema file says so.
    """

    config: TrainConfig
    name: str
    table: Table
    test_table: Table | None = None
    decided: FeatureSchema | None = None


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, fit, save and say what happened; return the report for programs."""
    started = time.perf_counter()
    console = Console(stderr=arguments.json, quiet=arguments.quiet, highlight=False)
    inputs = _inputs(arguments, console)
    config = inputs.config
    if arguments.dry_run:
        prepared = _prepare(inputs, console, schema_out=arguments.schema_out)
        show_plan(console, plan := plan_of(prepared, config))
        return plan
    path = arguments.output or next_version(ARTIFACTS / inputs.name)
    with new_bundle(path, overwrite=arguments.overwrite) as folder:
        prepared = _prepare(inputs, console, schema_out=arguments.schema_out)
        if arguments.report is not None:
            check_report(arguments.report)
        progress = Console(stderr=True, quiet=arguments.quiet)
        with _log_of(arguments.tensorboard) as log:
            result = fit_with_bar(
                progress,
                prepared,
                config,
                name=inputs.name,
                version=version_of(path),
                test_table=inputs.test_table,
                log=log,
            )
        from training.save import write_result

        write_result(result, folder)
    seconds = time.perf_counter() - started
    show_result(console, result, bundle=path, seconds=seconds)
    if arguments.report is not None:
        from training.report.fit import write_fit_report  # Matplotlib takes a second

        write_fit_report(arguments.report, result, prepared, config, test_table=inputs.test_table)
        console.print(f"report: {arguments.report}", markup=False, soft_wrap=True)
    return _report(result, path, seconds, page=arguments.report)


@contextmanager
def _log_of(folder: Path | None) -> Iterator[Callable[[Epoch], None]]:
    """Yield what is told of each epoch, beside the progress bar."""
    if folder is None:
        yield lambda epoch: None
        return
    from training.network.tensorboard import TensorBoardLog

    with TensorBoardLog(folder) as log:
        yield log


def _inputs(arguments: argparse.Namespace, console: Console) -> _Inputs:
    """Check the settings, then read the tables."""
    decided = None if arguments.schema_in is None else read_schema_file(arguments.schema_in)
    options = read_options_of(arguments)
    if decided is not None and options.header is None:
        options = replace(options, header=decided.header)
    if arguments.name is not None and not _NAME.fullmatch(arguments.name):
        raise ConfigError(f"name must be of letters, digits, '-', '_' and '.', got {arguments.name!r}.")
    if not arguments.data:
        from training.data import demo_data as embedded

        if arguments.label or arguments.test_data:
            raise ConfigError("--label and --test-data need DATA: the embedded data set has its own label.")
        if arguments.missing_values or decided is not None:  # a flag with many values swallows DATA behind it
            raise ConfigError("--missing-values and --schema-in need DATA: write it before the flags.")
        console.print(embedded.DESCRIPTION)
        config = config_of(arguments, label=embedded.LABEL, fit_on="normal")
        name = arguments.name or embedded.NAME
        return _Inputs(config=config, name=name, table=embedded.embedded_table(), decided=decided)
    return _Inputs(
        config=config_of(arguments, **_decided_settings(arguments, decided)),
        name=arguments.name or expand(arguments.data)[0].name.split(".")[0],
        table=read_table(arguments.data, options),
        test_table=read_table(arguments.test_data, options) if arguments.test_data else None,
        decided=decided,
    )


def _prepare(inputs: _Inputs, console: Console, *, schema_out: Path | None) -> Prepared:
    """Decide on every row and column, and say what was decided."""
    prepared = prepare(inputs.table, inputs.config, test_table=inputs.test_table, decided=inputs.decided)
    show_prepared(console, prepared, inputs.config)
    if schema_out is not None:
        notes = {encoder.name: encoder.describe() for encoder in prepared.preprocessor.encodings}
        write_schema_file(schema_out, prepared.schema, notes=notes)
    return prepared


def _decided_settings(arguments: argparse.Namespace, decided: FeatureSchema | None) -> dict[str, Any]:
    """Return the settings that a schema file has decided; flags that would say the same are refused."""
    if decided is None:
        return {}
    defaults = {setting.name: setting.default for setting in fields(TrainConfig)}
    both = [name for name in _DECIDED if (getattr(arguments, name) or defaults[name]) != defaults[name]]
    if both:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in both)
        raise ConfigError(f"--schema-in decides on columns: say in the file what {flags} would say.")
    return {"id": decided.ids, "label": decided.label}


def _report(result: FitResult, path: Path, seconds: float, *, page: Path | None) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    detector = result.detector
    card = detector.card
    report = {
        "bundle": str(path),
        "name": detector.name,
        "version": detector.version,
        "rows": card["rows"],
        "parts": result.rows,
        "split": card["split"],
        "left_out": card["left_out"],
        "columns_used": list(detector.schema.names),
        "columns_dropped": dict(detector.schema.dropped),
        "activation": result.network_config.activation,
        "parameters": result.parameters,
        "epochs": card["epochs"],
        "best_epoch": card["best_epoch"],
        "interrupted": card["interrupted"],
        "loss": card["loss"],
        "validation_loss": card["validation_loss"],
        "seconds": round(seconds, 3),
        "threshold": detector.calibration.threshold,
        "threshold_method": detector.calibration.method,
        "threshold_report": result.threshold,
        "promised_alert_rate": detector.calibration.promised_alert_rate,
        "realised_alert_rate": card["realised_alert_rate"],
        "dead_units": {layer.layer: layer.dead for layer in result.health},
        "repairs": card["repairs"],
        "findings": card["findings"],
        "warnings": list(result.warnings),
        "report": None if page is None else str(page),
    }
    return report if result.metrics is None else report | {"metrics": asdict(result.metrics)}
