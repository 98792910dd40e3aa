"""Settings that an error names are query parameters over HTTP, where the service has them."""

from __future__ import annotations

import pytest

from models.errors import Set, TableError
from service.web.problems import over_http


@pytest.mark.parametrize(
    ("setting", "spelt"),
    [
        (Set("decimal", ","), "?decimal=,"),
        (Set("comment", "#"), "?comment=%23"),
        (Set("skip_lines", 3), "?skip-lines=3"),
        (Set("delimiter"), "?delimiter="),
        (Set("header", True), "?header=present"),
        (Set("header", False), "?header=absent"),
        (Set("column_names", ("a b",), like="NAME …"), "?column-names=a%20b,NAME,…"),
        (Set("encoding"), "charset in Content-Type"),
        (Set("encoding", "cp1252"), "charset=cp1252 in Content-Type"),
        (Set("infinite", "missing"), "--infinite missing"),
    ],
)
def test_a_setting_is_spelt_as_a_caller_gives_it(setting: Set, spelt: str) -> None:
    assert over_http(TableError("say ", setting, ".")) == f"say {spelt}."
