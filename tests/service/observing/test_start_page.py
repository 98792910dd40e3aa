"""The page at `/`: in the service's language, without anything from elsewhere, and with a form that scores."""

# No annotations as text: FastAPI reads those of endpoints that are made in a function.
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import QUIETLY, installed_browser
from fastapi import FastAPI, Request, Response
from in_process import InProcess, in_process
from samples import sample_detector, sample_record
from wire import wired

from models.detector import Detector
from service.observing.page import start

TYPICAL = {name: {"typical": value} for name, value in sample_record().items()}


def detector() -> Detector:
    return replace(sample_detector(), name="a<b>&é", reference={"columns": TYPICAL})


@pytest.fixture(scope="module")
def client() -> Iterator[InProcess]:
    with in_process(detector()) as client:
        yield client


def test_the_page_says_what_is_served_and_escapes_names(client: InProcess) -> None:
    answer = client.request("GET", "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<a href="detectors/a%3Cb%3E%26%C3%A9">a&lt;b&gt;&amp;é</a></td><td>1</td><td>ready</td>' in answer.text
    assert "<b>" not in answer.text
    assert '<html lang="en">' in answer.text
    assert [f'href="{name}"' in answer.text for name in ("docs", "detectors", "readyz", "metrics")] == [True] * 4
    assert "&quot;number&quot;: 51.5" in answer.text
    assert client.request("HEAD", "/").status_code == 200


def test_the_page_loads_nothing_but_its_own_files_and_has_no_script_in_it(client: InProcess) -> None:
    answer = client.request("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r'<script[^>]*>(?!</script>)|\son\w+=|style="', answer.text) == []
    sources = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert [source for source in sources if "//" in source] == []
    for name, kind in {"start.js": "text/javascript", "start.css": "text/css"}.items():
        assert name in sources
        loaded = client.request("GET", f"/{name}")
        assert loaded.status_code == 200
        assert loaded.headers["content-type"].startswith(kind)
        assert "//" not in loaded.text.split("\n", 1)[1]


def test_the_page_speaks_the_language_of_the_service_and_links_only_what_is_there() -> None:
    with in_process(detector(), lang="pt", metrics=False, docs=False) as client:
        text = client.request("GET", "/").text
    assert '<html lang="pt-BR">' in text
    assert "Experimente um registro" in text
    assert 'href="docs"' not in text
    assert 'href="metrics"' not in text


@pytest.mark.slow
def test_the_form_scores_a_record_in_a_browser(tmp_path: Path) -> None:
    def press_the_button(app: FastAPI) -> None:
        async def page(request: Request) -> Response:
            answer = await start(request)
            text = (
                bytes(answer.body).decode().replace("</head>", '<script type="module" src="press.js"></script></head>')
            )
            headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
            return Response(text, headers=headers)

        async def press() -> Response:
            return Response("document.querySelector('button').click()", media_type="text/javascript")

        app.get("/press")(page)
        app.get("/press.js")(press)

    with wired(detector(), add=press_the_button) as wire:
        done = subprocess.run(
            [
                installed_browser(),
                *QUIETLY,
                f"--user-data-dir={tmp_path / 'profile'}",
                "--dump-dom",
                f"http://127.0.0.1:{wire.port}/press",
            ],
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    assert "Refused to" not in done.stderr  # by the policy
    [output] = re.findall(r"<output.*?</output>", done.stdout, re.DOTALL)
    assert '<p class="usual">Nothing unusual</p>' in output
    assert re.search(r"<p>score 0\.\d+ · threshold 1\.\d+ · p 0\.\d+</p>", output)
