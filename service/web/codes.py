"""What each class of errors means over HTTP and over gRPC: one table, for both doors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from models.errors import (
    BundleError,
    BusyError,
    ConfigError,
    ConflictError,
    DataError,
    DetectorError,
    NotServedError,
    RecordError,
    ServiceError,
    TableError,
    TooLargeError,
    TrainingError,
    UnknownDetectorError,
    UnreadableError,
)

__all__ = ["CODES", "GRPC_CODES"]

GRPC_CODES: Final = {
    HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.REQUEST_TIMEOUT: "DEADLINE_EXCEEDED",
    HTTPStatus.CONFLICT: "FAILED_PRECONDITION",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    HTTPStatus.UNPROCESSABLE_ENTITY: "INVALID_ARGUMENT",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
}
"""The gRPC code of an HTTP status that a `RequestError` may have; of all others it is INTERNAL."""

_UNUSABLE: Final = (HTTPStatus.UNPROCESSABLE_ENTITY, "INVALID_ARGUMENT")

CODES: Final[dict[type[DetectorError], tuple[HTTPStatus, str]]] = {
    DetectorError: _UNUSABLE,
    ConfigError: _UNUSABLE,
    UnknownDetectorError: (HTTPStatus.NOT_FOUND, "NOT_FOUND"),
    ConflictError: (HTTPStatus.CONFLICT, "FAILED_PRECONDITION"),
    BusyError: (HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    DataError: _UNUSABLE,
    TableError: _UNUSABLE,
    UnreadableError: _UNUSABLE,
    TooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RESOURCE_EXHAUSTED"),
    RecordError: _UNUSABLE,
    BundleError: (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL"),
    NotServedError: (HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    TrainingError: (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL"),
    ServiceError: (HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL"),
}
"""HTTP status and gRPC code of each class; a `RequestError` has a status of its own."""
