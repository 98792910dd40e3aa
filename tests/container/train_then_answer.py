"""Trains in a container and then answers `/healthz`, until SIGTERM: so that a check of services can check training."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys


class Alive(http.server.BaseHTTPRequestHandler):
    """Answers every address with 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    command = [sys.executable, "-m", "training.train", "--output", "/app/models/artifacts/trained/1", "--quiet"]
    done = subprocess.run([*command, "--overwrite", "--epochs", "20"], capture_output=True, text=True, check=False)
    if done.returncode or done.stdout or done.stderr:  # a warning about a folder would be here
        sys.stderr.write(f"training ended with {done.returncode}: {done.stdout}{done.stderr}\n")
        return 1
    http.server.HTTPServer(("0.0.0.0", 8000), Alive).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
