"""`python -m training.calibrate`: another threshold for a bundle, without fitting, as a new version. A parser only."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.calibration import POPULATIONS
from models.programs.cli import (
    OneLineParser,
    add_output_flags,
    clean_up_at_signals,
    print_report,
    run_command,
    speak_as_asked,
)
from models.programs.reading_flags import add_reading_flags, read_options_of
from models.schema.names import one_form
from training.settings.flags import add_config_flags

if TYPE_CHECKING:
    from training.programs.calibrate import CalibrateCommand

_EXAMPLES = """\
examples:
  python -m training.calibrate models/artifacts/flows --alert-rate 0.001
  python -m training.calibrate models/artifacts/flows --threshold-method labels --recall 0.9 \\
         --data inspected.csv --label attack
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    clean_up_at_signals()

    def work() -> None:
        speak_as_asked(arguments.lang)
        from training.programs.calibrate import calibrate  # a page of help waits for nothing that scores

        print_report(lambda: calibrate(_command(arguments)), as_json=arguments.json)

    return run_command(work, debug=arguments.debug)


def _command(arguments: argparse.Namespace) -> CalibrateCommand:
    """Return what the flags ask for.

    Raises:
        ConfigError: Two flags do not go together.
    """
    from training.programs.calibrate import TARGETS, CalibrateCommand

    return CalibrateCommand(
        bundle=arguments.bundle,
        output=arguments.output,
        overwrite=arguments.overwrite,
        threshold_method=arguments.threshold_method,
        targets={name: value for name in TARGETS if (value := getattr(arguments, name)) is not None},
        threshold_by=None if arguments.threshold_by is None else one_form(arguments.threshold_by),
        one_threshold=arguments.no_threshold_by,
        population=arguments.rests_on,
        files=tuple(arguments.data or ()),
        options=read_options_of(arguments),
        label=None if arguments.label is None else one_form(arguments.label),
        anomaly_values=tuple(arguments.anomaly_values or ()),
        quiet=arguments.quiet,
    )


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m training.calibrate",
        description="Change the threshold of a bundle without fitting: by the calibration rows that it keeps, or by\n"
        "new rows. Writes a new version with the same network. Settings that are not given are those of BUNDLE.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the new bundle (default: the next version)")
    parser.add_argument("--overwrite", action="store_true", help="replace the bundle that --output names")
    add_config_flags(parser, only="threshold")
    parser.set_defaults(threshold_method=None)
    parser.add_argument("--no-threshold-by", action="store_true", help="one threshold again, for all rows")
    parser.add_argument(
        "--rests-on",
        choices=list(POPULATIONS),
        help="which rows rates and p-values are about (default: as in BUNDLE)"
        + "".join(f"\n  {name:<13} {summary}" for name, summary in POPULATIONS.items()),
    )
    rows = parser.add_argument_group("new rows")
    rows.add_argument(
        "--data",
        nargs="+",
        metavar="FILE",
        help="rows to calibrate on; never those that the detector was fitted on: it knows them, and the\n"
        "threshold would be too low (default: the calibration rows that BUNDLE keeps)",
    )
    rows.add_argument("--label", metavar="COLUMN", help="column of FILE that says what is an anomaly")
    rows.add_argument("--anomaly-values", nargs="+", metavar="VALUE", help="values of the label that mean anomaly")
    add_reading_flags(parser)
    add_output_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
