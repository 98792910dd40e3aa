"""Heads that are made to pass the check of keys: nothing gets in, and no body is read as a request."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_keys import made_keys
from samples import sample_record
from serving import Service, running

from service.access.roles import Role

RECORD = json.dumps(sample_record()).encode()
HIDDEN = b"GET /detector HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def secured(made: Path, tmp_path_factory: pytest.TempPathFactory, fast_path: bool) -> Iterator[tuple[Service, str]]:
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = made_keys(file)
    flag = "--fast-path" if fast_path else "--no-fast-path"
    with running(made, "--keys", str(file), flag, "--max-wait-seconds", "60", "--body-seconds", "5") as service:
        yield service, keys[Role.SCORE]
        service.process.terminate()
        assert service.process.stderr is not None
        assert "Traceback" not in service.process.stderr.read()


def exchange(service: Service, sent: bytes) -> bytes:
    """Send bytes and end; return all that comes back."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.client.base_url.port), timeout=60) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece
        except ConnectionError:
            pass
    return answer


def post(*fields: bytes, body: bytes = RECORD, path: bytes = b"/score") -> bytes:
    length = (
        []
        if any(b"length" in field.lower() or b"chunked" in field for field in fields)
        else [b"Content-Length: %d" % len(body)]
    )
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: x", *fields, *length, b"", body])


# What stands in the place of the key is the text KEY.
REFUSED = {
    "no key": post(),
    "empty": post(b"Authorization:"),
    "scheme alone": post(b"Authorization: Bearer"),
    "another scheme": post(b"Authorization: Token KEY"),
    "key twice": post(b"Authorization: Bearer KEY", b"Authorization: Bearer KEY"),
    "key and nothing": post(b"Authorization: Bearer KEY", b"Authorization: x"),
    "key with more": post(b"Authorization: Bearer KEYx"),
    "key cut": post(b"Authorization: Bearer ad_00c0ffee0000_"),
    "two keys in one": post(b"Authorization: Bearer KEY, Bearer KEY"),
    "key with NUL": post(b"Authorization: Bearer KEY\0"),
    "key of raw bytes": post(b"Authorization: Bearer \xff\xfe\xc3\xa4"),
    "very long": post(b"Authorization: Bearer " + b"a" * 60_000),
    "longer than a head": post(b"Authorization: Bearer " + b"a" * 70_000),
    "in another field": post(b"X-Authorization: Bearer KEY", b"Proxy-Authorization: Bearer KEY", b"Cookie: key=KEY"),
    "in the query": post(path=b"/score?key=KEY&access_token=KEY&authorization=Bearer+KEY"),
    "as a password of another site": post(b"Authorization: Basic OktFWQ==", b"Sec-Fetch-Site: cross-site"),
    "field with a blank in its name": post(b"Authorization : Bearer KEY"),
    "another address by a field": post(b"X-Original-URL: /healthz", b"X-Rewrite-URL: /healthz"),
    "another method by a field": post(b"X-HTTP-Method-Override: GET", path=b"/readyz/../score"),
    "client that is trusted": post(
        b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-User: admin", b"Forwarded: for=127.0.0.1"
    ),
    "a probe with more behind it": post(path=b"/healthz/../score"),
    "a probe, then a parameter": post(path=b"/score;/healthz"),
    "a whole address": post(path=b"http://x/score"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_key_gets_no_answer(name: str, secured: tuple[Service, str]) -> None:
    service, key = secured
    answer = exchange(service, REFUSED[name].replace(b"KEY", key.encode()))
    status = int(answer[9:12]) if answer else 0
    assert status in {0, 400, 401, 403, 404, 431}, answer[:500]
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"anomaly_score" not in answer
    assert key.encode() not in answer
    assert service.client.get("/healthz").status_code == 200


SMUGGLED = {
    "two lengths": post(b"Authorization: Bearer KEY", b"Content-Length: 2", b"Content-Length: 60", body=b"{}" + HIDDEN),
    "length and chunks": post(
        b"Authorization: Bearer KEY", b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks that are hidden": post(
        b"Authorization: Bearer KEY", b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks twice": post(
        b"Authorization: Bearer KEY", b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN
    ),
    "length with a sign": post(b"Authorization: Bearer KEY", b"Content-Length: +2", body=b"{}" + HIDDEN),
    "length of another script": post(
        b"Authorization: Bearer KEY", "Content-Length: \u0662".encode(), body=b"{}" + HIDDEN
    ),
    "folded line": post(b"Authorization: Bearer KEY\r\n Content-Length: 2", b"Content-Length: 4", body=b"{}" + HIDDEN),
    "refused, with a request in its body": post(b"Authorization: Bearer x", body=HIDDEN),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_in_a_body_gets_no_answer_by_the_key_before_it(name: str, secured: tuple[Service, str]) -> None:
    """Each request is asked for a key of its own, also where its bytes lie in the body of one with a key."""
    service, key = secured
    answer = exchange(service, SMUGGLED[name].replace(b"KEY", key.encode()))
    assert b'"versions"' not in answer
    assert b"HTTP/1.1 200" not in answer, answer[:500]
    assert service.client.get("/healthz").status_code == 200
