"""Every address has a role that it needs, and each role may do what those before it may."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from in_process import in_process, problem
from made_keys import bearer, made_keys
from samples import sample_detector
from starlette.routing import Mount

from service.access.rights import RIGHTS, right_of
from service.access.roles import Role
from service.app import create_app, load_settings
from service.operations import OPERATIONS
from service.registry import Registry


def addresses() -> set[tuple[str, str]]:
    """Return method and path of every route; a mounted folder is read."""
    found = set()
    routes: list[Any] = [*create_app(Registry(sample_detector()), load_settings()).routes]
    while routes:
        route = routes.pop()
        if (included := getattr(route, "original_router", None)) is not None:
            routes += included.routes
        elif isinstance(route, Mount):
            found.add(("GET", f"{route.path}/{{path:path}}"))
        else:
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
    assert len(found) > 8
    return found


def filled(path: str) -> str:
    """Return an address that a route with names in braces matches."""
    return re.sub(r"{\w+(:path)?}", "swagger-ui.css", path)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(RIGHTS) == addresses()


def test_only_the_probes_need_no_key() -> None:
    probes = {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"}
    assert {path for (_, path), role in RIGHTS.items() if role is None} == probes


def test_operations_need_the_role_score() -> None:
    assert {right_of("POST", operation.path) for operation in OPERATIONS.values()} == {Role.SCORE}
    assert right_of("POST", "/score/stream") is Role.SCORE


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/score"), ("GET", "/score"), ("GET", "/nowhere"), ("OPTIONS", "/healthz"), ("GET", "/healthz/")],
)
def test_what_has_no_row_needs_the_highest_role(method: str, path: str) -> None:
    assert right_of(method, path) is Role.OPERATE


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_its_row_says(role: Role, tmp_path: Path) -> None:
    keys = made_keys(tmp_path / "keys.json")
    with in_process(sample_detector(), keys=tmp_path / "keys.json") as service:
        for (method, path), needed in RIGHTS.items():
            answer = service.request(method, filled(path), headers=bearer(keys[role]))
            if needed is None or list(Role).index(role) >= list(Role).index(needed):
                assert answer.status_code not in (401, 403), (method, path)
            else:
                wanted = f"The key has the role {role}; {method} {filled(path)} needs {needed}."
                assert problem(answer, 403)["detail"].startswith(wanted)
                assert f'scope="{needed}"' in answer.headers["www-authenticate"]
