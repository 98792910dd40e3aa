"""The Open Inference Protocol by gRPC: the same scores and the same errors as over HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal
from certificates import write_certificate
from samples import sample_record
from tensors import USUAL, numbers, numbers_detector

from models.bundle import load_detector
from models.detector import Detector
from service.access.keys import new_key, write_keys
from service.access.roles import Role
from service.app import create_app, load_settings
from service.inference.grpc_messages import HEALTH, HEALTH_SERVICE, INFERENCE, INFERENCE_SERVICE
from service.inference.grpc_server import GrpcServer
from service.inference.outputs import OUTPUTS
from service.inference.tensors import DATATYPES
from service.registry import Registry


@dataclass(frozen=True)
class Client:
    """A channel to the service."""

    channel: grpc.Channel

    def ask(self, name: str, /, *, metadata: tuple[tuple[str, str], ...] = (), **fields: Any) -> Any:
        request = INFERENCE[f"{name}Request"](**fields)
        return self.send(name, request.SerializeToString(), metadata=metadata)

    def send(self, name: str, content: bytes, *, metadata: tuple[tuple[str, str], ...] = ()) -> Any:
        read = INFERENCE[f"{name}Response"].FromString
        call = self.channel.unary_unary(f"/{INFERENCE_SERVICE}/{name}", response_deserializer=read)
        return call(content, metadata=metadata, timeout=60)

    def health(self, service: str) -> int:
        call = self.channel.unary_unary(
            f"/{HEALTH_SERVICE}/Check",
            request_serializer=HEALTH["HealthCheckRequest"].SerializeToString,
            response_deserializer=HEALTH["HealthCheckResponse"].FromString,
        )
        status: int = call(HEALTH["HealthCheckRequest"](service=service), timeout=60).status
        return status


@contextmanager
def answering(detector: Detector, **given: Any) -> Iterator[Client]:
    with ExitStack() as opened:
        portal = opened.enter_context(start_blocking_portal())
        settings = load_settings(grpc_port=0, **given)
        server = GrpcServer(create_app(Registry(detector), settings), settings)
        opened.enter_context(portal.wrap_async_context_manager(server.serving()))
        address = f"127.0.0.1:{server.port}"
        if (trusted := given.get("tls_certificate")) is None:
            channel = grpc.insecure_channel(address)
        else:
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(trusted.read_bytes()))
        yield Client(opened.enter_context(channel))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with answering(numbers_detector(), max_rows=5_000) as client:
        yield client


@contextmanager
def refused(code: str, said: str) -> Iterator[None]:
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code().name == code
    assert said in caught.value.details()
    assert "\n" not in caught.value.details()


def head(X: Any, datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": datatype, "shape": list(X.shape), **more}


def raw_values(answer: Any) -> dict[str, list[Any]]:
    return {
        output.name: np.frombuffer(content, DATATYPES[output.datatype].dtype).tolist()
        for output, content in zip(answer.outputs, answer.raw_output_contents, strict=True)
    }


def typed_values(answer: Any) -> dict[str, list[Any]]:
    assert not answer.raw_output_contents
    return {o.name: list(getattr(o.contents, DATATYPES[o.datatype].contents)) for o in answer.outputs}


def wanted(X: Any) -> dict[str, list[Any]]:
    verdicts = numbers_detector().score_records([dict(zip("abc", row, strict=True)) for row in X.tolist()])
    return {name: getattr(verdicts, name).tolist() for name in USUAL}


@pytest.mark.parametrize("rows", [1, 3_000])
def test_raw_and_typed_contents_score_as_records_do_to_the_digit(client, rows):
    X = numbers(rows)
    answer = client.ask("ModelInfer", model_name="numbers", inputs=[head(X)], raw_input_contents=[X.tobytes()])
    assert raw_values(answer) == wanted(X)
    with_empty = head(X, contents={})  # as MLServer's client sends it
    assert (
        client.ask("ModelInfer", model_name="numbers", inputs=[with_empty], raw_input_contents=[X.tobytes()]) == answer
    )
    typed = head(X, contents={"fp64_contents": X.ravel().tolist()})
    answer = client.ask("ModelInfer", model_name="numbers", model_version="1", id="7", inputs=[typed])
    assert typed_values(answer) == wanted(X)
    assert (answer.model_name, answer.model_version, answer.id) == ("numbers", "1", "7")


@pytest.mark.parametrize("datatype", [name for name, row in DATATYPES.items() if row.dtype is not None])
def test_numbers_of_every_datatype_are_read(client, datatype):
    X = np.array([[1, 0, 1]]).astype(DATATYPES[datatype].dtype)
    columns = [{"name": name, "datatype": datatype, "shape": [1]} for name in "abc"]
    contents = [X[:, i].tobytes() for i in range(3)]
    if datatype == "BOOL":  # a truth value is no number
        with refused("INVALID_ARGUMENT", "field 'a'"):
            client.ask("ModelInfer", model_name="numbers", inputs=columns, raw_input_contents=contents)
        return
    answer = client.ask("ModelInfer", model_name="numbers", inputs=columns, raw_input_contents=contents)
    assert raw_values(answer) == wanted(X)
    if field := DATATYPES[datatype].contents:
        typed = [head(X[:, i], datatype, name=n, contents={field: X[:, i].tolist()}) for i, n in enumerate("abc")]
        assert typed_values(client.ask("ModelInfer", model_name="numbers", inputs=typed)) == wanted(X)


def test_texts_and_every_output(made):
    detector = load_detector(made)
    record = sample_record(mode="grün")
    inputs = [
        {"name": "number", "datatype": "FP64", "shape": [1, 1], "contents": {"fp64_contents": [record["number"]]}},
        {"name": "amount", "datatype": "FP64", "shape": [1, 1], "contents": {"fp64_contents": [record["amount"]]}},
        {"name": "flag", "datatype": "BOOL", "shape": [1, 1], "contents": {"bool_contents": [record["flag"]]}},
        {"name": "mode", "datatype": "BYTES", "shape": [1, 1], "contents": {"bytes_contents": ["grün".encode()]}},
        {"name": "at", "datatype": "BYTES", "shape": [1, 1], "contents": {"bytes_contents": [record["at"].encode()]}},
    ]
    with answering(detector) as client:
        outputs = [{"name": name} for name in OUTPUTS]
        answer = client.ask("ModelInfer", model_name="sample", inputs=inputs, outputs=outputs)
    verdicts = detector.score_records([record])
    found = typed_values(answer)
    assert found["anomaly_score"] == verdicts.anomaly_score.tolist()
    assert found["reason"] == [verdicts.reason(0).encode()]
    assert found["contributions"] == verdicts.scores.column_errors[0].tolist()
    assert found["reconstruction"][3] == b"run"
    assert "mode" in detector.schema.names
    assert {o.name: list(o.shape) for o in answer.outputs}["embedding"] == [1, 2]


def test_the_server_and_its_detectors_say_what_they_are(client):
    assert client.ask("ServerLive").live
    assert client.ask("ServerReady").ready
    assert list(client.ask("ServerMetadata").extensions) == ["binary_tensor_data"]
    assert client.ask("ModelReady", name="numbers").ready
    assert client.ask("ModelReady", name="numbers", version="1").ready
    metadata = client.ask("ModelMetadata", name="numbers")
    assert [(item.name, item.datatype, list(item.shape)) for item in metadata.inputs] == [
        (name, "FP64", [-1, 1]) for name in "abc"
    ]
    assert [item.name for item in metadata.outputs] == list(OUTPUTS)
    assert client.health("") == client.health(INFERENCE_SERVICE) == 1
    with refused("NOT_FOUND", "no service of that name"):
        client.health("other")


@pytest.mark.parametrize("name", ["ModelReady", "ModelMetadata"])
def test_a_detector_or_version_that_is_not_there_is_not_found(client, name):
    with refused("NOT_FOUND", "There is no detector 'other'"):
        client.ask(name, name="other")
    with refused("NOT_FOUND", "no version '9'"):
        client.ask(name, name="numbers", version="9")
    with refused("NOT_FOUND", "There is no detector 'other'"):
        client.ask("ModelInfer", model_name="other")


X = np.array([[1.0, 2.0, 3.0]])
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no tensor": ({}, "INVALID_ARGUMENT", "holds no tensor"),
    "a negative size": ({"inputs": [head(X) | {"shape": [-1, 3]}]}, "INVALID_ARGUMENT", "the shape [-1, 3]"),
    "rows beyond the limit": (
        {"inputs": [head(X) | {"shape": [1 << 62, 3]}]},
        "RESOURCE_EXHAUSTED",
        "records are more than 5,000",
    ),
    "fewer bytes than the shape says": (
        {"inputs": [head(X)], "raw_input_contents": [bytes(16)]},
        "INVALID_ARGUMENT",
        "has 16 bytes",
    ),
    "bytes of another number of tensors": (
        {"inputs": [head(X)], "raw_input_contents": [bytes(24)] * 2},
        "INVALID_ARGUMENT",
        "has 2 entries for 1 tensors",
    ),
    "both forms": (
        {"inputs": [head(X, contents={"fp64_contents": [1.0]})], "raw_input_contents": [bytes(24)]},
        "INVALID_ARGUMENT",
        "has both contents",
    ),
    "the field of another datatype": (
        {"inputs": [head(X, contents={"fp32_contents": [1.0, 2.0, 3.0]})]},
        "INVALID_ARGUMENT",
        "has 0 elements in fp64_contents",
    ),
    "too large for its datatype": (
        {"inputs": [head(X, "INT8", contents={"int_contents": [1, 2, 300]})]},
        "INVALID_ARGUMENT",
        "INT8 cannot hold",
    ),
    "half floats without raw bytes": ({"inputs": [head(X, "FP16")]}, "INVALID_ARGUMENT", "raw_input_contents"),
    "another datatype": ({"inputs": [head(X, "FP8")]}, "INVALID_ARGUMENT", "Send one of BOOL"),
    "an unknown output": (
        {"inputs": [head(X)], "raw_input_contents": [X.tobytes()], "outputs": [{"name": "loss"}]},
        "INVALID_ARGUMENT",
        "is no output",
    ),
    "an infinite number": (
        {"inputs": [head(X)], "raw_input_contents": [(X * np.inf).tobytes()]},
        "INVALID_ARGUMENT",
        "a finite number",
    ),
    "more tensors than a record has fields": ({"inputs": [{}] * 60_000}, "RESOURCE_EXHAUSTED", "columns are more than"),
}


@pytest.mark.parametrize(("fields", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_is_refused_in_one_line(client, fields, code, said):
    with refused(code, said):
        client.ask("ModelInfer", model_name="numbers", **fields)


@pytest.mark.parametrize(
    "content", [b"\x0a", b"\x0a\x7f", b"\xff" * 20, b"\x0a\x01\xff", b"\x0b", b"\x80" * 11], ids=repr
)
def test_a_message_that_is_damaged_is_refused(client, content):
    with refused("INVALID_ARGUMENT", "is no ModelInferRequest"):
        client.send("ModelInfer", content)


def test_a_message_beyond_the_limit_is_refused():
    with answering(numbers_detector(), max_body_bytes=100_000) as client:
        rows = np.ones((20_000, 3))
        with refused("RESOURCE_EXHAUSTED", "larger"):
            client.ask("ModelInfer", model_name="numbers", inputs=[head(rows)], raw_input_contents=[rows.tobytes()])
        assert client.ask("ServerReady").ready


@pytest.mark.parametrize(
    "name", ["..", "../numbers", "numbers/ready", "/etc/passwd", "numbers\0", "n\u0443mbers", "a" * 5_000]
)
def test_a_name_that_means_something_else_opens_nothing(name, tmp_path):
    made = [new_key(role.value, role, now=datetime.now(UTC)) for role in (Role.READ, Role.OPERATE)]
    write_keys(tmp_path / "keys.json", [key for _, key in made])
    read, operate = ((("authorization", f"Bearer {text}"),) for text, _ in made)
    tensors = {"inputs": [head(X)], "raw_input_contents": [X.tobytes()]}
    with answering(numbers_detector(), keys=tmp_path / "keys.json") as client:
        with refused("UNAUTHENTICATED", "No key was sent"):
            client.ask("ModelMetadata", name=name)
        with refused("PERMISSION_DENIED", "needs"):
            client.ask("ModelInfer", metadata=read, model_name=name, **tensors)
        for fields in ({"model_name": name}, {"model_name": "numbers", "model_version": name}):
            with refused("NOT_FOUND", "There is no" if "model_version" not in fields else "no version"):
                client.ask("ModelInfer", metadata=operate, **fields, **tensors)


def test_keys_are_asked_for_as_over_http(tmp_path):
    made = [new_key(role.value, role, now=datetime.now(UTC)) for role in (Role.READ, Role.SCORE)]
    file = tmp_path / "keys.json"
    write_keys(file, [key for _, key in made])
    read, score = (f"Bearer {text}" for text, _ in made)
    with answering(numbers_detector(), keys=file) as client:
        assert client.ask("ServerReady").ready
        fields = {"model_name": "numbers", "inputs": [head(X)], "raw_input_contents": [X.tobytes()]}
        with refused("UNAUTHENTICATED", "No key was sent"):
            client.ask("ModelMetadata", name="numbers")
        with refused("PERMISSION_DENIED", "needs score"):
            client.ask("ModelInfer", metadata=(("authorization", read),), **fields)
        assert raw_values(client.ask("ModelInfer", metadata=(("authorization", score),), **fields)) == wanted(X)


def test_the_program_answers_both_protocols(made, start):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with start(made, "--grpc-port", str(port)) as service, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert Client(channel).health("") == 1
        assert service.client.get("/v2/health/ready").json() == {"ready": True}
        text = service.client.get("/metrics").text
        service.process.terminate()
        service.process.wait(20)
    assert "detector_build_info" in text


def test_several_workers_need_a_port_of_one_number(made, run_python):
    ran = run_python("-m", "service", "--detector", made, "--grpc-port", "0", "--workers", "2")
    assert ran.returncode == 2
    assert "--grpc-port" in ran.stderr


def test_a_certificate_encrypts_grpc_too(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with answering(numbers_detector(), tls_certificate=certificate, tls_key=key) as secure:
        assert secure.ask("ServerLive").live
