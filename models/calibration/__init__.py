"""From the scores of held-out rows to a threshold, p-values and decisions.

Calibration rows are held out from fitting and from early stopping. With n of them and a fresh record that is
drawn like them, the record's p-value

    p = (1 + number of calibration scores at least as high) / (1 + n)

is at most α with a probability of at most α, whatever the network (split conformal prediction; Vovk, Gammerman
and Shafer, Algorithmic Learning in a Random World, 2005; for anomaly detection Bates et al., Annals of
Statistics 51, 2023). A record is an anomaly when its score is strictly above the threshold. For the method
``fpr`` the threshold is the ⌈(n + 1)(1 − α)⌉-th smallest calibration score, and "above it" is the same as
p ≤ α: flag and p-value can never disagree. For ``evt`` this holds, too: there the p-values of the highest
scores come from the tail that was fitted to them (`models.calibration.tail`).

With thresholds by segment, all this holds for the calibration rows of the record's own segment (Mondrian conformal
prediction, ibid., section 4.5).
"""

from models.calibration.calibration import Calibration, check_rows
from models.calibration.cutoff import ThresholdSpec
from models.calibration.methods import THRESHOLD_METHODS, prepared_spec, spec_of
from models.calibration.ranks import rows_needed
from models.calibration.rows import POPULATIONS, CalibrationRows

__all__ = [
    "POPULATIONS",
    "THRESHOLD_METHODS",
    "Calibration",
    "CalibrationRows",
    "ThresholdSpec",
    "check_rows",
    "prepared_spec",
    "rows_needed",
    "spec_of",
]
