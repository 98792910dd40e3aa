"""`python -m models.bundle`: verifies bundles, shows and describes one, and says how two differ."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from models.bundle.card import bytes_of, card_of, description_of, differences, leaves, typical_values
from models.bundle.layout import NETWORK_KERAS, NETWORK_ONNX
from models.bundle.loading import load_detector
from models.bundle.reading import read_files, read_manifest, verify_beside
from models.errors import BundleError
from models.printable import one_line, printable
from models.programs.cli import OneLineParser, run_command
from models.programs.rich_text import escaped
from models.repository import bundles_in, resolve

_EXAMPLES: Final = """\
examples:
  python -m models.bundle verify models/artifacts             every version of every detector
  python -m models.bundle show models/artifacts/machines      the latest version
  python -m models.bundle describe models/artifacts/machines  how its columns enter, and their typical values
  python -m models.bundle diff models/artifacts/machines/1 models/artifacts/machines/2
"""
_SHOWN: Final = ("detector", "threshold", "metrics", "rows", "network", "comparison", "versions", "digests")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: arguments.work(arguments), debug=arguments.debug)


def verify(arguments: argparse.Namespace) -> None:
    """Load every bundle as the service does, compare all digests, and print one line for each.

    Raises:
        BundleError: One of them is bad.
    """
    results = [_verified(folder) for path in arguments.paths for folder in bundles_in(path) or [path]]
    bad = sum(not result["ok"] for result in results)
    if arguments.json:
        _print_json({"ok": not bad, "bundles": results})
    else:
        for result in results:
            print(printable(_line(result)))
    if bad:
        raise BundleError(f"{bad} of {len(results)} bundles cannot be used.")


def show(arguments: argparse.Namespace) -> None:
    """Show the card of every bundle."""
    cards = [card_of(resolve(path)) for path in arguments.paths]
    if arguments.json:
        _print_json({"bundles": cards})
        return
    console = Console(highlight=False)
    for card in cards:
        _show_card(console, card)


def describe(arguments: argparse.Namespace) -> None:
    """Show how each column enters a detector, and what its typical values in the fitting rows were."""
    description = description_of(load_detector(resolve(arguments.bundle)))
    if arguments.json:
        _print_json(description)
    else:
        _show_description(Console(highlight=False), description)


def diff(arguments: argparse.Namespace) -> None:
    """Show the differences of two bundles."""
    left, right = (card_of(resolve(path)) for path in (arguments.left, arguments.right))
    found = differences(left, right)
    is_same = left["digests"][NETWORK_ONNX] == right["digests"][NETWORK_ONNX]  # as after a recalibration
    if arguments.json:
        _print_json({"left": left["path"], "right": right["path"], "same_network": is_same, "differences": found})
        return
    console = Console(highlight=False)
    grid = _grid("", left["path"], right["path"])
    for row in found:
        grid.add_row(escaped(f"{row['part']}: {row['name']}"), _text(row["left"]), _text(row["right"]))
    if found:
        console.print(grid)
    same = "the very same network" if is_same else "two networks"
    console.print(f"{same}; differences: {len(found):,}" if found else "no difference but where they lie")


def _verified(folder: Path) -> dict[str, Any]:
    try:
        load_detector(folder)
        manifest = read_manifest(folder)
        read_files(folder, manifest, [NETWORK_KERAS])
        verify_beside(folder, manifest)
    except BundleError as error:
        return {"path": str(folder), "ok": False, "error": one_line(str(error))}
    facts = {name: manifest[name] for name in ("name", "version", "created", "format_version", "versions")}
    return {"path": str(folder), "ok": True, "bytes": bytes_of(folder), **facts}


def _line(result: dict[str, Any]) -> str:
    if not result["ok"]:
        return f"bad  {result['error']}"
    return (
        f"ok   {result['path']}: {result['name']}, version {result['version']}, of {result['created']}, format "
        f"{result['format_version']}, {_size(result['bytes'])}"
    )


def _show_card(console: Console, card: dict[str, Any]) -> None:
    console.print(f"[bold]{escaped(card['path'])}[/bold]  {_size(card['bytes'])}")
    grid = _grid("column", "kind", "enters as")
    for name, column in card["columns"].items():
        grid.add_row(escaped(name), escaped(column["kind"]), escaped(column["enters_as"]))
    _add_unused(grid, card["schema"])
    console.print(grid)
    grid = _grid("", "", "")
    for part in _SHOWN:
        heading = part
        for name, value in leaves(card[part]):
            if value is not None:
                grid.add_row(heading, escaped(name), _text(value))
                heading = ""
    console.print(grid)
    for warning in card["warnings"]:
        console.print(f"[yellow]{escaped(str(warning))}[/yellow]")


def _show_description(console: Console, description: dict[str, Any]) -> None:
    columns = description["columns"]
    console.print(
        f"{escaped(description['name'])} version {description['version']}: {len(columns)} columns enter as "
        f"{description['features']} features"
    )
    grid = _grid("column", "kind", "enters as", "typical values", "missing")
    for card in columns:
        texts = (card["name"], card["kind"], card["enters_as"], typical_values(card), f"{card.get('missing', 0):,}")
        grid.add_row(*map(escaped, texts))
    _add_unused(grid, description)
    console.print(grid)


def _add_unused(grid: Grid, schema: dict[str, Any]) -> None:
    """Add the columns that are no features."""
    for name in schema["ids"]:
        grid.add_row(escaped(name), "[cyan]id[/cyan]", "carried through to every output, never a feature")
    if schema["label"] is not None:
        grid.add_row(escaped(schema["label"]), "[cyan]label[/cyan]", "says what is an anomaly, never a feature")
    for name, reason in schema["dropped"].items():
        grid.add_row(f"[dim]{escaped(name)}[/dim]", "[yellow]dropped[/yellow]", f"[dim]{escaped(reason)}[/dim]")


def _grid(*headings: str) -> Grid:
    grid = Grid(box=box.SIMPLE, pad_edge=False, show_header=any(headings))
    for heading in headings:
        grid.add_column(escaped(heading), overflow="fold")
    return grid


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return escaped(f"{value:.6g}" if isinstance(value, float) else str(value))


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def _print_json(plain: object) -> None:
    print(json.dumps(plain, allow_nan=False))


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="python -m models.bundle",
        description="Verify bundles, show and describe one, say how two differ.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="verify|show|describe|diff")
    _add_command(commands, verify, "load bundles as the service does; exit code 2 if one is bad", "paths")
    _add_command(commands, show, "show columns, threshold, metrics, versions and digests", "paths")
    _add_command(commands, describe, "say how each column enters, and what its typical values were", "bundle")
    _add_command(commands, diff, "say in what two bundles differ", "left", "right")
    return parser


def _add_command(commands: Any, work: Callable[[argparse.Namespace], None], summary: str, *paths: str) -> None:
    command = commands.add_parser(work.__name__, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    for name in paths:
        command.add_argument(
            name,
            nargs="+" if name == "paths" else None,
            type=Path,
            metavar="PATH",
            help="a bundle, a detector's folder or a folder of detectors",
        )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    command.set_defaults(work=work)


if __name__ == "__main__":
    sys.exit(main())
