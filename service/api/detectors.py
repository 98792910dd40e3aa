"""The endpoints that describe the detectors: the default one, one of a name, and the list of all."""

# No annotations as text: FastAPI reads them.
import asyncio
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from models.detector import Detector
from service.api.dependencies import Name, default_detector, detector_of_version, named_detector, registry_of
from service.api.openapi import problems
from service.api.parameters import NoQuery
from service.api.schemas import DetectorList, DetectorResponse, ShadowResponse, detector_answer
from service.registry import Table
from service.shadow import Shadows
from service.web.problems import json_response

router: Final = APIRouter()

_PROBLEMS: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


@router.head("/detector", include_in_schema=False)
@router.get(
    "/detector",
    summary="The default detector",
    response_model=DetectorResponse,
    response_description="OK",
    responses=_PROBLEMS,
)
async def detector(
    request: Request, detector: Annotated[Detector, Depends(default_detector)], query: Annotated[NoQuery, Query()]
) -> Response:
    """Say what the active version of the default detector is, what it was trained on, and how well it does."""
    return json_response(detector_answer(detector, request.app.state.settings))


@router.head("/detectors", include_in_schema=False)
@router.get(
    "/detectors",
    summary="All detectors",
    response_model=DetectorList,
    response_description="OK",
    responses=problems(HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def detectors(request: Request, query: Annotated[NoQuery, Query()]) -> Response:
    """List the detectors that are served, with their versions and aliases, and which version is active."""
    table = registry_of(request).table
    return json_response({"default": table.default, "detectors": [item_of(table, name) for name in table.entries]})


@router.head("/detectors/{name}", include_in_schema=False)
@router.get(
    "/detectors/{name}",
    summary="A named detector",
    response_model=DetectorResponse,
    response_description="OK",
    responses=_PROBLEMS,
)
async def of_name(
    request: Request, detector: Annotated[Detector, Depends(named_detector)], query: Annotated[NoQuery, Query()]
) -> Response:
    """Say what the active version of a detector is, what it was trained on, and how well it does."""
    return json_response(detector_answer(detector, request.app.state.settings))


@router.head("/detectors/{name}/versions/{version}", include_in_schema=False)
@router.get(
    "/detectors/{name}/versions/{version}",
    summary="A version of a named detector",
    response_model=DetectorResponse,
    response_description="OK",
    responses=_PROBLEMS,
)
async def of_version(
    request: Request, detector: Annotated[Detector, Depends(detector_of_version)], query: Annotated[NoQuery, Query()]
) -> Response:
    """Say what a version of a detector is, what it was trained on, and how well it does."""
    return json_response(detector_answer(detector, request.app.state.settings))


@router.head("/detectors/{name}/shadow", include_in_schema=False)
@router.get(
    "/detectors/{name}/shadow",
    summary="The challenger, compared",
    response_model=ShadowResponse,
    response_description="OK",
    responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def shadow(request: Request, name: Name, query: Annotated[NoQuery, Query()]) -> Response:
    """Say how the version of the alias `challenger` scores the rows that the active version has scored."""
    shadows: Shadows = request.app.state.shadows
    return json_response(await asyncio.to_thread(shadows.of(name).figures))


def item_of(table: Table, name: str) -> dict[str, Any]:
    """Return the fields of `DetectorItem` for a detector."""
    entry = table.entries[name]
    item = {
        "name": name,
        "version": entry.active,
        "versions": list(entry.versions),
        "aliases": dict(entry.aliases),
        "state": table.state(name),
    }
    return item if entry.problem is None else item | {"problem": entry.problem}
