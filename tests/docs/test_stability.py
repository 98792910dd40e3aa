"""The page of what stays stable names what there is, and each module says the same in `__all__`."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from page_examples import DOCS

ROWS = re.findall(
    r"^\| (`[a-z_.]+`) \| (`.+`) \|$", (DOCS / "reference" / "stability.md").read_text("utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("module", "names"), ROWS, ids=[module for module, _ in ROWS])
def test_every_stable_name_is_public_and_explained(module: str, names: str) -> None:
    found = import_module(module.strip("`"))
    stable = re.findall(r"`(\w+)`", names)
    assert [name for name in stable if name not in found.__all__] == []
    assert [name for name in stable if name.islower() and not getattr(found, name).__doc__] == []


def test_no_row_dropped_out_unseen() -> None:
    assert len(ROWS) == 11
