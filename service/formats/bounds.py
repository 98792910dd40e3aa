"""Bounds of JSON bodies: what would make too many objects is refused before any is made."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from models.strict_json import structure_of
from service.budget import BUDGET
from service.formats.rows import BodySpec
from service.settings import spelt
from service.web.problems import RequestError

_CHECKED_BYTES: Final = 1 << 20  # fewer make some tens of megabytes at most


def require_bounded(content: bytes, spec: BodySpec) -> None:
    """Refuse JSON, or JSON lines, that would make too many objects or have too many fields a record.

    Raises:
        RequestError: It is too much; the error says of what.
    """
    if len(content) <= _CHECKED_BYTES or _excess(content.count, spec) is None:
        return  # the usual case: not too many even where all of them are outside of texts
    counts = dict.fromkeys(b"{[,:", 0)
    for structure in structure_of(content):
        for byte in counts:
            counts[byte] += structure.count(byte)
    if excess := _excess(lambda byte: counts[byte[0]], spec):
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, excess)


def require_few_columns(count: int, spec: BodySpec) -> None:
    """Refuse a table of too many columns."""
    if count > (most := spec.max_columns):
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{count:,} columns are more than {most:,}. Send only those that the detector knows.",
        )


def require_few_lines(content: bytes, spec: BodySpec) -> None:
    """Refuse JSON lines of which most are blank."""
    most = BUDGET.lines_per_row * spec.max_rows
    if (lines := content.count(b"\n")) > most:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{lines:,} lines are more than {most:,}, for at most {spec.max_rows:,} records. Leave out blank lines.",
        )


def _excess(count: Callable[[bytes], int], spec: BodySpec) -> str | None:
    """Return what is too much in a body; None where nothing is."""
    objects, keys = count(b"{"), count(b":")
    containers = objects + count(b"[")
    remedy = f"Send fewer records a request, or raise {spelt('max_body_bytes')}."
    for what, found, weight in (
        ("objects and lists", containers, BUDGET.bytes_per_object),
        ("fields", keys, BUDGET.bytes_per_field),
        ("values", containers + count(b","), BUDGET.bytes_per_value),
    ):
        if found > (most := spec.max_bytes // weight):
            return f"The body holds {found:,} {what}, more than {most:,}. {remedy}"
    if keys > objects * spec.max_columns:
        return f"A record has more than {spec.max_columns:,} fields. Send only those that the detector knows."
    return None
