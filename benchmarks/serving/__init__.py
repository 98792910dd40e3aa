"""Scoring over HTTP beside other servers, as ratios, all in one run."""
