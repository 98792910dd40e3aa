"""Other engines under the same networks as ours, as ratios, all in one run."""
