"""Scoring of files beside plain Arrow, as ratios, all in one run."""
