"""LitServe around the network: ``python litserve_app.py FOLDER PORT``.

Fastest sensible settings: one worker, no log of requests. Scoring requests that wait together (``max_batch_size``) was
slower, its ``fast_queue`` no faster.
"""

import sys
from pathlib import Path
from typing import Any

import litserve as ls
import numpy as np
from network import Network


class NetworkAPI(ls.LitAPI):
    """``{"rows": [[…]]}`` in, ``{"scores": […]}`` out."""

    def setup(self, device: str) -> None:
        """Load the network."""
        self._network = Network(Path(sys.argv[1]))

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        """Return the rows."""
        return np.array(request["rows"])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Score the rows."""
        return self._network.score(rows)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        """Return the answer."""
        return {"scores": output.tolist()}


if __name__ == "__main__":
    server = ls.LitServer(NetworkAPI(api_path="/score"), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="error",
        access_log=False,
    )
