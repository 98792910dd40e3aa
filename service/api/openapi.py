"""The OpenAPI document: what the routes say, with the detector's own columns and examples that work."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from models.detector import Detector
from service.api.schemas import Problem, example_record, request_examples, request_schema
from service.formats.formats import FORMATS
from service.operations import Operation
from service.web.negotiation import CODINGS
from service.web.problems import PROBLEM_JSON, TITLES

_JSON: Final = "application/json"

_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not what its headers say, or is damaged.",
    HTTPStatus.NOT_ACCEPTABLE: "None of the formats in Accept is answered here.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body or the answer would be too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body's format, charset or content coding is not read here.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Records or parameters cannot be used; each place is named.",
    HTTPStatus.NOT_IMPLEMENTED: "The body has another transfer coding than chunked.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many requests wait: send it again after Retry-After seconds.",
}
"""What an address that takes records may refuse."""

_HEADERS: Final = {
    "Detector-Name": "Name of the detector that answered, percent-encoded.",
    "Detector-Version": "Its version, percent-encoded.",
    "Detector-Threshold": "The score above which a record is an anomaly.",
    "Detector-Notes": "A JSON list with a line for each thing that was detected, repaired or is ignored; only where "
    "there are some.",
}
"""What an answer about records says outside of its body."""


def openapi_document(app: FastAPI, detector: Detector) -> dict[str, Any]:
    """Return the OpenAPI document of the service with a detector."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    record = example_record(detector)
    examples = {kind: row.example_of(record) for row in FORMATS.values() if row.example_of for kind in row.types}
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        for status, response in operation["responses"].items():
            if status >= "400":
                response["content"] = {PROBLEM_JSON: response["content"][_JSON]}
        content = operation.get("requestBody", {}).get("content", {})
        if _JSON in content:
            content[_JSON] = {"schema": request_schema(detector), "examples": request_examples(detector)}
        for kind in content.keys() & examples.keys():
            content[kind] = content[kind] | {"examples": {"one record": {"value": examples[kind]}}}
    return document


def documented(operation: Operation) -> dict[str, Any]:
    """Return what the route of an operation says of it."""
    return _documented(FORMATS.keys(), (*CODINGS, "identity")) | {
        "summary": operation.summary,
        "description": operation.description,
        "response_model": operation.answer,
    }


def documented_stream(formats: Collection[str]) -> dict[str, Any]:
    """Return what the route of a stream says of it."""
    return _documented(formats, ("identity",)) | {"summary": "Score a stream", "response_class": Response}


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
        "responses": {HTTPStatus.OK.value: {"headers": headers, "content": answers}, **problems(*_PROBLEMS)},
        "response_description": f"In the format that Accept asks for, {FORMATS[first].summary} where it does not say.",
        "openapi_extra": {"parameters": [coding], "requestBody": {"required": True, "content": bodies}},
    }


def _opaque(name: str) -> dict[str, Any]:
    """Return the schema of what no JSON schema can say more about."""
    schema: dict[str, Any] = {"type": "string", "description": FORMATS[name].summary}
    return {"schema": schema if FORMATS[name].charsets else schema | {"format": "binary"}}
