"""Makes the tutorial's files, machines.csv and new.csv: `python docs/examples/make_machines.py`.

Five pumps report every two hours for nine weeks. Temperature and flow follow the load, the load follows the clock.
In new.csv, the day after, three records break one of these relations each; no column says which.
"""

from __future__ import annotations

import csv
import math
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2026, 2, 16)
PUMPS = {"P-1": 1.8, "P-2": 2.0, "P-3": 2.2, "P-4": 2.4, "P-5": 2.6}  # litres a minute for each percent of load
NAMES = ["reading", "pump", "measured_at", "temperature", "load", "flow", "mode", "door_open"]


def main() -> None:
    """Write both files into the working folder."""
    chance = random.Random(7)
    history = records(chance, START, days=63)
    for record_with_gap in chance.sample(history, 30):  # sensors fail now and then
        record_with_gap["temperature"] = ""
    new = records(chance, START + timedelta(days=63), days=1)
    new[27] |= {"flow": round(new[27]["flow"] * 0.35, 1)}  # a blocked filter
    new[31] |= {"temperature": round(new[31]["temperature"] + 24, 1)}  # a hot bearing
    new[46] |= {"mode": "idle"}  # says idle under load
    write("machines.csv", history)
    write("new.csv", new)


def records(chance: random.Random, start: datetime, *, days: int) -> list[dict[str, object]]:
    """Return a record of each pump every two hours."""
    moments = [start + timedelta(hours=2 * step) for step in range(12 * days)]
    return [record(chance, moment, pump) for moment in moments for pump in PUMPS]


def record(chance: random.Random, moment: datetime, pump: str) -> dict[str, object]:
    """Return what a pump in good order reports at a moment."""
    weekend = moment.weekday() >= 5
    daily = 50 - 30 * math.cos(2 * math.pi * (moment.hour - 2) / 24)
    load = max(3.0, min(100.0, daily * (0.5 if weekend else 1.0) + chance.gauss(0, 6)))
    door_open = chance.random() < 0.04
    return {
        "reading": f"{pump}/{moment:%m%d%H}",
        "pump": pump,
        "measured_at": moment.isoformat(sep=" "),
        "temperature": round(22 + 0.45 * load + chance.gauss(0, 1.5) - 4 * door_open, 1),
        "load": round(load, 1),
        "flow": round(30 + PUMPS[pump] * load + chance.gauss(0, 5), 1),
        "mode": "idle" if load < 25 else "normal" if load < 75 else "boost",
        "door_open": door_open,
    }


def write(name: str, records: list[dict[str, object]]) -> None:
    """Write records as CSV."""
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, NAMES)
        writer.writeheader()
        writer.writerows(records)


if __name__ == "__main__":
    main()
