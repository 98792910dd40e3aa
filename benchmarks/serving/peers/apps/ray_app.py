"""Ray Serve around the network: ``python ray_app.py FOLDER PORT``.

Fastest sensible settings: one replica, no dashboard, no log of requests.
"""

import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import ray
from network import Network
from ray import serve
from ray.serve.config import HTTPOptions
from ray.serve.schema import LoggingConfig
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=256, logging_config=LoggingConfig(enable_access_log=False))
class NetworkDeployment:
    """``{"rows": [[…]]}`` in, ``{"scores": […]}`` out."""

    def __init__(self, folder: str) -> None:
        self._network = Network(Path(folder))

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Score the rows."""
        sent = await request.json()
        return {"scores": self._network.score(np.array(sent["rows"])).tolist()}


if __name__ == "__main__":
    here = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8, runtime_env=here)
    serve.start(http_options=HTTPOptions(host="127.0.0.1", port=int(sys.argv[2])))
    serve.run(NetworkDeployment.bind(sys.argv[1]), route_prefix="/score")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    serve.shutdown()
    ray.shutdown()
