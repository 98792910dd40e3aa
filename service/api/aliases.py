"""The endpoints that change what is served: aliases of versions, and the way back to the version before."""

# No annotations as text: FastAPI reads them.
import asyncio
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ValidationError

from models.errors import NotServedError, RecordError
from service.api.dependencies import Name, registry_of
from service.api.detectors import item_of
from service.api.openapi import problems
from service.api.parameters import NoQuery
from service.api.schemas import AliasTarget, DetectorItem
from service.hangup import SIGHUP
from service.registry.changes import remove_alias, roll_back, set_alias, version_of
from service.web.content import read_body, whole
from service.web.problems import RequestError, json_response, over_http

router: Final = APIRouter()

Alias = Annotated[
    str, Path(description="Name of the alias, such as champion or challenger: a letter, then letters, digits, _ or -.")
]

_CHANGE: Final[dict[str, Any]] = {
    "response_model": DetectorItem,
    "response_description": "The detector as it is served now.",
    "responses": problems(
        HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
    ),
}
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": AliasTarget.model_json_schema(), "example": {"version": "2"}}},
    }
}
_BODY_PROBLEMS: Final = problems(
    HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE
)


async def sent_version(request: Request) -> str:
    """Return the version that the body names.

    Raises:
        RequestError: The body is no object with a version.
    """
    state = request.app.state
    with state.held_bodies.one() as hold:
        content = whole(await read_body(request, state.settings, state.turns, hold))
    try:
        return AliasTarget.model_validate_json(content).version
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RequestError(HTTPStatus.BAD_REQUEST, 'The body is no JSON. Send {"version": "2"}.') from error
        field = ".".join(map(str, first["loc"])) or None
        problem = RecordError(f"{first['msg']}.", record=None, field=field, remedy='Send {"version": "2"}.')
        raise RequestError.of_problems([problem]) from error


@router.head("/detectors/{name}/aliases/{alias}", include_in_schema=False)
@router.get(
    "/detectors/{name}/aliases/{alias}",
    summary="An alias",
    response_model=AliasTarget,
    response_description="OK",
    responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)
async def read_alias(request: Request, name: Name, alias: Alias, query: Annotated[NoQuery, Query()]) -> Response:
    """Say which version an alias means."""
    return json_response({"version": version_of(registry_of(request).table.entry(name), alias)})


@router.put(
    "/detectors/{name}/aliases/{alias}",
    summary="Set an alias",
    openapi_extra=_BODY,
    **_CHANGE | {"responses": _CHANGE["responses"] | _BODY_PROBLEMS},
)
async def put_alias(
    request: Request,
    name: Name,
    alias: Alias,
    version: Annotated[str, Depends(sent_version)],
    query: Annotated[NoQuery, Query()],
) -> Response:
    """Move an alias to a version, which is loaded and checked before; `champion` answers where no version is named.

    It is kept beside the versions, so that it outlives the service. A version that cannot be loaded changes nothing.
    """
    return await _changed(request, name, lambda: set_alias(registry_of(request), name, alias, version))


@router.delete("/detectors/{name}/aliases/{alias}", summary="Remove an alias", **_CHANGE)
async def delete_alias(request: Request, name: Name, alias: Alias, query: Annotated[NoQuery, Query()]) -> Response:
    """Remove an alias; without `champion`, the latest version that can be loaded answers."""
    return await _changed(request, name, lambda: remove_alias(registry_of(request), name, alias))


@router.post("/detectors/{name}/rollback", summary="Roll back", **_CHANGE)
async def rollback(request: Request, name: Name, query: Annotated[NoQuery, Query()]) -> Response:
    """Make the version that was active before the active one champion again, else the next older one."""
    return await _changed(request, name, lambda: roll_back(registry_of(request), name))


async def _changed(request: Request, name: str, change: Callable[[], None]) -> Response:
    """Make a change on a thread, tell the other workers, and answer with the detector as it is served now."""
    registry = registry_of(request)
    try:
        await asyncio.to_thread(change)
    except NotServedError as error:
        raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, over_http(error)) from error
    if request.app.state.settings.workers > 1 and SIGHUP is not None:
        os.kill(os.getppid(), SIGHUP)  # they follow at once, not at their next look
    table = registry.table
    answer: dict[str, Any] = item_of(table, table.entry(name).name)
    return json_response(answer)
