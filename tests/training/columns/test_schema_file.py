from __future__ import annotations

import dataclasses
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import arrow_table, machine_records

from models.errors import ConfigError, TableError
from models.schema import DURATION, Column, FeatureSchema, Kind
from models.schema.timestamps import TIME_LAYOUTS
from models.tables.table import Table
from training.columns.schema_file import read_schema_file, schema_toml, write_schema_file
from training.data.prepare import prepare
from training.settings.config import TrainConfig

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
MISSING = st.lists(NAMES, max_size=2).map(tuple)


@st.composite
def schemas(draw):
    names = draw(st.lists(NAMES, min_size=2, max_size=7, unique=True))
    columns = []
    for name in names[: draw(st.integers(1, len(names) - 1))]:
        kind = draw(st.sampled_from(Kind))
        more = {}
        if kind is Kind.DATETIME:
            more["layout"] = draw(st.none() | st.sampled_from([*TIME_LAYOUTS]))
        if kind is Kind.NUMERIC:
            more = {"unit": draw(st.none() | NAMES), "layout": draw(st.none() | st.just(DURATION))}
            more |= {key: draw(st.none() | st.sampled_from(".,")) for key in ("decimal", "thousands")}
        columns.append(Column(name=name, kind=kind, missing=draw(MISSING), **more))
    rest = names[len(columns) :]
    return FeatureSchema(
        columns=tuple(columns),
        ids=tuple(rest[:1]),
        label=rest[1] if len(rest) > 1 else None,
        dropped={name: draw(NAMES) for name in rest[2:]},
        header=draw(st.none() | st.permutations(names).map(tuple)),
    )


@given(schema=schemas(), note=NAMES)
def test_a_schema_is_equal_after_it_was_written_and_read(tmp_path_factory, schema, note):
    path = tmp_path_factory.mktemp("schemas") / "schema.toml"
    note = re.sub(r"[\x00-\x1f\x7f]", " ", note)
    write_schema_file(path, schema, notes={schema.names[0]: note})
    assert read_schema_file(path) == schema


@pytest.fixture
def table():
    return Table(data=arrow_table(machine_records(200, seed=4)))


@pytest.fixture
def written(table, tmp_path):
    """The file of a table, and a function that reads it again with a change."""
    prepared = prepare(table, TrainConfig(id=("serial",), missing_values=("flow=-1",)))
    path = tmp_path / "schema.toml"
    write_schema_file(path, prepared.schema, notes={e.name: e.describe() for e in prepared.preprocessor.encodings})

    def change(old, new):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return read_schema_file(path)

    return prepared.schema, path, change


def test_what_is_written_decides_the_same_when_it_is_read(table, written):
    schema, path, _ = written
    again = prepare(table, TrainConfig(id=("serial",)), decided=read_schema_file(path))
    assert again.schema == schema
    assert schema.columns[1] == Column(name="flow", kind=Kind.NUMERIC, missing=("-1",))


def test_a_comment_says_how_each_column_enters(written):
    _, path, _ = written
    text = path.read_text(encoding="utf-8")
    assert "[columns.mode]\n# 3 categories" in text
    assert '[columns.site]\nkind = "dropped"\nreason = "constant (always \'north\')"' in text


