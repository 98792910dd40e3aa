"""Reference applications in ASGI, created when a server imports them.

They follow their guides, around the same network; none validates, limits or logs anything.
"""

from collections.abc import MutableMapping
from typing import Any, Final

WIDTHS: Final = (30, 64, 32, 8, 32, 64, 30)
"""Layer widths of the network in all servers."""

FLOOR_ANSWER: Final = b'{"status": "ok"}'


async def floor(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """Answer anything with a constant, to measure the cost of the server itself."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(FLOOR_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": FLOOR_ANSWER})


def empty() -> Any:
    """Return a FastAPI application whose endpoint does nothing, to measure the cost of the framework."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/score")
    async def score() -> dict[str, str]:
        return {"status": "ok"}

    return app


def predicting() -> Any:
    """Return the usual FastAPI application by hand: a list of numbers in, ``network.predict``, the error out.

    The network is that of `WIDTHS`, with random weights.
    """
    import keras
    import numpy as np
    from fastapi import FastAPI
    from pydantic import BaseModel

    first, *hidden, last = WIDTHS
    layers = [keras.layers.Dense(width, activation="relu") for width in hidden]
    network = keras.Sequential([keras.Input((first,)), *layers, keras.layers.Dense(last)])
    app = FastAPI()

    class Record(BaseModel):
        values: list[float]

    @app.post("/score")
    def score(record: Record) -> dict[str, float]:
        Z = np.array([record.values], np.float32)
        return {"anomaly_score": float(np.square(Z - network.predict(Z, verbose=0)).mean())}

    return app
