"""Other engines with the same networks, as ratios, all in one run."""
