"""A detector with thresholds by segment, over HTTP and in files; the column is no feature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from samples import arrow_table, machine_records, of_two_sites, write_csv, write_parquet

from models.bundle import load_detector
from models.errors import RecordError, TableError
from models.tables.table import Table
from service.app import create_app, load_settings
from service.batch import main
from service.registry import Registry

RECORDS = of_two_sites(machine_records(300, seed=33))
OTHERS = [record | {"site": site} for record in RECORDS[:40] for site in ("east", None)]


@pytest.fixture(scope="session")
def segmented(segmented_path):
    return load_detector(segmented_path)


@pytest.fixture(scope="session")
def client(segmented_path, start):
    with start(segmented_path) as service:
        yield service.client


def test_the_sites_have_thresholds_of_their_own(segmented):
    thresholds = {name: cutoff.threshold for name, cutoff in segmented.calibration.by_segment.items()}
    assert set(thresholds) == {"north", "south"}
    assert thresholds["south"] > 1.5 * thresholds["north"]


def test_a_record_is_decided_by_the_rows_of_its_own_site(segmented):
    verdicts = segmented.score_records([*RECORDS, *OTHERS])
    names = [record["site"] for record in [*RECORDS, *OTHERS]]
    for row, name in enumerate(names):
        cutoff = segmented.calibration.by_segment.get(name, segmented.calibration.pooled)
        assert verdicts.threshold[row] == cutoff.threshold
        assert verdicts.p_value[row] == cutoff.p_value(verdicts.anomaly_score[row : row + 1])[0]
    np.testing.assert_array_equal(verdicts.is_anomaly, verdicts.p_value <= 0.05)
    assert verdicts.segments.tolist() == names


def test_the_promised_rate_is_kept_in_each_site(segmented):
    fresh = of_two_sites(machine_records(4000, seed=55))
    verdicts = segmented.score_records(fresh)
    south = verdicts.segments == "south"
    pooled = verdicts.anomaly_score > segmented.calibration.threshold
    for own in (south, ~south):
        assert verdicts.is_anomaly[own].mean() < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)
    assert pooled[south].mean() > 2 * pooled[~south].mean()  # or one threshold would do


def test_a_record_without_the_column_is_refused_and_one_with_null_is_not(segmented):
    record = {key: value for key, value in RECORDS[0].items() if key != "site"}
    with pytest.raises(RecordError, match="is absent"):
        segmented.score_records([record])
    assert segmented.score_records([record | {"site": None}]).threshold[0] == segmented.calibration.threshold
    with pytest.raises(TableError, match="Missing: 'site'"):
        segmented.score_table(Table(data=arrow_table([record])))


def test_http_answers_with_the_threshold_and_the_segment_of_each_record(client, segmented):
    answer = client.post("/score", json=[RECORDS[0], RECORDS[1], *OTHERS[:2]]).json()
    thresholds = {name: cutoff.threshold for name, cutoff in segmented.calibration.by_segment.items()}
    pooled = segmented.calibration.threshold
    expected = [thresholds["north"], thresholds["south"], pooled, pooled]
    assert answer["threshold"] == pooled
    assert [item["segment"] for item in answer["results"]] == ["north", "south", "east", None]
    assert [item["threshold"] for item in answer["results"]] == expected
    for item in answer["results"]:
        assert item["is_anomaly"] == (item["anomaly_score"] > item["threshold"]) == (item["p_value"] <= 0.05)


def test_http_names_the_column_that_is_absent(client):
    record = {key: value for key, value in RECORDS[0].items() if key != "site"}
    answer = client.post("/score", json=record)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "site"


def test_the_interface_shows_the_column_and_its_example_can_be_sent(client):
    card = client.get("/detector").json()
    assert card["threshold"]["by"] == "site"
    assert set(card["threshold"]["segments"]) == {"north", "south"}
    assert client.post("/score", json=card["example"]).json()["results"][0]["segment"] == "north"
    assert '"site"' in json.dumps(client.get("/openapi.json").json())


def test_a_detector_with_one_threshold_answers_as_ever(bundle_path):
    from service.operations import score_items

    [item] = score_items(load_detector(bundle_path).score_records(RECORDS[:1]), top=0)
    assert item.keys() == {"anomaly_score", "p_value", "is_anomaly"}
    assert create_app(Registry.open(bundle_path), load_settings()).openapi()


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_file_of_scores_has_each_rows_threshold(suffix, segmented_path, segmented, tmp_path):
    rows = write_csv(tmp_path / "rows.csv", [*RECORDS, *OTHERS])
    output = tmp_path / f"scores.{suffix}"
    assert main([str(segmented_path), str(rows), "--output", str(output), "--explain", "1", "--quiet"]) == 0
    expected = segmented.score_records([*RECORDS, *OTHERS]).threshold.tolist()
    if suffix == "csv":
        header, *lines = [line.split(",") for line in output.read_text().splitlines()]
        assert header[:5] == ["serial", "anomaly_score", "p_value", "is_anomaly", "threshold"]
        written = [float(line[4]) for line in lines]
    elif suffix == "parquet":
        written = pq.read_table(output).column("threshold").to_pylist()
    else:
        written = [json.loads(line)["threshold"] for line in output.read_text().splitlines()]
    assert written == expected


def test_a_file_of_scores_of_one_threshold_has_no_such_column(bundle_path, tmp_path):
    rows = write_parquet(tmp_path / "rows.parquet", RECORDS)
    assert main([str(bundle_path), str(rows), "--output", str(tmp_path / "s.parquet"), "--quiet"]) == 0
    assert "threshold" not in pq.read_table(tmp_path / "s.parquet").column_names


def test_a_file_without_the_column_is_refused_before_the_first_row_is_scored(segmented_path, tmp_path, capsys):
    records = [{key: value for key, value in record.items() if key != "site"} for record in RECORDS]
    rows = write_csv(tmp_path / "rows.csv", records)
    assert main([str(segmented_path), str(rows), "--output", str(tmp_path / "s.csv"), "--quiet"]) == 2
    assert "Missing: 'site'" in capsys.readouterr().err


def test_an_id_column_that_is_called_threshold_is_refused(segmented_path, tmp_path, capsys):
    folder = Path(shutil.copytree(segmented_path, tmp_path / "bundle"))
    from models.bundle import MANIFEST
    from models.bundle.layout import digest

    schema = json.loads((folder / "schema.json").read_text()) | {"ids": ["threshold"]}
    (folder / "schema.json").write_text(json.dumps(schema))
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["schema.json"] = digest((folder / "schema.json").read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest))
    rows = write_csv(tmp_path / "rows.csv", [record | {"threshold": 1} for record in RECORDS])
    assert main([str(folder), str(rows), "--output", str(tmp_path / "s.csv"), "--quiet"]) == 2
    assert "'threshold' has the name of a column of the output" in capsys.readouterr().err
