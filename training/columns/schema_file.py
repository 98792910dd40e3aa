"""The schema file: decisions on columns as TOML that a user can read and edit (`--schema-out`, `--schema-in`)."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomlkit
from numpy.typing import NDArray

from models.columns.from_records import missing_mask
from models.columns.from_tables import columns_of_table
from models.errors import ConfigError, TableError
from models.schema import Column, FeatureSchema, Kind
from models.schema.names import one_form
from models.schema.timestamps import TIME_LAYOUTS
from models.tables.table import Table

_DROPPED: Final = "dropped"
_KINDS: Final = (*Kind, _DROPPED)
_KEYS: Final = ("kind", "layout", "unit", "decimal", "thousands", "zone", "reason", "missing", "keep_words", "optional")
_PLAIN_MARKS: Final = {"decimal": ".", "thousands": ""}
_HEAD: Final = f"""\
The decision on each column. Edit it, and train with --schema-in FILE: it replaces what is inferred from the values.

kind      {", ".join(Kind)}, or {_DROPPED}
reason    of a dropped column: why
layout    of datetimes: {", ".join(list(TIME_LAYOUTS)[:8])},
          {", ".join(list(TIME_LAYOUTS)[8:])}
          (these are numbers); of numbers: duration, where texts such as 1h 30m are meant
unit      of numbers: what may stand beside them in texts, such as "°C"
decimal, thousands    of numbers with a unit: how they are written
zone      of datetimes: true where all have a zone, so that one without is refused, and false where none has one
missing   values that stand for a missing one, such as ["-999", "unknown"]; inf and -inf for infinite numbers
keep_words  of categories: words that would else stand for a missing value, such as ["NA"]
optional  true for a field that records may lack: it is missing there
ids       columns that name a record: copied to the output, never a feature
label     the column that says what is an anomaly: never a feature

decimal and thousands above the columns: how numbers are written in texts, where the file does not show it
"""


def write_schema_file(path: Path, schema: FeatureSchema, *, notes: Mapping[str, str] | None = None) -> None:
    """Write a schema as TOML, with comments by column; an existing file is replaced.

    Raises:
        ConfigError: Nothing can be written there.
    """
    try:
        path.write_text(schema_toml(schema, notes=notes or {}), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--schema-out {path}: cannot be written ({error.strerror}).") from error


def schema_toml(schema: FeatureSchema, *, notes: Mapping[str, str]) -> str:
    """Return a schema as TOML."""
    document = tomlkit.document()
    for line in _HEAD.splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    document.add(tomlkit.nl())
    document.add("ids", tomlkit.item(list(schema.ids)))
    if schema.label is not None:
        document.add("label", tomlkit.item(schema.label))
    if schema.header is not None:
        document.add(tomlkit.comment("the file has no header line: the names of its columns, in order"))
        document.add("header", tomlkit.item(list(schema.header)).multiline(True))
    marks = {"decimal": schema.decimal, "thousands": schema.thousands}
    if marks != _PLAIN_MARKS:
        document.update(marks)
    columns = tomlkit.table(is_super_table=True)
    for column in schema.columns:
        table = tomlkit.table()
        if note := notes.get(column.name):
            table.add(tomlkit.comment(note))
        table.update({key: value for key, value in column.to_json().items() if key != "name"})
        columns.add(column.name, table)
    for name, reason in schema.dropped.items():
        columns.add(name, tomlkit.item({"kind": _DROPPED, "reason": reason}))
    document.add("columns", columns)
    return tomlkit.dumps(document)


def read_schema_file(path: Path) -> FeatureSchema:
    """Read a schema file.

    Raises:
        ConfigError: The file is missing or not TOML, or a key is wrong; the error names column and key.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--schema-in {path}: cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"--schema-in {path}: is not TOML: {error}.") from error
    try:
        return _schema_of(plain)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"--schema-in {path}: {error}.") from error


def check_schema(schema: FeatureSchema, table: Table, *, fitting: NDArray[np.bool_]) -> None:
    """Check that a schema from a file fits a table: the same columns, each with values in the fitting rows `(n,)`.

    The label may be absent, where the test rows are others.

    Raises:
        ConfigError: A column is in one of them only.
        TableError: A cell is not of its column's kind, or a column has no value.
    """
    expected = [name for name in _order(schema) if name in table.names or name != schema.label]
    missing = {
        "table": [name for name in expected if name not in table.names],
        "file": [name for name in table.names if name not in expected],
    }
    if parts := [f"missing from the {at}: {', '.join(map(repr, names))}" for at, names in missing.items() if names]:
        raise ConfigError(
            f"--schema-in: the file and the table have other columns ({'; '.join(parts)}). Name every column of the "
            'table in the file, those that are not used with kind = "dropped".'
        )
    for name, values in columns_of_table(schema, table).items():
        if missing_mask(values[fitting]).all():
            raise TableError(
                f'--schema-in: columns.{name} has no value in the rows to learn from: say kind = "dropped".'
            )


def _order(schema: FeatureSchema) -> Sequence[str]:
    label = () if schema.label is None else (schema.label,)
    return (*schema.names, *schema.ids, *label, *schema.dropped)


def _schema_of(plain: Mapping[str, Any]) -> FeatureSchema:
    """Make a schema from the data of a TOML file; a TypeError or ValueError names the key that is wrong."""
    _require_known("", plain, ("ids", "label", "header", *_PLAIN_MARKS, "columns"))
    if not isinstance(plain.get("columns"), dict) or not plain["columns"]:
        raise ValueError("there must be a table [columns.NAME] for each column")
    columns, dropped = [], {}
    for written, table in plain["columns"].items():
        name = one_form(written)
        key = f"columns.{name}"
        if not isinstance(table, dict):
            raise TypeError(f"{key} must be a table, got {table!r}")
        _require_known(f"{key}.", table, _KEYS)
        kind = table.get("kind")
        if kind not in _KINDS:
            raise ValueError(f"{key}.kind must be one of {', '.join(_KINDS)}, got {kind!r}")
        if kind == _DROPPED:
            dropped[name] = _text(f"{key}.reason", table.get("reason", "dropped in the schema file"))
            continue
        if "reason" in table:
            raise ValueError(f'{key}.reason is for dropped columns: take it out, or say kind = "dropped"')
        try:
            columns.append(Column.from_json({"name": name} | dict(table)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{key}: {error}") from error
    schema = FeatureSchema(
        columns=tuple(columns),
        ids=_names("ids", plain.get("ids", [])),
        label=one_form(_text("label", plain["label"])) if "label" in plain else None,
        dropped=dropped,
        header=_names("header", plain["header"]) if "header" in plain else None,
        decimal=_text("decimal", plain.get("decimal", _PLAIN_MARKS["decimal"])),
        thousands=_text("thousands", plain.get("thousands", _PLAIN_MARKS["thousands"])),
    )
    order = _order(schema)
    twice = next((name for i, name in enumerate(order) if name in order[:i]), None)
    if twice is not None:
        raise ValueError(f"column {twice!r} is said twice: in ids, as label or in [columns.NAME]")
    if not columns:
        raise ValueError("no column is left to learn from: each is dropped")
    return schema


def _require_known(prefix: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = next((key for key in table if key not in known), None)
    if unknown is not None:
        raise ValueError(f"{prefix}{unknown} is not known here; what is known: {', '.join(known)}")


def _names(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list of names, got {value!r}")
    return tuple(one_form(_text(key, name)) for name in value)


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a text, got {value!r}")
    return value
