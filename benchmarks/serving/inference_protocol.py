"""Measures the Open Inference Protocol: CPU time a request on each wire form, beside `/score` and MLServer.

    python -m benchmarks.serving.inference_protocol [--rounds 5] [--requests 200] [--rows 1000] [--peers FOLDER]

In each round every server is started on a CPU of its own, takes its requests one after the other over one connection,
and is ended; the order rotates, ratios are of the same round. Ours answers score, p-value and verdict, MLServer the
score of the same network; neither counts metrics. MLServer reads raw bytes by gRPC alone, so that form is compared by
gRPC. It comes from the folder that `python -m benchmarks.serving.peers.install FOLDER --only mlserver` makes. Prints
the median and, in brackets, the lowest and highest of the rounds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import numpy as np

from benchmarks.serving.batches import ARROW, COLUMNS_AND_ROWS, Rows, of_ours
from benchmarks.serving.contenders import COLUMNS, bundles_in, made_up_rows, our_service, train_detectors
from benchmarks.serving.peers.start import peer_contenders
from benchmarks.serving.request import Request
from benchmarks.serving.server import free_port, started
from models.bundle import read_manifest
from service.inference.grpc_messages import INFERENCE, INFERENCE_SERVICE

Send = Callable[[], None]
Figures = dict[tuple[str, str], list[float]]
"""Milliseconds of CPU time a request, one a round, by server and form."""

JSON: Final = "V2, JSON"
BINARY: Final = "V2, raw bytes over HTTP"
GRPC: Final = "V2, raw bytes by gRPC"
RATIOS: Final = (
    (("ours", JSON), ("ours", f"/score: {COLUMNS_AND_ROWS}")),
    (("ours", JSON), ("mlserver", JSON)),
    (("ours", GRPC), ("mlserver", GRPC)),
    (("ours", BINARY), ("mlserver", GRPC)),
)
"""Two figures each: how many times as much the second is."""

_WARM: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A server.

    Args:
        model: Name of the model in it.
        command: Returns its start command for a port of HTTP and one of gRPC.
        others: Its requests beside those of the protocol, by form.
        grpc_port: Returns the port of gRPC, where it chooses that by itself.
    """

    model: str
    command: Callable[[int, int], Sequence[str]]
    others: Mapping[str, Request]
    environment: Mapping[str, str]
    grpc_port: Callable[[int], int] = lambda port: port


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = _parser().parse_args(argv)
    X = made_up_rows(max(arguments.rows, 2))[: arguments.rows]
    with tempfile.TemporaryDirectory() as made:
        servers = _contenders(Path(made), X, arguments.peers)
        found = measure(servers, X, rounds=arguments.rounds, requests=arguments.requests)
    print(report(found, rows=arguments.rows))
    return 0


def measure(servers: Mapping[str, Contender], X: Rows, *, rounds: int, requests: int) -> Figures:
    """Return the figures of all servers, whose order rotates from round to round."""
    cpus = sorted(os.sched_getaffinity(0))
    names, found = list(servers), Figures()
    for round_ in range(rounds):
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            server = servers[name]
            port, chosen = free_port(), free_port()
            json_form = _json(server.model, X)
            with started(
                server.command(port, chosen), port, request=json_form, cpu=cpus[-1], environment=server.environment
            ) as process:
                process.settle()
                of_http = {JSON: json_form, **server.others}
                with _senders(of_http, port, server.grpc_port(chosen), server.model, X) as senders:
                    for form, send in senders.items():
                        for _ in range(_WARM):
                            send()
                        before = process.cpu_seconds()
                        for _ in range(requests):
                            send()
                        milliseconds = 1000 * (process.cpu_seconds() - before) / requests
                        found.setdefault((name, form), []).append(milliseconds)
    return found


def report(found: Figures, *, rows: int) -> str:
    """Return the figures as a table, and the ratios."""
    lines = [f"CPU milliseconds a request of {rows:,} rows, {len(COLUMNS)} columns:"]
    lines += [f"  {server:9} {form:36} {_spread(figures)}" for (server, form), figures in found.items()]
    for ours, other in RATIOS:
        if ours in found and other in found:
            ratios = [b / max(a, 1e-9) for a, b in zip(found[ours], found[other], strict=True)]
            lines.append(f"{' '.join(ours)} is {_spread(ratios)} times as fast as {' '.join(other)}")
    return "\n".join(lines)


def _spread(figures: Sequence[float]) -> str:
    return f"{np.median(figures):.2f} ({min(figures):.2f} to {max(figures):.2f})"


@contextmanager
def _senders(
    of_http: Mapping[str, Request], port: int, grpc_port: int, model: str, X: Rows
) -> Iterator[dict[str, Send]]:
    """Give a function that sends a request and reads its answer, for each form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def sender(request: Request) -> Send:
        def send() -> None:
            connection.request("POST", request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{request.path}: {content[:300]!r}")

        return send

    raw = X.astype(np.float32)
    tensor = {"name": "X", "datatype": "FP32", "shape": list(raw.shape)}
    message = INFERENCE["ModelInferRequest"](
        model_name=model, inputs=[tensor], raw_input_contents=[raw.tobytes()]
    ).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        call = channel.unary_unary(f"/{INFERENCE_SERVICE}/ModelInfer")
        senders = {form: sender(request) for form, request in of_http.items()}
        try:
            yield senders | {GRPC: lambda: call(message, timeout=60)}
        finally:
            connection.close()


def _json(model: str, X: Rows) -> Request:
    tensor = {"name": "X", "datatype": "FP32", "shape": list(X.shape), "data": X.ravel().tolist()}
    body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    return Request(path=f"/v2/models/{model}/infer", body=body)


def _binary(model: str, X: Rows) -> Request:
    raw = X.astype(np.float32).tobytes()
    tensor = {"name": "X", "datatype": "FP32", "shape": list(X.shape), "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Request(path=f"/v2/models/{model}/infer", body=head + raw, headers=headers)


def _contenders(folder: Path, X: Rows, peers: Path | None) -> dict[str, Contender]:
    train_detectors(folder, ["fast"])
    bundle = bundles_in(folder)["fast"]
    model = str(read_manifest(bundle)["name"])
    forms = {form: make(X) for form, make in of_ours(COLUMNS).items() if form in (COLUMNS_AND_ROWS, ARROW)}
    found = {
        "ours": Contender(
            model=model,
            command=lambda port, grpc_port: our_service(bundle, "--no-metrics", "--grpc-port", str(grpc_port))(port),
            others={BINARY: _binary(model, X), **{f"/score: {form}": request for form, request in forms.items()}},
            environment={},
        )
    }
    if peers is not None and (peer := _mlserver(folder, bundle, X, peers)) is not None:
        found["mlserver"] = peer
    return found


def _mlserver(folder: Path, bundle: Path, X: Rows, peers: Path) -> Contender | None:
    """Return MLServer, which chooses its port of gRPC by itself; None where it is not installed."""
    installed, _ = peer_contenders(peers, bundle, folder, X[:1])
    peer = next((one for one in installed if one.name == "mlserver"), None)
    if peer is None:
        return None
    settings = folder / "peer_mlserver" / "settings.json"
    return Contender(
        model="network",
        command=lambda port, grpc_port: peer.command(port),
        others={form: make(X) for form, make in peer.batches.items() if "base64" in form},
        environment=peer.environment,
        grpc_port=lambda port: int(json.loads(settings.read_text())["grpc_port"]),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--requests", type=int, default=200, help="requests of each form a round (default: 200)")
    parser.add_argument("--rows", type=int, default=1_000, help="rows a request (default: 1,000)")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environments of the peers (default: ours alone)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
