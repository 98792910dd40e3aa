"""The forms that records and answers have: a row a form, known by its content type."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A form of bodies and answers.

    Args:
        types: Content types that mean it; the first is what answers say.
        summary: What it is, for the interface's page.
        arrow: It is read and written by Arrow, which is loaded for the first such request.
        charsets: Character encodings that its content type may name; none for what is no text.
    """

    types: tuple[str, ...]
    summary: str
    arrow: bool = True
    charsets: tuple[str, ...] = ()


_UTF_8: Final = ("utf-8", "utf8", "us-ascii", "ascii")
_TEXT: Final = (
    *_UTF_8,
    *("utf-16", "utf-16le", "utf-16be"),
    *("iso-8859-1", "latin-1", "latin1", "iso-8859-15", "windows-1252", "cp1252"),
)

MEDIA: Final[dict[str, Medium]] = {
    "json": Medium(types=("application/json",), summary="JSON", arrow=False, charsets=_UTF_8),
    "jsonl": Medium(
        types=("application/x-ndjson", "application/jsonl", "application/ndjson"),
        summary="JSON lines: an object a line",
        arrow=False,
        charsets=_UTF_8,
    ),
    "csv": Medium(types=("text/csv",), summary="CSV with a header line", charsets=_TEXT),
    "arrow": Medium(types=("application/vnd.apache.arrow.stream",), summary="Arrow stream"),
    "arrow_file": Medium(types=("application/vnd.apache.arrow.file",), summary="Arrow file (Feather 2)"),
    "parquet": Medium(types=("application/vnd.apache.parquet",), summary="Parquet"),
    "raw": Medium(types=("application/octet-stream",), summary="numbers alone, row after row", arrow=False),
}
"""The forms by name; of those that a caller likes equally, the first is answered."""

_FORMS: Final = {kind: name for name, medium in MEDIA.items() for kind in medium.types}
_LIKED: Final = {"": "json", "*/*": "json", **_FORMS}  # nearly all that comes: not worth a comparison
_PARAMETER: Final = re.compile(r';\s*([^\s;=]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_QUALITY: Final = re.compile(r"[01](\.\d{0,3})?")


def content_types(among: Collection[str] = MEDIA.keys()) -> list[str]:
    """Return the content type of each form, or of some."""
    return [MEDIA[name].types[0] for name in among]


def medium_of(content_type: str) -> str | None:
    """Return the form that a content type means, JSON where there is none; None where it is no form of ours.

    Example:
        >>> medium_of("text/csv; charset=utf-8")
        'csv'
    """
    wanted = bare(content_type)
    return _FORMS.get(wanted) if wanted else "json"


def bare(content_type: str) -> str:
    """Return a content type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def parameters(content_type: str) -> dict[str, str]:
    """Return the parameters of a content type, names in lower case.

    Example:
        >>> parameters('text/csv; Charset="utf-8"')
        {'charset': 'utf-8'}
    """
    _, semicolon, rest = content_type.partition(";")
    return {name.lower(): value.strip().strip('"') for name, value in _PARAMETER.findall(semicolon + rest)}


def negotiate(accept: str, *, among: Collection[str] = MEDIA.keys()) -> str | None:
    """Return the form of the answer that a caller likes best (RFC 9110, 12.5.1); None where all are refused.

    Among forms of equal quality the one that is named wins over one that a ``*`` lets in, then the first.

    Args:
        accept: The header.
        among: Keys of `MEDIA` that can be answered.

    Example:
        >>> negotiate("text/csv;q=0.5, application/*;q=0.9")
        'json'
    """
    if (liked := _LIKED.get(accept)) in among:
        return liked
    ranges = list(qualities(accept if accept.strip() else "*/*").items())
    rated = {name: max(_rating(kind, ranges) for kind in MEDIA[name].types) for name in among}
    best = max(rated, key=lambda name: rated[name])  # the first of equals
    return best if rated[best][0] > 0.0 else None


def qualities(accept: str) -> dict[str, float]:
    """Return how much a caller likes each thing that a header such as Accept names, from 0 to 1.

    Example:
        >>> qualities("gzip;q=0.5, *")
        {'gzip': 0.5, '*': 1.0}
    """
    liked: dict[str, float] = {}
    for part in accept.split(","):
        quality = parameters(part).get("q", "1")
        if bare(part) and _QUALITY.fullmatch(quality):
            liked[bare(part)] = max(liked.get(bare(part), 0.0), min(float(quality), 1.0))
    return liked


def _rating(kind: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the quality of the most specific range that a type is in, and how specific that is."""
    patterns = ("*/*", f"{kind.partition('/')[0]}/*", kind)
    matches = [(patterns.index(wanted), quality) for wanted, quality in ranges if wanted in patterns]
    if not matches:
        return 0.0, 0
    specific, quality = max(matches)
    return quality, specific
