"""The OpenAPI document: every form, answer and header, with the detector's own columns and examples that work."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from models.detector import Detector
from service.api.query import PARAMETERS
from service.api.routes import SCORING_PATHS
from service.api.schemas import (
    DetectorResponse,
    EmbedResponse,
    Health,
    Problem,
    Readiness,
    ReconstructResponse,
    ScoreResponse,
    example_record,
    request_examples,
    request_schema,
)
from service.streaming.bodies import STREAMED
from service.web.body import PACKINGS, SCHEMA_HEADER
from service.web.negotiation import MEDIA
from service.web.problems import PROBLEM_JSON, TITLES

_REFERENCE: Final = "#/components/schemas/{model}"
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    "/score": ScoreResponse,
    "/embed": EmbedResponse,
    "/reconstruct": ReconstructResponse,
    "/detector": DetectorResponse,
    "/healthz": Health,
    "/readyz": Readiness,
}
"""What each address answers with in JSON; an address of streams has none."""

_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "The body is not what its headers say, or is damaged.",
    HTTPStatus.NOT_ACCEPTABLE: "None of the forms in Accept is answered here.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.CONFLICT: "The body is for another schema than the active detector's.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body or the answer would be too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body's form, charset or packing is not read here.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many requests wait: send it again after Retry-After seconds.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Records or parameters cannot be used; each place is named.",
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

_DIGEST_HEADER: Final = {
    "name": SCHEMA_HEADER,
    "in": "header",
    "required": False,
    "description": "Of a body of numbers alone: the schema_digest of the detector whose columns it has.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
}


def openapi_document(app: FastAPI, detector: Detector) -> dict[str, Any]:
    """Return the OpenAPI document of the service with a detector."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models = [(model, "serialization") for model in (*_ANSWERS.values(), Problem)]
    _, schemas = models_json_schema(models, ref_template=_REFERENCE)  # type: ignore[arg-type]  # a literal is wanted
    document["components"] = {"schemas": schemas["$defs"]}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _describe(path, operation, detector)
    return document


def _describe(path: str, operation: dict[str, Any], detector: Detector) -> None:
    shape = _ANSWERS.get(path)
    answer = {"schema": {"$ref": _REFERENCE.format(model=shape.__name__)}} if shape else {}
    if path not in SCORING_PATHS:
        operation["responses"] = {"200": {"description": "OK", "content": {"application/json": answer}}}
        if path == "/detector":
            operation["responses"] |= _problems(HTTPStatus.UNPROCESSABLE_ENTITY)
        return
    streams = shape is None
    forms = [name for name in MEDIA if not streams or name in STREAMED]
    operation["parameters"] = [
        {"name": name, "in": "query", "required": False}
        | {"description": PARAMETERS[name].description, "schema": dict(PARAMETERS[name].schema)}
        for name in SCORING_PATHS[path]
    ] + [_packing_header(["gzip"] if streams else PACKINGS), _DIGEST_HEADER]
    operation["requestBody"] = {"required": True, "content": _request_content(detector, forms)}
    operation["responses"] = {
        "200": {
            "description": f"In the form that Accept asks for, {MEDIA[forms[0]].summary} where it does not say.",
            "headers": {
                name: {"description": text, "schema": {"type": "string"}, "required": name != "Detector-Notes"}
                for name, text in _HEADERS.items()
            },
            "content": {MEDIA[name].types[0]: answer if name == "json" else _opaque(name) for name in forms},
        }
    } | _problems(*_PROBLEMS)


def _packing_header(packings: Iterable[str]) -> dict[str, Any]:
    schema = {"type": "string", "enum": [*packings, "identity"]}
    return {"name": "Content-Encoding", "in": "header", "required": False} | {
        "description": "How the body is packed.",
        "schema": schema,
    }


def _problems(*statuses: HTTPStatus) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}}}
    return {
        str(status.value): {
            "description": f"{TITLES.get(status.value, status.phrase)}: {_PROBLEMS[status]}",
            "content": content,
        }
        for status in statuses
    }


def _request_content(detector: Detector, forms: Sequence[str]) -> dict[str, Any]:
    record = example_record(detector)
    examples = {
        "jsonl": (msgspec.json.encode(record) + b"\n").decode(),
        "csv": _csv_example(record),
    }
    content: dict[str, Any] = {}
    for name in forms:
        if name == "json":
            form = {"schema": request_schema(detector), "examples": request_examples(detector)}
        else:
            form = _opaque(name)
            if name in examples:
                form["examples"] = {"one record": {"value": examples[name]}}
        content |= dict.fromkeys(MEDIA[name].types, form)
    return content


def _opaque(name: str) -> dict[str, Any]:
    """Return the schema of what no JSON schema can say more about."""
    form: dict[str, Any] = {"type": "string", "description": MEDIA[name].summary}
    return {"schema": form if MEDIA[name].charsets else form | {"format": "binary"}}


def _csv_example(record: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(record)
    cells = (str(value).lower() if isinstance(value, bool) else value for value in record.values())
    writer.writerow("" if cell is None else cell for cell in cells)
    return out.getvalue()
