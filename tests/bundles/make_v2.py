"""Write `v2/`: a small bundle of format version 2, with labels and thresholds by segment, and what it gave. Run once.

    PYTHONPATH=.:tests python tests/bundles/make_v2.py

Do not run it again for a newer format: an old bundle is worth something because it is old.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from samples import arrow_table, machine_records, with_anomalies

from models.bundle import FORMAT_VERSION, load_detector, new_bundle
from models.tables import Table
from training.config import TrainConfig
from training.fit import fit
from training.prepare import prepare
from training.save import write_result

if FORMAT_VERSION != 2:
    sys.exit(f"This program writes format version {FORMAT_VERSION}; check out the commit that added v2.")
here = Path(__file__).resolve().parent / "v2"
table = Table(data=arrow_table(with_anomalies(machine_records(400, seed=1), every=20)))
config = TrainConfig(
    hidden_units=(8,),
    latent_units=3,
    activation="elu",
    epochs=30,
    alert_rate=0.1,
    id=("serial",),
    learning_rate=3e-3,
    label="state",
    threshold_by="mode",
)
prepared = prepare(table, config)
with new_bundle(here / "bundle", overwrite=True) as folder:
    write_result(fit(prepared, config, name="machines", version="1"), folder)
records = machine_records(12, seed=2)
records[3]["flow"] = -40.0
records[5]["mode"] = "never seen"
records[7]["flow"] = None
records[9]["at"] = None
verdicts = load_detector(here / "bundle").judge_records(records)
recorded = {
    "records": records,
    "anomaly_score": verdicts.anomaly_score.tolist(),
    "p_value": verdicts.p_value.tolist(),
    "threshold": verdicts.threshold.tolist(),
    "is_anomaly": verdicts.is_anomaly.tolist(),
}
(here / "recorded.json").write_text(json.dumps(recorded, indent=1) + "\n")
