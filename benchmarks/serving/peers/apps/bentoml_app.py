"""BentoML around the network: ``python bentoml_app.py FOLDER PORT``.

Fastest sensible settings: one worker, no metrics, no traces, no log of requests.
"""

import os
import sys
from pathlib import Path

import bentoml
import numpy as np
from network import Network


@bentoml.service(
    workers=1,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    http={"response": {"trace_id": False}},
)
class NetworkService:
    """``{"rows": [[…]]}`` in, a list of scores out."""

    def __init__(self) -> None:
        self._network = Network(Path(os.environ["NETWORK_FOLDER"]))

    @bentoml.api(route="/score")
    async def score(self, rows: list[list[float]]) -> list[float]:
        """Score the rows."""
        return self._network.score(np.array(rows)).tolist()


def main(folder: Path, port: int) -> None:
    """Start the server."""
    os.environ["NETWORK_FOLDER"] = str(folder)
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    os.chdir(Path(__file__).parent)
    served = ("serve", "bentoml_app:NetworkService", "--host", "127.0.0.1", "--port", str(port), "--quiet")
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *served])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
