"""A clock that jumps: waits and limits go by the monotonic one; the time of day ends keys and tokens, and no more."""

from __future__ import annotations

import ast
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from in_process import in_process, problem
from made_keys import NOW, bearer
from samples import sample_detector
from serving import REPOSITORY

from service.access.keys import new_key, write_keys
from service.access.roles import Role
from service.registry import Registry
from service.registry.changes import set_alias
from service.registry.following import Follower

# Who asks for the time of day, and why.
OF_DAY = {
    "access/access.py": "ends keys",
    "access/tokens.py": "ends OIDC tokens",
    "administration/keys.py": "writes when a key was made, and checks its last day",
    "client/sending.py": "reads a Retry-After that is a date",
    "observing/logs.py": "says when a line was written",
}
WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def test_the_time_of_day_is_asked_for_where_it_is_meant_alone() -> None:
    service = REPOSITORY / "service"
    found = set()
    for path in service.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if is_call and (node.value.id, node.attr) in WALL_CLOCKS:
                found.add(path.relative_to(service).as_posix())
    assert found <= set(OF_DAY)
    assert "access/access.py" in found


@pytest.mark.parametrize("days", [-1000, 0, 1, 3, 1000])
def test_a_clock_that_jumps_ends_keys_and_takes_nothing_else(
    days: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, kept = new_key("late", Role.READ, now=NOW, expires=NOW + timedelta(days=2))
    always, lasting = new_key("always", Role.READ, now=NOW, rate=1_000)
    write_keys(tmp_path / "keys.json", [kept, lasting])
    with in_process(sample_detector(), keys=tmp_path / "keys.json") as service:
        for key in (late, always):
            assert service.request("GET", "/detector", headers=bearer(key)).status_code == 200
        now = time.time()
        monkeypatch.setattr("service.access.access.time.time", lambda: now + days * 86_400)
        for _ in range(3):
            assert service.request("GET", "/detector", headers=bearer(always)).status_code == 200
        answer = service.request("GET", "/detector", headers=bearer(late))
        if days >= 3:
            assert "has expired" in problem(answer, 401)["detail"]
        else:
            assert answer.status_code == 200


@pytest.mark.parametrize("year", [1975, 2100])
def test_files_of_any_time_are_followed(year: int, many: Path) -> None:
    """What has changed is another time of change, not a later one."""
    registry = Registry.open(many, default="pumps")
    follower = Follower(registry)
    follower.look()
    set_alias(Registry.open(many), "pumps", "champion", "2")  # as another process does
    when = (year - 1970) * 31_556_952
    os.utime(many / "pumps" / "aliases.json", (when, when))
    os.utime(many / "pumps", (when, when))
    follower.look()
    assert registry.active().version == "2"
