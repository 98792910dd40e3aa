"""Changes the files of a bundle at random, thousands of times, and loads each; `test_bundle_fuzz.py` runs it.

    PYTHONPATH=.:tests python tests/fuzz_bundle.py BUNDLE FOLDER --mutations 2000 --seed 0

Prints one JSON object: how many were refused and how many loaded, what went wrong, the most memory that one took
and the longest time. The process may not grow by more than 500 MB: beyond that, Python raises `MemoryError`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from forging import forge
from samples import sample_record

from models.bundle import MANIFEST, load_detector
from models.bundle.card import column_cards, typical_values
from models.bundle.layout import FILES
from models.errors import BundleError
from service.api.schemas import detector_answer, request_examples, request_schema
from service.settings import Settings

ALLOWED_BYTES = 500 * 1024**2
ALLOWED_SECONDS = 10
SAME = 1e-3  # the probe lets pass what is 1e-5 apart on its rows, which can be a little more on others
RECORDS = [
    sample_record(),
    sample_record(number=70.0, amount=-300.0),
    sample_record(mode="idle", flag=False, at="2024-02-29T23:59:59"),
    sample_record(mode="never seen"),
    sample_record(mode="purge", at="2023-01-01T00:00:00"),
    *(sample_record(**{name: None}) for name in sample_record()),
]
VALUES = (None, True, False, 0, 1, -1, 2, 1e300, -1e-300, 10**30, "", "run", "x" * 5000, [], {}, [[]], [None], {"a": 1})


def mutated_bytes(content: bytes, chance: random.Random) -> bytes:
    """Flip, cut, insert, repeat, swap or blank some bytes."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        if not data:
            break
        start = chance.randrange(len(data))
        end = min(len(data), start + chance.choice([1, 2, 8, 64, 1024]))
        match chance.randrange(7):
            case 0:
                data[start] ^= 1 << chance.randrange(8)
            case 1:
                del data[start:]
            case 2:
                data[start:start] = chance.randbytes(end - start)
            case 3:
                data[start:start] = data[start:end] * chance.choice([1, 3, 100])
            case 4:
                del data[start:end]
            case 5:
                data[start:end] = bytes([chance.choice([0, 0x22, 0x7F, 0x80, 0xFF])]) * (end - start)
            case 6:
                other = chance.randrange(len(data))
                data[start:end], data[other : other + end - start] = data[other : other + end - start], data[start:end]
    return bytes(data)


def mutated_json(content: bytes, chance: random.Random) -> bytes:
    """Change, drop, double or rename one part at any depth."""
    plain = json.loads(content)
    parts: list[tuple[Any, Any]] = []
    waiting = [plain]
    while waiting:
        item = waiting.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item))
        parts += [(item, key) for key in keys]
        waiting += [item[key] for key in keys if isinstance(item[key], (dict, list))]
    parent, key = chance.choice(parts)
    value = parent[key]
    match chance.randrange(5):
        case 0:
            parent[key] = chance.choice(VALUES)
        case 1:
            del parent[key]
        case 2 if isinstance(parent, list):
            parent.insert(key, value)
        case 2:
            parent[f"{key}2"] = parent.pop(key)
        case 3 if isinstance(value, (int, float)):
            parent[key] = value * chance.choice([-1, 0, 0.5, 1.001, 2, 1e9])
        case 3:
            parent[key] = [value]
        case 4:
            other, name = chance.choice(parts)
            parent[key] = other[name] if not isinstance(other[name], (dict, list)) else str(other[name])
    return json.dumps(plain, allow_nan=True).encode()


def mutate(folder: Path, chance: random.Random) -> str:
    """Change one file; mostly, its digest as well, so that it is not the digest that finds it out."""
    name = chance.choice([MANIFEST, *FILES])
    content = (folder / name).read_bytes()
    is_json = name.endswith(".json") and chance.random() < 0.7
    changed = (mutated_json if is_json else mutated_bytes)(content, chance)
    if name == MANIFEST or chance.random() < 0.1:
        (folder / name).write_bytes(changed)
    else:
        forge(folder, name, changed)
    return name


def main() -> None:
    """Run the mutations and print what came of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    right = load_detector(arguments.bundle).score_records(RECORDS).anomaly_score
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + ALLOWED_BYTES, resource.RLIM_INFINITY))
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    slowest = 0.0
    for number in range(arguments.mutations):
        chance = random.Random(f"{arguments.seed} {number}")
        folder = arguments.folder / "bundle"
        shutil.copytree(arguments.bundle, folder)
        name = mutate(folder, chance)
        signal.alarm(ALLOWED_SECONDS)  # its default is to end the process: a hang is seen by the caller
        started = time.perf_counter()
        try:
            detector = load_detector(folder)
            scores = detector.score_records(RECORDS).anomaly_score
            told = [detector_answer(detector, Settings()), request_schema(detector), request_examples(detector)]
            json.dumps([*told, list(map(typical_values, column_cards(detector)))], allow_nan=False)
        except BundleError as error:
            outcomes["refused"] += 1
            if "\n" in str(error):
                faults.append(f"{number}: {name}: more than one line: {error}")
        except Exception:
            faults.append(f"{number}: {name}: {traceback.format_exc()}")
        else:
            outcomes["loaded"] += 1
            if not (np.abs(scores - right) <= SAME * np.maximum(1.0, right)).all():
                faults.append(f"{number}: {name}: other scores: {scores - right}")
        slowest = max(slowest, time.perf_counter() - started)
        signal.alarm(0)
        shutil.rmtree(folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) * 1024
    print(json.dumps({**outcomes, "faults": faults, "grown_bytes": grown, "slowest_seconds": slowest}))


if __name__ == "__main__":
    main()
