"""Sphinx directives that show tables of the code: `{settings-table}` and its like, one a row of `DIRECTIVES`.

`{activation-facts} relu` and its like, in `DIRECTIVES_OF_ONE`, show one row of a table.

Nothing of it is written down a second time: a new flag, setting, endpoint or error stands in the next build.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from code_tables import activation_facts, commands, detector_tables, reports, service_tables

DIRECTIVES: Final[dict[str, Callable[[], str]]] = {
    "commands-table": commands.commands_table,
    "command-flags": commands.command_flags,
    "settings-table": service_tables.settings_table,
    "endpoints-table": service_tables.endpoints_table,
    "http-formats-table": service_tables.http_formats_table,
    "endpoints": service_tables.endpoints,
    "answers": service_tables.answers,
    "problems-table": service_tables.problems_table,
    "activations-table": detector_tables.activations_table,
    "thresholds-table": detector_tables.thresholds_table,
    "kinds-table": detector_tables.kinds_table,
    "time-layouts-table": detector_tables.time_layouts_table,
    "missing-texts": detector_tables.missing_texts_list,
    "boolean-words": detector_tables.boolean_words_list,
    "readers-table": detector_tables.readers_table,
    "writers-table": detector_tables.writers_table,
    "bundle-files-table": detector_tables.bundle_files_table,
    "errors-list": detector_tables.errors_list,
    "report-keys": reports.report_keys,
}
"""What each directive shows, as Markdown."""

DIRECTIVES_OF_ONE: Final[dict[str, Callable[[str], str]]] = {"activation-facts": activation_facts.activation_facts}
"""The same for directives that take the name of a row."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of every directive."""
    for name, markdown in DIRECTIVES.items():
        app.add_directive(name, _directive(markdown))
    for name, of_one in DIRECTIVES_OF_ONE.items():
        app.add_directive(name, _directive(of_one, arguments=1))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _directive(markdown: Callable[..., str], *, arguments: int = 0) -> type[SphinxDirective]:
    class CodeTable(SphinxDirective):
        """Shows a table of the code."""

        required_arguments = arguments

        def run(self) -> list[nodes.Node]:
            self.env.note_reread()  # the page depends on code, which Sphinx does not watch
            return self.parse_text_to_nodes(markdown(*self.arguments), allow_section_headings=True)

    return CodeTable
