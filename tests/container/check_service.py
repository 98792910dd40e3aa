"""Checks a running service from outside, with nothing but Python: `BASE_URL=http://… python check_service.py`."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

_SERVICE = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on this machine: never by a proxy
_TIMEOUT = 10.0  # seconds


def main() -> int:
    """Run every check; print what does not hold and return the exit code."""
    base_url = os.environ["BASE_URL"].rstrip("/")
    try:
        _check_service(base_url)
    except (AssertionError, OSError, KeyError, ValueError) as error:
        print(f"{base_url}: {error!r}", file=sys.stderr)
        return 1
    return 0


def _check_service(base_url: str) -> None:
    _expect(_ask(f"{base_url}/healthz")["status"], "ok")
    _expect(_ask(f"{base_url}/readyz")["status"], "ready")
    detector = _ask(f"{base_url}/detector")
    record = detector["example"]
    columns_and_rows = {"columns": list(record), "rows": [list(record.values())] * 3}
    scores = set()
    for body, rows in ((record, 1), ([record, record], 2), (columns_and_rows, 3)):
        answer = _ask(f"{base_url}/score?explain=2", body)
        _expect((answer["detector"], answer["version"]), (detector["name"], detector["version"]))
        _expect(len(answer["results"]), rows)
        for result in answer["results"]:
            _check_result(result, threshold=answer["threshold"])
            scores.add(round(result["anomaly_score"], 4))
    _expect(len(scores), 1)  # the same record scores the same in every form
    _expect(_status(f"{base_url}/score", b"{"), 400)


def _check_result(result: dict[str, Any], *, threshold: float) -> None:
    _expect(result["anomaly_score"] >= 0, True)
    _expect(0 < result["p_value"] <= 1, True)
    _expect(result["is_anomaly"], result["anomaly_score"] > threshold)
    _expect(len(result["contributions"]), 2)


def _expect(got: object, expected: object) -> None:
    if got != expected:
        raise AssertionError(f"expected {expected!r}, got {got!r}")


def _ask(url: str, body: object = None) -> Any:
    """Return the answer's JSON; a status that is no success is an error."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    with _SERVICE.open(request, timeout=_TIMEOUT) as response:
        return json.load(response)


def _status(url: str, content: bytes) -> int:
    """Return the status of the answer to a body that is not JSON."""
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
    try:
        with _SERVICE.open(request, timeout=_TIMEOUT) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    sys.exit(main())
