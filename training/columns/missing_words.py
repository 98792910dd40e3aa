"""Words that were taken for missing values: counted by spelling, with the setting that keeps one as a category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from models.columns.arrow_cells import plain_cells
from models.errors import Message, Set
from models.messages import joined, phrase, plural
from models.schema import Column, FeatureSchema, Kind
from models.schema.cells import MISSING_TEXTS
from models.tables.table import Table
from training.columns.infer_schema import Finding
from training.columns.roles import Roles

_SHOWN: Final = 5


def find_missing_words(schema: FeatureSchema, table: Table, roles: Roles) -> tuple[Finding, ...]:
    """Return findings about words in cells of the features that stand for a missing value, and about those to keep."""
    findings: list[Finding] = []
    others: Counter[str] = Counter()
    names: list[str] = []
    for column in schema.columns:
        counts = _counts(table, column.name)
        found = {word: count for word, count in counts.items() if word not in column.keep_words}
        findings += [_not_kept(column, word) for word in roles.keep_words.get(column.name, ()) if word not in counts]
        if not any(found):  # a cell that is empty means nothing else
            continue
        if column.kind is Kind.CATEGORICAL:
            keep = Set("keep_words", tuple(f"{column.name}={word}" for word in list(filter(None, found))[:_SHOWN]))
            remedy = phrase("where a word is a category: {setting}", setting=keep)
            what = phrase("{words}: read as missing", words=_listed(found))
            findings.append(Finding(columns=(column.name,), what=what, remedy=remedy))
        else:
            others += Counter(found)
            names.append(column.name)
    if names:
        words = _listed(dict(others.most_common()))
        if len(names) > _SHOWN:
            what = phrase("{words} of {columns:,} columns: read as missing", words=words, columns=len(names))
        else:
            what = phrase("{words}: read as missing", words=words)
        findings.append(Finding(columns=tuple(names[:_SHOWN]), what=what))
    return (*findings,)


def _not_kept(column: Column, word: str) -> Finding:
    what = phrase("no cell is {word!r}, which {setting} names", word=word, setting=Set("keep_words"))
    return Finding(columns=(column.name,), what=what, warning=True)


def _counts(table: Table, name: str) -> dict[str, int]:
    """Return how many cells of a column hold each text that stands for a missing value, the most frequent first."""
    cells = plain_cells(table.data.column(name))
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not pa.types.is_string(cells.type):
        return {}
    trimmed = pc.utf8_trim_whitespace(cells)
    found = trimmed.filter(pc.is_in(trimmed, pa.array(sorted(MISSING_TEXTS), pa.string())))
    counts = {pair["values"]: pair["counts"] for pair in pc.value_counts(found).to_pylist()}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _listed(counts: Mapping[str, int]) -> Message:
    words: list[str] = [
        plural("{word!r} in {count:,} row", "{word!r} in {count:,} rows", count=count, word=word)
        for word, count in counts.items()
    ]
    return joined([*words[:_SHOWN], *(["…"] if len(words) > _SHOWN else [])], by=", ")
