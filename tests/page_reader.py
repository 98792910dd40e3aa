"""Reads the HTML pages that tests make."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

_SAID = {"aria-label"}
_VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page; an element that is not closed is complained about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.pictures: list[str] = []
        """What is said of each picture."""
        self.levels: list[int] = []
        """Of the headings, in order."""
        self.working = ""
        """What is no text of the page: styles and attributes, those apart that are read to people."""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in _VOID:
            self._open.append(tag)
        if re.fullmatch(r"h\d", tag):
            self.levels.append(int(tag[1:]))
        values = {name: value or "" for name, value in attrs}
        self.attributes |= values.keys()
        self.working += "\n".join(value for name, value in values.items() if name not in _SAID) + "\n"
        if "id" in values:
            self.ids.append(values["id"])
        self.references += [values[name] for name in ("href", "src", "xlink:href", "srcset", "data") if name in values]
        if values.get("role") == "img":
            self.pictures.append(values["aria-label"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"style", "script"}:
            self.working += data

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def complaints_about(page: Page) -> list[str]:
    """Say what a page lacks that every page of ours has."""
    pictures = "".join(re.findall(r"<svg.*?</svg>", page.html, flags=re.DOTALL))
    demands = {
        "an id is there twice": len(set(page.ids)) == len(page.ids),
        "a reference leads elsewhere": {one.removeprefix("#") for one in page.references} <= set(page.ids)
        and all(one.startswith("#") for one in page.references),
        "something would be fetched": not re.search(r"https?:|@import|url\((?!#)", page.working),
        "a picture takes a name that is not there": set(re.findall(r"url\(#([^)]+)\)", page.working)) <= set(page.ids),
        "something would be run": not {"script", "iframe", "object"} & page.tags
        and not any(name.startswith("on") for name in page.attributes),
        "a picture says nothing": len(page.pictures) == page.html.count("<figure") and all(page.pictures),
        "a picture has colours of its own": not re.search(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b", pictures),
        "a heading leaves out a level": page.levels[0] == 1
        and page.levels.count(1) == 1
        and all(deeper - level <= 1 for level, deeper in pairwise(page.levels)),
        "a landmark is missing": {"header", "nav", "main"} <= page.tags and "content" in page.ids,
        "a header of a table says not what it is of": page.html.count("<th") - page.html.count("<thead")
        == page.html.count('<th scope="'),
    }
    return [complaint for complaint, holds in demands.items() if not holds]
