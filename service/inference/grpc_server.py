"""The gRPC server: the same detectors, gate and errors as over HTTP, on the same event loop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, final

import grpc
import msgspec
from fastapi import FastAPI, Response

from models.detector import Detector
from models.errors import ConfigError, DetectorError
from models.printable import shortened
from service.api.state import is_ready
from service.budget import BUDGET
from service.cancellation import Cancellation
from service.formats.rows import BodySpec
from service.gate import Gate
from service.inference.grpc_codec import answer_message, names_in, read_message, request_of
from service.inference.grpc_messages import HEALTH, HEALTH_SERVICE, INFERENCE, INFERENCE_SERVICE
from service.inference.inferring import infer, is_quick, may_read_on_loop
from service.inference.metadata import model_metadata, server_metadata
from service.observing.observer import NO_DETECTOR, Observer, Version, clock
from service.registry import Registry
from service.settings import Settings, spelt
from service.web.codes import GRPC_CODES
from service.web.problems import RequestError, request_error_of

__all__ = ["GrpcServer"]

_SERVING, _NOT_SERVING, _UNKNOWN_SERVICE = 1, 2, 3
_OWN_ERROR: Final = "The service met an error of its own; its log says more."
_OVERHEAD: Final = 1 << 16  # bytes of a message beyond the tensors
_MODEL: Final = "/v2/models/NAME"  # the address over HTTP that needs the same role

log = logging.getLogger(__name__)

Context = Any  # of grpc, which has no types


@final
class GrpcServer:
    """Serves the detectors of an application by gRPC.

    Args:
        app: An application of `service.app.create_app`.
        settings: Its settings, with a port for gRPC.

    Attributes:
        port: The port that it listens on, 0 before it does.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        self.port = 0
        self._settings = settings
        self._state = app.state
        self._registry: Registry = app.state.registry
        self._gate: Gate = app.state.gate
        self._observer: Observer | None = app.state.observer

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer until the block ends; then finish the requests in flight.

        Raises:
            ConfigError: The address cannot be listened on.
        """
        settings = self._settings
        options = [
            ("grpc.max_receive_message_length", settings.max_body_bytes + _OVERHEAD),
            ("grpc.max_send_message_length", BUDGET.answer_bytes + _OVERHEAD),
            ("grpc.max_metadata_size", BUDGET.head_bytes),
            ("grpc.so_reuseport", int(settings.workers > 1)),
        ]
        server = grpc.aio.server(options=options, maximum_concurrent_rpcs=BUDGET.grpc_requests)
        server.add_generic_rpc_handlers(self._handlers())
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            address, secret = f"{host}:{settings.grpc_port}", _certificate(settings)
            self.port = server.add_secure_port(address, secret) if secret else server.add_insecure_port(address)
        except RuntimeError as error:
            detail = f"{host}:{settings.grpc_port} cannot be listened on: choose another {spelt('grpc_port')}."
            raise ConfigError(detail) from error
        await server.start()
        log.info("answering gRPC at %s:%d", host, self.port)
        try:
            yield
        finally:
            await server.stop(settings.drain_seconds)

    def _handlers(self) -> tuple[Any, ...]:
        methods = {
            "ServerLive": _Method(self._server_live, "/v2/health/live"),
            "ServerReady": _Method(self._server_ready, "/v2/health/ready"),
            "ServerMetadata": _Method(self._server_metadata, "/v2"),
            "ModelReady": _Method(self._model_ready, f"{_MODEL}/ready"),
            "ModelMetadata": _Method(self._model_metadata, _MODEL),
            "ModelInfer": _Method(self._model_infer, f"{_MODEL}/infer", "POST"),
        }
        inference = {
            name: grpc.unary_unary_rpc_method_handler(
                partial(self._answer, f"grpc_{name}", method),
                # A message that may be large is decoded by whoever may take the time.
                request_deserializer=None if name == "ModelInfer" else INFERENCE[f"{name}Request"].FromString,
                response_serializer=INFERENCE[f"{name}Response"].SerializeToString,
            )
            for name, method in methods.items()
        }
        check = grpc.unary_unary_rpc_method_handler(
            self._check,
            request_deserializer=HEALTH["HealthCheckRequest"].FromString,
            response_serializer=HEALTH["HealthCheckResponse"].SerializeToString,
        )
        return (
            grpc.method_handlers_generic_handler(INFERENCE_SERVICE, inference),
            grpc.method_handlers_generic_handler(HEALTH_SERVICE, {"Check": check}),
        )

    async def _answer(self, endpoint: str, method: _Method, request: Any, context: Context) -> Any:
        """Answer a request, or end it with the code of its error; count it either way."""
        call, began = _Call(), clock()
        try:
            with self._admitted(method, request, context):
                answer = await method.work(request, call)
            call.status = HTTPStatus.OK
        except (RequestError, DetectorError) as error:
            refused = request_error_of(error)
            call.status = refused.status
            await self._abort(context, GRPC_CODES.get(refused.status, "INTERNAL"), shortened(refused.detail))
        except Exception as error:
            log.error("unexpected error", exc_info=error, extra={"path": endpoint})
            await self._abort(context, "INTERNAL", _OWN_ERROR)
        else:
            return answer
        finally:
            if self._observer is not None:
                self._observer.ended(endpoint, call.status, call.version, began)

    async def _abort(self, context: Context, code: str, detail: str) -> None:
        await context.abort(grpc.StatusCode[code], detail)

    @contextmanager
    def _admitted(self, method: _Method, request: Any, context: Context) -> Iterator[None]:
        """Ask the gate, as a request to the same address over HTTP is asked, and tell it when the request has ended.

        Raises:
            RequestError: It refuses the request.
        """
        size = len(request) if isinstance(request, bytes) else 0
        headers = [(b"content-length", b"%d" % size)]
        for name, value in context.invocation_metadata():
            headers.append((name.encode(), value if isinstance(value, bytes) else value.encode()))
        admission = self._gate.admit(method.verb, method.path, headers, to_batch=False)
        try:
            refusal = admission.refusal
            if refusal is None and method.verb == "POST":
                refusal = self._gate.admit_to_routes(method.verb, headers)
            if refusal is not None:
                raise _error_of(refusal)
            yield
        finally:
            if admission.end is not None:
                admission.end()

    async def _server_live(self, request: Any, call: _Call) -> Any:
        return INFERENCE["ServerLiveResponse"](live=True)

    async def _server_ready(self, request: Any, call: _Call) -> Any:
        return INFERENCE["ServerReadyResponse"](ready=is_ready(self._registry.table))

    async def _server_metadata(self, request: Any, call: _Call) -> Any:
        return INFERENCE["ServerMetadataResponse"](**server_metadata())

    async def _model_ready(self, request: Any, call: _Call) -> Any:
        await self._detector(request.name, request.version or None, call)
        return INFERENCE["ModelReadyResponse"](ready=True)

    async def _model_metadata(self, request: Any, call: _Call) -> Any:
        detector = await self._detector(request.name, request.version or None, call)
        metadata = model_metadata(detector, self._registry.table.entry(detector.name).versions)
        return INFERENCE["ModelMetadataResponse"](**metadata)

    async def _model_infer(self, content: bytes, call: _Call) -> Any:
        """Answer a small request on the event loop, all others on a thread, as over HTTP."""
        detector = await self._detector(*names_in(content), call)
        spec = BodySpec(
            schema=detector.schema,
            max_rows=self._settings.max_rows,
            max_bytes=self._settings.max_body_bytes,
            cancellation=Cancellation(),
        )
        size = len(content)
        asked = request_of(read_message(content, spec), spec) if may_read_on_loop(size, self._gate) else None
        if asked is not None and is_quick(asked, size, detector):
            return answer_message(infer(asked, detector, spec))
        if refusal := self._gate.admit_large():
            raise _error_of(refusal)

        def answered() -> Any:
            request = asked or request_of(read_message(content, spec), spec)
            return answer_message(infer(request, detector, spec))

        with self._state.held_bodies.one() as hold:
            hold(size)
            return await self._gate.on_thread(answered, cancellation=spec.cancellation)

    async def _detector(self, name: str, version: str | None, call: _Call) -> Detector:
        detector = await self._registry.get(name, version)
        call.version = detector.name, detector.version
        return detector

    async def _check(self, request: Any, context: Context) -> Any:
        status = self._health_of(request.service)
        if status == _UNKNOWN_SERVICE:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no service of that name.")
        return HEALTH["HealthCheckResponse"](status=status)

    def _health_of(self, service: str) -> int:
        if service not in ("", INFERENCE_SERVICE):
            return _UNKNOWN_SERVICE
        return _SERVING if is_ready(self._registry.table) else _NOT_SERVING


@dataclass(frozen=True, slots=True)
class _Method:
    """A method of the service.

    Args:
        work: Answers it.
        path: The address over HTTP that asks the same.
        verb: The method of HTTP there.
    """

    work: Callable[[Any, _Call], Awaitable[Any]]
    path: str
    verb: str = "GET"


class _Call:
    """What is known of a request that is being answered."""

    __slots__ = ("status", "version")

    def __init__(self) -> None:
        self.status = HTTPStatus.INTERNAL_SERVER_ERROR
        self.version: Version = NO_DETECTOR


def _certificate(settings: Settings) -> Any:
    """Return the certificate of the service as gRPC takes it, None if there is none; HTTP has tried it already."""
    if settings.tls_certificate is None:
        return None
    certificate = settings.tls_certificate.read_bytes()
    key = certificate if settings.tls_key is None else settings.tls_key.read_bytes()
    return grpc.ssl_server_credentials([(key, certificate)])


def _error_of(refusal: Response) -> RequestError:
    """Return what a response of the gate refuses."""
    detail = msgspec.json.decode(refusal.body)["detail"]
    return RequestError(HTTPStatus(refusal.status_code), detail)
