"""What the endpoints depend on: the detector that a request means, taken once for the whole request."""

# No annotations as text: FastAPI reads them.
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import Path, Request

from models.detector import Detector
from service.observing.middleware import note_detector
from service.registry import Registry

Name = Annotated[str, Path(description="Name of the detector.")]
Version = Annotated[str, Path(description="Version of the detector, a number.")]


def registry_of(request: Request) -> Registry:
    """Return the registry of the service."""
    registry: Registry = request.app.state.registry
    return registry


async def default_detector(request: Request) -> Detector:
    """Return the active version of the default detector.

    Raises:
        UnknownDetectorError: None is the default.
    """
    return _noted(request, await registry_of(request).get())


async def named_detector(request: Request, name: Name) -> Detector:
    """Return the active version of a detector.

    Raises:
        UnknownDetectorError: There is none of that name.
        NotServedError: It cannot be loaded.
    """
    return _noted(request, await registry_of(request).get(name))


async def detector_of_version(request: Request, name: Name, version: Version) -> Detector:
    """Return a version of a detector.

    Raises:
        UnknownDetectorError: There is no detector or no version of that name.
        NotServedError: It cannot be loaded.
    """
    return _noted(request, await registry_of(request).get(name, version))


def _noted(request: Request, detector: Detector) -> Detector:
    note_detector(request.scope, detector)
    return detector


DETECTORS: Final[dict[str, Callable[..., Coroutine[Any, Any, Detector]]]] = {
    "": default_detector,
    "/detectors/{name}": named_detector,
    "/detectors/{name}/versions/{version}": detector_of_version,
}
"""What stands before the path of an operation, and the detector that it means."""
