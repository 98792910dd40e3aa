"""Flattening nested records: the fields of an inner object get dotted names, and no name may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from models.errors import RecordError


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the fields of its nested objects under dotted names.

    Lists stay as they are: they are no features.

    Args:
        record: Values by name.

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
        if isinstance(value, dict):
            todo += [(f"{name}.{inner}", cell) for inner, cell in reversed(value.items())]
        elif name in flat:
            raise ValueError(name)
        else:
            flat[name] = value
    return flat


def flat_records(
    records: Sequence[Mapping[str, Any]], names: tuple[str, ...], *, first_record: int = 0
) -> Iterator[Mapping[str, Any]]:
    """Flatten only the nested objects that dotted names lead into: others could fill the memory.

    Args:
        records: Values by name.
        names: The fields that are wanted.
        first_record: Index of the first record in its request, for errors.

    Raises:
        RecordError: Two fields get the same name.
    """
    if not _outer_names(names):
        yield from records
        return
    for index, record in enumerate(records, start=first_record):
        yield _flat(record, names, index)


def is_in_null(record: Mapping[str, Any], name: str) -> bool:
    """Return True if a field with a dotted name would be in an object that is null."""
    return any(record.get(outer, ...) is None for outer in _outer_names((name,)))


def _flat(record: Mapping[str, Any], names: tuple[str, ...], index: int) -> Mapping[str, Any]:
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    outer = _outer_names(names)
    flat: dict[str, Any] = {}
    todo = list(record.items())
    while todo:
        name, value = todo.pop()
        if name in outer and isinstance(value, dict):
            todo += [(f"{name}.{inner}", cell) for inner, cell in value.items()]
        elif name in flat and name in names:
            raise RecordError(
                "comes twice, once inside another field.", record=index, field=name, remedy="Send it once."
            )
        else:
            flat[name] = value
    return flat


@lru_cache(maxsize=256)
def _outer_names(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the objects that dotted names lead through."""
    paths = [name.split(".") for name in names]
    return frozenset(".".join(path[:depth]) for path in paths for depth in range(1, len(path)))
