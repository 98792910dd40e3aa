"""Flattening nested records: the fields of an inner object get dotted names, and no name may come twice."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from models.errors import RecordError
from models.schema.names import one_form


def flatten(
    record: Mapping[str, Any], *, within: Container[str] | None = None, wanted: Container[str] | None = None
) -> dict[str, Any]:
    """Return a record with the fields of its nested objects under dotted names, in one form; lists stay as they are.

    Args:
        record: Values by name.
        within: Names of the only objects that are flattened; None for all.
        wanted: Names of the only fields that may not come twice; None for all.

    Raises:
        ValueError: Two fields get the same name, which is the error's text.

    Example:
        >>> flatten({"id": 7, "motor": {"heat": 60.5, "fan": {"on": True}}})
        {'id': 7, 'motor.heat': 60.5, 'motor.fan.on': True}
    """
    flat: dict[str, Any] = {}
    todo = list(record.items())[::-1]  # not by recursion: a caller decides on the depth
    while todo:
        name, value = todo.pop()
        name = one_form(name)
        if isinstance(value, dict) and (within is None or name in within):
            todo += [(f"{name}.{inner}", cell) for inner, cell in reversed(value.items())]
        elif name in flat and (wanted is None or name in wanted):
            raise ValueError(name)
        else:
            flat[name] = value
    return flat


def flat_records(
    records: Sequence[Mapping[str, Any]], names: tuple[str, ...], *, first_record: int = 0
) -> Iterator[Mapping[str, Any]]:
    """Flatten only the objects that dotted names lead into: others could fill the memory.

    Raises:
        RecordError: Two fields get the same name.
    """
    outer = _outer_names(names)
    for index, record in enumerate(records, start=first_record):
        nested = outer and any(isinstance(value, dict) for value in record.values())
        if not nested and all(map(str.isascii, record)):
            yield record
            continue
        try:
            yield flatten(record, within=outer, wanted=names)
        except ValueError as error:
            problem, remedy = "comes twice, once inside another field or in another Unicode form.", "Send it once."
            raise RecordError(problem, record=index, field=str(error), remedy=remedy) from error


def is_in_null(record: Mapping[str, Any], name: str) -> bool:
    """Return True if a field with a dotted name would be in an object that is null."""
    return any(record.get(outer, ...) is None for outer in _outer_names((name,)))


@lru_cache(maxsize=256)
def _outer_names(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the objects that dotted names lead through."""
    paths = [name.split(".") for name in names]
    return frozenset(".".join(path[:depth]) for path in paths for depth in range(1, len(path)))
