"""Bodies that are numbers alone: little-endian float32, row after row, in the order of the columns that are read.

What has no names says whose columns it has by the schema's digest, so that a caller who knows an older detector is
refused, not scored by other columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.columns.from_records import Columns, problem_of, with_gaps
from models.errors import RecordError
from models.schema import FeatureSchema, Kind
from models.schema.cells import parser_of
from service.formats.pieces import PIECE_ROWS
from service.web.body import SCHEMA_HEADER
from service.web.problems import RequestError, too_many_rows

CELL: Final = np.dtype("<f4")
"""How a number of a body is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRows:
    """Rows of numbers.

    Args:
        cells: A row each, a column for each that is read; NaN where a value is missing.
        first: Number of the first of them in the request.
        notes: Nothing: there is nothing to repair.
    """

    cells: NDArray[np.float32]
    first: int = 0
    notes: Sequence[str] = field(default=(), init=False)

    def __len__(self) -> int:
        return len(self.cells)

    def pieces(self) -> Iterator[RawRows]:
        """Return at most `PIECE_ROWS` rows at a time, in order."""
        for start in range(0, len(self), PIECE_ROWS):
            yield replace(self, cells=self.cells[start : start + PIECE_ROWS], first=self.first + start)

    def columns(self, schema: FeatureSchema) -> Columns:
        """Return the values by column.

        Raises:
            RecordError: A number is not finite.
        """
        columns = self._columns(schema)
        if np.isinf(self.cells).any():
            for problem in self.problems(schema):
                raise problem
        return columns

    def ids(self, schema: FeatureSchema) -> list[dict[str, Any]]:
        """Return nothing for each row: an id may be a text."""
        return [{} for _ in self.cells]

    def id_columns(self, schema: FeatureSchema) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def problems(self, schema: FeatureSchema) -> Iterator[RecordError]:
        """Return every number that `columns` would refuse."""
        infinite = np.isinf(np.column_stack(list(self._columns(schema).values())))
        for row, place in np.argwhere(infinite).tolist():
            column = schema.read[place]
            yield from problem_of(column, parser_of(column), float(self.cells[row, place]), self.first + row)

    def _columns(self, schema: FeatureSchema) -> dict[str, NDArray[np.float64]]:
        by_column = np.ascontiguousarray(self.cells.T, np.float64)
        return {column.name: with_gaps(column, numbers) for column, numbers in zip(schema.read, by_column, strict=True)}


def raw_rows(content: bytes, schema: FeatureSchema, *, digest: str | None, most: int) -> RawRows:
    """Return the rows of a body of numbers alone.

    Args:
        content: The body.
        schema: The columns that are wanted.
        digest: That of the schema which the body is for, as its sender says.
        most: Most rows that may come.

    Raises:
        RequestError: It is for another schema, there is a column that is no number, or a row is cut off.
    """
    require_schema(schema, digest)
    row_bytes = CELL.itemsize * len(schema.read)
    if cut := len(content) % row_bytes:
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The last row is cut off: it has {cut:,} bytes of {row_bytes:,} ({len(schema.read):,} columns of "
            f"{CELL.itemsize}). Send whole rows of little-endian float32, all columns in the order of GET /detector.",
        )
    rows = len(content) // row_bytes
    if rows > most:
        raise too_many_rows(rows, most)
    return RawRows(cells=np.frombuffer(content, CELL).reshape(rows, len(schema.read)))


def require_schema(schema: FeatureSchema, digest: str | None) -> None:
    """Check that a body of numbers alone can be for a schema, and is.

    Raises:
        RequestError: It is for another one, does not say so, or there is a column that is no number.
    """
    for column in schema.read:
        if column.kind is not Kind.NUMERIC:
            raise RequestError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"The column {column.name!r} is {column.kind}, and numbers alone are for detectors whose columns are "
                "all numeric. Send another form, such as an Arrow stream.",
            )
    if digest is None:
        missing = RecordError(
            "is absent.",
            record=None,
            field=SCHEMA_HEADER,
            remedy="A body of numbers alone has no names: say in this header whose columns it has, by the "
            "schema_digest of GET /detector. Of a body in another form say so in Content-Type.",
        )
        raise RequestError.of_problems([missing])
    if digest != schema.digest:
        raise RequestError(
            HTTPStatus.CONFLICT,
            f"The body is for columns with the digest {digest[:64]!r}, the active detector's have {schema.digest!r}. "
            "Ask GET /detector for its columns and their order, and send them so.",
        )
