"""The languages in which texts for people can be shown: a row and a catalogue each."""

from models.languages.language import LANGUAGES, VARIABLE, Language, language_named, shown, speak, spoken

__all__ = ["LANGUAGES", "VARIABLE", "Language", "language_named", "shown", "speak", "spoken"]
