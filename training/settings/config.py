"""The settings of a training: one field each, for flags, checks and the bundle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from models.calibration import THRESHOLD_METHODS, ThresholdSpec, spec_of
from models.errors import ConfigError, joined
from models.network.activations import ACTIVATION_PARAMETERS, ACTIVATIONS
from models.network.architecture import AutoencoderConfig
from models.schema import Kind
from models.schema.names import one_form
from training.columns.roles import DATE_ORDERS
from training.network.history import EpochSettings
from training.settings.limits import complaints
from training.settings.presets import PRESETS, FamilyPlan, default_batch_size, default_epochs, default_hidden_units

_T = TypeVar("_T")


def _setting(group: str, default: Any, help: str) -> Any:
    """Declare a setting: its group, its default and its help text; its limit is in `LIMITS`."""
    return field(default=default, metadata={"help": help, "group": group})


def _in_one_form(value: Any) -> Any:
    return one_form(value) if isinstance(value, str) else value


_columns, _rows, _network, _fitting, _threshold = (
    partial(_setting, group) for group in ("columns", "rows", "network", "fitting", "threshold")
)


def _target(setting: str, meaning: str) -> Any:
    """Return the setting that gives the target of threshold methods, whose rows say which take it, and what else."""
    takers = {name: method for name, method in THRESHOLD_METHODS.items() if setting in method.targets}
    defaults = {
        name: f"{method.defaults[0]:g}{', more where rows are few' if method.defaults[1:] else ''}"
        for name, method in takers.items()
        if method.defaults and setting == method.settings[0]
    }
    said = "; ".join(text if name == next(iter(takers)) else f"{name} {text}" for name, text in defaults.items())
    return _threshold(None, f"{', '.join(takers)}: {meaning}{said and f' (default: {said})'}")


def _with_activation_parameters(settings: type[_T]) -> type[_T]:
    """Add a setting for each parameter of an activation."""
    for name, parameter in ACTIVATION_PARAMETERS.items():
        settings.__annotations__[name] = "float"
        setattr(settings, name, _network(parameter.default, parameter.help))
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
@_with_activation_parameters
class TrainConfig:
    """The settings of a training, each with a help text; the parameters of activations are settings, too.

    Raises:
        ConfigError: A setting is outside its limits; the error names all that are.
    """

    label: str | None = _columns(
        None, "column of labels, which say what is an anomaly: for evaluation and --fit-on, never a feature"
    )
    anomaly_values: tuple[str, ...] = _columns((), "values of the label that mean anomaly")
    fit_on: str = _columns("all", "which rows may be learned from")
    id: tuple[str, ...] = _columns((), "columns that name a record: carried through, never a feature")
    include: tuple[str, ...] = _columns((), "only these columns are features")
    exclude: tuple[str, ...] = _columns((), "columns that are no features")
    kind: tuple[str, ...] = _columns(
        (), f"COLUMN=KIND: the kind of a column, one of {', '.join(Kind)}, where its values do not tell"
    )
    date_order: tuple[str, ...] = _columns(
        (), f"{' or '.join(DATE_ORDERS)}, or COLUMN=ORDER: how dates such as 03/04/2024 are meant"
    )
    missing_values: tuple[str, ...] = _columns((), "VALUE, or COLUMN=VALUE: a code for a missing value, such as -999")
    keep_words: tuple[str, ...] = _columns(
        (), "WORD, or COLUMN=WORD: a category that would else stand for a missing value, such as NA for Namibia"
    )
    infinite: str = _columns("refuse", "what becomes of infinite numbers")

    time: str | None = _rows(
        None, "split in time by this column: fitted on the oldest rows, evaluated on the newest (default: at random)"
    )
    group: str | None = _rows(
        None, "rows of one value of this column (a machine, a customer) stay in one part of the split"
    )
    duplicates: str = _rows("keep", "what becomes of rows that equal another in every feature")

    least_rows: int = _rows(10, "fewest rows for fitting, and a fifth as many for early stopping and for calibration")

    training_rows: str | None = _network(
        None, "what is known of the fitting rows (default: mixed; clean with --fit-on normal)"
    )
    preset: str = _network("balanced", "how many networks are fitted, and for how long")
    activation: str = _network("relu", "activation of the hidden layers; the output layer is linear")
    hidden_units: tuple[int, ...] | None = _network(
        None, "widths of the encoder's hidden layers, outermost first (default: by preset)"
    )
    depth: int | None = _network(
        None, "number of the encoder's hidden layers, where --hidden-units is not given (default: by preset)"
    )
    latent_units: int | None = _network(
        None,
        "width of the bottleneck, with a decoder like the encoder behind it (default: that of the layer before it, and "
        "the output is read off it)",
    )
    dropout: float = _network(0.0, "share of the hidden units that are dropped in each step")
    input_noise: float | None = _network(
        None,
        "standard deviation of the noise on the standardised input while fitting (default: by preset; each member of "
        "an ensemble has its own, from fine to coarse)",
    )

    epochs: int | None = _fitting(None, "most passes over the fitting rows (default: by preset and number of rows)")
    batch_size: int | None = _fitting(None, "rows of one step (default: by the number of rows)")
    learning_rate: float = _fitting(2e-3, "largest step size of AdamW")
    weight_decay: float = _fitting(0.01, "weight decay of AdamW, on kernels only")
    patience: int = _fitting(20, "epochs without a lower validation loss before the fit of a single network stops")
    seed: int = _fitting(0, "seed of the split, the initial weights and the order of the rows")

    threshold_method: str = _threshold("fpr", "how the threshold is found")
    alert_rate: float | None = _target("alert_rate", "share of fresh normal rows that may be flagged")
    contamination: float | None = _target("contamination", "expected share of anomalies")
    threshold: float | None = _target("threshold", "the score above which a row is flagged")
    beta: float | None = _target("beta", "the best F-beta; above 1, recall counts more than precision")
    precision: float | None = _target("precision", "wanted share of anomalies among the flagged rows")
    recall: float | None = _target("recall", "wanted share of the anomalies that is flagged")
    false_positive_rate: float | None = _target("false_positive_rate", "share of the normal rows that may be flagged")
    threshold_by: str | None = _threshold(
        None, "column whose values (site, machine type) each have their own threshold; it may be a feature"
    )

    def __post_init__(self) -> None:
        for setting in fields(self):  # names of columns, which macOS may write in another form
            value = getattr(self, setting.name)
            if isinstance(value, str | tuple) and value:
                texts = one_form(value) if isinstance(value, str) else tuple(map(_in_one_form, value))
                object.__setattr__(self, setting.name, texts)
        if found := list(complaints(self)):
            raise ConfigError(joined(found))

    def architecture(self, *, features: int) -> AutoencoderConfig:
        """Return the network's configuration for d features."""
        preset = PRESETS[self.preset]
        single = not self.families
        hidden_units = self.hidden_units or default_hidden_units(preset.width, depth=self.depth or preset.depth)
        return AutoencoderConfig(
            features=features,
            hidden_units=hidden_units,
            latent_units=self.latent_units or hidden_units[-1],
            activation=self.activation,
            activation_parameter=self.parameter_of(self.activation),
            dropout=self.dropout,
            input_noise=self.alone.input_noise[0] if single else 0.0,
            members=1 if single else sum(len(family.input_noise) for family in self.families),
            # A bottleneck as wide as the layer before it holds nothing back: what is behind it would only blur.
            linear_decoder=self.latent_units is None,
            skip_weight=self._skip_weights_of(self.families),
        )

    def parameter_of(self, activation: str) -> float | None:
        """Return the value of the parameter of an activation, if it has one."""
        spec = ACTIVATIONS.get(activation)
        return None if spec is None or spec.parameter is None else float(getattr(self, spec.parameter.name))

    @property
    def known_rows(self) -> str:
        """What is known of the fitting rows, a key of `TRAINING_ROWS`."""
        return self.training_rows or ("clean" if self.fit_on == "normal" else "mixed")

    @property
    def alone(self) -> FamilyPlan:
        """The plan of a single network."""
        plan = PRESETS[self.preset].alone.get(self.known_rows, FamilyPlan(name="alone", input_noise=(0.0,)))
        return plan if self.input_noise is None else replace(plan, input_noise=(self.input_noise,))

    @property
    def families(self) -> tuple[FamilyPlan, ...]:
        """The plans of an ensemble; none for a single network."""
        plans = PRESETS[self.preset].families.get(self.known_rows, ())
        if self.input_noise is None:
            return plans
        return tuple(replace(plan, input_noise=(self.input_noise,) * len(plan.input_noise)) for plan in plans)

    def _skip_weights_of(self, plans: Iterable[FamilyPlan]) -> tuple[float, ...]:
        """Return the skip weight of each member of some families; empty where no family is residual."""
        if not any(plan.residual for plan in self.families):
            return ()
        members = [(plan.residual, noise) for plan in plans for noise in plan.input_noise]
        # 0 without noise, where nothing would be left to learn
        return tuple(1 / (1 + noise**2) if residual and noise > 0 else 0.0 for residual, noise in members)

    @property
    def histogram_weight(self) -> float:
        """Weight of the columns' histograms in the score beside the families."""
        return PRESETS[self.preset].histogram_weight[self.known_rows]

    def epoch_settings(self, *, rows: int, features: int) -> tuple[EpochSettings, ...]:
        """Return the settings of each run of epochs on so many fitting rows.

        A single network takes one run; of an ensemble, families with the same trim and steps share one.
        """
        batch_size = self.batch_size or default_batch_size(rows, features=features, ensemble=bool(self.families))
        steps = PRESETS[self.preset].steps
        epochs = self.epochs or default_epochs(rows, features=features, batch_size=batch_size, steps=steps)
        alone = EpochSettings(
            epochs=self.epochs or max(1, round(self.alone.share_of_steps * epochs)),
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            seed=self.seed,
            trim=self.alone.trim,
        )
        groups = [(key, list(plans)) for key, plans in groupby(self.families, key=attrgetter("trim", "share_of_steps"))]
        return tuple(
            replace(
                alone,
                epochs=max(1, round(share * epochs)),
                seed=self.seed + i,
                input_noise=tuple(noise for plan in plans for noise in plan.input_noise),
                skip_weight=self._skip_weights_of(plans),
                trim=trim,
            )
            for i, ((trim, share), plans) in enumerate(groups)
        ) or (alone,)

    @property
    def threshold_target(self) -> str | None:
        """The setting that gives the target of the threshold; None where none is given."""
        flags = THRESHOLD_METHODS[self.threshold_method].settings
        return next((name for name in flags if getattr(self, name) is not None), None)

    def threshold_spec(self, *, calibration_rows: int) -> ThresholdSpec:
        """Return the threshold spec for a number of calibration rows."""
        target = self.threshold_target
        default = THRESHOLD_METHODS[self.threshold_method].default
        value = default(calibration_rows=calibration_rows) if target is None else getattr(self, target)
        return spec_of(self.threshold_method, float(value), target=target)
