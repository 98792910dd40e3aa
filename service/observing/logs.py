"""The form of the log: text, or a JSON object a line; never with the values of a record."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, final

LogFormat = Literal["text", "json"]

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure_logging(log_format: LogFormat) -> None:
    """Write the log of this process to standard error, unless it is written somewhere already."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[log_format](_TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


@final
class TextFormatter(logging.Formatter):
    """Writes text; fields stand behind the message, as `name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and where an exception was raised."""
        record.exc_text = None  # another formatter has written it, with the message
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # as logging has it
        """Return the line without what is known of an exception."""
        return super().formatMessage(record) + "".join(f" {name}={value}" for name, value in _fields(record).items())

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802
        """Return where an exception was raised, and its type."""
        return _without_messages(ei[1])


@final
class JsonFormatter(logging.Formatter):
    """Writes a JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = _without_messages(record.exc_info[1])
        return json.dumps(line, default=str)


FORMATTERS: Final[dict[LogFormat, type[logging.Formatter]]] = {"text": TextFormatter, "json": JsonFormatter}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return fields


def _without_messages(error: BaseException | None) -> str:
    """Return the tracebacks of an exception and of its causes, without their messages, which may quote a value."""
    parts: list[str] = []
    while error is not None:
        lines = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{lines}{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\ncaused by\n\n".join(parts)
