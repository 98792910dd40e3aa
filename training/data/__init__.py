"""Training data: where rows come from, how they are split and prepared."""
