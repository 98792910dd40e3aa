"""How `make docs` builds these pages: Sphinx, MyST Markdown, Furo; nothing is fetched, neither here nor by a reader."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]
os.environ["COLUMNS"] = "120"  # else argparse wraps by the terminal

project = "Anomaly detector"
author = "the authors of the anomaly detector"
try:
    version = release = installed_version("relu-anomaly-detector")
except PackageNotFoundError:
    version = release = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "code_tables"]
exclude_patterns = ["_build", "extensions", "examples"]
nitpicky = True
nitpick_ignore_regex = [(r"py:(class|exc)", r".*")]  # types in signatures that have no page: no inventory is fetched
smartquotes = False  # "--flag" stays as it is typed
default_role = "code"  # what a docstring has in backquotes

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

copybutton_selector = ", ".join(f"div.highlight-{name} pre" for name in ("bash", "python", "toml", "json"))

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
napoleon_numpy_docstring = False


def setup(app: Sphinx) -> None:
    """Leave out what scikit-learn adds to every estimator, which its own pages describe; offer tables as downloads."""
    app.connect(
        "autodoc-skip-member", lambda app, what, name, *rest: True if _OF_SCIKIT_LEARN.fullmatch(name) else None
    )
    app.connect("source-read", _offer_tables)
    app.connect("html-page-context", _keep_flags_whole)
    app.connect("html-page-context", _name_language)


def _offer_tables(app: Sphinx, name: str, source: list[str]) -> None:
    """Make links to `benchmarks/results`, which is outside of the pages, downloads."""
    source[0] = _TABLES.sub(r"](path:\1)", source[0])


def _keep_flags_whole(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Let no line of a wrapped command end within a flag: browsers break lines behind hyphens."""
    if "body" in context:
        context["body"] = _COMMANDS.sub(
            lambda block: _FLAG.sub(r'<span class="flag">\g<0></span>', block[0]), context["body"]
        )


def _name_language(app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Have screen readers read the pages in Portuguese in Portuguese."""
    if name in _IN_PORTUGUESE:
        context["language"] = "pt-BR"


_IN_PORTUGUESE = ("tutorial/primeiro-detector", "tutorial/qual-relu")
_COMMANDS = re.compile(r'<div class="highlight-bash .*?</pre>', re.DOTALL)
_FLAG = re.compile(r"(?<=[\s>\[])--?[a-zA-Z][\w-]*")
_TABLES = re.compile(r"\]\(((?:\.\./)+benchmarks/results/\w+\.md)(?:#[\w-]+)?\)")
_OF_SCIKIT_LEARN = re.compile(r"set_\w+_request|set_output|get_metadata_routing")

html_theme = "furo"
html_title = "Anomaly detector"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True}
