"""`python -m training.compare`: compares activations on the same records, and recommends one. A parser only."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.errors import ConfigError
from models.network.activations import ACTIVATIONS
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
from models.threads import allowed_threads
from training.comparison.outcomes import COMPARISONS
from training.comparison.recommendation import LEAST_SEEDS, MARGIN
from training.comparison.trials import DEFAULT_ACTIVATIONS
from training.settings.flags import add_config_flags, config_of

if TYPE_CHECKING:
    from training.comparison.compare import CompareCommand

_MOST_JOBS: Final = 8
_NO_FLAG: Final = ("activation", "depth", "learning_rate", "patience")
_EXAMPLES: Final = """\
examples:
  python -m training.compare                                   the demo data set, a real one
  python -m training.compare sensors.csv --id machine          your own records, 5 seeds
  python -m training.compare sensors.csv --seeds 10            5 seeds more, the first are kept
  python -m training.compare sensors.csv --preset fast         quicker, if fast is what you will train
  python -m training.compare sensors.csv --depth 1 2 4 8       what depth does to each activation
  python -m training.compare sensors.csv --learning-rates 1e-4 1e-3 1e-2
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    clean_up_at_signals()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    arguments = _parser().parse_args(argv)

    def work() -> None:
        speak_as_asked(arguments.lang)
        from training.comparison.compare import compare  # a page of help waits for nothing that reads or fits

        print_report(lambda: compare(_command(arguments)), as_json=arguments.json)

    return run_command(work, debug=arguments.debug)


def _command(arguments: argparse.Namespace) -> CompareCommand:
    """Return what the flags ask for.

    Raises:
        ConfigError: A flag is outside its limits, or two of them do not go together.
    """
    from training.comparison.compare import CompareCommand
    from training.data import demo_data

    if arguments.label and not arguments.data:
        raise ConfigError("--label needs DATA: the demo data set has its own label.")
    options = read_options_of(arguments)
    return CompareCommand(
        data=demo_data.TrainingData(files=tuple(arguments.data), options=options, name=arguments.name),
        config=(
            config_of(arguments)
            if arguments.data
            else demo_data.demo_config(config_of(arguments, **demo_data.SETTINGS))
        ),
        activations=tuple(dict.fromkeys(arguments.activations)),
        seeds=arguments.seeds,
        depths=tuple(arguments.depths),
        learning_rates=tuple(arguments.learning_rates),
        seconds=arguments.seconds,
        margin=arguments.margin,
        output=arguments.output,
        overwrite=arguments.overwrite,
        save_best=arguments.save_best,
        jobs=arguments.jobs,
        quiet=arguments.quiet,
    )


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="python -m training.compare",
        description=(
            "Fit what --preset fits, with each activation and seed, on the same rows; plant errors into copies of\n"
            "held-out rows; recommend relu, unless another activation surely finds more of them, or of labelled\n"
            "anomalies. It resumes where it was stopped."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="CSV, Parquet, Arrow, JSON or Excel; - for standard input; none: the demo data set",
    )
    compared = parser.add_argument_group("what is compared")
    compared.add_argument(
        "--activations",
        nargs="+",
        choices=list(ACTIVATIONS),
        default=list(DEFAULT_ACTIVATIONS),
        metavar="NAME",
        help=f"of {', '.join(ACTIVATIONS)} (default: {' '.join(DEFAULT_ACTIVATIONS)})",
    )
    compared.add_argument(
        "--seeds", type=int, default=5, metavar="N", help=f"networks of each; {LEAST_SEEDS} at least (default: 5)"
    )
    compared.add_argument(
        "--depth",
        dest="depths",
        type=int,
        nargs="+",
        default=[],
        metavar="N",
        help="compare with each of these numbers of hidden layers",
    )
    compared.add_argument(
        "--learning-rates",
        type=float,
        nargs="+",
        default=[],
        metavar="X",
        help="compare with each of these largest step sizes (default: that of training)",
    )
    compared.add_argument(
        "--seconds", type=float, metavar="S", help="the same time for every fit, in seconds, instead of the same epochs"
    )
    compared.add_argument(
        "--margin",
        type=float,
        default=MARGIN,
        metavar="X",
        help=f"difference that does not matter: 0.01 is a point of ROC AUC, and 1 %% of an error (default: {MARGIN:g})",
    )
    parser.add_argument("--name", help="name of the comparison (default: the first file's name)")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help=f"folder of the results (default: {COMPARISONS}/NAME)"
    )
    parser.add_argument("--overwrite", action="store_true", help="start again, without the results that are there")
    parser.add_argument(
        "--save-best",
        action="store_true",
        help=f"train a detector with what is recommended: the next version in {ARTIFACTS}/NAME",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(allowed_threads(), _MOST_JOBS),
        metavar="N",
        help="networks fitted at once, each on its share of the CPUs (default: one a CPU, at most 8)",
    )
    add_config_flags(parser, without=_NO_FLAG)
    add_reading_flags(parser)
    add_output_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
