"""A client of the service: typed results, retries, large inputs in chunks, data frames in and out.

It needs httpx (``pip install '.[client]'``) and nothing of the server's.

Example:
    >>> from service.client import DetectorClient
    >>> with DetectorClient("http://127.0.0.1:8000") as client:  # doctest: +SKIP
    ...     result = client.score([{"load": 30.3, "mode": "idle"}], explain=2)  # or a data frame
    ...     frame_with_scores = client.score_frame(frame)  # pandas, polars or Arrow
    >>> [record.anomaly_score for record in result.records if record.is_anomaly]  # doctest: +SKIP
    [58.1]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, final

import httpx
import msgspec

from models.errors import ServiceError
from service.client.results import (
    DetectorInfo,
    Frame,
    ScoreResult,
    arrow_of,
    detector_info,
    frame_like,
    is_frame,
    items_of,
    notes_of,
    stream_of,
    warn_of,
)
from service.client.sending import JSON, Sender, address_of

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]
Rows = Any  # a record, a sequence of records, or a data frame: pandas, polars and Arrow have no type in common

_STREAM: Final = "application/vnd.apache.arrow.stream"
_TIMES: Final = ("M", "m")  # NumPy's kinds of timestamps and durations
_ROOM: Final = 0.9  # of the largest body: Arrow's headers need the rest


@final
class DetectorClient:
    """Talks to one service; may be used by many threads at once.

    Args:
        url: Address of the service.
        detector: Name of the detector that is asked; None for the default one.
        version: Its version, or an alias of one; None for the active one.
        key: API key, where the service needs one (default: the variable DETECTOR_KEY).
        timeout: Seconds that one answer may take.
        retries: How often a request is sent again that was lost, or put off by the service (429, 503).
        backoff_seconds: Wait before the first time again; it doubles each time. Retry-After, where it comes, wins.
        transport: Another way to the service than the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        detector: str | None = None,
        version: str | None = None,
        key: str | None = None,
        timeout: float = 120.0,
        retries: int = 4,
        backoff_seconds: float = 0.5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._sender = Sender(
            url, key=key, timeout=timeout, retries=retries, backoff_seconds=backoff_seconds, transport=transport
        )
        self._prefix = address_of(detector, version)
        self._info: DetectorInfo | None = None

    def __enter__(self) -> DetectorClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def is_ready(self) -> bool:
        """Return True if the service can score records; it is asked once."""
        return self._sender.is_ready()

    def detector(self) -> DetectorInfo:
        """Return the detector of the service.

        Raises:
            ServiceError: The service does not answer.
        """
        self._info = detector_info(msgspec.json.decode(self._sender.send("GET", self._prefix or "/detector").content))
        return self._info

    def score(self, records: Rows, *, explain: int = 0) -> ScoreResult:
        """Score records, or the rows of a data frame.

        Args:
            records: A record or several: values by column name; None where there is none. Or a data frame of pandas or
                polars, or an Arrow table; `score_frame` gives its scores as a frame.
            explain: How many of the columns that add most are named.

        Raises:
            ServiceError: A record cannot be scored, then with all places; or the service does not answer.
        """
        answers = list(self._ask("/score", records, explain=explain))
        results = [item for answer in answers for item in answer["results"]]
        return msgspec.convert({**answers[0], "records": results, "notes": notes_of(answers)}, ScoreResult)

    def embed(self, records: Rows) -> list[list[float]]:
        """Return the bottleneck's output for each record, or row of a data frame.

        Raises:
            ServiceError: A record cannot be used, or the service does not answer.
        """
        return items_of(list(self._ask("/embed", records)), "embeddings")

    def reconstruct(self, records: Rows) -> list[dict[str, Any]]:
        """Return the values that the network expected of each record, or row of a data frame.

        Raises:
            ServiceError: A record cannot be used, or the service does not answer.
        """
        return items_of(list(self._ask("/reconstruct", records)), "reconstructions")

    def score_frame(self, frame: Frame, *, explain: int = 0) -> Frame:
        """Score the rows of a data frame of pandas or polars, or of an Arrow table.

        Args:
            frame: The rows.
            explain: How many of the columns that add most are named, in columns of their own.

        Returns:
            A frame of the same kind, a row each: ids, anomaly_score, p_value, is_anomaly, top_1_feature, …
            What the service noted of the rows is a UserWarning.

        Raises:
            ServiceError: A row cannot be scored, then with all places; or the service does not answer.
        """
        import pyarrow as pa  # data frames alone need it

        table = arrow_of(frame)
        answers: list[pa.Table] = []
        notes: list[str] = []
        for first, body in self._streams(table, self._most_rows(explain)):
            answer = self._sender.send(
                "POST",
                f"{self._prefix}/score",
                body,
                params={"explain": explain},
                content_type=_STREAM,
                accept=_STREAM,
                first=first,
            )
            answers.append(pa.ipc.open_stream(answer.content).read_all())
            notes += msgspec.json.decode(answer.headers.get("detector-notes", "[]"))
        warn_of(notes)
        _require_one_version({answer.schema.metadata[b"version"].decode() for answer in answers})
        return frame_like(frame, pa.concat_tables(answers, promote_options="permissive"))

    def _ask(self, path: str, records: Rows, *, explain: int = 0) -> Iterator[dict[str, Any]]:
        """Return the answers to records or rows, in as many requests as the limits of the service need."""
        per_row = explain if path == "/score" else len(self._known().columns) if path == "/reconstruct" else 0
        if is_frame(records):
            rows: pa.Table | Sequence[Record] = arrow_of(records)
        else:
            records = records.to_dict() if hasattr(records, "to_dict") else records  # a Series: one row of a frame
            rows = [records] if isinstance(records, Mapping) else records
        versions: set[str] = set()
        for plain in self._answers(
            path, rows, self._most_rows(per_row), params={"explain": explain} if explain else {}
        ):
            versions.add(plain["version"])
            _require_one_version(versions)
            yield plain

    def _answers(
        self, path: str, rows: pa.Table | Sequence[Record], most_rows: int, *, params: Mapping[str, Any], start: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Return the answers to the rows from one on; after one that would be too large, to half as many at a time."""
        left = rows[start:]
        content_type, bodies_of = (_STREAM, self._streams) if is_frame(rows) else (JSON, self._chunks)
        for index, body in bodies_of(left, most_rows):
            first = start + index
            try:
                answer = self._sender.send(
                    "POST", self._prefix + path, body, params=params, content_type=content_type, first=first
                )
            except ServiceError as error:
                fewer = min(most_rows, len(left)) // 2
                if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE or not fewer:
                    raise
                yield from self._answers(path, rows, fewer, params=params, start=first)
                return
            yield msgspec.json.decode(answer.content)

    def _known(self) -> DetectorInfo:
        return self._info or self.detector()

    def _most_rows(self, values_per_row: int) -> int:
        known = self._known()
        values = min(values_per_row, len(known.columns))
        return min(known.max_rows, known.max_values // values if values else known.max_rows)

    def _chunks(self, records: Sequence[Record], most_rows: int) -> Iterator[tuple[int, bytes]]:
        """Return JSON lists within the limits of the service, with the index of the first record of each."""
        most_bytes = self._known().max_body_bytes
        chunk: list[bytes] = []
        size, first = 2, 0
        for index, record in enumerate(records):
            text = msgspec.json.encode(record, enc_hook=_json_value)
            if chunk and (len(chunk) == most_rows or size + len(text) + 1 > most_bytes):
                yield first, b"[" + b",".join(chunk) + b"]"
                chunk, size, first = [], 2, index
            chunk.append(text)
            size += len(text) + 1
        yield first, b"[" + b",".join(chunk) + b"]"

    def _streams(self, table: pa.Table, most_rows: int) -> Iterator[tuple[int, bytes]]:
        """Return Arrow streams within the limits of the service, with the index of the first row of each."""
        most_bytes = self._known().max_body_bytes
        row_bytes = max(table.nbytes / max(len(table), 1), 1)
        step = max(1, min(most_rows, int(most_bytes * _ROOM / row_bytes)))
        first = 0
        while first < max(len(table), 1):
            body = stream_of(table.slice(first, step))
            if len(body) > most_bytes and step > 1:  # rows of uneven size
                step = max(1, step // 2)
                continue
            yield first, body
            first += step


def _require_one_version(versions: set[str]) -> None:
    if len(versions) > 1:
        raise ServiceError(
            f"The service changed its detector between two requests (versions {', '.join(sorted(versions))}), so the "
            "scores would not go together. Score again."
        )


def _json_value(value: Any) -> Any:
    """Return a value of NumPy or pandas as one that JSON has."""
    if getattr(getattr(value, "dtype", None), "kind", "") in _TIMES:
        value = value.astype(f"{value.dtype.kind}8[us]").item()  # of nanoseconds, an item would be their number
    if type(value) is timedelta:
        return value  # written as ISO 8601
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    raise NotImplementedError(f"a value of type {type(value).__name__} cannot be sent")
