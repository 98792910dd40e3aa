"""The words of reasons, in the language in which they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.languages import LANGUAGES, Language
from models.messages import Message, phrase

_VALUE: Final = "{value}"  # each text keeps its places: they are filled in for every row
_MESSAGES: Final[dict[str, Message]] = {
    "because": phrase("{value} ({notes})", value=_VALUE, notes="{notes}"),
    "expected": phrase("expected {value}", value=_VALUE),
    "share_of_rows": phrase("{share} of rows", share="{share}"),
    "never": phrase("never in training"),
    "together": phrase("unusual with the other values"),
    "together_with": phrase("unusual with {column} {value}", column="{column}", value=_VALUE),
    "range": phrase("learned from {low} to {high}", low="{low}", high="{high}"),
    "usually": phrase("usually {start} to {end}", start="{start}", end="{end}"),
    "gap_after": phrase("{gap} after {column}", gap="{gap}", column="{column}"),
    "gap_before": phrase("{gap} before {column}", gap="{gap}", column="{column}"),
    "usually_gap": phrase("usually {gap}", gap="{gap}"),
    "up_to": phrase("{start} to {end}", start="{start}", end="{end}"),
    "both_ways": phrase("{start} before to {end} after", start="{start}", end="{end}"),
    "then_after": phrase("{gap} after", gap="{gap}"),
    "then_before": phrase("{gap} before", gap="{gap}"),
    "day": phrase("{count} day", count="{count}"),
    "days": phrase("{count} days", count="{count}"),
    "too_early": phrase("before all in training, from {start} on", start="{start}"),
    "missing": phrase("missing"),
    "rare": phrase("a rare value"),
    "true": phrase("true"),
    "false": phrase("false"),
    "spread": phrase("no column stands out"),
    "under": phrase("under {share}", share="{share}"),
}
_WEEKDAYS: Final = (
    phrase("Monday"),
    phrase("Tuesday"),
    phrase("Wednesday"),
    phrase("Thursday"),
    phrase("Friday"),
    phrase("Saturday"),
    phrase("Sunday"),
)
_LEAST_SHARE: Final = 0.001  # smaller ones are not told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words of reasons in one language, with places for the values of a row."""

    language: Language
    weekdays: tuple[str, ...]
    because: str
    expected: str
    share_of_rows: str
    never: str
    together: str
    together_with: str
    range: str
    usually: str
    gap_after: str
    gap_before: str
    usually_gap: str
    up_to: str
    both_ways: str
    then_after: str
    then_before: str
    day: str
    days: str
    too_early: str
    missing: str
    rare: str
    true: str
    false: str
    spread: str
    under: str

    @classmethod
    def of(cls, language: Language) -> Texts:
        """Return the words in a language."""
        said = {name: str(language(message)) for name, message in _MESSAGES.items()}
        return cls(language=language, weekdays=tuple(str(language(day)) for day in _WEEKDAYS), **said)

    def of_rows(self, share: float) -> str:
        """Return a share of the rows in percent, in two digits.

        Example:
            >>> ENGLISH.of_rows(0.25), ENGLISH.of_rows(0.0204), ENGLISH.of_rows(0.0035), ENGLISH.of_rows(0.00002)
            ('25 % of rows', '2 % of rows', '0.35 % of rows', 'under 0.1 % of rows')
        """
        if share < _LEAST_SHARE:
            text = self.under.format(share=self.language.number("0.1 %"))
        else:
            text = self.language.number(f"{float(f'{100 * share:.2g}'):g} %")
        return self.share_of_rows.format(share=text)


ENGLISH: Final = Texts.of(LANGUAGES["en"])
"""The words as programs get them."""
