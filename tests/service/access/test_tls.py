"""HTTPS by a certificate of one's own: the answers are those of HTTP, on the fast path and off it, by all workers."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import write_certificate
from samples import machine_records
from serving import Service, Start
from wire import answer_from

RECORD = json.dumps(machine_records(1, seed=1)[0]).encode()
LARGE = json.dumps(machine_records(1_000, seed=1)).encode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("tls"))


def flags_of(certificate: tuple[Path, Path]) -> tuple[str, ...]:
    return "--tls-certificate", str(certificate[0]), "--tls-key", str(certificate[1])


@pytest.mark.parametrize("flags", [(), ("--no-fast-path",), ("--workers", "2")], ids=["fast", "routes", "workers"])
def test_answers_over_tls_are_those_without(
    flags: Sequence[str], certificate: tuple[Path, Path], bundle_path: Path, start: Start, service: Service
) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    with start(bundle_path, *flags_of(certificate), *flags) as secure:
        url = secure.client.base_url
        assert url.scheme == "https"

        def ask(index: int) -> list[tuple[int, bytes]]:
            with httpx.Client(base_url=url, verify=context, timeout=60, trust_env=False) as client:
                answers = [client.post("/score?explain=1", content=body) for body in (RECORD, LARGE, b"{", RECORD)]
                return [(answer.status_code, answer.content) for answer in answers]

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(ask, range(4)))
        plain = [service.client.post("/score?explain=1", content=body) for body in (RECORD, LARGE, b"{", RECORD)]
        assert found == [[(answer.status_code, answer.content) for answer in plain]] * 4


def test_heads_that_never_end_pipelines_and_half_closed_connections_over_tls(
    certificate: tuple[Path, Path], bundle_path: Path, start: Start
) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    one = b"POST /score HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n%s" % (len(RECORD), RECORD)
    with start(bundle_path, *flags_of(certificate)) as secure:
        port = secure.client.base_url.port
        assert port

        def connect() -> ssl.SSLSocket:
            return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="127.0.0.1")

        with connect() as connection:
            connection.sendall(one * 20)
            assert [answer_from(connection)[0] for _ in range(20)] == [200] * 20
        with connect() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n" + b"X-Long: %s\r\n" % (b"x" * 7_000) * 12)
            assert answer_from(connection)[0] == 431
        with socket.create_connection(("127.0.0.1", port), 20) as plain:  # no TLS at all
            plain.sendall(one)
            assert not plain.recv(1_000).startswith(b"HTTP/1.1 200")
        with connect() as connection:
            connection.sendall(one)
            assert answer_from(connection)[0] == 200


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda certificate, key: ["--tls-certificate", key, "--tls-key", certificate], "cannot be used ("),
        (lambda certificate, key: ["--tls-certificate", "none.pem"], "cannot be used (No such file or directory)"),
        (lambda certificate, key: ["--tls-certificate", certificate], "cannot be used ("),
        (lambda certificate, key: ["--tls-key", key], "--tls-key (DETECTOR_TLS_KEY) is the key of a certificate"),
    ],
    ids=["swapped", "absent", "no key", "no certificate"],
)
def test_a_certificate_that_cannot_be_used_is_one_line(
    make: Callable[[Any, Any], list[Any]],
    complaint: str,
    certificate: tuple[Path, Path],
    bundle_path: Path,
    run_python: Callable[..., Any],
) -> None:
    done = run_python("-m", "service", "--detector", bundle_path, "--port", "0", *make(*certificate))
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
