"""Bounds of JSON bodies: what would make too many objects is refused before any is made."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from models.schema import FeatureSchema
from models.strict_json import has_more_fields, structure_of
from service.budget import BUDGET
from service.formats.known_fields import too_many_fields
from service.formats.rows import BodySpec, most_columns
from service.settings import spelt
from service.web.problems import RequestError

_CHECKED_BYTES: Final = 1 << 20  # fewer make some tens of megabytes at most
_ASCII_AND_LATER: Final = bytes(range(0xC0))  # bytes that are no first one of a character beyond ASCII


def require_bounded(content: bytes, spec: BodySpec) -> None:
    """Refuse JSON, or JSON lines, that would make too many objects.

    Raises:
        RequestError: It is too much; the error says of what.
    """
    texts = content.count(b'"') // 2
    if len(content) <= _CHECKED_BYTES or _excess(content, content.count, texts, spec) is None:
        return  # the usual case: not too many even where all of them are outside of texts
    counts = dict.fromkeys(b"{[,:", 0)
    for structure in structure_of(content):
        for byte in counts:
            counts[byte] += structure.count(byte)
    if error := _excess(content, lambda byte: counts[byte[0]], texts - counts[ord(":")], spec):
        raise error


def require_few_fields(content: bytes, schema: FeatureSchema) -> None:
    """Refuse JSON, or JSON lines, of which one object has more fields than a record may have."""
    most = most_columns(schema)
    if len(content) > _CHECKED_BYTES and content.count(b":") > most and has_more_fields(content, most):
        raise too_many_fields(most)


def too_much(what: str, count: int, most: int) -> RequestError:
    """Return the error for a body of too many of something whose number `max_body_bytes` limits."""
    return _refused(
        f"The body holds {count:,} {what}, more than {most:,}. Send fewer records a request, or raise "
        f"{spelt('max_body_bytes')}."
    )


def require_few_columns(count: int, spec: BodySpec) -> None:
    """Refuse a table of too many columns."""
    if count > (most := spec.max_columns):
        raise _refused(f"{count:,} columns are more than {most:,}. Send only those that the detector knows.")


def require_small_head(size: int) -> None:
    """Refuse an Arrow message whose head is too large."""
    if size > (most := BUDGET.arrow_head_bytes):
        raise _refused(
            f"The head of an Arrow message (its schema is one) takes {size:,} bytes or more, beyond {most:,}. Leave "
            "out metadata, and columns that the detector does not know."
        )


def too_long_texts(record: int, size: int) -> RequestError:
    """Return the error for a record whose ids and categories are too long."""
    most = BUDGET.chunk_text_bytes
    return _refused(f"The texts of record {record:,} have {size:,} bytes, more than {most:,}. Send shorter ones.")


def too_many_entries(entries: int, most: int) -> RequestError:
    """Return the error for a dictionary of too many entries."""
    return _refused(f"A dictionary has {entries:,} entries, more than {most:,}. Send values as they are.")


def too_much_grown(size: int, most: int) -> RequestError:
    """Return the error for dictionaries that grow too often: Arrow makes a new one each time."""
    return _refused(
        f"Dictionaries that grow from batch to batch take {size:,} bytes, more than {most:,}. Send whole dictionaries."
    )


def require_few_lines(content: bytes, spec: BodySpec) -> None:
    """Refuse JSON lines of which most are blank."""
    most = BUDGET.lines_per_row * spec.max_rows
    if (lines := content.count(b"\n")) > most:
        raise _refused(
            f"{lines:,} lines are more than {most:,}, for at most {spec.max_rows:,} records. Leave out blank lines."
        )


def _excess(content: bytes, count: Callable[[bytes], int], texts: int, spec: BodySpec) -> RequestError | None:
    """Return the error for what is too much in a JSON body; None where nothing is.

    Args:
        content: The body.
        count: Returns how often a sign of JSON's structure comes, or more.
        texts: Number of texts among its values, or more.
        spec: What is known of the body.
    """
    containers = count(b"{") + count(b"[")
    values = containers + count(b",")
    texts = min(texts, values)
    for what, found, weight in (
        ("objects and lists", containers, BUDGET.bytes_per_object),
        ("fields", count(b":"), BUDGET.bytes_per_field),
        ("texts", texts, BUDGET.bytes_per_text),
        ("values", values, BUDGET.bytes_per_value),
    ):
        if found > (most := spec.max_bytes // weight):
            return too_much(what, found, most)
    most = spec.max_bytes // BUDGET.bytes_per_wide_value
    if values + texts > most and values + (wide := min(texts, _wide_characters(content))) > most:
        return too_much("values (a text beyond ASCII counts twice)", values + wide, most)
    return None


def _wide_characters(content: bytes) -> int:
    """Return the number of characters beyond ASCII of a JSON text, or more: a text with one takes more memory."""
    return len(content.translate(None, _ASCII_AND_LATER)) + content.count(b"\\u")


def _refused(detail: str) -> RequestError:
    return RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
