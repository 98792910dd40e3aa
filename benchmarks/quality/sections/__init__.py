"""The sections of the page, by experiment."""
