"""Compares results with those of another run: measures before and after, and the errors whose verdict changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.planted.measures import MEASURES, Found, groups_of, spread_of
from benchmarks.quality.results import Row
from benchmarks.training.tables import row_of, table_head
from models.errors import ConfigError


def comparison_of(before: Sequence[Found], after: Sequence[Found]) -> str:
    """Return two tables of Markdown about the fits that both runs have, by table, method, seed and part.

    Raises:
        ConfigError: They have none in common, or the same fit has other errors.
    """
    earlier = {_key(one): one for one in before}
    pairs = [(earlier[_key(one)], one) for one in after if _key(one) in earlier]
    if not pairs:
        raise ConfigError("--against: the two runs have no table, method, seed and number of errors in common.")
    for first, second in pairs:
        _check_same_errors(first, second)
    return f"{_measures(pairs)}\n\n{_changes(pairs)}"


def _key(one: Found) -> tuple[str, ...]:
    return (one.table, one.method, one.seed, one.part, str(len(one.errors)))


def _check_same_errors(first: Found, second: Found) -> None:
    for error, other in zip(first.errors, second.errors, strict=True):
        if any(error[name] != other[name] for name in ("kind", "row", "columns", "planted")):
            raise ConfigError(
                f"--against: {second.table}, seed {second.seed}, {second.part}: {other['kind']!r} is planted in row "
                f"{other['row']} and was in row {error['row']}: the rules have changed; measure both runs anew."
            )


def _measures(pairs: Sequence[tuple[Found, Found]]) -> str:
    before, after = (groups_of(part) for part in zip(*pairs, strict=True))
    lines = [
        f"Before → after, means over {len(pairs)} fits and parts:\n",
        table_head("table", "method", "part", *(measure.title for measure in MEASURES.values())),
    ]
    for key, group in after.items():
        cells = []
        for measure in MEASURES.values():
            texts = [
                measure.text(None if (spread := spread_of(measure, part)) is None else spread.mean)
                for part in (before[key], group)
            ]
            cells.append(texts[0] if texts[0] == texts[1] else " → ".join(texts))
        lines.append(row_of(*key, *cells))
    return "\n".join(lines)


def _changes(pairs: Iterable[tuple[Found, Found]]) -> str:
    lines = []
    for first, second in pairs:
        for error, other in zip(first.errors, second.errors, strict=True):
            texts = [_verdict(one, row) for one, row in ((first, error), (second, other))]
            if texts[0] != texts[1]:
                where = (second.table, second.method, second.seed, second.part)
                lines.append(row_of(*where, other["kind"], other["columns"].replace("|", ", "), *texts))
    if not lines:
        return "No verdict on an error changed."
    header = table_head("table", "method", "seed", "part", "kind", "column", "before", "after")
    return "\n".join(["Errors with another verdict:\n", header, *lines])


def _verdict(one: Found, error: Row) -> str:
    found = "flagged" if error["flagged"] == "1" else "in the top 2 %" if one.in_top(error) else "missed"
    return f"{found}, {'not ' * (error['blame_right'] == '0')}blamed" if error["blamed"] else found
