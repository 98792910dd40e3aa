"""`python -m service.batch`: scores files of any size, each row once and in order, in bounded memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.programs.cli import OneLineParser, add_output_flags, clean_up_at_signals, run_command, speak_as_asked
from models.programs.reading_flags import add_reading_flags, read_options_of
from models.tables.formats import OUTPUT_FORMATS, SUFFIXES
from models.tables.standard_streams import is_standard

WRITTEN: Final = ("scores", "reason", "embedding", "expected")
"""What can be written of each row, beside its ids."""

_EXAMPLES: Final = """\
examples:
  python -m service.batch models/artifacts/flows new.csv --output scores.csv
  python -m service.batch models/artifacts/flows 'day/*.parquet' --output scores.parquet --explain 3
  python -m service.batch models/artifacts/flows new.csv --output worst.xlsx --top 50 --keep all
  python -m service.batch models/artifacts/flows new.csv --output features.parquet --write embedding
  zcat new.csv.gz | python -m service.batch models/artifacts/flows - --output - | grep ,true,
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _require_scores(parser, arguments)
    if arguments.json and is_standard(arguments.output):
        parser.error("--json prints a report on standard output, where --output - writes rows: choose one")
    clean_up_at_signals()

    def work() -> None:
        speak_as_asked(arguments.lang)
        from service.files.chosen_rows import Choice
        from service.files.score_files import BatchCommand, run  # --help needs nothing that scores

        run(
            BatchCommand(
                detector=arguments.detector,
                inputs=arguments.inputs,
                output=arguments.output,
                format_name=arguments.format,
                write=arguments.write,
                explain=arguments.explain,
                choice=Choice(most=arguments.top, only_flagged=arguments.only_flagged, is_sorted=arguments.sort),
                keep=arguments.keep,
                spreadsheet=arguments.spreadsheet,
                options=read_options_of(arguments),
                quiet=arguments.quiet,
                json=arguments.json,
            )
        )

    return run_command(work, debug=arguments.debug)


def _require_scores(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """End the program with an error where a flag needs scores, and --write has none."""
    if arguments.write is None or "scores" in arguments.write:
        return
    flags = ("explain", "top", "only_flagged", "sort")
    asked = [f"--{name.replace('_', '-')}" for name in flags if getattr(arguments, name)]
    if "reason" in arguments.write:
        asked.append("--write reason")
    if asked:
        parser.error(f"{asked[0]} is about a score: add scores to --write, or leave it out")


def _rows_to_write(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _columns_to_explain(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(WRITTEN):
        raise argparse.ArgumentTypeError(f"must be one or more of {', '.join(WRITTEN)}, got {text!r}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m service.batch",
        description="Score files of any size: each row once and in order, with its ids, score, p-value and decision.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("detector", metavar="DETECTOR", help="a bundle, or a detector's folder (its latest version)")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="files or patterns: CSV, Parquet, Arrow or JSON lines, also as .gz;\n- for standard input",
    )
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="OUT",
        help=f"the file that is written ({', '.join(SUFFIXES)}; text also as .gz);\n"
        "a file that is there is replaced when all is done; - for standard output, as CSV or by --format",
    )
    parser.add_argument("--format", choices=list(OUTPUT_FORMATS), help="format of OUT (default: by its name)")
    parser.add_argument(
        "--write",
        type=_names,
        metavar="WHAT",
        help="what is written of each row beside its ids, with commas between them (default: scores; with --top,\n"
        "--only-flagged, --spreadsheet or .xlsx scores,reason):\n"
        "scores: anomaly_score, p_value, is_anomaly\n"
        "reason: why, in words\n"
        "embedding: the output of the network's bottleneck, as features for other programs\n"
        "expected: the value that the network expected of each column",
    )
    parser.add_argument(
        "--explain",
        type=_columns_to_explain,
        default=0,
        metavar="K",
        help="name the K columns that add most to each score, with actual and expected values and the reason in words",
    )
    parser.add_argument(
        "--top", type=_rows_to_write, metavar="N", help="write the N rows with the highest scores, the highest first"
    )
    parser.add_argument("--only-flagged", action="store_true", help="write anomalies alone")
    parser.add_argument(
        "--sort",
        action="store_true",
        help="write the highest score first; rows that are written are held in memory until the last one is scored",
    )
    parser.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="COLUMNS",
        help="write these columns of the input, too, behind the others: names with commas between them, or all",
    )
    parser.add_argument(
        "--spreadsheet",
        action="store_true",
        help="write for people who open the file in a spreadsheet (CSV, .xlsx): scores in four digits and, in CSV, an\n"
        "apostrophe before texts that would be run as formulas (ids do not read back as they were then)",
    )
    add_reading_flags(parser)
    add_output_flags(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
