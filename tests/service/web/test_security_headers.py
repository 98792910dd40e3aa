"""The pages that people look at have security headers; they load nothing from elsewhere."""

from __future__ import annotations

import re

import pytest
from in_process import in_process
from samples import sample_detector


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect", "/docs/static/swagger-ui.css"])
def test_pages_have_security_headers(path: str) -> None:
    with in_process(sample_detector()) as service:
        answer = service.request("GET", path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_page_loads_what_the_policy_allows() -> None:
    with in_process(sample_detector()) as service:
        page = service.request("GET", "/docs").text
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert loaded
        for address in loaded:
            assert address.startswith("/docs/static/")
            assert service.request("GET", address).status_code == 200
