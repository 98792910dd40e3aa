"""The page at `/`: what is served, links, and a form to try a record; it loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from models.languages import Language, language_named
from models.messages import phrase
from service.api.schemas import example_record

if TYPE_CHECKING:
    from service.registry import Registry, Table

router: Final = APIRouter(include_in_schema=False)

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_STATES: Final = {
    "loaded": phrase("ready"),
    "not loaded": phrase("loaded when it is asked for"),
    "failed": phrase("cannot be loaded"),
}
_LINKS: Final = {
    "docs": phrase("all endpoints, to try out"),
    "detectors": phrase("the detectors, as JSON"),
    "readyz": phrase("ready?"),
    "metrics": phrase("metrics for Prometheus"),
}
_KINDS: Final = {"start.js": "text/javascript", "start.css": "text/css"}


@router.head("/")
@router.get("/")
async def start(request: Request) -> Response:
    """Return the page."""
    state = request.app.state
    registry: Registry = state.registry
    shown = {"docs": state.settings.docs, "metrics": state.observer is not None}
    links = [name for name in _LINKS if shown.get(name, True)]
    html = start_page(registry.table, links, language_named(state.settings.lang))
    return Response(html, media_type="text/html", headers=_HEADERS)


@router.get("/start.js")
async def script() -> Response:
    """Return the script of the page."""
    return _file("start.js")


@router.get("/start.css")
async def style() -> Response:
    """Return the style of the page."""
    return _file("start.css")


def start_page(table: Table, links: list[str], language: Language) -> str:
    """Return the page as HTML.

    Args:
        table: The detectors.
        links: Keys of `_LINKS`.
        language: Of its words.
    """
    title = _said(language, phrase("Anomaly detection"))
    return "\n".join(
        [
            f'<!doctype html>\n<html lang="{language.tag}">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<title>{title}</title>\n<link rel="icon" href="data:,">\n<link rel="stylesheet" href="start.css">',
            f'<script type="module" src="start.js"></script>\n</head>\n<body>\n<main>\n<h1>{title}</h1>',
            *_detectors(table, language),
            *_form(table, language),
            f"<h2>{_said(language, phrase('More'))}</h2>\n<ul>",
            *(f'<li><a href="{name}">/{name}</a>: {_said(language, _LINKS[name])}</li>' for name in links),
            "</ul>\n</main>\n</body>\n</html>\n",
        ]
    )


def _detectors(table: Table, language: Language) -> Iterator[str]:
    heads = (phrase("Detector"), phrase("Version"), phrase("State"))
    yield "<table>\n<thead><tr>" + "".join(f'<th scope="col">{_said(language, head)}</th>' for head in heads)
    yield "</tr></thead>\n<tbody>"
    for name, entry in table.entries.items():
        link = f'<a href="detectors/{quote(name, safe="")}">{escape(name)}</a>'
        state = _said(language, _STATES[table.state(name)])
        yield f"<tr><td>{link}</td><td>{escape(entry.active)}</td><td>{state}</td></tr>"
    yield "</tbody>\n</table>"


def _form(table: Table, language: Language) -> Iterator[str]:
    """Yield the form, with a typical record of the default detector, else of the first one that is loaded."""
    name = table.default or next((name for name in table.entries if table.state(name) == "loaded"), None)
    found = None if name is None else table.active(name)
    if found is None:
        yield f"<p>{_said(language, phrase('A record can be tried when a detector is loaded.'))}</p>"
        return
    detector = found.detector
    record = json.dumps(example_record(detector), ensure_ascii=False, indent=2)
    address = escape(f"detectors/{quote(detector.name, safe='')}")
    words = {
        "anomaly": phrase("An anomaly"),
        "normal": phrase("Nothing unusual"),
        "score": phrase("score"),
        "threshold": phrase("threshold"),
        "failed": phrase("There is no answer:"),
    }
    data = " ".join(f'data-{key}="{_said(language, word)}"' for key, word in words.items())
    yield f"<h2>{_said(language, phrase('Try a record'))}</h2>\n<form>"
    yield f'<input type="hidden" name="detector" value="{address}">'
    label = _said(language, phrase("A record of {name}, as JSON", name=detector.name))
    yield f'<label for="record">{label}</label>'
    rows = min(record.count("\n") + 2, 20)
    yield f'<textarea id="record" name="record" rows="{rows}" spellcheck="false" required>\n{escape(record)}</textarea>'
    yield f'<button type="submit">{_said(language, phrase("Score"))}</button>'
    yield f'</form>\n<output for="record" aria-live="polite" {data}></output>'


def _said(language: Language, text: str) -> str:
    return escape(str(language(text)))


def _file(name: str) -> Response:
    return Response(_content(name), media_type=_KINDS[name], headers=_HEADERS)


@cache
def _content(name: str) -> bytes:
    return files("service.observing").joinpath("static", name).read_bytes()
