"""Scoring over HTTP beside others, as ratios, all in one run."""
