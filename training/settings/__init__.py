"""The settings of a training, with their limits, presets and flags."""
