"""Our protocol around a constant: what HTTP costs where nothing is scored.

    python -m benchmarks.serving.constant PORT

serves it until it is ended.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from benchmarks.serving.apps import FLOOR_ANSWER, floor
from service.fast_path.answering import Answer, Reply
from service.fast_path.protocol import FastProtocol

_ANSWER: Final = Answer.of(Response(FLOOR_ANSWER, media_type="application/json"))


class _Constant:
    """Answers all small requests alike."""

    def knows(self, path: bytes) -> bool:
        """Take every path."""
        return True

    def explain_of(self, query: bytes, headers: object) -> int:
        """Take every request."""
        return 0

    def answer(self, body: bytes, explain: int, reply: Reply, *, path: bytes) -> None:
        """Answer at once."""
        reply(_ANSWER)


def _serve(port: int) -> None:
    import uvicorn

    small: Any = _Constant()
    http: Any = partial(FastProtocol, app=floor, small=small, patience=60.0)
    uvicorn.run(floor, port=port, http=http, access_log=False, log_level="warning", lifespan="off", server_header=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
