"""Readings of machine tools: power, temperature and output follow from load, speed and the worn tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

IDS: Final = ("reading",)

_MODELS: Final = {
    # rated speed in rpm, rated torque in Nm, hall
    "DMG-40": (1_450, 42.0, "north"),
    "Haas-VF2": (1_800, 30.0, "north"),
    "Mazak-QT": (2_300, 24.0, "south"),
}
_MACHINES: Final = {
    f"M{number:02d}": model
    for number, model in enumerate(["DMG-40"] * 4 + ["Haas-VF2"] * 3 + ["Mazak-QT"] * 3, start=1)
}
_MATERIALS: Final = {
    # share, torque, seconds a part
    "steel": (0.45, 1.15, 1.2),
    "aluminium": (0.35, 0.8, 0.8),
    "brass": (0.2, 0.95, 1.0),
}
_COOLANTS: Final = {"steel": "emulsion", "aluminium": "alcohol", "brass": "oil mist"}
_OPERATORS: Final = {
    ("north", "early"): "Keller",
    ("north", "late"): "Lopes",
    ("south", "early"): "Moreau",
    ("south", "late"): "Nowicki",
}


def machines(rows: int, seed: int) -> pd.DataFrame:
    """Return readings of three months, by day and two shifts, in the order of their times.

    Args:
        rows: Number of readings.
        seed: Seed of the draws.
    """
    import pandas as pd

    draw = np.random.default_rng(seed)
    machine = draw.choice(list(_MACHINES), rows)
    model = np.array([_MACHINES[name] for name in machine])
    rated_speed, rated_torque, hall = (np.array([_MODELS[name][i] for name in model]) for i in range(3))
    material = draw.choice(list(_MATERIALS), rows, p=[share for share, *_ in _MATERIALS.values()])
    heavy, slow = (np.array([_MATERIALS[name][i] for name in material]) for i in (1, 2))
    day = pd.bdate_range("2025-09-01", "2025-11-28")
    minute = draw.integers(6 * 60, 22 * 60, rows)
    order = np.lexsort((minute, drawn := draw.integers(0, len(day), rows)))
    minute, drawn = minute[order], drawn[order]
    shift = np.where(minute < 14 * 60, "early", "late")
    load = np.clip(draw.beta(6, 3, rows), 0.15, 1)
    speed = rated_speed * draw.normal(1, 0.03, rows) * (1.1 - 0.2 * load)
    torque = rated_torque * heavy * load * draw.normal(1, 0.03, rows)
    power = speed * torque / 9_549
    wear = draw.integers(1, 240, rows)
    ambient = 18 + 4 * np.sin((minute / 60 - 9) / 24 * 2 * np.pi) + draw.normal(0, 0.6, rows)
    return pd.DataFrame(
        {
            "reading": [f"R{number:06d}" for number in range(1, rows + 1)],
            "time": day[drawn] + pd.to_timedelta(minute, "min"),
            "machine": machine,
            "model": model,
            "hall": hall,
            "shift": shift,
            "operator": [_OPERATORS[place, when] for place, when in zip(hall, shift, strict=True)],
            "material": material,
            "coolant": [_COOLANTS[name] for name in material],
            "load %": np.round(100 * load, 1),
            "speed rpm": np.round(speed).astype(int),
            "torque Nm": np.round(torque, 1),
            "power kW": np.round(power * draw.normal(1, 0.015, rows), 2),
            "ambient C": np.round(ambient, 1),
            "spindle C": np.round(ambient + 14 + 22 * load + wear / 40 + draw.normal(0, 0.8, rows), 1),
            "vibration mm/s": np.round(0.8 + wear / 120 + speed / 2_500 + draw.normal(0, 0.08, rows), 2),
            "tool wear min": wear,
            "parts per hour": np.round(60 / slow * (0.6 + 0.4 * load) * draw.normal(1, 0.03, rows)).astype(int),
            "last service": pd.Timestamp("2025-08-29") - pd.to_timedelta(_days_since_service(machine), "D"),
        }
    )


def _days_since_service(machine: NDArray[np.str_]) -> NDArray[np.int_]:
    return np.array([7 * int(name[1:]) for name in machine])
