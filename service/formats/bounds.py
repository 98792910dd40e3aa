"""What a table that Arrow read may be: of plain types, and no larger than it looks."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.errors import RecordError
from service.settings import Settings
from service.web.body import too_large
from service.web.problems import RequestError

_MAGICS: Final = {"parquet": b"PAR1", "arrow_file": b"ARROW1"}


def require_magic(medium: str, content: bytes) -> None:
    """Check that a body starts as its form does.

    Raises:
        RequestError: It does not.
    """
    magic = _MAGICS.get(medium, b"")
    if not content.startswith(magic):
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            f"The body is no {medium.replace('_', ' ')}: it starts with {content[:6]!r}, not with {magic!r}. Say what "
            "it is in Content-Type.",
        )


def require_plain(name: str, kind: pa.DataType) -> None:
    """Check that a column is of a type that can be scored or echoed.

    Raises:
        RequestError: It is not.
    """
    if pa.types.is_struct(kind):
        for inner in kind:
            require_plain(f"{name}.{inner.name}", inner.type)
        return
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    checks = (
        *(pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null),
        *(pa.types.is_timestamp, pa.types.is_date, pa.types.is_time, pa.types.is_duration),
    )
    if not is_text(plain) and not any(check(plain) for check in checks):
        problem = RecordError(
            f"is of type {kind}.",
            record=None,
            field=name,
            remedy="Send texts, numbers, truth values, dates, times, durations or timestamps.",
        )
        raise RequestError.of_problems([problem])


def require_small_texts(data: pa.Table, settings: Settings) -> None:
    """Refuse texts that are short in the body, because they are shared, and long when they are written out.

    Raises:
        RequestError: They are more than a body may have.
    """
    total = 0
    for column in data.columns:
        for chunk in column.chunks:
            shared = pa.types.is_dictionary(chunk.type)
            texts = chunk.dictionary if shared else chunk
            if is_text(texts.type):
                lengths = _lengths(texts)
                total += pc.sum(lengths.take(chunk.indices) if shared else lengths).as_py() or 0
    if total > settings.max_body_bytes:
        raise too_large(settings)


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column holds texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _lengths(texts: pa.Array) -> pa.Array:
    if not pa.types.is_string_view(texts.type):
        return pc.binary_length(texts)
    views = np.frombuffer(texts.buffers()[1], np.uint32).reshape(-1, 4)  # the first of each is the length
    return pa.array(views[texts.offset : texts.offset + len(texts), 0], pa.int64())
