"""Errors as they are answered: problem documents (RFC 9457), made in one place from a table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from models.errors import DetectorError, RecordError

PROBLEM_JSON: Final = "application/problem+json"

_TITLES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}  # RFC 9110; Python 3.12 has older ones

log = logging.getLogger(__name__)


class RequestError(Exception):
    """A request as a whole cannot be answered.

    Args:
        status: What HTTP calls it.
        detail: What is wrong and what to do.
    """

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)


def problem(status: HTTPStatus, detail: str, *, errors: Sequence[dict[str, Any]] = ()) -> Response:
    """Return a problem document.

    Args:
        status: Its status code; the title is the code's phrase.
        detail: What is wrong and what to do, in one line.
        errors: One object a place: record, field, problem, remedy.
    """
    title = _TITLES.get(status.value, status.phrase)
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status.value,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(msgspec.json.encode(body), status_code=status.value, media_type=PROBLEM_JSON)


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


async def _request_error(request: Request, error: RequestError) -> Response:
    return problem(error.status, error.detail)


async def _record_error(request: Request, error: RecordError) -> Response:
    place = {"record": error.record, "field": error.field, "problem": error.problem, "remedy": error.remedy}
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors=[place])


async def _detector_error(request: Request, error: DetectorError) -> Response:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


async def _validation_error(request: Request, error: RequestValidationError) -> Response:
    errors = [
        {"record": None, "field": ".".join(map(str, one["loc"])), "problem": one["msg"], "remedy": "See /docs."}
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['field']}: {one['problem']}" for one in errors)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{detail}. See /docs.", errors=errors)


async def _http_error(request: Request, error: HTTPException) -> Response:
    detail = f"{request.method} {request.url.path}: {error.detail}. The addresses are listed at /docs."
    answer = problem(HTTPStatus(error.status_code), detail)
    answer.headers.update(error.headers or {})
    return answer


async def _unexpected_error(request: Request, error: Exception) -> Response:
    """Answer what we did not foresee; the service's log has the traceback."""
    log.error("unexpected error", exc_info=error, extra={"path": request.url.path})
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The service met an error of its own; its log says more.")


async def _client_gone(request: Request, error: ClientDisconnect) -> Response:
    """Answer nobody: the client left before its body had come."""
    return Response(status_code=HTTPStatus.BAD_REQUEST.value)


_HANDLERS: Final[dict[type[Exception], Any]] = {
    RequestError: _request_error,
    RecordError: _record_error,
    DetectorError: _detector_error,
    RequestValidationError: _validation_error,
    HTTPException: _http_error,
    ClientDisconnect: _client_gone,
    Exception: _unexpected_error,
}
"""How each kind of error is answered; the most specific row wins."""
