"""TABLES: the tables in which errors are planted, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.planted.tables import customers, invoices, machines
from benchmarks.quality import tables as real
from models.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

FITTED: Final = 3_000
"""Rows that are fitted."""

FRESH: Final = 1_000
"""Further rows, which are only scored."""

_REAL: Final = {
    "bank": "calls of a bank's campaign",
    "ai4i2020": "readings of a milling machine",
    "income": "answers to a census",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table in which errors are planted.

    Args:
        name: Its name on the command line.
        says: Its description in a few words.
        rows: Takes a number of rows, a seed and the folder of the real files; returns so many rows, or all it has.
        ids: Columns that name a row. Ours gets them with the others, as from a user's file; peers do not.
        file: Its file, where it is real.
    """

    name: str
    says: str
    rows: Callable[[int, int, Path | None], pd.DataFrame]
    ids: tuple[str, ...] = ()
    file: str | None = None

    def check(self, folder: Path | None) -> None:
        """Check that the table can be had.

        Raises:
            ConfigError: It is a real one, and there is no folder.
            TableError: Its file is not in the folder.
        """
        if self.file is not None and folder is None:
            raise ConfigError(f"--data DIR is missing: the table {self.name} is the file {self.file} of that folder.")
        if self.file is not None and folder is not None:
            real.TABLES[self.name].check_files(folder)


def _made(name: str, says: str, make: Callable[[int, int], pd.DataFrame], ids: tuple[str, ...]) -> Table:
    return Table(name=name, says=says, rows=lambda rows, seed, _: make(rows, seed), ids=ids)


def _real(name: str) -> Table:
    table = real.TABLES[name]

    def rows(number: int, seed: int, folder: Path | None) -> pd.DataFrame:
        assert folder is not None  # as `Table.check` says
        features, _ = real.read_features(table, folder / table.file)
        drawn = np.random.default_rng(seed).permutation(len(features))[:number]
        return features.iloc[drawn].reset_index(drop=True)

    return Table(name=name, says=_REAL[name], rows=rows, file=table.file)


TABLES: Final = {
    table.name: table
    for table in (
        _made("invoices", "invoices of a small company, made by rules", invoices.invoices, invoices.IDS),
        _made("machines", "readings of machine tools, made by rules", machines.machines, machines.IDS),
        _made("customers", "customers of a software house, made by rules", customers.customers, customers.IDS),
        *(_real(name) for name in _REAL),
    )
}
"""Tables by the name that ``--tables`` takes."""


def parts_of(table: Table, *, seed: int, folder: Path | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to fit and the fresh rows of a table, without errors; they are drawn from all its rows.

    Raises:
        ConfigError: It is a real table, and there is no folder.
        TableError: Its file is not in the folder.
    """
    table.check(folder)
    rows = table.rows(FITTED + FRESH, seed, folder)
    fresh = np.zeros(len(rows), np.bool_)
    fresh[np.random.default_rng(seed).permutation(len(rows))[: len(rows) * FRESH // (FITTED + FRESH)]] = True
    return rows[~fresh].reset_index(drop=True), rows[fresh].reset_index(drop=True)
