"""Scoring files beside Arrow alone, as ratios, all in one run."""
