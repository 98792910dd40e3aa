"""Does the service stand hostile requests? Some made by schemathesis from its own document, some by hypothesis.

    python -m benchmarks.hostile_requests [--requests 100000] [--seed 0] [--detector BUNDLE] [--output FILE]

Three tenths are made by schemathesis, valid and invalid, a third of them for a service with keys (without one, and
with one of each role); one tenth are bytes of hypothesis that are hardly HTTP. They go over a socket to services of
their own. The others are hypothesis' bodies, headers and queries, in this process. Refused are: a status of 500 or
more, no answer within 5 s, an answer that is not what its content type says, JSON that is not strict, a number that is
none, a refusal that is no problem document, and an answer beyond the role of a key.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import httpx
import hypothesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from rich.progress import track

from benchmarks.hostile_answers import NOT_IMPLEMENTED, fault_of
from benchmarks.hostile_strategies import Wire, raw_requests, wires
from models.bundle import load_detector
from models.detector import Detector
from service.access.keys import new_key, write_keys
from service.access.rights import right_of
from service.access.roles import Role
from service.api.schemas import example_record
from service.app import create_app
from service.formats.formats import FORMATS
from service.registry import Registry
from service.settings import load_settings

LONGEST: Final = 5.0
"""Seconds within which every request is answered."""

_ROUND: Final = 1000  # requests of one run of hypothesis: more would fill the memory with what was tried
_BUNDLE: Final = Path(__file__).resolve().parents[1] / "tests" / "bundles" / "0.1.0" / "bundle"
_KINDS: Final = frozenset(kind for row in FORMATS.values() for kind in row.types)
_LIMITS: Final = {"max_body_bytes": 300_000, "max_rows": 2000}


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of the requests.

    Args:
        statuses: How many answers had each status.
        kinds: The same by the content type of the request, its parameters left out.
        faults: What was wrong with answers, each once, with the first request that showed it.
        slowest: Seconds of the slowest answer.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0

    def add(self, status: str, fault: str | None, request: object, seconds: float, *, kind: str = "") -> None:
        """Count an answer; `kind` is the content type of the request."""
        self.statuses[status] += 1
        bare = kind.partition(";")[0].strip().lower()
        self.kinds[bare if bare in _KINDS or not bare else "another", status] += 1
        self.slowest = max(self.slowest, seconds)
        if seconds > LONGEST:
            fault = f"took more than {LONGEST:g} s"
        if fault is not None:
            self.faults.setdefault(fault, f"{request!r:.3000}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 where the service failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000, help="how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="which (default: 0)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the counts there, as JSON")
    parser.add_argument("--detector", type=Path, default=_BUNDLE, help="bundle (default: a small one of the tests)")
    arguments = parser.parse_args(argv)
    print(f"{arguments.requests:,} requests, seed {arguments.seed}", flush=True)
    shares = {"schemathesis": arguments.requests // 5, **dict.fromkeys(("roles", "socket"), arguments.requests // 10)}
    shares["in process"] = arguments.requests - sum(shares.values())
    detector = load_detector(arguments.detector)
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryFile() as log, running(arguments.detector, log) as port:
        campaigns: dict[str, Callable[[int, int], Tally]] = {
            "in process": lambda requests, seed: ask_in_process(detector, requests=requests, seed=seed),
            "schemathesis": lambda requests, seed: ask_by_document(port, requests=requests, seed=seed),
            "roles": lambda requests, seed: ask_by_roles(arguments.detector, log, requests=requests, seed=seed),
            "socket": lambda requests, seed: ask_by_socket(detector, port, requests=requests, seed=seed),
        }
        for name, campaign in campaigns.items():
            started = time.monotonic()
            tallies[name] = campaign(shares[name], arguments.seed)
            _report(name, tallies[name], time.monotonic() - started)
        log.seek(0)
        complaints = [line for line in log.read().decode().splitlines() if "ERROR" in line or "Traceback" in line]
    for line in complaints[:5]:
        print(f"the service's log: {line}")
    if arguments.output is not None:
        counts = {name: _plain(tally) for name, tally in tallies.items()}
        plain = {"requests": arguments.requests, "seed": arguments.seed, **counts}
        arguments.output.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return int(any(tally.faults for tally in tallies.values()) or bool(complaints))


def ask_in_process(detector: Detector, *, requests: int, seed: int) -> Tally:
    """Send hypothesis' requests to the service within this process."""
    tally = Tally()
    app = create_app(Registry(detector), load_settings(**_LIMITS))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    with start_blocking_portal() as portal:
        client = httpx.AsyncClient(transport=transport, base_url="http://service")

        def ask(wire: Wire) -> None:
            # A hang ends the program and says where.
            faulthandler.dump_traceback_later(60, exit=True, file=sys.__stderr__ or sys.stderr)
            started = time.monotonic()
            answer = portal.call(_send, client, wire)
            kind = dict(wire.headers).get(b"content-type", b"").decode("latin-1")
            tally.add(str(answer.status_code), fault_of(answer), wire, time.monotonic() - started, kind=kind)

        try:
            _repeat(wires(detector.schema, example_record(detector)), ask, requests=requests, seed=seed)
        finally:
            faulthandler.cancel_dump_traceback_later()
        portal.call(client.aclose)
    return tally


