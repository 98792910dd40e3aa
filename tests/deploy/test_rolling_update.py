"""Services behind a real nginx, with the file that deploy/ ships, are replaced one after the other under load."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from samples import sample_record
from serving import REPOSITORY, Service, Start

nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

MAIN = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/detector.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def proxy(folder: Path, ports: list[int]) -> Iterator[str]:
    """Run nginx with the file of deploy/ on other ports; yield its address."""
    written = (REPOSITORY / "deploy/proxy/nginx.conf").read_text()
    for named, port in zip(("8000", "8001", "8002"), ports, strict=True):
        assert named in written
        written = written.replace(named, str(port))
    (folder / "detector.conf").write_text(written)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    command = [str(nginx), "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            address = f"http://127.0.0.1:{ports[0]}"
            with httpx.Client(trust_env=False) as client:
                for _ in range(200):
                    assert process.poll() is None
                    try:
                        client.get(f"{address}/healthz")
                        break
                    except httpx.ConnectError:
                        time.sleep(0.02)
            yield address
        finally:
            process.terminate()


@pytest.mark.skipif(nginx is None, reason="needs nginx")
@pytest.mark.slow
def test_services_behind_nginx_are_replaced_one_after_the_other_without_a_failed_request(
    start: Start, made: Path, tmp_path: Path
) -> None:
    ports, found, over = free_ports(3), Counter[tuple[int, bytes]](), threading.Event()
    record, wait = sample_record(), ("--max-wait-seconds", "60")

    def load(address: str) -> None:
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            while not over.is_set():
                answer = client.post("/score", json=record)
                found[answer.status_code, answer.content] += 1

    with ExitStack() as running:
        serving: dict[int, tuple[ExitStack, Service]] = {}

        def begin(port: int) -> None:
            own = running.enter_context(ExitStack())
            serving[port] = own, own.enter_context(start(made, "--port", str(port), *wait))

        for port in ports[1:]:
            begin(port)
        address = running.enter_context(proxy(tmp_path, ports))
        clients = [threading.Thread(target=load, args=(address,)) for _ in range(8)]
        for client in clients:
            client.start()
        try:
            for port in ports[1:] * 2:
                before = found.total()
                while found.total() < before + 200:
                    time.sleep(0.01)
                own, service = serving[port]
                service.process.terminate()
                assert service.process.wait(30) in (0, -15, 143)
                own.close()
                begin(port)
        finally:
            over.set()
            for client in clients:
                client.join()
    assert len(found) == 1, found
    (status, body), count = found.most_common(1)[0]
    assert (status, b"anomaly_score" in body) == (200, True)
    assert count > 800
