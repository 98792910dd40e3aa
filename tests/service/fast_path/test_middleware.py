"""Middleware that is added to the application sees every request, and the fast path gives way by itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from samples import sample_detector, sample_record
from starlette.middleware.base import BaseHTTPMiddleware
from wire import request, wired

from service.access.limits import Admission
from service.gate import Gate

BODY = json.dumps(sample_record()).encode()
REQUESTS = [
    request(BODY),
    request(BODY, query="explain=2"),
    request(b"[]"),
    request(BODY, headers=["Accept: text/csv"]),
    b"GET /healthz HTTP/1.1\r\nHost: service\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: service\r\n\r\n",
]
SEEN = ["/score", "/score", "/score", "/score", "/healthz", "/nowhere"]


def plain(app: FastAPI, seen: list[str]) -> None:
    """Add middleware of ASGI."""

    class Plain:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["path"])

            async def marked(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-seen", b"yes")]
                await send(message)

            await self.app(scope, receive, marked)

    app.add_middleware(Plain)


def by_base_class(app: FastAPI, seen: list[str]) -> None:
    """Add middleware by Starlette's base class."""

    async def dispatch(request: Request, call_next: Any) -> Response:
        seen.append(request.url.path)
        response: Response = await call_next(request)
        response.headers["x-seen"] = "yes"
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)


@pytest.mark.parametrize("add", [plain, by_base_class])
def test_added_middleware_sees_every_request_and_the_answers_stay_the_same(
    add: Callable[[FastAPI, list[str]], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service")
    seen: list[str] = []
    with wired(sample_detector()) as wire:
        expected = [wire.together([one])[0] for one in REQUESTS]
    assert not [record for record in caplog.records if record.name.startswith("service.fast_path")]
    with wired(sample_detector(), add=lambda app: add(app, seen)) as wire:
        answers = [wire.together([one])[0] for one in REQUESTS]
        late = wire.together(REQUESTS[:2], late=0.05)
    assert seen == [*SEEN, "/score", "/score"]
    assert [headers.pop("x-seen") for _, headers, _ in answers] == ["yes"] * len(REQUESTS)
    assert answers == expected
    assert [(status, body) for status, _, body in late] == [(status, body) for status, _, body in expected[:2]]
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("service.fast_path")]
    assert line.startswith("small requests are answered behind FastAPI: middleware was added (")


def test_middleware_can_refuse_what_the_fast_path_would_answer() -> None:
    async def dispatch(request: Request, call_next: Any) -> Response:
        return await call_next(request) if "x-key" in request.headers else Response(status_code=401)

    with wired(sample_detector(), add=lambda app: app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)) as wire:
        [(status, _, _)] = wire.together([request(BODY)])
        [(with_key, _, _)] = wire.together([request(BODY, headers=["X-Key: 1"])])
    assert (status, with_key) == (401, 200)


def test_a_fast_path_that_is_switched_off_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service")
    with wired(sample_detector(), fast_path=False):
        pass
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("service.fast_path")]
    assert (
        line == "small requests are not answered by the protocol: it is switched off: --fast-path (DETECTOR_FAST_PATH)"
    )


@pytest.mark.parametrize("fast_path", [True, False])
def test_every_request_passes_the_gate_once(fast_path: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[tuple[str, str]] = []

    def admit(gate: Gate, method: str, path: str, headers: Any, *, to_batch: bool) -> Admission:
        passed.append((method, path))
        return Admission(None)

    monkeypatch.setattr(Gate, "admit", admit)
    with wired(sample_detector(), fast_path=fast_path) as wire:
        for sent in REQUESTS:
            wire.together([sent])
    assert passed == [*[("POST", "/score")] * 4, ("GET", "/healthz"), ("GET", "/nowhere")]


@pytest.mark.parametrize("fast_path", [True, False])
def test_both_carriers_send_the_refusal_of_the_gate(fast_path: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Admission(Response(b"who are you?", 401))
    monkeypatch.setattr(Gate, "admit", lambda gate, method, path, headers, to_batch: refused)
    with wired(sample_detector(), fast_path=fast_path) as wire:
        answers = wire.together([request(BODY), request(b"[]")])
    assert [(status, body) for status, _, body in answers] == [(401, b"who are you?")] * 2
