"""The service within the tests' own process: fast, and an error of its own is seen as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from wire import wired

from models.detector import Detector
from service.app import create_app, load_settings
from service.registry import Registry


class InProcess:
    """A client of the service of a detector."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            return await self._client.request(method, path, **given)

        return self._portal.call(ask)

    def post(self, content: bytes | str, path: str = "/score", **headers: str) -> httpx.Response:
        """Send a body as JSON, or as the headers say."""
        named = {
            name.replace("_", "-"): value for name, value in ({"content_type": "application/json"} | headers).items()
        }
        return self.request("POST", path, content=content, headers=named)


def strict(answer: httpx.Response) -> dict[str, Any]:
    """Parse an answer as JSON, without the NaN and Infinity that Python would let pass."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    plain: dict[str, Any] = json.loads(answer.text, parse_constant=refuse)
    return plain


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem document that an answer has to be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = strict(answer)
    assert document["status"] == status
    assert {"type", "title", "detail"} <= document.keys()
    return document


@contextmanager
def in_process(detector: Detector, *, fast_path: bool = False, **settings: Any) -> Iterator[InProcess]:
    """Give a client of a service: without a socket, or of the protocol that answers small requests."""
    with ExitStack() as opened:
        portal = opened.enter_context(start_blocking_portal())
        if fast_path:
            wire = opened.enter_context(wired(detector, **settings))
            client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{wire.port}", timeout=60, trust_env=False)
        else:
            app = create_app(Registry(detector), load_settings(**settings))
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://service", timeout=60)
        yield InProcess(portal, client)
        portal.call(client.aclose)
