"""Run inside an image: no packages for GPUs, no caches of package managers. Case 25."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

CACHES = ("/root/.cache", "/var/cache/apt/archives", "/var/lib/apt/lists", "/tmp")


def main() -> int:
    wrong = [name for d in distributions() if (name := str(d.metadata["Name"])).lower().startswith("nvidia-")]
    for folder in CACHES:
        try:
            wrong += [str(path) for path in Path(folder).rglob("*") if path.is_file() and path.stat().st_size > 4096]
        except PermissionError:
            continue
    for name in wrong:
        sys.stderr.write(f"should not be in the image: {name}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
