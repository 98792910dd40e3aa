"""TABLES: real labelled tables of mixed columns, and their encoding for peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.splits import CAP
from models.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

MOST_ANOMALIES: Final = 0.1
"""Largest share of anomalies among unlabelled fitting rows; the rest is left out, as frequent rows are no anomalies."""

_DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A real table.

    Args:
        name: Its name in the CSV.
        file: File of the fitting rows.
        label: The label column.
        anomaly: A value of the label that means anomaly; None where all but `normal` do.
        normal: The value of the label that means normal, where `anomaly` is None.
        exclude: Columns that no method gets: identifiers, other labels, columns that leak the label.
        test_file: File of the test rows; where there is one, the first file has normal rows to fit.
        separator: Separator of the cells.
        names_file: File with the column names of a file without header, ``NAME,…`` a line.
        more_names: Names of the columns after them.
    """

    name: str
    file: str
    label: str
    anomaly: str | None = None
    normal: str | None = None
    exclude: tuple[str, ...] = ()
    test_file: str | None = None
    separator: str = ","
    names_file: str | None = None
    more_names: tuple[str, ...] = ()

    def check_files(self, folder: Path) -> None:
        """Check that the table's files are in a folder.

        Raises:
            TableError: One is missing.
        """
        for file in (self.file, self.test_file, self.names_file):
            if file is not None and not (folder / file).exists():
                raise TableError(f"--data: {folder / file} is not there; the table {self.name} needs it.")


TABLES: Final = {
    table.name: table
    for table in (
        Table(
            name="NSL-KDD",
            file="nslkdd_train20.txt",
            test_file="nslkdd_test21.txt",
            names_file="nslkdd_field_names.csv",
            more_names=("label", "difficulty"),
            label="label",
            normal="normal",
            exclude=("difficulty",),
        ),
        Table(
            name="ai4i2020",
            file="ai4i2020.csv",
            label="Machine failure",
            anomaly="1",
            exclude=("UDI", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"),
        ),
        Table(name="bank", file="uci_bank_additional.csv", label="y", anomaly="yes", separator=";"),
        Table(name="income", file="pycaret_income.csv", label="income >50K", anomaly="1"),
        Table(
            name="SKAB",
            file="skab_anomaly_free.csv",
            test_file="skab_valve1_0.csv",
            label="anomaly",
            anomaly="1.0",
            exclude=("datetime", "changepoint"),
            separator=";",
        ),
    )
}
"""Real tables, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSplit:
    """The rows of one fit as data frames, as in `benchmarks.quality.splits.Split`."""

    fitting: pd.DataFrame
    test: pd.DataFrame
    is_anomaly: NDArray[np.bool_]


def split_table(table: Table, folder: Path, *, protocol: str, seed: int) -> FrameSplit:
    """Read a table and split it.

    S: fitted on half of the normal rows and tested on all others; or, with two files, fitted on the normal rows of the
    first and tested on the second. U: fitted and tested on all rows (of the second file), with at most
    `MOST_ANOMALIES` of anomalies. Each part has at most `CAP` rows.
    """
    draw = np.random.RandomState(seed)
    test, is_anomaly = read_features(table, folder / (table.test_file or table.file))
    normal, anomalies = (draw.permutation(np.where(is_anomaly == kind)[0]) for kind in (False, True))
    if protocol == "U":
        most = int(len(normal) * MOST_ANOMALIES / (1 - MOST_ANOMALIES))
        rows = _capped(np.r_[normal, anomalies[:most]], draw)
        frame = test.iloc[rows].reset_index(drop=True)
        return FrameSplit(fitting=frame, test=frame, is_anomaly=is_anomaly[rows])
    if table.test_file is None:
        half = len(normal) // 2
        fitting = test.iloc[_capped(normal[:half], draw)]
        rows = _capped(np.r_[normal[half:], anomalies], draw)
    else:
        first, odd = read_features(table, folder / table.file)
        fitting = first.iloc[_capped(np.where(~odd)[0], draw)]
        rows = _capped(np.arange(len(test)), draw)
    return FrameSplit(
        fitting=fitting.reset_index(drop=True),
        test=test.iloc[rows].reset_index(drop=True),
        is_anomaly=is_anomaly[rows],
    )


def encoder_of(fitting: pd.DataFrame) -> Callable[[pd.DataFrame], NDArray[np.float32]]:
    """Return scikit-learn's usual encoder, fitted on rows: medians, standard scores, one-hot categories.

    A date is a number of days, with the hour of the day and the day of the week beside it.
    """
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    times = [name for name in fitting.columns if is_datetime64_any_dtype(fitting[name])]

    def without_times(rows: pd.DataFrame) -> pd.DataFrame:
        parts = {name: _numbers_of_times(rows[name]) for name in times}
        return rows.drop(columns=times).assign(
            **{f"{name}: {what}": numbers for name, part in parts.items() for what, numbers in part.items()}
        )

    fitting = without_times(fitting)
    numbers = [name for name in fitting.columns if is_numeric_dtype(fitting[name])]
    texts = [name for name in fitting.columns if name not in numbers]
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),  # a missing text is a category
    ).fit(fitting)

    def encode(rows: pd.DataFrame) -> NDArray[np.float32]:
        return np.asarray(encoder.transform(without_times(rows)), np.float32, order="C")

    return encode


def _numbers_of_times(times: pd.Series[Any]) -> dict[str, pd.Series[Any]]:
    return {
        "days": times.astype("datetime64[us]").astype("int64") / _DAY,
        "hour": times.dt.hour + times.dt.minute / 60,
        "day of the week": times.dt.day_of_week,
    }


def read_features(table: Table, path: Path) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Read a file; return the features and a mask of the anomalies, without a label all False."""
    import pandas as pd

    more: dict[str, Any] = {}
    if table.names_file is not None:
        lines = (path.parent / table.names_file).read_text().splitlines()
        more = {"header": None, "names": [line.split(",")[0] for line in lines if line] + list(table.more_names)}
    frame = pd.read_csv(path, sep=table.separator, skipinitialspace=True, **more)
    is_anomaly = np.zeros(len(frame), np.bool_)
    if table.label in frame:
        labels = frame[table.label].astype(str)
        found = labels != table.normal if table.anomaly is None else labels == table.anomaly
        is_anomaly = found.to_numpy(np.bool_)
    return frame.drop(columns=[table.label, *table.exclude], errors="ignore"), is_anomaly


def _capped(rows: NDArray[np.intp], draw: np.random.RandomState) -> NDArray[np.intp]:
    return np.sort(draw.permutation(rows)[:CAP])
