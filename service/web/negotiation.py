"""Content negotiation: the format and coding of a body, and the format that its sender wants for the answer."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers

from service.formats.formats import FORMATS
from service.web.problems import CLOSE, RequestError

CODINGS: Final = ("gzip", "zstd")
"""The content codings of bodies (Content-Encoding)."""

_BY_TYPE: Final = {kind: name for name, row in FORMATS.items() for kind in row.types}
_USUAL: Final = {"": "json", "*/*": "json", **_BY_TYPE}  # nearly all that comes: not worth a comparison
_PARAMETER: Final = re.compile(r';\s*([^\s;=]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_QUALITY: Final = re.compile(r"[01](\.\d{0,3})?")


def head_of(headers: Headers, *, among: Collection[str] = FORMATS.keys()) -> tuple[str, str | None, str | None]:
    """Return what the headers of a request say of its body: its format, its charset and its coding, or None.

    Raises:
        RequestError: They name a format, charset or coding that is not read, or a transfer coding but chunked.
    """
    if (transfer := ",".join(headers.getlist("transfer-encoding"))) and transfer.strip().lower() != "chunked":
        raise RequestError(
            HTTPStatus.NOT_IMPLEMENTED,
            f"Transfer-Encoding {transfer!r} is not undone here, but for chunked. Say how the body is compressed in "
            "Content-Encoding.",
            headers=CLOSE,
        )
    content_type = headers.get("content-type", "")
    name = format_of(content_type)
    if name is None or name not in among:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type {bare(content_type)!r} is not read here. Send one of {', '.join(content_types(among))}.",
            headers={"Accept": ", ".join(content_types(among))},
        )
    return name, _charset(name, content_type), coding_of(headers.get("content-encoding", ""))


def answer_format(headers: Headers, *, among: Collection[str] = FORMATS.keys()) -> str:
    """Return the format of `among` that the headers of a request ask for.

    Raises:
        RequestError: They accept none of them.
    """
    name = negotiate(",".join(headers.getlist("accept")), among=among)
    if name is None:
        detail = f"None of the formats in Accept is answered here. Accept one of {', '.join(content_types(among))}."
        raise RequestError(HTTPStatus.NOT_ACCEPTABLE, detail)
    return name


def content_types(among: Collection[str] = FORMATS.keys()) -> list[str]:
    """Return the content type of each format, or of some."""
    return [FORMATS[name].types[0] for name in among]


def format_of(content_type: str) -> str | None:
    """Return the format that a content type means, JSON where there is none; None for a format that is not read.

    Example:
        >>> format_of("text/csv; charset=utf-8")
        'csv'
    """
    wanted = bare(content_type)
    return _BY_TYPE.get(wanted) if wanted else "json"


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


def negotiate(accept: str, *, among: Collection[str] = FORMATS.keys()) -> str | None:
    """Return the format that a caller prefers for the answer (RFC 9110, 12.5.1); None where all are refused.

    Among formats of equal quality the one that is named wins over one that a ``*`` matches, then the first.

    Example:
        >>> negotiate("text/csv;q=0.5, application/*;q=0.9")
        'json'
    """
    if (usual := _USUAL.get(accept)) in among:
        return usual
    ranges = list(qualities(accept if accept.strip() else "*/*").items())
    rated = {name: max(_rating(kind, ranges) for kind in FORMATS[name].types) for name in among}
    best = max(rated, key=lambda name: rated[name])  # the first of equals
    return best if rated[best][0] > 0.0 else None


def qualities(accept: str) -> dict[str, float]:
    """Return the quality, from 0 to 1, of each thing that a header such as Accept names.

    Example:
        >>> qualities("gzip;q=0.5, *")
        {'gzip': 0.5, '*': 1.0}
    """
    found: dict[str, float] = {}
    for item in accept.split(","):
        quality = parameters(item).get("q", "1")
        if bare(item) and _QUALITY.fullmatch(quality):
            found[bare(item)] = max(found.get(bare(item), 0.0), min(float(quality), 1.0))
    return found


def _rating(kind: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Return the quality of the most specific range that a type is in, and how specific that is."""
    patterns = ("*/*", f"{kind.partition('/')[0]}/*", kind)
    matches = [(patterns.index(wanted), quality) for wanted, quality in ranges if wanted in patterns]
    if not matches:
        return 0.0, 0
    specific, quality = max(matches)
    return quality, specific


def _charset(format_name: str, content_type: str) -> str | None:
    charset, allowed = parameters(content_type).get("charset", "").lower(), FORMATS[format_name].charsets
    if not charset or not allowed:
        return None
    if charset not in allowed:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The charset {charset!r} is not read here for {FORMATS[format_name].types[0]}. Send UTF-8, and say "
            "charset=utf-8 or nothing.",
        )
    return charset


def coding_of(content_encoding: str) -> str | None:
    """Return the content coding that a header means, a key of `CODINGS`; None for none.

    Raises:
        RequestError: It is none that is read.
    """
    wanted = content_encoding.strip().lower()
    if wanted in ("", "identity"):
        return None
    coding = wanted.removeprefix("x-")
    if coding not in CODINGS:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding {wanted!r} is not read here. Send the body as it is, or one of {', '.join(CODINGS)}.",
            headers={"Accept-Encoding": ", ".join(CODINGS)},
        )
    return coding
