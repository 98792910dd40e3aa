"""The OpenAPI document: what the routes say, with the detector's own columns and examples that work."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from models.detector import Detector
from service.access.rights import right_of
from service.api.schemas import Problem, example_record, request_examples, request_schema
from service.formats.formats import FORMATS
from service.operations import OPERATIONS, Operation
from service.web.negotiation import CODINGS
from service.web.problems import PROBLEM_JSON, TITLES

_JSON: Final = "application/json"

_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not what its headers say, or is damaged.",
    HTTPStatus.NOT_FOUND: "There is no such detector or version, or no detector is the default.",
    HTTPStatus.NOT_ACCEPTABLE: "None of the formats in Accept is answered here.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body or the answer would be too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body's format, charset or content coding is not read here.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Records or parameters cannot be used; each place is named.",
    HTTPStatus.CONFLICT: "It cannot be done with the detector as it is kept.",
    HTTPStatus.NOT_IMPLEMENTED: "The body has another transfer coding than chunked.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many requests wait: send it again after Retry-After seconds. Or the "
    "detector cannot be loaded.",
}
"""What an address that takes records may refuse."""

_REFUSALS: Final = {
    HTTPStatus.UNAUTHORIZED: "No valid key was sent.",
    HTTPStatus.FORBIDDEN: "The key's role may not ask for this.",
    HTTPStatus.TOO_MANY_REQUESTS: "More requests than the key may send: send it again after Retry-After seconds.",
}
"""What each address that needs a key may refuse."""

_SCHEME: Final = "key"
_KEYS: Final = "An API key: Authorization: Bearer KEY. The role that each operation needs stands with it."

_HEADERS: Final = {
    "Detector-Name": "Name of the detector that answered, percent-encoded.",
    "Detector-Version": "Its version, percent-encoded.",
    "Detector-Threshold": "The score above which a record is an anomaly.",
    "Detector-Notes": "A JSON list with a line for each thing that was detected, repaired or is ignored; only where "
    "there are some.",
}
"""What an answer about records says outside of its body."""


_BY_NAME: Final = " by a named detector"
_TAKES_ROWS: Final = tuple(operation.path for operation in OPERATIONS.values())
_OF_DEFAULT: Final = frozenset(_TAKES_ROWS)
_PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
_RECORD: Final = {"type": "object", "title": "Record", "additionalProperties": True}
_ANY_RECORDS: Final = {
    "anyOf": [_RECORD, {"type": "array", "title": "Records", "items": _RECORD, "minItems": 1}],
    "description": "Records with the columns that `GET /detectors/NAME` names.",
}


def openapi_document(app: FastAPI, detector: Detector | None, *, with_keys: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document of the service; with the columns of the default detector, if there is one.

    Args:
        app: The application.
        detector: The default detector.
        with_keys: Callers need a key.
    """
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for path, methods in document["paths"].items():
        of_path = detector if path in _OF_DEFAULT else None
        for operation in methods.values():
            for response in operation["responses"].values():
                if response.get("content", {}).get(_JSON, {}).get("schema") == _PROBLEM_SCHEMA:
                    response["content"] = {PROBLEM_JSON: response["content"][_JSON]}
            if _JSON in (content := operation.get("requestBody", {}).get("content", {})) and path.endswith(_TAKES_ROWS):
                _describe_bodies(content, of_path)
    return _secured(document) if with_keys else document


def _secured(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that says which role each operation needs, and how a key is sent."""
    document["components"]["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer", "description": _KEYS}}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if (role := right_of(method.upper(), path)) is None:
                continue
            operation["security"] = [{_SCHEME: [role.value]}]
            for status, meaning in _REFUSALS.items():
                said = {"description": f"{status.phrase}: {meaning}"}
                operation["responses"][str(status.value)] = said | {
                    "content": {PROBLEM_JSON: {"schema": _PROBLEM_SCHEMA}}
                }
    return document


def _describe_bodies(content: dict[str, Any], detector: Detector | None) -> None:
    """Put the columns of a detector into the schemas of bodies, and an example; nothing where it is not known."""
    if detector is None:
        content[_JSON] = {"schema": _ANY_RECORDS}
        return
    content[_JSON] = {"schema": request_schema(detector), "examples": request_examples(detector)}
    record = example_record(detector)
    examples = {kind: row.example_of(record) for row in FORMATS.values() if row.example_of for kind in row.types}
    for kind in content.keys() & examples.keys():
        content[kind] = content[kind] | {"examples": {"one record": {"value": examples[kind]}}}


def documented(operation: Operation, *, named: bool) -> dict[str, Any]:
    """Return what the route of an operation says of it; `named` if its path names the detector."""
    return _documented(FORMATS.keys(), (*CODINGS, "identity")) | {
        "summary": operation.summary + _BY_NAME * named,
        "description": operation.description,
        "response_model": operation.answer,
    }


def documented_stream(formats: Collection[str], *, named: bool) -> dict[str, Any]:
    """Return what the route of a stream says of it."""
    summary = "Score a stream" + _BY_NAME * named
    return _documented(formats, ("identity",)) | {"summary": summary, "response_class": Response}


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a route may answer, for its `responses`."""
    return {
        status.value: {
            "model": Problem,
            "description": f"{TITLES.get(status.value, status.phrase)}: {_PROBLEMS[status]}",
        }
        for status in statuses
    }


def _documented(formats: Collection[str], codings: Collection[str]) -> dict[str, Any]:
    first = next(iter(formats))
    headers = {
        name: {"description": text, "schema": {"type": "string"}, "required": name != "Detector-Notes"}
        for name, text in _HEADERS.items()
    }
    coding = {"name": "Content-Encoding", "in": "header", "required": False} | {
        "description": "How the body is compressed.",
        "schema": {"type": "string", "enum": list(codings)},
    }
    bodies = {kind: _opaque(name) for name in formats for kind in FORMATS[name].types}
    answers = {FORMATS[name].types[0]: _opaque(name) for name in formats if name != "json"}
    return {
        "responses": {
            HTTPStatus.OK.value: {"headers": headers, "content": answers},
            **problems(*(status for status in _PROBLEMS if status != HTTPStatus.CONFLICT)),
        },
        "response_description": f"In the format that Accept asks for, {FORMATS[first].summary} where it does not say.",
        "openapi_extra": {"parameters": [coding], "requestBody": {"required": True, "content": bodies}},
    }


def _opaque(name: str) -> dict[str, Any]:
    """Return the schema of what no JSON schema can say more about."""
    schema: dict[str, Any] = {"type": "string", "description": FORMATS[name].summary}
    return {"schema": schema if FORMATS[name].charsets else schema | {"format": "binary"}}
