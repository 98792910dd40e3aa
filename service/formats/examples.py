"""Example bodies for the interface's page, one record each."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec


def lines_example(record: Mapping[str, Any]) -> str:
    """Return a record as JSON lines."""
    return (msgspec.json.encode(record) + b"\n").decode()


def csv_example(record: Mapping[str, Any]) -> str:
    """Return a record as CSV with a header line.

    Example:
        >>> csv_example({"load": 1.5, "open": True, "mode": None}).splitlines()
        ['load,open,mode', '1.5,true,']
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(record)
    cells = (str(value).lower() if isinstance(value, bool) else value for value in record.values())
    writer.writerow("" if cell is None else cell for cell in cells)
    return out.getvalue()
