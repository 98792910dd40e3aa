"""Check that version, changelog, citation and kept bundle name one release: `python scripts/check_release.py`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

_REPOSITORY: Final = Path(__file__).resolve().parents[1]
_SECTION: Final = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


def main() -> int:
    """Print what is wrong, one line each; return the exit code."""
    found = problems(_REPOSITORY) + unreleased(_REPOSITORY)
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201
    return 1 if found else 0


def problems(repository: Path) -> list[str]:
    """Return where the files that name the release differ: always empty on the main branch."""
    version = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    sections = _sections(repository)
    date = next((date for name, date, _ in sections if name == version), None)
    citation = (repository / "CITATION.cff").read_text("utf-8").splitlines()
    bundles = repository / "tests" / "bundles"
    digests = (bundles / "SHA256SUMS").read_text("utf-8")
    checks = {
        "CHANGELOG.md does not begin with [Unreleased]": [name for name, *_ in sections][:1] == ["Unreleased"],
        f"the newest release in CHANGELOG.md is not [{version}]": [name for name, *_ in sections][1:2] == [version],
        f"CHANGELOG.md has no date for [{version}]": date is not None,
        f"CITATION.cff does not say version: {version}": f"version: {version}" in citation,
        f"CITATION.cff does not say date-released: {date}": f"date-released: {date}" in citation,
        f"tests/bundles/{version} is missing: keep.py makes it": (bundles / version / "recorded.json").is_file(),
        f"SHA256SUMS does not name tests/bundles/{version}": f"  {version}/recorded.json" in digests,
    }
    return [problem for problem, right in checks.items() if not right]


def unreleased(repository: Path) -> list[str]:
    """Return a problem if [Unreleased] still holds lines; a release moves them under its own heading."""
    lines = next((text for name, _, text in _sections(repository) if name == "Unreleased"), "")
    return ["CHANGELOG.md has lines under [Unreleased]; move them under the release"] if lines.strip() else []


def _sections(repository: Path) -> list[tuple[str, str | None, str]]:
    """Return name, date and text of each section of the changelog, in the file's order."""
    text = (repository / "CHANGELOG.md").read_text("utf-8")
    found = list(_SECTION.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [(m["name"], m["date"], text[m.end() : end]) for m, end in zip(found, ends, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
