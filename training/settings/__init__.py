"""Everything that can be set for a training, with its limits and its flags."""
