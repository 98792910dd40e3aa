"""Problem documents (RFC 9457): every error is rendered here."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from models.columns.from_records import brief_repr
from models.errors import BusyError, DetectorError, Message, RecordError, Set
from models.printable import shortened
from service.api.parameters import ReadingQuery
from service.observing.middleware import seen_in
from service.observing.request_ids import HEADER
from service.settings import spelt
from service.web.closing import ClosingResponse
from service.web.codes import CODES

PROBLEM_JSON: Final = "application/problem+json"

MOST_PROBLEMS: Final = 100
"""Most errors that a problem document lists; its `total` counts all that were found."""

TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}  # Python 3.12 has the older phrases
"""Phrases of RFC 9110."""

CLOSE: Final = {"Connection": "close"}
"""Headers of a response after which the connection is closed: the rest of the body is dropped, or is none."""

RETRY_LATER: Final = {"Retry-After": "1"}
"""Headers of a response to a request that may be answered a second later."""

_INFERENCE: Final = "/v2"  # the path of the Open Inference Protocol
_LONGEST_NAME: Final = 60  # characters of a query parameter's name that are shown

log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request as a whole cannot be answered.

    Args:
        detail: What is wrong and what to do, in one line.
        errors: One object for each error: record, field, problem, remedy.
        total: Number of errors; `errors` may list only some of them.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        total: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.errors = errors
        self.total = max(total, len(errors))
        self.headers = headers or {}
        super().__init__(detail)

    def closing(self) -> RequestError:
        """Return the same error, after which the connection is closed: the rest of the body is not read."""
        headers = {**self.headers, **CLOSE}
        return RequestError(self.status, self.detail, errors=self.errors, total=self.total, headers=headers)

    @classmethod
    def of_problems(cls, problems: Sequence[DetectorError], *, total: int = 0, at_least: bool = False) -> RequestError:
        """Return the error of a request with problems in its records or parameters.

        Args:
            problems: All of them, or the first ones.
            total: Number of all that were found, where these are not all.
            at_least: There may be more that were not looked for.
        """
        total = max(total, len(problems))
        others = f"{'at least ' * at_least}{total - 1:,} more problem{'s' * (total > 2)}"
        more = f" ({others}: see errors.)" if total > 1 else ""
        errors = [_error_object(problem) for problem in problems[:MOST_PROBLEMS] if isinstance(problem, RecordError)]
        return cls(HTTPStatus.UNPROCESSABLE_ENTITY, f"{over_http(problems[0])}{more}", errors=errors, total=total)


def request_error_of(error: DetectorError | RequestError) -> RequestError:
    """Return an error as that of a request, with the status of its class."""
    if isinstance(error, RequestError):
        return error
    found = RequestError.of_problems([error])
    found.status, _ = CODES[type(error)]
    if isinstance(error, BusyError):
        found.headers = RETRY_LATER
    return found


def over_http(error: DetectorError) -> str:
    """Return the message of an error; the flags that say how CSV is written become query parameters."""
    return note_over_http(error.message)


def note_over_http(note: str) -> str:
    """Return a note or a message as plain text, with query parameters in the place of flags."""
    return note.spelt(_parameter) if isinstance(note, Message) else note


def _parameter(setting: Set) -> str:
    """Return a setting as a caller of the service gives it; one that only training has stays a flag."""
    if setting.name == "encoding":
        return "=".join(["charset", *setting.texts]) + " in Content-Type"
    if setting.name not in ReadingQuery.model_fields:
        return str(setting)
    values = [*(quote(text, safe=",;'|") for text in setting.texts), *setting.like.split()]
    if isinstance(setting.value, bool):
        values = ["present" if setting.value else "absent"]
    return f"?{setting.name.replace('_', '-')}={','.join(values)}"


def too_many_rows(rows: int, most: int) -> RequestError:
    """Return the error for a request of too many records."""
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{rows:,} records are more than {most:,}. Send fewer a request, or raise {spelt('max_rows')}.",
    )


def too_many_values(values: int, most: int, *, remedy: str) -> RequestError:
    """Return the error for an answer of too many values."""
    detail = f"The answer would hold {values:,} values, more than {most:,}. {remedy}"
    return RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def too_large(max_bytes: int) -> RequestError:
    """Return the error for a body of too many bytes."""
    return RequestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {max_bytes:,} bytes. Send fewer records a request, or raise "
        f"{spelt('max_body_bytes')}.",
        headers=CLOSE,
    )


def json_of(content: Mapping[str, Any]) -> bytes:
    """Return an object as JSON; a `Message` in it is a text."""
    return msgspec.json.encode(content, enc_hook=_text)


def json_response(content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return the response that answers an object as JSON."""
    return Response(json_of(content), status_code=status.value, media_type="application/json")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotImplementedError(f"{type(value).__name__} is not answered.")
    return str(value)


