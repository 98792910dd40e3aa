"""The rows that a command learns from: files, or the demo data set, a real one that ships with scikit-learn."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from models.errors import ConfigError, Set
from models.messages import phrase
from models.repository import complaint_about_name
from models.tables.files import expand, read_table
from models.tables.read_options import ReadOptions
from models.tables.standard_streams import is_standard
from models.tables.table import Table
from training.settings.config import TrainConfig

NAME: Final = "breast-cancer"
LABEL: Final = "diagnosis"
SETTINGS: Final = {"label": LABEL, "fit_on": "normal"}
"""Settings of a training on the demo data set; `demo_config` has its threshold, too."""

_ALERT_RATE: Final = 0.05  # of some 58 calibration rows the one that scores highest would be the threshold for less
DESCRIPTION: Final = phrase(
    "no DATA was named: training on scikit-learn's breast-cancer set (569 biopsies, 30 measurements), on its benign "
    "rows alone; the malignant ones are what is to be found. The set is small, so the threshold is one for 5 % of "
    "false alarms, unless a flag says otherwise"
)
_OF_STANDARD_INPUT: Final = "stdin"
_NAME: Final = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Files and patterns to learn from, none for the demo data set, and how text files are written.

    What is learned from them is called `name`; None for the first file's name.

    Raises:
        ConfigError: The name has other characters than those of a folder's name.
    """

    files: tuple[str, ...]
    options: ReadOptions
    name: str | None = None

    def __post_init__(self) -> None:
        if self.name is not None and (complaint := complaint_about_name(self.name)) is not None:
            raise ConfigError(f"name {complaint}.")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise ConfigError(f"name must be of letters, digits, '-', '_' and '.', got {self.name!r}.")

    @property
    def title(self) -> str:
        """The name of a detector that is fitted on them."""
        if self.name is not None:
            return self.name
        if not self.files:
            return NAME
        first = expand(self.files)[0]
        name = _OF_STANDARD_INPUT if is_standard(first) else first.name.split(".")[0]
        if (complaint := complaint_about_name(name)) is not None:
            raise ConfigError(f"the name of the first file {complaint}: say ", Set("name", like="NAME"), ".")
        return name

    def table(self) -> Table:
        """Read the rows.

        Raises:
            TableError: A file is missing or damaged, or the files have different columns.
        """
        return read_table(self.files, self.options) if self.files else embedded_table()


def demo_config(config: TrainConfig) -> TrainConfig:
    """Return the settings of a training on the demo data set, with a threshold that so few rows can carry.

    Where 58 benign rows are held out, an alert rate of 1 % or 2 % rests on the strangest of them alone.
    """
    is_default = config.threshold_target is None and config.threshold_method == TrainConfig().threshold_method
    return replace(config, alert_rate=_ALERT_RATE) if is_default else config


def embedded_table() -> Table:
    """Return the Wisconsin diagnostic breast-cancer set (Street, Wolberg and Mangasarian, 1993), unchanged."""
    from sklearn.datasets import load_breast_cancer  # a second, for this table alone

    bunch = load_breast_cancer()
    columns = {str(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
    columns[LABEL] = [str(bunch.target_names[target]) for target in bunch.target]
    return Table(data=pa.table(columns))
