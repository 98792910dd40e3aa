"""How the numbers of a table are written where they are texts, whatever format the table came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from models.columns.arrow_cells import plain_cells
from models.errors import Set, TableError
from models.schema import FeatureSchema, Kind
from models.tables.read_options import ReadOptions, options_as_learned
from models.tables.table import Table
from models.tables.text.number_format import detect_number_format
from training.columns.roles import Roles


def with_number_format(table: Table, roles: Roles, decided: FeatureSchema | None = None) -> Table:
    """Return a table that knows how its numbers are written: as its file told, else by its columns of texts.

    What these leave open is as in the schema that was `decided`.

    Raises:
        TableError: There are two readings.
    """
    if table.decimal is not None and table.thousands is not None:
        return table
    said = ReadOptions(decimal=table.decimal, thousands=table.thousands)
    if decided is not None:
        said = options_as_learned(decided, said)
    try:
        found = detect_number_format(_texts(table, roles), said)
    except TableError as error:
        others = Set("kind", f"NAME={Kind.CATEGORICAL}")
        raise TableError(error, " Or give numbers as numbers; columns that hold none: ", others, ".") from error
    repairs = (*table.repairs, *found.reports)
    return replace(table, decimal=found.decimal, thousands=found.thousands, repairs=repairs)


def _texts(table: Table, roles: Roles) -> Iterator[Sequence[str]]:
    """Yield the different texts of each column that may be numbers."""
    ruled_out = {roles.label, *roles.ids, *roles.exclude, *({roles.group} - {*roles.include})}
    for name in table.names:
        if name in ruled_out or (roles.include and name not in roles.include):
            continue
        cells = plain_cells(table.data.column(name))
        kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
        if pa.types.is_string(kind) and roles.kinds.get(name) in (None, Kind.NUMERIC):
            yield [text for text in pc.unique(cells.cast(pa.string())).to_pylist() if text is not None]
