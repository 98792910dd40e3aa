"""The reference is complete: whatever a table of the code has stands in the built pages."""

from __future__ import annotations

import argparse
import html
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from page_examples import DOCS, REPOSITORY

from models.bundle import MANIFEST
from models.bundle.layout import BESIDE, FILES
from models.calibration import THRESHOLD_METHODS
from models.errors import DetectorError
from models.network.activations import ACTIVATIONS
from models.schema import Kind
from models.schema.cells import BOOLEAN_WORDS, MISSING_WORDS
from models.schema.timestamps import TIME_LAYOUTS
from models.tables.formats import FORMATS, OUTPUT_FORMATS
from service.api.parameters import ScoreQuery
from service.formats.formats import FORMATS as HTTP_FORMATS
from service.settings import Settings
from service.web.problems import RequestError

PROGRAMS = [
    path
    for package in ("models", "service", "training")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
    if "__main__" in (text := path.read_text(encoding="utf-8")).rsplit("\nif ", 1)[-1].splitlines()[0]
    and "\ndef _parser(" in text  # a command that has another name now takes no flags
]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; no warning is let through, as in `make docs`."""
    built = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-d", str(built / "doctrees")]
    done = subprocess.run(
        [*command, "-b", "html", str(DOCS), str(built / "html")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return built / "html"


@cache
def page(pages: Path, name: str) -> str:
    return (pages / "reference" / f"{name}.html").read_text(encoding="utf-8")


@cache
def codes(pages: Path, name: str) -> frozenset[str]:
    """Return every text that a page of the reference shows as code."""
    marked = re.findall(r"<code[^>]*>(.*?)</code>", page(pages, name), re.DOTALL)
    return frozenset(html.unescape(re.sub(r"<[^>]+>", "", text)) for text in marked)


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every program and verb with its parser, told apart from how the pages find them."""
    for path in PROGRAMS:
        name = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        program = name.removesuffix(".__main__")
        parser: argparse.ArgumentParser = importlib.import_module(name)._parser()
        yield program, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from ((f"{program} {verb}", child) for verb, child in action.choices.items())


def test_the_programs_are_found() -> None:
    assert {"training.train", "service", "service.batch"} <= {name for name, _ in parsers()}


def test_every_flag_of_every_program_is_there(pages: Path) -> None:
    shown = set(re.findall(r'id="cmdoption-([^"]+)"', page(pages, "commands")))
    wanted = {
        f"{'python -m ' + name} {flag}": re.sub(r"[^a-z0-9.]+", "-", f"python -m {name}{flag}".lower()).strip("-")
        for name, parser in parsers()
        for action in parser._actions
        for flag in action.option_strings
        if not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS
    }
    ids = {re.sub(r"[^a-z0-9.]+", "-", one.lower()) for one in shown}
    assert len(wanted) > 50
    assert [flag for flag, anchor in wanted.items() if anchor not in ids] == []


def test_every_setting_is_there_with_its_default(pages: Path) -> None:
    shown = codes(pages, "settings")
    for name, field in Settings.model_fields.items():
        assert f"DETECTOR_{name.upper()}" in shown
        assert field.default is None or str(field.default).lower() in shown


def test_every_endpoint_and_every_field_of_an_answer_is_there(pages: Path, bundle_path: Path) -> None:
    from service.app import create_app, load_settings
    from service.registry import Registry

    document = create_app(Registry.open(bundle_path), load_settings()).openapi()
    shown = codes(pages, "http")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in shown
            assert set(operation["responses"]) <= shown
            kinds = {kind for answer in operation["responses"].values() for kind in answer.get("content", {})}
            assert kinds | set(operation.get("requestBody", {}).get("content", {})) <= shown
    answers = codes(pages, "answers")
    fields = {name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})}
    assert fields - answers == set()


def test_every_error_is_there(pages: Path) -> None:
    def tree(kind: type[Exception]) -> Iterator[str]:
        yield kind.__name__
        for child in kind.__subclasses__():
            yield from tree(child)

    ours = {name for name in tree(DetectorError) if not name.startswith("_")}
    assert ours - codes(pages, "errors") == set()
    assert not issubclass(RequestError, DetectorError), "then it stands in the tree"


TABLES: list[tuple[str, Any]] = [
    ("activations", [*ACTIVATIONS, *(spec.formula for spec in ACTIVATIONS.values())]),
    ("activations", {spec.initializer for spec in ACTIVATIONS.values()}),
    ("thresholds", THRESHOLD_METHODS),
    (
        "thresholds",
        {f"--{flag.replace('_', '-')}" for method in THRESHOLD_METHODS.values() for flag in method.settings},
    ),
    ("values", list(map(str, Kind))),
    ("values", TIME_LAYOUTS),
    ("values", {layout.example for layout in TIME_LAYOUTS.values()}),
    ("values", BOOLEAN_WORDS),
    ("values", set(MISSING_WORDS) - {""}),
    ("formats", FORMATS),
    ("http", {text for row in HTTP_FORMATS.values() for text in (*row.types, *row.charsets)}),
    ("http", {field.alias or name for name, field in ScoreQuery.model_fields.items()}),
    ("formats", [*OUTPUT_FORMATS, *(suffix for form in OUTPUT_FORMATS.values() for suffix in form.suffixes)]),
    ("bundle", [MANIFEST, *FILES, *BESIDE]),
]


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_every_row_of_a_table_is_there(pages: Path, name: str, table: Any) -> None:
    assert set(table) - codes(pages, name) == set()


def test_every_file_of_a_bundle_is_described(pages: Path) -> None:
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page(pages, "bundle"), re.DOTALL)
    cells = [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]
    assert [name for name, said in cells if said in ("", "–")] == []


def test_every_report_for_programs_is_there_with_a_meaning_for_every_key(pages: Path) -> None:
    shown = codes(pages, "json")
    programs = [name for name, parser in parsers() if "--json" in parser._option_string_actions]
    assert [name for name in programs if not {f"python -m {name} --json"} <= shown] == []
    assert "<td><p>–</p></td>" not in page(pages, "json"), (
        "a key has no meaning: MEANINGS in docs/extensions/code_tables/reports.py"
    )


def test_the_keys_of_a_plan_are_those_of_the_page(pages: Path, trained: Any) -> None:
    from training.data.prepare import plan_of

    assert set(plan_of(trained.prepared, trained.config)) <= codes(pages, "json")


def test_no_page_loads_anything_from_elsewhere(pages: Path) -> None:
    loads = re.compile(r'<(?:script|img|iframe|source|embed|link)\b[^>]*\b(?:src|href)="(?:https?:)?//')
    sheets = re.compile(r"""(?:url\(|@import )["']?(?:https?:)?//""")
    found = [path for path in pages.rglob("*.html") if loads.search(path.read_text(encoding="utf-8"))]
    found += [path for path in pages.rglob("*.css") if sheets.search(path.read_text(encoding="utf-8"))]
    assert found == []
