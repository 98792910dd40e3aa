"""`python -m training.train`: learns a detector from unlabelled records and calibrates it."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from models.bundle import new_bundle
from models.cli import OneLineParser, run_command
from models.errors import ConfigError
from models.reading_flags import add_reading_flags, read_options_of
from models.repository import ARTIFACTS, next_version
from models.schema import FeatureSchema
from models.tables import Table, expand, read_table
from training.config import TrainConfig
from training.flags import add_config_flags, config_of
from training.schema_file import read_schema_file, write_schema_file

if TYPE_CHECKING:
    from training.fit import FitResult

_NAME = re.compile(r"\w[\w.-]*")
_DECIDED = ("id", "label", "include", "exclude", "kind", "date_order", "missing_values", "infinite")
_EXAMPLES = """\
examples:
  python -m training.train                               an embedded real data set
  python -m training.train sensors.csv --id machine      your own records
  python -m training.train flows.csv --label attack --fit-on normal --activation elu
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)

    def work() -> None:
        with redirect_stdout(sys.stderr if arguments.json else sys.stdout):  # whatever a library prints
            report = train(arguments)
        if arguments.json:
            print(json.dumps(report, allow_nan=False))

    return run_command(work, debug=arguments.debug)


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read, fit, save and say what happened; return the report for programs."""
    started = time.perf_counter()
    console = Console(stderr=arguments.json, quiet=arguments.quiet, highlight=False)
    decided = None if arguments.schema_in is None else read_schema_file(arguments.schema_in)
    config, name, table, test_table = _inputs(arguments, console, decided)
    path = arguments.output or next_version(ARTIFACTS / name)
    with new_bundle(path, overwrite=arguments.overwrite) as folder:
        from training.fit import fit, prepare  # TensorFlow takes seconds: after all that can be refused at once
        from training.save import write_result
        from training.terminal import EpochBar, show_prepared, show_result

        prepared = prepare(table, config, test_table=test_table, decided=decided)
        show_prepared(console, prepared)
        if arguments.schema_out is not None:
            notes = {encoder.name: encoder.describe() for encoder in prepared.preprocessor.encoders}
            write_schema_file(arguments.schema_out, prepared.schema, notes=notes)
        version = path.name if path.name.isdecimal() else "1"
        fitting_rows = int(prepared.split.fitting.sum())
        progress = Console(stderr=True, quiet=arguments.quiet)
        with EpochBar(progress, epochs=config.epoch_settings(rows=fitting_rows).epochs) as bar:
            result = fit(prepared, config, name=name, version=version, test_table=test_table, on_epoch=bar)
        write_result(result, folder)
    seconds = time.perf_counter() - started
    show_result(console, result, bundle=path, seconds=seconds)
    return _report(result, path, seconds)


def _inputs(
    arguments: argparse.Namespace, console: Console, decided: FeatureSchema | None
) -> tuple[TrainConfig, str, Table, Table | None]:
    """Check the settings, then read the tables."""
    options = read_options_of(arguments)
    if decided is not None and options.header is None:
        options = replace(options, header=decided.header)
    if arguments.name is not None and not _NAME.fullmatch(arguments.name):
        raise ConfigError(f"name must be of letters, digits, '-', '_' and '.', got {arguments.name!r}.")
    test_table = None
    if not arguments.data:
        from training import embedded

        if arguments.label or arguments.test_data:
            raise ConfigError("--label and --test-data need DATA: the embedded data set has its own label.")
        if arguments.missing_values or decided is not None:  # a flag with many values swallows DATA behind it
            raise ConfigError("--missing-values and --schema-in need DATA: write it before the flags.")
        console.print(embedded.DESCRIPTION)
        config = config_of(arguments, label=embedded.LABEL, fit_on="normal")
        return config, arguments.name or embedded.NAME, embedded.embedded_table(), None
    config = config_of(arguments, **_decided_settings(arguments, decided))
    table = read_table(arguments.data, options)
    if arguments.test_data:
        test_table = read_table(arguments.test_data, options)
    name = arguments.name or expand(arguments.data)[0].name.split(".")[0]
    return config, name, table, test_table


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


def _report(result: FitResult, path: Path, seconds: float) -> dict[str, Any]:
    """Return the report that ``--json`` prints; other programs rely on its names."""
    detector = result.detector
    card = detector.card
    report = {
        "bundle": str(path),
        "name": detector.name,
        "version": detector.version,
        "rows": card["rows"],
        "parts": result.rows,
        "columns_used": list(detector.schema.names),
        "columns_dropped": dict(detector.schema.dropped),
        "activation": result.network_config.activation,
        "parameters": result.parameters,
        "epochs": card["epochs"],
        "best_epoch": card["best_epoch"],
        "loss": card["loss"],
        "validation_loss": card["validation_loss"],
        "seconds": round(seconds, 3),
        "threshold": detector.calibration.threshold,
        "threshold_method": detector.calibration.method,
        "promised_alert_rate": detector.calibration.promised_alert_rate,
        "realised_alert_rate": card["realised_alert_rate"],
        "dead_units": {layer.layer: layer.dead for layer in result.health},
        "repairs": card["repairs"],
        "findings": card["findings"],
        "warnings": list(result.warnings),
    }
    return report if result.metrics is None else report | {"metrics": asdict(result.metrics)}


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m training.train",
        description="Learn a detector from unlabelled records, calibrate it and save it as a bundle.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="CSV, Parquet, Arrow or JSON lines; none: an embedded real data set"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"the bundle (default: {ARTIFACTS}/NAME/VERSION)")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that --output names")
    parser.add_argument("--name", help="what the detector is called (default: the first file's name)")
    parser.add_argument(
        "--test-data",
        nargs="+",
        metavar="FILE",
        help="labelled rows to judge on instead of held-out ones; needs --label",
    )
    parser.add_argument("--schema-out", type=Path, metavar="FILE", help="write what becomes of each column, as TOML")
    parser.add_argument(
        "--schema-in", type=Path, metavar="FILE", help="take what becomes of each column from there, edited or not"
    )
    add_config_flags(parser)
    add_reading_flags(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object; everything else goes to stderr")
    output.add_argument("--quiet", action="store_true", help="no tables and no progress bar")
    output.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
