"""Every command of the project and every flag that it takes, from its own parser."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from code_tables.markdown import code, directive, docstring, plain, table

ROOT: Final = Path(__file__).resolve().parents[3]
_PACKAGES: Final = ("training", "service", "models")
_MAIN: Final = 'if __name__ == "__main__":'
_PARSER: Final = "def _parser("


def command_modules() -> list[str]:
    """Return the modules that are programs with flags, as ``python -m`` takes them."""
    paths = (path for package in _PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    texts = ((path, path.read_text(encoding="utf-8")) for path in paths)
    programs = (path.relative_to(ROOT) for path, text in texts if _MAIN in text and _PARSER in text)
    return [".".join(path.with_suffix("").parts).removesuffix(".__main__") for path in programs]


def parser_of(module: str) -> argparse.ArgumentParser:
    """Return the parser of a program."""
    is_package = importlib.import_module(module).__spec__.submodule_search_locations is not None
    program = importlib.import_module(f"{module}.__main__" if is_package else module)
    parser: argparse.ArgumentParser = program._parser()
    return parser


def commands_table() -> str:
    """Return one line a program, with a link to its flags."""
    rows = []
    for module in command_modules():
        parser = parser_of(module)
        rows.append([f"[`python -m {module}`](#{anchor(module)})", docstring(parser.description)])
    return table(["command", "what it does"], rows)


def command_flags() -> str:
    """Return a section for each program, with every flag."""
    return "\n".join(_section(parser_of(module), module, depth=2) for module in command_modules())


def anchor(module: str) -> str:
    """Return the name of a program's section."""
    return f"command-{module.replace('.', '-').replace('_', '-')}"


def _section(parser: argparse.ArgumentParser, name: str, *, depth: int) -> str:
    lines = [f"({anchor(name.replace(' ', '-'))})=", f"{'#' * depth} `python -m {name}`", ""]
    lines += [docstring(parser.description), "", directive("program", f"python -m {name}", "")]
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if not _is_dull(action)]
        if not actions:
            continue
        if group.title not in ("positional arguments", "options"):
            lines += [f"**{plain((group.title or '').capitalize())}**", ""]
        lines += [_option(action) for action in actions]
    if parser.epilog and parser.epilog.startswith("examples:"):
        lines += ["```text", *parser.epilog.strip().splitlines(), "```", ""]
    lines += [_section(child, f"{name} {verb}", depth=depth + 1) for verb, child in _verbs(parser)]
    return "\n".join(lines) + "\n"


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _is_dull(action: argparse.Action) -> bool:
    return isinstance(action, argparse._HelpAction | argparse._SubParsersAction) or action.help == argparse.SUPPRESS


def _option(action: argparse.Action) -> str:
    spelled = ", ".join(action.option_strings)
    taken = _values(action)
    return directive("option", f"{spelled} {taken}".strip(), _meaning(action))


def _values(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    name = action.metavar if isinstance(action.metavar, str) else None
    if name is None:
        name = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    return {"+": f"{name} […]", "*": f"[{name} …]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _meaning(action: argparse.Action) -> str:
    """Return the help text; its lines about a choice each become a list."""
    text = (action.help or "") % {"default": action.default, "prog": ""} if "%" in (action.help or "") else action.help
    head, choices = [], []
    for line in (text or "").splitlines():
        found = re.match(r"\s+(\S+)\s+(.+)", line)
        if found and action.choices and found[1] in action.choices:
            choices.append(f"- {code(found[1])}: {plain(found[2])}")
        else:
            head.append(line)
    return "\n".join([plain(" ".join(head)), "", *choices])
