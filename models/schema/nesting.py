"""Flattening nested records: the fields of an inner object get dotted names, and no name may come twice."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
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

    Where such an object is null, so are its fields.

    Raises:
        RecordError: Two fields get the same name.
    """
    outer = outer_names(names)
    for index, record in enumerate(records, start=first_record):
        if outer.isdisjoint(record) and all(map(str.isascii, record)):
            yield record
            continue
        try:
            flat = flatten(record, within=outer, wanted=names)
        except ValueError as error:
            problem, remedy = "comes twice, once inside another field or in another Unicode form.", "Send it once."
            raise RecordError(problem, record=index, field=str(error), remedy=remedy) from error
        yield _with_null_objects(flat, names, outer)


def inside(names: Iterable[str], objects: Container[str]) -> list[str]:
    """Return those of some dotted names that lie within some objects.

    Example:
        >>> inside(["a.b", "a.c.d", "ab"], {"a"})
        ['a.b', 'a.c.d']
    """
    return [name for name in names if any(outer in objects for outer in _outer_of(name))]


def without_objects(names: Iterable[str], objects: Container[str]) -> list[str]:
    """Return names without those of objects, in whose place are the names that lie within them.

    Example:
        >>> without_objects(["a", "b", "a.c"], {"a"})
        ['a.c', 'b']
    """
    names = list(names)
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(inside(names, {name}) if name in objects else [name])
    return [name for name in found if name not in objects]


@lru_cache(maxsize=256)
def outer_names(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names of the objects that dotted names lead through."""
    return frozenset(outer for name in names for outer in _outer_of(name))


def _with_null_objects(record: dict[str, Any], names: tuple[str, ...], outer: Container[str]) -> dict[str, Any]:
    """Return a flat record in which each object that is null has null fields instead."""
    objects = {name for name, value in record.items() if value is None and name in outer and name not in names}
    if not objects:
        return record
    others = {name: value for name, value in record.items() if name not in objects}
    return dict.fromkeys(inside(names, objects)) | others


def _outer_of(name: str) -> Iterator[str]:
    """Yield the names of the objects that a dotted name leads through: a and a.b of a.b.c."""
    path = name.split(".")
    yield from (".".join(path[:depth]) for depth in range(1, len(path)))
