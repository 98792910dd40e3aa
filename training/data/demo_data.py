"""The data set that is trained on where none is named: a real one that ships with scikit-learn."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from sklearn.datasets import load_breast_cancer

from models.tables.table import Table

NAME: Final = "breast-cancer"
LABEL: Final = "diagnosis"
DESCRIPTION: Final = (
    "no DATA was named: training on scikit-learn's breast-cancer set (569 biopsies, 30 measurements), on its benign "
    "rows alone; the malignant ones are what is to be found"
)


def embedded_table() -> Table:
    """Return the Wisconsin diagnostic breast-cancer set (Street, Wolberg and Mangasarian, 1993), unchanged."""
    bunch = load_breast_cancer()
    columns = {str(name): bunch.data[:, number] for number, name in enumerate(bunch.feature_names)}
    columns[LABEL] = [str(bunch.target_names[target]) for target in bunch.target]
    return Table(data=pa.table(columns))
