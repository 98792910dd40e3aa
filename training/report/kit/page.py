"""The page around the sections: one file that can be read on any screen, on paper, by keyboard and by ear."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from html import escape
from string import Template
from typing import Final

from training.report.kit.parts import PICTURE, Section

GENERATOR: Final = '<meta name="generator" content="relu-anomaly-detector">'
"""By this a page of ours is known."""

# The policy has browsers refuse whatever a page would load or run.
_PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
$generator
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --back: #fdfdfc; --ink: #1c1d1f; --soft: #888d93; --line: #d5d8da; --accent: #c2313f; --second: #2f6fb3;
  --mark: #fbeeee; --level-1: #f0cfd2; --level-2: #e39aa0; --level-3: #d25f6b; --level-4: #a82233; --level-5: #6d0f1b;
  --line-1: #c2313f; --line-2: #2f6fb3; --line-3: #1b7f4b; --line-4: #8a4fbf; --line-5: #a3560b; --line-6: #0b7a86;
  --line-7: #b0308f; --line-8: #5b6470; --line-9: #6b6a00; }
@media screen { :root { color-scheme: light dark; } }
@media screen and (prefers-color-scheme: dark) { :root { --back: #16181b; --ink: #e3e5e8; --soft: #7b8088;
  --line: #3a3f45; --accent: #ff7a85; --second: #79b4f2; --mark: #3a2226; --level-1: #47262a; --level-2: #7a343c;
  --level-3: #b84a55; --level-4: #f2737f; --level-5: #ffc4c8; --line-1: #ff7a85; --line-2: #79b4f2; --line-3: #5fcf91;
  --line-4: #c7a0f5; --line-5: #f0a860; --line-6: #58c7d3; --line-7: #f48fd3; --line-8: #b3bcc8; --line-9: #cfce5a; } }
* { box-sizing: border-box; }
body { background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 72rem; overflow-wrap: break-word; padding: 0 1rem; }
.skip { background: var(--back); left: 1rem; padding: .5rem; position: absolute; top: -4rem; }
.skip:focus { top: 1rem; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
h2 { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
h3 { margin: 2rem 0 .5rem; }
p, nav ul { max-width: 50rem; }
nav ul { columns: 16rem; padding-left: 1.2rem; }
.loud { font-size: 1.15rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: right; vertical-align: top; }
thead th { vertical-align: bottom; }
th:first-child { text-align: left; }
tbody th { background: var(--back); font-weight: normal; left: 0; position: sticky; }
tbody th, td { white-space: nowrap; }
.prose th, .prose td { text-align: left; white-space: normal; }
.prose thead th { white-space: nowrap; }
.prose .long { min-width: 11rem; overflow-wrap: anywhere; }
.prose tbody th { max-width: 20rem; min-width: 5rem; }
.best { font-weight: 700; }
tr.marked, tr.marked th { background: var(--mark); }
.note, figcaption { font-size: .85rem; }
.note { margin: .3rem 0 .8rem; }
figure { margin: 1.5rem 0; }
.plots { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
.plots.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); }
.plots figure { margin: 1rem 0; }
.small figure { display: flex; flex-direction: column; gap: .4rem; }
.small figcaption { order: -1; }
svg { display: block; height: auto; overflow: visible; width: 100%; }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0; }
code { font-size: .85rem; overflow-wrap: anywhere; }
a { color: var(--second); }
:focus-visible { outline: 3px solid var(--second); outline-offset: 2px; }
@media (max-width: 40rem) {
  table:not(.prose) { width: max-content; }
  thead th { max-width: 9rem; }
  .prose tbody th { max-width: 9rem; }
}
@media print {
  body { font-size: 10pt; margin: 0; max-width: none; }
  nav, .skip { display: none; }
  h2, h3, summary { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 7pt; }
  td { white-space: normal; }
  th, td { padding: .1rem .25rem; }
  tbody th { position: static; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
}
</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1>$title</h1>
<p>$says</p>
<nav aria-label="Contents"><ul>$contents</ul></nav>
</header>
<main id="content" tabindex="-1">
$sections
</main>
</body>
</html>
""")


def page_of(sections: Sequence[Section], *, title: str, says: str) -> str:
    """Return a page.

    Args:
        sections: What it holds.
        title: Its heading.
        says: What stands below it.
    """
    numbers = itertools.count(1)
    pictures = re.compile(r"<figure>.*?</figure>", re.DOTALL)
    return _PAGE.substitute(
        generator=GENERATOR,
        title=escape(title),
        says=escape(says),
        contents="".join(f'<li><a href="#{part.anchor}">{escape(part.title)}</a></li>' for part in sections),
        sections=pictures.sub(
            lambda found: found[0].replace(PICTURE, f"picture-{next(numbers)}"), "\n".join(map(_html, sections))
        ),
    )


def _html(section: Section) -> str:
    parts = "\n".join(part.to_html() for part in section.parts)
    heading = f'<h2 id="{section.anchor}-title">{escape(section.title)}</h2>'
    return f'<section id="{section.anchor}" aria-labelledby="{section.anchor}-title">{heading}\n{parts}\n</section>'