def test_a_column_can_be_changed_in_kind_dropped_and_taken_back(table, written):
    _, _, change = written
    change('[columns.pressure]\n# standardised\nkind = "numeric"', '[columns.pressure]\nkind = "categorical"')
    change('kind = "dropped"\nreason = "constant (always \'north\')"', 'kind = "categorical"')
    decided = change('kind = "boolean"', 'kind = "dropped"')
    prepared = prepare(table, TrainConfig(id=("serial",)), decided=decided)
    kinds = {column.name: column.kind for column in prepared.schema.columns}
    assert kinds["pressure"] is kinds["site"] is Kind.CATEGORICAL
    assert prepared.schema.dropped == {"valve_open": "dropped in the schema file"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "numeric"', 'kind = "number"', r"columns\.pressure\.kind must be one of numeric, .*, got 'number'"),
        ('kind = "numeric"', 'knd = "numeric"', r"columns\.pressure\.knd is not known here; what is known: kind, "),
        ('kind = "numeric"', 'kind = "numeric"\nlayout = "iso"', r"columns\.pressure: layout of a numeric column must"),
        ('kind = "numeric"', 'kind = "numeric"\nmissing = -1', r"columns\.pressure: Expected .* at `\$\.missing"),
        ('kind = "numeric"', 'kind = "numeric"\nmissing = [-1]', r"columns\.pressure: Expected .* at `\$\.missing"),
        ('kind = "numeric"', 'kind = "numeric"\nunit = 3', r"columns\.pressure: Expected .* at `\$\.unit"),
        ('kind = "numeric"', 'kind = "numeric"\nreason = "x"', r"columns\.pressure\.reason is for dropped columns"),
        ('kind = "numeric"', 'kind = "numeric', r"is not TOML"),
        ('ids = ["serial"]', 'ids = "serial"', r"ids must be a list of names, got 'serial'"),
        ('ids = ["serial"]', 'ids = ["serial", "flow"]', r"column 'flow' is said twice"),
        ('ids = ["serial"]', 'id = ["serial"]', r"id is not known here; what is known: ids, label, header, decimal"),
        ('ids = ["serial"]', 'ids = ["serial"]\nlabel = 3', r"label must be a text, got 3"),
    ],
)
def test_a_wrong_line_is_an_error_that_names_column_and_key(written, old, new, message):
    _, path, change = written
    with pytest.raises(ConfigError, match=f"--schema-in {re.escape(str(path))}: {message}"):
        change(old, new)


@pytest.mark.parametrize(
    "content",
    ["", "ids = []\n", "[columns]\n", "columns = 3\n", '[columns.a]\nkind = "dropped"\n', "[columns]\na = 3\n"],
)
def test_a_file_without_a_usable_column_is_refused(tmp_path, content):
    path = tmp_path / "schema.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"--schema-in .*column"):
        read_schema_file(path)


def test_a_file_that_is_not_there_and_one_that_cannot_be_written_are_refused(tmp_path):
    schema = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_schema_file(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_schema_file(tmp_path / "none" / "schema.toml", schema)


def test_columns_that_only_the_file_or_only_the_table_has_are_one_error(table, written):
    schema, _, _ = written
    other = Table(data=table.data.rename_columns(["n" + name if name == "flow" else name for name in table.names]))
    with pytest.raises(ConfigError, match="missing from the table: 'flow'; missing from the file: 'nflow'"):
        prepare(other, TrainConfig(), decided=schema)


def test_a_column_without_values_cannot_be_taken_back(written, table):
    schema, _, _ = written
    emptied = Table(data=table.data.set_column(table.names.index("site"), "site", pa.nulls(200, pa.string())))
    columns = (*schema.columns, Column(name="site", kind=Kind.CATEGORICAL))
    with pytest.raises(TableError, match=r"columns\.site has no value in the rows to learn from"):
        prepare(emptied, TrainConfig(), decided=dataclasses.replace(schema, columns=columns, dropped={}))


def test_a_cell_of_another_kind_than_the_file_says_is_an_error_with_its_row(written, table):
    _, _, change = written
    with pytest.raises(TableError, match="Column 'mode', row 1: expected a number"):
        prepare(table, TrainConfig(), decided=change('kind = "categorical"', 'kind = "numeric"'))


def test_the_head_of_the_file_names_every_key_and_layout():
    schema = FeatureSchema(columns=(Column(name="a", kind=Kind.NUMERIC),))
    head = schema_toml(schema, notes={}).split("ids =")[0]
    keys = [field.name for field in dataclasses.fields(Column) if field.name != "name"]
    assert [word for word in (*keys, *Kind, *TIME_LAYOUTS, DURATION, "dropped", "reason") if word not in head] == []
    assert max(map(len, head.splitlines())) <= 120
    assert np.all([line.startswith("#") or not line for line in head.splitlines()])
