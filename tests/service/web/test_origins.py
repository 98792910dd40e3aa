"""Pages of other sites read answers only where their origin is named; the fast path stays on for all other callers."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import InProcess, in_process
from made_keys import bearer, made_keys
from samples import sample_detector, sample_record

from service.access.roles import Role

BODY = json.dumps(sample_record())
ORIGIN = "https://board.example"
ASKED = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(params=[True, False], ids=["fast path on", "fast path off"])
def fast(request: pytest.FixtureRequest) -> bool:
    on: bool = request.param
    return on


@pytest.fixture
def keys(tmp_path: Path) -> dict[Role, str]:
    return made_keys(tmp_path / "keys.json")


@pytest.fixture
def named(fast: bool, keys: dict[Role, str], tmp_path: Path) -> Iterator[InProcess]:
    origins = f"https://other.example, {ORIGIN}/"
    with in_process(sample_detector(), fast_path=fast, cors_origins=origins, keys=tmp_path / "keys.json") as service:
        yield service


def test_no_answer_says_that_another_site_may_read_it_unless_it_is_named(fast: bool) -> None:
    with in_process(sample_detector(), fast_path=fast) as service:
        answer = service.post(BODY, origin=ORIGIN)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert service.request("OPTIONS", "/score", headers=ASKED).status_code == 405


def test_a_named_origin_may_ask_and_read(named: InProcess, keys: dict[Role, str]) -> None:
    preflight = named.request("OPTIONS", "/score", headers=ASKED)  # a browser sends no key with it
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    plain = named.post(BODY, **bearer(keys[Role.SCORE]))
    assert "access-control-allow-origin" not in plain.headers
    for body, status in ((BODY, 200), (json.dumps([sample_record()] * 500), 200), ("{", 400)):
        answer = named.post(body, origin=ORIGIN, **bearer(keys[Role.SCORE]))
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Detector-Version" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
        assert body != BODY or answer.content == plain.content
    refused = named.post(BODY, origin=ORIGIN)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_another_origin_may_not_read(named: InProcess, keys: dict[Role, str]) -> None:
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example"):
        assert named.request("OPTIONS", "/score", headers=ASKED | {"Origin": origin}).status_code == 400
        answer = named.post(BODY, origin=origin, **bearer(keys[Role.SCORE]))
        assert "access-control-allow-origin" not in answer.headers


def test_the_fast_path_stays_on_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service")
    with in_process(sample_detector(), fast_path=True, cors_origins=ORIGIN) as service:
        assert service.post(BODY).status_code == 200
    assert not [record for record in caplog.records if record.name.startswith("service.fast_path")]


def test_the_pages_can_be_off(fast: bool) -> None:
    with in_process(sample_detector(), fast_path=fast, docs=False) as service:
        for path in ("/docs", "/openapi.json", "/docs/static/swagger-ui.css", "/docs/oauth2-redirect"):
            answer = service.request("GET", path)
            assert answer.status_code == 404
            assert answer.json()["detail"] == f"GET {path}: Not Found."
        assert service.post(BODY).status_code == 200
