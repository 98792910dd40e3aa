"""Rows that are no records (the header line again, units, totals): named with the flag that leaves them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.columns.arrow_cells import numbers_of_texts, plain_cells
from models.errors import Message, Set, TableError, joined
from models.messages import phrase
from models.schema import Kind
from models.schema.cells import is_missing_text, read_number
from models.tables.read_options import HEADER_AGAIN
from models.tables.skipping import repeats_header
from models.tables.table import Table, places_of, rows_by_file
from training.columns.codes import other_marks
from training.columns.infer_schema import Finding
from training.columns.infer_texts import all_parse
from training.columns.roles import Roles

_MOST_WORDS: Final = 0.1  # of the cells of a column that are words, or it is no column of numbers
_SAMPLE: Final = 1000  # different texts
_NAMED: Final = 10  # rows
_SHOWN: Final = 3
_TOTALS: Final = re.compile(
    r"^\s*(grand[ -]?|sub[ -]?)?(totals?|sum|summe|zwischensumme|gesamt(summe)?|total g[eé]n[eé]ral|totale|somma|somme|"
    r"suma|soma|average|mean|durchschnitt|mittelwert|moyenne|media|média|promedio)\s*[:.]?\s*$"
)
_MOST_TOTALS: Final = 0.01  # of the rows; more are a category


def find_stray_rows(table: Table, roles: Roles) -> tuple[Finding, ...]:
    """Return findings about rows that may hold totals.

    Raises:
        TableError: Rows repeat the header line, hold words where most columns of numbers have numbers, or a word for
            totals where all other ids are numbers.
    """
    if len(again := np.flatnonzero(repeats_header(table))):
        several = "" if len(again) > 1 else "s"
        problem = f"{_capital(places_of(table, again))} repeat{several} the header line. Take that out of the file, or "
        raise TableError(problem, "say ", table.to_skip([HEADER_AGAIN]), ".")
    features = [name for name in table.names if _is_feature(name, roles)]
    words, numeric, others = _words_among_numbers(table, features, roles)
    if 2 * len(words) > numeric:
        raise _words_error(table, words)
    rest = [name for name in table.names if name not in features]
    words_of_rest, _, others_of_rest = _words_among_numbers(table, rest, roles)
    for name, mask in words_of_rest.items():
        if name in roles.ids and len(rows := np.flatnonzero(mask & _are_totals(table, name))):
            raise _total_error(table, name, rows)
    return _totals(table, [*words, *others, *words_of_rest, *others_of_rest])


def _is_feature(name: str, roles: Roles) -> bool:
    return name not in (*roles.ids, *roles.exclude, roles.label) and (not roles.include or name in roles.include)


def _words_among_numbers(
    table: Table, names: Sequence[str], roles: Roles
) -> tuple[dict[str, NDArray[np.bool_]], int, list[str]]:
    """Return which rows hold words, by column of numbers; the number of such columns; the other texts."""
    words: dict[str, NDArray[np.bool_]] = {}
    others: list[str] = []
    numeric = 0
    decimal, thousands = table.marks
    number = partial(read_number, decimal=decimal, thousands=thousands)
    for name in names:
        cells = plain_cells(table.data.column(name))
        if not pa.types.is_string(cells.type):
            numeric += pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)
        elif numbers_of_texts(cells, decimal=decimal, thousands=thousands) is not None:
            numeric += 1
        elif (found := _words(name, cells, roles, number)) is None:
            others.append(name)
        else:
            numeric += 1
            words |= {name: found} if found.any() else {}
    return words, numeric, others


def _words(
    name: str, cells: pa.ChunkedArray, roles: Roles, number: Callable[[str], object]
) -> NDArray[np.bool_] | None:
    """Return which of n texts are no numbers `(n,)`; None where these are more than a few, or meant to be."""
    if roles.kinds.get(name, Kind.NUMERIC) is not Kind.NUMERIC:
        return None
    gone = roles.missing_of(name, Kind.CATEGORICAL)
    texts = [text for text in pc.unique(cells).to_pylist() if text is not None and not is_missing_text(text)]
    texts = [text for text in texts if text.strip() not in gone]
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    if 2 * sum(not all_parse([text], number) for text in sample) > len(sample):
        return None
    strays = [text for text in texts if not all_parse([text], number)]
    if strays and other_marks(texts):
        return None  # numbers, all of them
    mask: NDArray[np.bool_] = pc.is_in(cells, pa.array(strays, pa.string())).to_numpy()
    present = int(pc.sum(pc.is_in(cells, pa.array(texts, pa.string()))).as_py() or 0)
    return mask if mask.sum() <= _MOST_WORDS * present else None


def _words_error(table: Table, words: dict[str, NDArray[np.bool_]]) -> TableError:
    counts = np.sum(list(words.values()), axis=0)
    rows = np.flatnonzero(2 * counts > len(words))  # where a row is none, most of its cells are words
    rows = rows if len(rows) else np.flatnonzero(counts)
    examples, different = [], dict[str, None]()
    for name, mask in words.items():
        found = table.data.column(name).take(rows[mask[rows]]).unique().to_pylist()
        examples += [f"{text.strip()!r} in {name!r}" for text in found[:1]]
        different |= dict.fromkeys(text.strip() for text in found)
    more = ", …" if len(examples) > _SHOWN else ""
    several, skip = len(rows) > 1, skip_rows(table, rows)
    what = f"{_capital(places_of(table, rows))} hold{'' if several else 's'} words where all others hold numbers: "
    remedies = []
    if skip is not None:
        they = "they are no records" if several else "it is no record"
        remedies.append(Message(f"if {they} (units, totals), say ", skip))
    if skip is None or len(different) <= _SHOWN:
        missing = tuple(different) if len(different) <= _SHOWN else None
        remedies.append(Message("if the words stand for missing values, say ", Set("missing_values", missing)))
    return TableError(what, f"{', '.join(examples[:_SHOWN])}{more}; ", joined(remedies, by="; "), ".")


def _total_error(table: Table, name: str, rows: NDArray[np.int64]) -> TableError:
    several, skip, first = len(rows) > 1, skip_rows(table, rows), int(rows[0])
    what = f"{_capital(places_of(table, rows))} hold{'' if several else 's'} {_word(table, name, first)!r} where "
    leave_out = Message("say ", skip) if skip is not None else Message("take them out of the files")
    remedy = Message(f"if {'they are totals' if several else 'it is a total'}, and no record, ", leave_out)
    other = Message("; if it is an id, take the column out of ", Set("id"))
    return TableError(what, f"all other ids in {name!r} are numbers; ", remedy, other, ".")


def skip_rows(table: Table, rows: Sequence[int] | NDArray[np.int64]) -> Set | None:
    """Return the flag that leaves out rows, given by index; None where these are many, or differ from file to file."""
    found = rows_by_file(table, rows)
    if len(rows) > _NAMED * len(found) or len(found) < len(table.files):
        return None
    first, *others = found.values()
    return table.to_skip(first) if all(numbers == first for numbers in others) else None


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _totals(table: Table, names: Sequence[str]) -> tuple[Finding, ...]:
    findings = []
    for name in names:
        rows = np.flatnonzero(_are_totals(table, name))
        if not 0 < len(rows) <= max(_SHOWN, _MOST_TOTALS * len(table)):
            continue
        word, places = _word(table, name, int(rows[0])), places_of(table, rows)
        what = phrase("{word!r}: {places} may hold totals, and no record", word=word, places=places)
        flag = skip_rows(table, rows)
        take_out = phrase("if so, take them out of the files")
        remedy = take_out if flag is None else phrase("if so: {setting}", setting=flag)
        findings.append(Finding(columns=(name,), what=what, remedy=remedy, warning=True))
    return tuple(findings)


def _are_totals(table: Table, name: str) -> NDArray[np.bool_]:
    """Return which of n texts are words for totals `(n,)`."""
    texts = pc.utf8_lower(plain_cells(table.data.column(name)))
    mask: NDArray[np.bool_] = pc.fill_null(pc.match_substring_regex(texts, _TOTALS.pattern), False).to_numpy()
    return mask


def _word(table: Table, name: str, row: int) -> str:
    return str(table.data.column(name)[row].as_py().strip())
