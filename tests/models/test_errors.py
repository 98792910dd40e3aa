from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path

import pytest

from models import errors
from models.errors import ConfigError, DetectorError, Message, RecordError, Set, TableError, joined

REPOSITORY = Path(__file__).resolve().parents[2]
# Has faces of our errors that are ValueErrors, too, as scikit-learn wants them.
FACES = REPOSITORY / "training" / "estimator" / "errors.py"
SOURCES = [
    path
    for package in ("models", "training", "service")
    for path in (REPOSITORY / package).rglob("*.py")
    if path != FACES
]


def drawn_tree() -> dict[str, str | None]:
    """Return each error's parent as the docstring draws it."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    (?P<lead>[│├└─ ]*)(?P<name>[A-Z]\w*Error)\s{2,}\S", line):
            depth = len(found["lead"]) // 4
            path = [*path[:depth], found["name"]]
            parents[found["name"]] = path[-2] if depth else None
    return parents


def real_tree(root: type[DetectorError] = DetectorError, parent: str | None = None) -> dict[str, str | None]:
    tree: dict[str, str | None] = {root.__name__: parent}
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            tree |= real_tree(child, root.__name__)
    return tree


def class_definitions() -> list[tuple[str, list[str]]]:
    """Return the name and the bases of every class of the three packages."""
    return [
        (node.name, [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases])
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]


def test_the_tree_of_errors_in_the_docstring_is_the_real_one():
    assert drawn_tree() == real_tree()
    assert len(drawn_tree()) == 14


def test_no_error_is_defined_outside_of_the_drawn_tree():
    ours = set(drawn_tree())
    assert {name for name, bases in class_definitions() if ours & set(bases)} <= ours


def test_no_class_has_a_concrete_parent_of_ours():
    definitions = class_definitions()
    ours = {name for name, bases in definitions if not {"Protocol", "ABC"} & set(bases)} - set(drawn_tree())
    # Fields of pydantic's models and Uvicorn's protocols are shared by inheritance, as their packages want it.
    theirs = {"BaseModel", "HttpToolsProtocol"}
    for _ in definitions:  # children of children
        theirs |= {name for name, bases in definitions if theirs & set(bases)}
    ours -= theirs
    assert [name for name, bases in definitions if ours & set(bases)] == []


@pytest.mark.parametrize(
    ("record", "field", "start"),
    [(3, "temp", "record 3, field 'temp': "), (3, None, "record 3: "), (None, None, "request: ")],
)
def test_a_record_error_says_where_it_is(record, field, start):
    error = RecordError("got 'x'.", record=record, field=field, remedy="Send a number.")
    assert str(error) == f"{start}got 'x'. Send a number."
    assert (error.record, error.field, error.remedy) == (record, field, "Send a number.")


@pytest.mark.parametrize(
    ("setting", "flag"),
    [
        (Set("alert_rate", like="RATE"), "--alert-rate RATE"),
        (Set("missing_values", ("-999", "CO(GT)=-200")), "--missing-values -999 'CO(GT)=-200'"),
        (Set("column_names", ("a",), like="NAME …"), "--column-names a NAME …"),
        (Set("skip_lines", 1_234_567), "--skip-lines 1234567"),
        (Set("learning_rate", 3e-5), "--learning-rate 3e-05"),
        (Set("header", True), "--header"),
        (Set("header", False), "--no-header"),
        (Set("threshold_by"), "--threshold-by"),
    ],
)
def test_a_setting_is_a_flag_as_a_shell_reads_it(setting, flag):
    assert str(setting) == flag


def test_an_error_keeps_its_settings_when_it_is_wrapped_joined_and_pickled():
    inner = ConfigError("say ", Set("exclude"), ".")
    outer = TableError("a.csv: ", inner)
    assert str(outer) == "a.csv: say --exclude."
    for message in (outer.message, pickle.loads(pickle.dumps(outer)).message, Message("a.csv: ", inner.message)):
        assert message.spelt(lambda setting: setting.name.upper()) == "a.csv: say EXCLUDE."
    both = joined([inner.message, "Or stop."])
    assert (both, both.parts) == ("say --exclude. Or stop.", ("say ", Set("exclude"), ".", " ", "Or stop."))
