"""Thresholds: checks of their settings, and the report of one that was found."""