def ask_by_roles(bundle: Path, log: Any, *, requests: int, seed: int) -> Tally:
    """Send schemathesis' requests to a service with keys and two versions: without a key, and with one of each role."""
    tally = Tally()
    callers: list[Role | None] = [None, *Role]
    with tempfile.TemporaryDirectory() as made:
        folder, file = Path(made) / "detectors", Path(made) / "keys.json"
        for version in ("1", "2"):
            shutil.copytree(bundle, folder / "machines" / version)
        keys = {role: new_key(role, role, now=datetime.now(UTC)) for role in Role}
        write_keys(file, [kept for _, kept in keys.values()])
        with running(folder, log, f"--keys={file}") as port:
            for i, role in enumerate(callers):
                count = requests * (i + 1) // len(callers) - requests * i // len(callers)
                key = None if role is None else keys[role][0]
                reading = keys[Role.READ][0]
                ask_by_document(port, requests=count, seed=seed, role=role, key=key, reading=reading, tally=tally)
    return tally


def ask_by_document(
    port: int,
    *,
    requests: int,
    seed: int,
    role: Role | None = Role.OPERATE,
    key: str | None = None,
    reading: str | None = None,
    tally: Tally | None = None,
) -> Tally:
    """Send requests that schemathesis makes from the service's OpenAPI document, valid and invalid ones.

    Half of them name a detector, a version and an alias that there are.

    Args:
        port: Port of the service.
        requests: How many.
        seed: Which.
        role: What their sender may do; None where it may do nothing.
        key: The sender's key.
        reading: A key that may read the document.
        tally: Counts them, too.
    """
    import requests as http  # schemathesis brings it
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        *(not_a_server_error, content_type_conformance, response_headers_conformance),
        *(response_schema_conformance, status_code_conformance),
    ]
    opaque = {kind for name, row in FORMATS.items() if name not in ("json", "csv") for kind in row.types}

    @schemathesis.serializer(*opaque)
    def as_it_is(context: Any, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")

    tally = Tally() if tally is None else tally
    address = f"http://127.0.0.1:{port}"
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=_bearer(reading))
    listed = httpx.get(f"{address}/detectors", headers=_bearer(reading), trust_env=False).json()["detectors"][0]
    known = {"name": listed["name"], "version": listed["version"], "alias": "champion"}
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    modes = list(schemathesis.GenerationMode)
    cases = st.tuples(st.one_of([row.as_strategy(mode) for row in operations for mode in modes]), st.booleans())
    with http.Session() as session:
        session.trust_env = False

        def ask(drawn: tuple[Any, bool]) -> None:
            case, is_aimed = drawn
            if is_aimed:
                case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
            started = time.monotonic()
            try:
                answer = case.call(base_url=address, session=session, timeout=4 * LONGEST, headers=_bearer(key))
            except (http.exceptions.InvalidHeader, UnicodeError):  # what requests does not send
                tally.statuses["not sent"] += 1
                return
            seconds = time.monotonic() - started
            fault = None
            try:
                case.validate_response(answer, checks=checks)
            except AssertionError as error:
                fault = str(error)
            except BaseExceptionGroup as errors:
                fault = "; ".join(str(error) for error in errors.exceptions)
            needed = right_of(case.method.upper(), unquote(urlsplit(answer.request.url).path))
            if answer.status_code < 400 and needed is not None and (role is None or needed not in role.covered()):
                fault = f"an answer to {case.method} {case.path}, which needs {needed}, for {role}"
            tally.add(str(answer.status_code), fault, case.as_curl_command(), seconds, kind=case.media_type or "")

        _repeat(cases, ask, requests=requests, seed=seed)
    return tally


