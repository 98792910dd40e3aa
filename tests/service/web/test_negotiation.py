from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats.formats import FORMATS
from service.web.negotiation import content_types, format_of, negotiate, parameters


def test_no_content_type_means_two_formats():
    kinds = [kind for row in FORMATS.values() for kind in row.types]
    assert len(kinds) == len(set(kinds))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_known_by_each_of_its_content_types(name):
    for kind in FORMATS[name].types:
        assert format_of(kind) == format_of(f"{kind.upper()}; charset=utf-8") == name
        assert negotiate(kind) == name


def test_a_body_without_content_type_is_json_and_a_foreign_one_is_nothing():
    assert format_of("") == "json"
    assert format_of("text/plain") is None
    assert format_of("application/vnd.api+json") is None


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("text/*", "csv"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "json"),
        ("text/csv, */*", "csv"),
        ("text/csv;q=0.5, application/json;q=0.4", "csv"),
        ("text/csv;q=0.5, application/json;q=0.6", "json"),
        ("text/csv;header=absent;q=0.1, application/vnd.apache.parquet;q=0.2", "parquet"),
        ("*/*, application/json;q=0", "jsonl"),
        ("text/*;q=0.3, text/csv;q=0", None),
        ("application/json;q=0", None),
        ("application/json;q=abc", None),
        ("application/xml", None),
        ("application/problem+json", None),
        (",,;,", None),
        ("APPLICATION/JSON ; Q=1", "json"),
    ],
)
def test_the_answer_has_the_format_that_is_preferred(accept, form):
    assert negotiate(accept) == form


@given(
    st.lists(
        st.tuples(st.sampled_from(content_types()), st.integers(1, 1000)),
        min_size=1,
        unique_by=(lambda p: p[0], lambda p: p[1]),
    )
)
def test_among_named_types_the_highest_quality_wins_whatever_the_order(wishes):
    accept = ", ".join(f"{kind};q={quality / 1000:.3f}" for kind, quality in wishes)
    assert negotiate(accept) == format_of(max(wishes, key=lambda wish: wish[1])[0])


@given(st.text())
def test_any_header_has_an_outcome(text):
    assert negotiate(text) in (None, *FORMATS)
    assert format_of(text) in (None, *FORMATS)
    parameters(text)
