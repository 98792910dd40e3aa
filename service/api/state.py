"""The endpoints that say whether the service is alive and ready."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from service.api.dependencies import registry_of
from service.api.schemas import Health, Readiness
from service.registry import Table
from service.web.problems import json_response

router: Final = APIRouter()


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Alive", response_model=Health, response_description="OK")
async def healthz() -> Response:
    """Say that the process answers."""
    return json_response({"status": "ok"})


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Ready",
    response_model=Readiness,
    response_description="OK",
    responses={HTTPStatus.SERVICE_UNAVAILABLE.value: {"model": Readiness, "description": "Not ready."}},
)
async def readyz(request: Request) -> Response:
    """Say that records can be scored, and by which detector: 200 if the default one is loaded."""
    table = registry_of(request).table
    default = table.default_detector
    states = {name: table.state(name) for name in table.entries}
    answer: dict[str, Any] = {
        "status": "ready" if is_ready(table) else "not ready",
        "detector": table.default,
        "version": None if default is None else default.version,
    }
    if len(states) > 1:
        answer["detectors"] = states
    if found := {entry.name: entry.problem for entry in table.entries.values() if entry.problem is not None}:
        answer["problems"] = found
    return json_response(answer, HTTPStatus.OK if is_ready(table) else HTTPStatus.SERVICE_UNAVAILABLE)


def is_ready(table: Table) -> bool:
    """Return whether records can be scored: the default detector is loaded or, without one, not all have failed."""
    if table.default is not None:
        return table.default_detector is not None
    return {table.state(name) for name in table.entries} != {"failed"}
