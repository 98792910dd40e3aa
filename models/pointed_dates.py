"""Dates such as 26.02.2024 where training had none: how many are read with the day first."""

from __future__ import annotations

from collections.abc import Mapping

from models.columns.arrow_cells import count_pointed_dates
from models.messages import plural
from models.schema import FeatureSchema, Kind
from models.tables.table import Table


def pointed_dates(schema: FeatureSchema, table: Table) -> dict[str, int]:
    """Return how many dates with points there are, by column of timestamps that was learned without an order."""
    columns = [column for column in schema.read if column.kind is Kind.DATETIME and column.name in table.names]
    counts = {column.name: count_pointed_dates(column, table.data.column(column.name)) for column in columns}
    return {name: count for name, count in counts.items() if count}


def notes_of_pointed_dates(pointed: Mapping[str, int]) -> list[str]:
    """Return a line for each column of dates of which some are read with the day first."""
    return [
        plural(
            "{column!r}: {count} date with points, the day first, such as 26.02.2024",
            "{column!r}: {count:,} dates with points, the day first, such as 26.02.2024",
            count=count,
            column=name,
        )
        for name, count in pointed.items()
    ]
