"""`python -m training.train`: learns a detector from unlabelled records and calibrates it. A parser only."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import ConfigError, Message, Set, joined
from models.programs.cli import (
    OneLineParser,
    add_output_flags,
    clean_up_at_signals,
    print_report,
    run_command,
    speak_as_asked,
)
from models.programs.reading_flags import add_reading_flags, read_options_of
from models.repository import ARTIFACTS
from training.settings.config import TrainConfig
from training.settings.flags import add_config_flags, config_of, parse_with_config

if TYPE_CHECKING:
    from training.programs.train import TrainCommand

_DECIDED: Final = (
    "id",
    "label",
    "include",
    "exclude",
    "kind",
    "date_order",
    "missing_values",
    "keep_words",
    "infinite",
)
_EXAMPLES = """\
examples:
  python -m training.train                               the demo data set, a real one
  python -m training.train sensors.csv --id machine      your own records
  python -m training.train flows.csv --label attack --fit-on normal --activation elu
  python -m training.train flows.csv --dry-run           every decision, and nothing is trained
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    clean_up_at_signals()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    words = sys.argv[1:] if argv is None else argv

    def work() -> None:
        arguments = parse_with_config(_parser(), words)
        speak_as_asked(arguments.lang)
        from training.programs.train import train  # a page of help waits for nothing that reads or fits

        print_report(lambda: train(_command(arguments)), as_json=arguments.json)

    return run_command(work, debug="--debug" in words)


def _command(arguments: argparse.Namespace) -> TrainCommand:
    """Return what the flags ask for.

    Raises:
        ConfigError: A flag is outside its limits, or two of them do not go together.
    """
    from training.columns.schema_file import read_schema_file
    from training.data import demo_data
    from training.programs.train import TrainCommand

    options = read_options_of(arguments)
    schema = None if arguments.schema_in is None else read_schema_file(arguments.schema_in)
    if not arguments.data:
        if arguments.label or arguments.test_data:
            raise ConfigError("--label and --test-data need DATA: the demo data set has its own label.")
        if arguments.missing_values or schema is not None:  # a flag with many values swallows DATA behind it
            raise ConfigError("--missing-values and --schema-in need DATA: write it before the flags.")
        config = demo_data.demo_config(config_of(arguments, **demo_data.SETTINGS))
    elif schema is not None:
        _require_undecided(arguments)
        config = config_of(arguments, id=schema.ids, label=schema.label)
        options = replace(options, header=options.header or schema.header)
    else:
        config = config_of(arguments)
    return TrainCommand(
        data=demo_data.TrainingData(files=tuple(arguments.data), options=options, name=arguments.name),
        test_files=tuple(arguments.test_data or ()),
        config=config,
        schema=schema,
        schema_out=arguments.schema_out,
        output=arguments.output,
        overwrite=arguments.overwrite,
        dry_run=arguments.dry_run,
        report=arguments.report,
        tensorboard=arguments.tensorboard,
        quiet=arguments.quiet,
    )


def _require_undecided(arguments: argparse.Namespace) -> None:
    """Check that no flag decides on columns, because a schema file does."""
    defaults = {setting.name: setting.default for setting in fields(TrainConfig)}
    both = [name for name in _DECIDED if (getattr(arguments, name) or defaults[name]) != defaults[name]]
    if both:
        flags = joined([Message(Set(name)) for name in both], by=", ")
        raise ConfigError("--schema-in decides on columns: say in the file what ", flags, " would say.")


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.train",
        description="Learn a detector from unlabelled records, calibrate it and save it as a bundle.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="CSV, Parquet, Arrow, JSON or Excel; - for standard input; none: the demo data set",
    )
    parser.add_argument("--config", metavar="FILE", help="a TOML file with any of these flags; the command line wins")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"the bundle (default: {ARTIFACTS}/NAME/VERSION)")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that --output names")
    parser.add_argument(
        "--dry-run", action="store_true", help="show every decision on columns and rows, and train nothing"
    )
    parser.add_argument("--name", help="name of the detector (default: the first file's name)")
    parser.add_argument(
        "--test-data",
        nargs="+",
        metavar="FILE",
        help="labelled rows to evaluate on instead of held-out ones; needs --label",
    )
    parser.add_argument("--schema-out", type=Path, metavar="FILE", help="write the decision on each column, as TOML")
    parser.add_argument(
        "--schema-in",
        type=Path,
        metavar="FILE",
        help="take the decision on each column from such a file, edited or not",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a report about the fit as one self-contained HTML file"
    )
    parser.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write losses, units and gradients of every epoch for TensorBoard",
    )
    add_config_flags(parser)
    add_reading_flags(parser)
    add_output_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
