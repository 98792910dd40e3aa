"""Which role each address of the service needs."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.routing import compile_path

from service.access.roles import Role
from service.operations import OPERATIONS

_DETECTORS: Final = ("", "/detectors/{name}", "/detectors/{name}/versions/{version}")  # before what is asked of one
_MODELS: Final = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
_SCORING: Final = ("/score/stream", *(operation.path for operation in OPERATIONS.values()))

RIGHTS: Final[dict[tuple[str, str], Role | None]] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/detector"): Role.READ,
    ("GET", "/docs"): Role.READ,
    ("GET", "/docs/oauth2-redirect"): Role.READ,
    ("GET", "/docs/static/{path:path}"): Role.READ,
    ("GET", "/openapi.json"): Role.READ,
    ("GET", "/metrics"): Role.READ,
    **{("GET", page): Role.READ for page in ("/", "/start.js", "/start.css")},
    ("GET", "/detectors"): Role.READ,
    ("GET", "/detectors/{name}"): Role.READ,
    ("GET", "/detectors/{name}/versions/{version}"): Role.READ,
    ("GET", "/detectors/{name}/aliases/{alias}"): Role.READ,
    ("PUT", "/detectors/{name}/aliases/{alias}"): Role.OPERATE,
    ("DELETE", "/detectors/{name}/aliases/{alias}"): Role.OPERATE,
    ("GET", "/detectors/{name}/shadow"): Role.READ,
    ("POST", "/detectors/{name}/rollback"): Role.OPERATE,
    ("GET", "/v2"): Role.READ,
    ("GET", "/v2/health/live"): None,
    ("GET", "/v2/health/ready"): None,
    **{("GET", model + path): Role.READ for model in _MODELS for path in ("", "/ready")},
    **{("POST", f"{model}/infer"): Role.SCORE for model in _MODELS},
    **{("POST", detector + path): Role.SCORE for detector in _DETECTORS for path in _SCORING},
}
"""The least role that may ask for an address, None where no key is needed; the paths are written as routes are."""

_NO_ROW: Final[Any] = object()
_PATTERNS: Final[list[tuple[str, re.Pattern[str], Role | None]]] = [
    (method, compile_path(path)[0], role) for (method, path), role in RIGHTS.items() if "{" in path
]


def right_of(method: str, path: str) -> Role | None:
    """Return the least role that may ask for an address; `OPERATE` for one without a row, None if no key is needed.

    Args:
        method: HTTP method; HEAD needs what GET needs.
        path: Decoded path, as routes match it.

    Example:
        >>> right_of("POST", "/score").value, right_of("HEAD", "/docs/static/a.css").value, right_of("GET", "/healthz")
        ('score', 'read', None)
    """
    found = RIGHTS.get((method, path), _NO_ROW)
    return _right_of_others(method, path) if found is _NO_ROW else found  # most requests have a row of their own


def _right_of_others(method: str, path: str) -> Role | None:
    if method == "HEAD":
        return right_of("GET", path)
    return next((role for of_row, pattern, role in _PATTERNS if of_row == method and pattern.match(path)), Role.OPERATE)