def ask_by_socket(detector: Detector, port: int, *, requests: int, seed: int) -> Tally:
    """Send bytes that are hardly HTTP; each connection has to be answered or closed."""
    tally = Tally()

    def ask(content: bytes) -> None:
        started = time.monotonic()
        answer = _exchange(port, content)
        seconds = time.monotonic() - started
        if answer is None:
            tally.add("no answer", f"no answer within {LONGEST:g} s, and the connection stays", content, seconds)
        else:
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
            status = found[1].decode() if found else "closed"
            is_fault = status.startswith("5") and status != NOT_IMPLEMENTED
            tally.add(status, "a server error" if is_fault else None, content, seconds)

    _repeat(raw_requests(detector.schema, example_record(detector)), ask, requests=requests, seed=seed)
    return tally


@contextmanager
def running(bundle: Path, log: Any, *flags: str) -> Iterator[int]:
    """Run a service, give its port, and stop it."""
    command = [sys.executable, "-m", "service", "--detector", str(bundle), "--port", "0", "--body-seconds", "2"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in _LIMITS.items()]
    with subprocess.Popen([*command, *flags], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = next(line for line in process.stderr if "running on" in line)

        def keep() -> None:
            for line in process.stderr or ():
                log.write(line.encode())

        reader = threading.Thread(target=keep, daemon=True)
        reader.start()
        try:
            yield int(re.search(r":(\d+) ", address)[1])  # type: ignore[index]
            assert process.poll() is None, "the service ended"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            reader.join(10)


def _bearer(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _repeat(strategy: st.SearchStrategy[Any], ask: Callable[[Any], None], *, requests: int, seed: int) -> None:
    """Draw requests in rounds, each with a seed of its own that follows from the seed."""
    for start in track(range(0, requests, _ROUND), description=f"rounds of {_ROUND:,}", transient=True):
        settings = hypothesis.settings(
            max_examples=min(_ROUND, requests - start),
            phases=[Phase.generate],
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        hypothesis.seed(seed * 1_000_003 + start)(settings(given(strategy)(ask)))()


async def _send(client: httpx.AsyncClient, wire: Wire) -> httpx.Response:
    return await client.request(wire.method, wire.target, headers=list(wire.headers), content=wire.body)


def _exchange(port: int, content: bytes) -> bytes | None:
    """Send bytes and end; return what comes back, or None where nothing does in time."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as connection:
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece
        except TimeoutError:
            return bytes(answer) or None
        except OSError:  # closed while bytes were still going out
            pass
    return bytes(answer)


def _report(name: str, tally: Tally, seconds: float) -> None:
    counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(tally.statuses.items()))
    total = sum(tally.statuses.values())
    print(f"{name}: {total:,} requests in {seconds:,.0f} s, slowest {tally.slowest:.2f} s; {counts}", flush=True)
    for kind in sorted({kind for kind, _ in tally.kinds} - {""}):
        own = sorted((status, count) for (other, status), count in tally.kinds.items() if other == kind)
        print(f"  {kind}: {', '.join(f'{status}: {count:,}' for status, count in own)}", flush=True)
    for fault, request in tally.faults.items():
        print(f"  FAULT {fault}\n    first shown by {request}", flush=True)


def _plain(tally: Tally) -> dict[str, Any]:
    kinds: dict[str, dict[str, int]] = {}
    for (kind, status), count in sorted(tally.kinds.items()):
        kinds.setdefault(kind or "not said", {})[status] = count
    return {"statuses": dict(sorted(tally.statuses.items())), "content_types": kinds, "faults": tally.faults}


if __name__ == "__main__":
    sys.exit(main())
