"""Traces and logs for OpenTelemetry, read by a collector on loopback that speaks OTLP."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from samples import machine_records
from serving import Start

from models.errors import ConfigError
from service.settings import load_settings

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
logs_service = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector:
    """What was received."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.lines: list[Any] = []
        self.raw = b""

    def take(self, path: str, body: bytes) -> None:
        self.raw += body
        if path == "/v1/traces":
            request = trace_service.ExportTraceServiceRequest.FromString(body)
            self.spans += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        else:
            assert path == "/v1/logs"
            request = logs_service.ExportLogsServiceRequest.FromString(body)
            self.lines += [line for r in request.resource_logs for scope in r.scope_logs for line in scope.log_records]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.take(self.path, gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *unused: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def attributes(item: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in item.attributes}


@pytest.mark.parametrize("flags", [[], ["--workers", "2"]])
def test_each_request_is_a_span_and_failures_are_lines_of_its_trace(
    bundle_path: Path, start: Start, flags: list[str]
) -> None:
    [record] = machine_records(1, seed=1)
    with collecting() as (found, address):
        with start(bundle_path, "--otlp-endpoint", address, *flags) as service:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            assert service.client.post("/score", json=record, headers=headers).status_code == 200
            bad = record | {next(iter(record)): ["planted7391"]}
            assert (
                service.client.post("/score", json=bad, headers=headers | {"X-Request-ID": "mine"}).status_code == 422
            )
            end = time.monotonic() + 60
            while len(found.spans) < 2 or not found.lines:
                assert time.monotonic() < end
                time.sleep(0.1)
            assert service.client.get("/healthz").status_code == 200
            service.process.terminate()  # what is left is sent before the end
            service.process.wait(60)
        assert [span.name for span in found.spans] == ["score", "score", "healthz"]
    first, second, last = found.spans
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert first.end_time_unix_nano > first.start_time_unix_nano
    assert attributes(first) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "request.id": TRACE,
        "detector.name": "machines",
        "detector.version": "1",
        "detector.rows": 1,
    }
    assert attributes(second)["http.response.status_code"] == 422
    assert last.trace_id.hex() != TRACE
    [line] = [line for line in found.lines if line.body.string_value == "request failed"]
    assert attributes(line)["id"] == "mine"
    assert (line.trace_id, line.span_id) == (second.trace_id, second.span_id)
    assert b"planted7391" not in found.raw


def test_a_collector_that_is_not_there_stops_nothing(bundle_path: Path, start: Start) -> None:
    [record] = machine_records(1, seed=1)
    with start(bundle_path, "--otlp-endpoint", "http://127.0.0.1:9") as service:
        for _ in range(3):
            assert service.client.post("/score", content=json.dumps(record)).status_code == 200
            time.sleep(0.6)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="--otlp-endpoint"):
        load_settings(otlp_endpoint="127.0.0.1:4318")
