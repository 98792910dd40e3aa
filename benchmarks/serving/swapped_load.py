"""Closed-loop load on a detector whose version changes meanwhile; each answer must be that of one version, whole."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from benchmarks.serving.request import Request

_PARITY: Final = 1e-5  # of scores in other batches
_SECONDS: Final = 60.0  # for one answer


@dataclass(slots=True)
class Tally:
    """What came of requests.

    Args:
        took: Seconds of each answer.
        versions: How often each version answered.
        faults: What was wrong with an answer, and how often.
        swaps: How often the version was changed.
    """

    took: list[float] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    swaps: int = 0


async def load_with_swaps(
    port: int,
    request: Request,
    *,
    name: str,
    versions: Sequence[str],
    connections: int,
    seconds: float,
    every: float | None,
) -> Tally:
    """Send a request again and again on some connections, and promote one version after the other meanwhile.

    Args:
        port: Port of the service, on this machine.
        request: A request for scores of a record, as JSON.
        name: Name of the detector.
        versions: Its versions.
        connections: Number of connections; each sends its next request when the last one is answered.
        seconds: Duration.
        every: Seconds between two changes of the version; None for no change.
    """
    expected = {}
    for version in versions:
        own = replace(request, path=f"/detectors/{name}/versions/{version}/score")
        expected[version] = _scores(await _once(port, own.message(port)))
    tally, end = Tally(), time.monotonic() + seconds
    sending = [_send(port, request.message(port), expected, tally, end) for _ in range(connections)]
    swapping = [] if every is None else [_swap(port, name, versions, tally, every=every, end=end)]
    await asyncio.gather(*sending, *swapping)
    return tally


async def _send(port: int, sent: bytes, expected: Mapping[str, list[float]], tally: Tally, end: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.monotonic() < end:
            began = time.perf_counter()
            writer.write(sent)
            status, head, body = await asyncio.wait_for(_answer(reader), _SECONDS)
            tally.took.append(time.perf_counter() - began)
            tally.faults.update(_faults(status, head, body, expected, tally))
    except (OSError, EOFError, TimeoutError) as error:
        tally.faults[f"no answer: {type(error).__name__}"] += 1
    finally:
        writer.close()


def _faults(status: int, head: bytes, body: bytes, expected: Mapping[str, list[float]], tally: Tally) -> Sequence[str]:
    """Return what is wrong with an answer."""
    if status != 200:
        return [f"status {status}"]
    plain = json.loads(body)
    version = plain["version"]
    tally.versions[version] += 1
    if version not in expected:
        return [f"version {version}"]
    if f"detector-version: {version}\r\n".encode() not in head.lower():
        return ["the header names another version"]
    same = [math.isclose(a, b, rel_tol=_PARITY) for a, b in zip(_scores(plain), expected[version], strict=True)]
    return [] if all(same) else ["a score of another version"]


def _scores(plain: Mapping[str, Any]) -> list[float]:
    return [plain["threshold"], *(result["anomaly_score"] for result in plain["results"])]


async def _swap(port: int, name: str, versions: Sequence[str], tally: Tally, *, every: float, end: float) -> None:
    while (left := end - time.monotonic()) > 0:
        await asyncio.sleep(min(every, left))
        version = versions[tally.swaps % len(versions)]
        change = Request(body=json.dumps({"version": version}).encode(), path=f"/detectors/{name}/aliases/champion")
        found = await _once(port, b"PUT" + change.message(port).removeprefix(b"POST"))
        tally.swaps += 1
        if found["version"] != version:
            tally.faults["a version was not promoted"] += 1


async def _once(port: int, sent: bytes) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    status, _, body = await asyncio.wait_for(_answer(reader), _SECONDS)
    writer.close()
    if status != 200:
        raise RuntimeError(f"status {status}: {body.decode()}")
    return json.loads(body)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Return status, head and body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(head[9:12]), head, await reader.readexactly(int(length))
