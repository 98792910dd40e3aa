"""Our connections around a constant: what HTTP costs where nothing is scored.

    python -m benchmarks.serving.constant PORT

serves it until it is ended.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any, Final

from benchmarks.serving.apps import FLOOR_ANSWER, floor
from service.fast_path.answering import Answer, SmallRequest, SmallRequests
from service.fast_path.protocol import connections_of
from service.settings import load_settings

_ANSWER: Final = Answer(HTTPStatus.OK.value, b"content-type: application/json\r\n", FLOOR_ANSWER)


class _Constant(SmallRequests):
    """Answers all small requests alike."""

    def __init__(self) -> None:
        self._settings = load_settings()

    def answer(self, request: SmallRequest) -> None:
        """Answer at once."""
        request.reply(_ANSWER)


def _serve(port: int) -> None:
    import uvicorn

    http: Any = connections_of(_Constant(), patience=60.0)
    uvicorn.run(floor, port=port, http=http, access_log=False, log_level="warning", lifespan="off", server_header=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
