"""What a detector *is*: shared by training, the service and batch scoring, and importing neither.

The promise of this package: an anomaly score is higher for stranger records, it is the exact sum of what
each of the user's columns adds, and a decision is a second, separate step.
"""

from models.shadowing import ROOT as ROOT
