"""Make a small bundle that is kept, with the scores that it gives: run once for each release.

    PYTHONPATH=.:tests python tests/bundles/keep.py 0.2.0

Nothing that lies there is ever written anew: an old bundle is worth something because it is old.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from samples import arrow_table, machine_records, with_anomalies

from models.bundle import load_detector, new_bundle
from models.tables.table import Table
from training.data.prepare import prepare
from training.fit import fit, write_result
from training.settings.config import TrainConfig

if len(sys.argv) != 2:
    sys.exit("error: name the release, such as 0.2.0")
kept = Path(__file__).resolve().parent
folder = kept / sys.argv[1]
if folder.exists():
    sys.exit(f"error: {folder} is kept already, and is never written anew")
table = Table(data=arrow_table(with_anomalies(machine_records(900, seed=1), every=20)))
config = TrainConfig(
    hidden_units=(8,),
    activation="prelu",
    epochs=30,
    alert_rate=0.1,
    id=("serial",),
    learning_rate=3e-3,
    label="state",
    threshold_by="mode",
)
prepared = prepare(table, config)
with new_bundle(folder / "bundle") as unfinished:
    write_result(fit(prepared, config, name="machines", version="1"), unfinished)
records = machine_records(12, seed=2)
records[3]["flow"] = -40.0
records[5]["mode"] = "never seen"
records[7]["flow"] = None
records[9]["at"] = None
verdicts = load_detector(folder / "bundle").score_records(records)
recorded = {
    "records": records,
    "anomaly_score": verdicts.anomaly_score.tolist(),
    "p_value": verdicts.p_value.tolist(),
    "threshold": verdicts.threshold.tolist(),
    "is_anomaly": verdicts.is_anomaly.tolist(),
}
(folder / "recorded.json").write_text(json.dumps(recorded, indent=1) + "\n")
with (kept / "SHA256SUMS").open("a") as sums:
    for path in (folder / "bundle" / "manifest.json", folder / "recorded.json"):
        sums.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(kept)}\n")
