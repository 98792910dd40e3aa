"""A real browser, for the tests of pages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--hide-scrollbars", "--enable-logging=stderr", "--virtual-time-budget=5000"),
)


def installed_browser() -> str:
    """Return the name of the browser; skip the test where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed, none of {', '.join(NAMES)}")
    return found


def opened(page: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a browser that has never been used before."""
    done = subprocess.run(
        [installed_browser(), *QUIETLY, f"--user-data-dir={folder / 'profile'}", *arguments, page.as_uri()],
        env=os.environ | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return done