def problem_of(error: RequestError, *, beside: Mapping[str, Any] = MappingProxyType({})) -> Response:
    """Return an error as a problem document, with members beside those; its title is the phrase of its status."""
    status = error.status
    title = TITLES.get(status.value, status.phrase)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status.value,
        "detail": shortened(error.detail),
    }
    if error.errors:
        body |= {"errors": list(error.errors), "total": error.total}
    body |= beside
    kind = ClosingResponse if CLOSE.items() <= error.headers.items() else Response
    return kind(json_of(body), status_code=status.value, media_type=PROBLEM_JSON, headers=dict(error.headers))


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


def _error_object(error: RecordError) -> dict[str, Any]:
    return {
        "record": error.record,
        "field": error.field,
        "problem": error.problem,
        "remedy": note_over_http(error.remedy),
    }


async def _request_error(request: Request, error: DetectorError | RequestError) -> Response:
    return _answered(request, request_error_of(error))


def _answered(request: Request, error: RequestError) -> Response:
    """Return a problem document; clients of the Open Inference Protocol read what it says in `error`."""
    is_inference = request.url.path.startswith(_INFERENCE)
    return problem_of(error, beside={"error": shortened(error.detail)} if is_inference else {})


async def _query_error(request: Request, error: RequestValidationError) -> Response:
    """Render pydantic's errors: name the parameter, show what came and say what to send."""
    models = [parameter.field_info.annotation for parameter in request.scope["route"].dependant.query_params]
    known = [field.alias or name for model in models for name, field in model.model_fields.items()]
    takes = f"This address takes {', '.join(known)}." if known else "This address takes none."
    return _answered(request, RequestError.of_problems([_query_problem(item, takes) for item in error.errors()]))


def _query_problem(item: Mapping[str, Any], takes: str) -> RecordError:
    name = str(item["loc"][-1])
    field = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}…"
    if item["type"] == "extra_forbidden":
        return RecordError("is no query parameter.", record=None, field=field, remedy=takes)
    wanted = item["ctx"].get("expected") or item["ctx"]["error"]
    return RecordError(f"got {brief_repr(item['input'])}.", record=None, field=field, remedy=f"Send {wanted}.")


async def _http_error(request: Request, error: HTTPException) -> Response:
    listed = " The addresses are listed at /docs." if request.app.state.settings.docs else ""
    detail = f"{request.method} {request.url.path}: {error.detail}.{listed}"
    return _answered(request, RequestError(HTTPStatus(error.status_code), detail, headers=error.headers))


async def _unexpected_error(request: Request, error: Exception) -> Response:
    """Answer an unexpected error; the service's log has the traceback."""
    name = seen_in(request.scope).request_id.decode()
    log.error("unexpected error", exc_info=error, extra={"fields": {"id": name}})
    detail = f"The service met an error of its own; its log says more about request {name}."
    headers = {HEADER.decode(): name}  # the middleware does not see this answer
    return _answered(request, RequestError(HTTPStatus.INTERNAL_SERVER_ERROR, detail, headers=headers))


async def _client_gone(request: Request, error: ClientDisconnect) -> Response:
    """Answer a client that left before its body had come; nobody reads it."""
    return Response(status_code=HTTPStatus.BAD_REQUEST.value)


_HANDLERS: Final[dict[type[Exception], Any]] = {
    RequestError: _request_error,
    RequestValidationError: _query_error,
    DetectorError: _request_error,
    HTTPException: _http_error,
    ClientDisconnect: _client_gone,
    Exception: _unexpected_error,
}
"""The handler of each kind of error; the most specific row is used."""
