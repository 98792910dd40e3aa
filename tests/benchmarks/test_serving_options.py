"""The costs of options: each is compared with the service without any, within the same round."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serving.options import FIRST, _chosen, _page, ratios, variants
from benchmarks.serving.request import Request
from models.errors import ConfigError

SECONDS = {FIRST: [1e-5, 2e-5, 4e-5], "keys": [1.1e-5, 2.4e-5, 4.2e-5]}


def test_the_ratio_is_that_of_the_same_round() -> None:
    assert ratios(SECONDS)["keys"] == pytest.approx((1.1, 1.05, 1.2))
    assert _page(SECONDS).splitlines()[2:] == ["| all off | 20.0 | 1 |", "| keys | 24.0 | 1.10 [1.05, 1.20] |"]


def test_each_variant_is_sent_what_it_needs(tmp_path: Path) -> None:
    made = variants(tmp_path)
    request = Request(body=b"{}")
    assert made[FIRST].request(request) == request
    assert made["keys"].request(request).headers["Authorization"].startswith("Bearer ad_")
    assert made["HTTPS"].request(request).scheme == "https"
    assert list(_chosen(made, "keys")) == [FIRST, "keys"]
    with pytest.raises(ConfigError, match="there is no 'kees'"):
        _chosen(made, "kees")
