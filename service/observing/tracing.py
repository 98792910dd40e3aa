"""Traces and logs for OpenTelemetry, sent by OTLP over HTTP; nothing of it is loaded where it is off."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, final

from models.errors import ConfigError
from models.programs.cli import program_version
from service.settings import spelt

if TYPE_CHECKING:
    from starlette.types import Scope

    from service.observing.middleware import Seen

_SERVICE: Final = "relu-anomaly-detector"
_DELAY_MILLIS: Final = 1000  # until what has ended is sent
_OF_SENDING: Final = ("opentelemetry", "urllib3", "requests")  # their lines are not sent: sending them would make more


@final
class Tracing:
    """Makes a span of each request that comes over ASGI, and sends spans and lines of the log to a collector.

    Its threads begin with the first request: a process that forks has none.

    Args:
        endpoint: Address of the collector, without `/v1/traces`.

    Raises:
        ConfigError: OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            import opentelemetry.exporter.otlp.proto.http
            import opentelemetry.sdk.trace  # noqa: F401
        except ImportError as error:
            raise ConfigError(f"{spelt('otlp_endpoint')} needs OpenTelemetry: pip install '.[serve,otel]'.") from error
        self._endpoint = endpoint.rstrip("/")
        self._tracer: Any = None
        self._ends: list[Any] = []

    @contextmanager
    def span(self, scope: Scope, seen: Seen) -> Iterator[None]:
        """Make a span of what is done in the block: a part of the trace that the request names, if it names one."""
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        if self._tracer is None:
            self._begin()
        wanted = {b"traceparent", b"tracestate"}
        sent = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in wanted}
        span = self._tracer.start_as_current_span(
            "request",
            context=TraceContextTextMapPropagator().extract(sent),
            kind=SpanKind.SERVER,
            record_exception=False,  # its message may quote a value
            set_status_on_exception=False,
        )
        with span as current:
            try:
                yield
            finally:
                current.update_name(seen.endpoint or "unmatched")
                current.set_attributes(
                    {
                        "http.request.method": scope["method"],
                        "http.response.status_code": seen.status,
                        "request.id": seen.request_id.decode(),
                        "detector.name": seen.version[0],
                        "detector.version": seen.version[1],
                        "detector.rows": seen.rows,
                    }
                )
                if seen.status >= 500:
                    current.set_status(StatusCode.ERROR)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send what is left when the block ends."""
        try:
            yield
        finally:
            for end in self._ends:
                end.shutdown()

    def _begin(self) -> None:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": _SERVICE, "service.version": program_version()})
        traces = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces")
        traces.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_DELAY_MILLIS))
        logs = LoggerProvider(resource=resource)
        sender = OTLPLogExporter(endpoint=f"{self._endpoint}/v1/logs")
        logs.add_log_record_processor(BatchLogRecordProcessor(sender, schedule_delay_millis=_DELAY_MILLIS))
        logging.getLogger().addHandler(_SendingHandler(logs))
        self._tracer = traces.get_tracer(_SERVICE)
        self._ends = [traces, logs]


class _SendingHandler(logging.Handler):
    """Sends lines of the log: their messages and fields, of an exception its type alone."""

    def __init__(self, provider: Any) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line."""
        from opentelemetry._logs import LogRecord, SeverityNumber

        if record.name.startswith(_OF_SENDING):
            return
        attributes: dict[str, Any] = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            attributes["exception.type"] = record.exc_info[0].__qualname__
        level = {"INFO": SeverityNumber.INFO, "WARNING": SeverityNumber.WARN, "ERROR": SeverityNumber.ERROR}
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_text=record.levelname,
                severity_number=level.get(record.levelname, SeverityNumber.UNSPECIFIED),
                body=record.getMessage(),
                attributes=attributes,
            )
        )
