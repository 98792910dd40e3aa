"""Messages in other languages, and catalogues that hold what the code says."""

from __future__ import annotations

import pickle
import re
import string
import sys
from datetime import date, datetime
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from models.errors import ConfigError, Set, joined
from models.languages import LANGUAGES, Language, language_named, shown, speak, spoken
from models.languages.catalogue import entries_of
from models.messages import phrase, plural

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "scripts"))

from catalogue import CATALOGUES, marked_texts, updated  # noqa: E402

PORTUGUESE = LANGUAGES["pt"]


def places(text: str) -> list[tuple[str, str, str]]:
    """Return name, conversion and format of each value of a text, and what is written for percent signs' sake."""
    found = [
        (name, conversion or "", spec or "") for _, name, spec, conversion in string.Formatter().parse(text) if name
    ]
    return sorted(found)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_every_text_has_a_translation_with_the_same_places(code: str):
    po = (CATALOGUES / f"{code}.po").read_text(encoding="utf-8")
    assert updated(po) == po, "say: python scripts/catalogue.py"
    for entry in entries_of(po):
        assert len(entry.translations) == len(entry.texts), entry
        for text, translation in zip(entry.texts, entry.translations, strict=True):
            assert translation, f"{code}.po: no translation of {text!r}"
            assert set(places(translation)) == set(places(text)), entry
            assert text[:1].isspace() == translation[:1].isspace(), entry
            assert text[-1:] in ".:,;?!" or translation[-1:] not in ".:,;?!", entry


def test_no_text_is_marked_with_and_without_a_plural():
    firsts = [texts[0] for texts in marked_texts()]
    assert len(firsts) == len(set(firsts))


def test_a_message_is_its_english_text_and_keeps_its_settings_apart():
    message = phrase("Say {setting}, or take {count:,} rows.", setting=Set("fit_on", "normal"), count=1234)
    assert message == "Say --fit-on normal, or take 1,234 rows."
    assert message.spelt(lambda setting: setting.name) == "Say fit_on, or take 1,234 rows."
    assert str(ConfigError("file.csv: ", message)) == f"file.csv: {message}"
    kept = pickle.loads(pickle.dumps(message))
    assert (kept, kept.parts, kept.source) == (message, message.parts, message.source)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Language:
    """Portuguese with a small catalogue of its own."""
    entries = {
        ("{count:,} row of {name}", "{count:,} rows of {name}"): (
            "{count:,} linha de {name}",
            "{name}: {count:,} linhas",
        ),
        ("the table",): ("a tabela",),
        ("say {setting}",): ("diga {setting}",),
    }
    monkeypatch.setattr("models.languages.language._catalogue", lambda code: entries if code == "pt" else {})
    return PORTUGUESE


def test_values_are_put_in_after_the_translation(other: Language):
    rows = [
        plural("{count:,} row of {name}", "{count:,} rows of {name}", count=n, name=phrase("the table"))
        for n in (0, 1, 1234)
    ]
    assert [*map(str, rows)] == ["0 rows of the table", "1 row of the table", "1,234 rows of the table"]
    assert [*map(other, rows)] == ["0 linha de a tabela", "1 linha de a tabela", "a tabela: 1.234 linhas"]
    assert (
        other.message(phrase("say {setting}", setting=Set("seed"))).spelt(lambda setting: setting.name) == "diga seed"
    )
    assert other(joined([phrase("the table"), phrase("the table")], by=", ")) == "a tabela, a tabela"
    assert other(joined([phrase("the table"), "and more"])) == "the table and more"  # not half of it
    assert other("the table") == "the table"


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (12345.678, ",.2f", "12.345,68"),
        (np.float32(0.5), ".1%", "50,0%"),
        (np.int64(12345), ",", "12.345"),
        (12345, "", "12345"),
        (1e-5, ".2g", "1e-05"),
        (True, "", "True"),
        ("1,234.5", "", "1,234.5"),
        (date(2026, 11, 30), "", "30/11/2026"),
        (datetime(2026, 11, 30, 8, 5), "", "30/11/2026 08:05:00"),
    ],
)
def test_numbers_and_dates_have_the_form_of_the_language(value: object, spec: str, text: str):
    assert PORTUGUESE.formatted(value, spec) == text
    assert LANGUAGES["en"].formatted(12345.678, ",.2f") == "12,345.68"
    moment = datetime(2026, 11, 30, 8, 5)
    assert LANGUAGES["en"].formatted(moment, "") == phrase("{moment}", moment=moment) == "2026-11-30T08:05:00"


def test_english_is_spoken_unless_another_language_is_asked_for(other: Language):
    from contextvars import copy_context

    def as_asked() -> str:
        speak(other)
        return shown(phrase("the table"))

    assert (copy_context().run(as_asked), shown(phrase("the table")), spoken().code) == ("a tabela", "the table", "en")


def test_a_language_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match=re.escape("There are: en (English), pt (Português (Brasil)).")):
        language_named("pt_BR")


def test_no_catalogue_is_read_where_no_language_is_asked_for(run_python):
    code = "import models.programs.cli, models.languages.language as l; print(l._catalogue.cache_info().currsize)"
    assert run_python(
        "-c", f"{code}; l.shown(l.Message('x')); print(l._catalogue.cache_info().currsize)"
    ).stdout.split() == ["0", "0"]


def test_a_line_that_no_catalogue_has_is_refused():
    with pytest.raises(ValueError, match="is no line of a catalogue"):
        list(entries_of('msgid "a"\nmsgtsr "b"\n'))


def test_the_settings_of_the_service_know_every_language():
    from service.settings import Settings

    hint = Settings.model_fields["lang"].annotation
    assert set(LANGUAGES) == set(get_args(hint))
