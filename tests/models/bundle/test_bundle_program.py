"""`python -m models.bundle verify|show|describe|diff`."""

from __future__ import annotations

import json
import shutil

import pytest
from forging import change_manifest, forge, make_bundle

from models.bundle.__main__ import _print_json, _size, main
from models.bundle.card import card_of, differences, leaves
from models.bundle.layout import FILES, FORMAT_VERSION


@pytest.fixture
def detectors(made, tmp_path):
    """A folder with the versions 2 and 10 of one detector, and version 1 of another."""
    for place in ("a/2", "a/10", "b/1"):
        shutil.copytree(made, tmp_path / place)
    return tmp_path


def run(capsys, *arguments):
    code = main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_good_bundles_are_verified_in_one_line_each(detectors, capsys):
    code, out, err = run(capsys, "verify", detectors / "a" / "2", detectors / "b" / "1")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith(
        f"ok   {detectors}/a/2: sample, version 1, of 2024-01-01T00:00:00+00:00, format {FORMAT_VERSION}, "
    )
    assert first.endswith(" kB")
    assert second.startswith(f"ok   {detectors}/b/1: ")


def test_all_versions_of_a_folder_are_verified_10_after_9(detectors, capsys):
    assert [line.split(":")[0] for line in run(capsys, "verify", detectors)[1].splitlines()] == [
        f"ok   {detectors}/{place}" for place in ("a/2", "a/10", "b/1")
    ]
    assert len(run(capsys, "verify", detectors / "a")[1].splitlines()) == 2


def test_one_bad_bundle_among_good_ones_is_named_in_one_line_and_the_exit_code_is_2(detectors, capsys):
    forge(detectors / "a" / "10", "network.onnx", b"junk")
    (detectors / "b" / "1" / "notes.txt").write_text("mine")
    code, out, err = run(capsys, "verify", detectors, detectors / "none")
    assert (code, err) == (2, "error: 3 of 4 bundles cannot be used.\n")
    lines = out.splitlines()
    assert [line[:4] for line in lines] == ["ok  ", "bad ", "bad ", "bad "]
    assert lines[1].startswith(f"bad  {detectors}/a/10: network.onnx: ONNX Runtime")
    assert lines[2].startswith(f"bad  {detectors}/b/1: holds 'notes.txt'")
    assert lines[3].startswith(f"bad  {detectors}/none: there is no such folder")


def test_what_was_verified_is_one_json_object_for_programs(detectors, capsys):
    forge(detectors / "b" / "1", "schema.json", b"{}")
    code, out, _ = run(capsys, "verify", "--json", detectors)
    report = json.loads(out)
    assert code == 2
    assert report["ok"] is False
    good, _, bad = report["bundles"]
    assert good == {
        "path": f"{detectors}/a/2",
        "ok": True,
        "bytes": sum(path.stat().st_size for path in (detectors / "a" / "2").iterdir()),
        "name": "sample",
        "version": "1",
        "created": "2024-01-01T00:00:00+00:00",
        "format_version": FORMAT_VERSION,
        "versions": {"python": "3.11.0", "keras": "3.8.0", "tensorflow": "2.20.0", "numpy": "2.0.0"},
    }
    assert bad.keys() == {"path", "ok", "error"}
    assert json.loads(run(capsys, "verify", "--json", detectors / "a")[1])["ok"] is True


def test_a_card_is_shown_on_one_screen(made, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = run(capsys, "show", made)
    assert (code, err) == (0, "")
    for text in (
        str(made),
        "logarithm of its distance from the median",
        "carried through to every output",
        "constant (always 'north')",
        "fpr",
        "At most 5 % of fresh rows",
        "roc_auc",
        "prelu",
        "2.20.0",
        json.loads((made / "manifest.json").read_text())["files"]["network.onnx"],
    ):
        assert text in out


CARD = {
    "path": "artifacts/[pumps]/1",
    "bytes": 51_413,
    "detector": {"name": "pumps", "version": "1"},
    "columns": {"load [kW]": {"kind": "numeric", "enters_as": "standardised"}},
    "schema": {"ids": ["serial"], "label": "state", "dropped": {"site": "constant (always 'north')"}},
    "threshold": {"method": "fpr", "value": 0.05, "thresholds": {"a": 1.5, "b": None}},
    "metrics": {"realised_alert_rate": None, "roc_auc": 0.123456789},
    "rows": {"all": 1000},
    "network": {"hidden_units": [8, 4]},
    "comparison": {"recommendation": "elu", "ties": ["elu", "[relu]"]},
    "versions": {"python": "3.11.7"},
    "digests": {"network.onnx": "51b7"},
    "settings": {},
    "warnings": ["5 of 8 units are [dead]"],
}
SHOWN = """\
artifacts/[pumps]/1  51 kB

 column      kind      enters as
 ──────────────────────────────────────────────────────────────────────
 load [kW]   numeric   standardised
 serial      id        carried through to every output, never a feature
 state       label     says what is an anomaly, never a feature
 site        dropped   constant (always 'north')


 detector     name             pumps
              version          1
 threshold    method           fpr
              value            0.05
              thresholds.a     1.5
 metrics      roc_auc          0.123457
 rows         all              1000
 network      hidden_units     8, 4
 comparison   recommendation   elu
              ties             elu, [relu]
 versions     python           3.11.7
 digests      network.onnx     51b7

5 of 8 units are [dead]
"""


def lines_of(out):
    return [line.rstrip() for line in out.splitlines()]


def test_a_card_looks_like_this(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("models.bundle.__main__.card_of", lambda path: CARD)
    monkeypatch.setattr("models.bundle.__main__.resolve", lambda path: path)
    code, out, _ = run(capsys, "show", "anywhere")
    assert code == 0
    assert lines_of(out) == lines_of(SHOWN)


def test_a_card_without_a_label_has_no_line_for_it(capsys, monkeypatch):
    card = CARD | {"schema": CARD["schema"] | {"label": None}, "bytes": 2_500_000}
    monkeypatch.setattr("models.bundle.__main__.card_of", lambda path: card)
    monkeypatch.setattr("models.bundle.__main__.resolve", lambda path: path)
    _, out, _ = run(capsys, "show", "anywhere")
    assert "label" not in out
    assert "2.5 MB" in out


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 kB"), (999_499, "999 kB"), (10**6, "1.0 MB"), (1_234_567_890, "1,234.6 MB")]
)
def test_a_size_is_said_in_units_that_fit(count, text):
    assert _size(count) == text


def test_a_difference_looks_like_this(capsys, monkeypatch):
    other = CARD | {
        "path": "2",
        "detector": {"name": "pumps", "version": "[2]"},
        "metrics": {"roc_auc": 0.5},
        "digests": {"network.onnx": "0"},
    }
    cards = {"1": CARD | {"path": "1"}, "2": other}
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("models.bundle.__main__.card_of", lambda path: cards[str(path)])
    monkeypatch.setattr("models.bundle.__main__.resolve", lambda path: path)
    code, out, _ = run(capsys, "diff", "1", "2")
    assert code == 0
    assert lines_of(out) == lines_of("""
                         1          2
 ──────────────────────────────────────
 detector: version       1          [2]
 metrics: roc_auc        0.123457   0.5
 digests: network.onnx   51b7       0

two networks; differences: 3
""")


def test_a_missing_value_is_a_dash_among_differences(capsys, monkeypatch):
    cards = {"1": CARD | {"path": "1"}, "2": CARD | {"path": "2", "rows": {}, "settings": {"seed": 1}}}
    monkeypatch.setattr("models.bundle.__main__.card_of", lambda path: cards[str(path)])
    monkeypatch.setattr("models.bundle.__main__.resolve", lambda path: path)
    assert [line.split() for line in lines_of(run(capsys, "diff", "1", "2")[1])][3] == ["settings:", "seed", "–", "1"]


def test_a_card_of_numbers_that_json_does_not_have_is_no_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        _print_json({"a": float("nan")})


def test_a_detectors_folder_shows_its_latest_version(detectors, capsys):
    assert json.loads(run(capsys, "show", "--json", detectors / "a")[1])["bundles"][0]["path"] == f"{detectors}/a/10"


def test_a_card_tells_all_parts_in_plain_data(made, capsys):
    (card,) = json.loads(run(capsys, "show", "--json", made)[1])["bundles"]
    assert card == json.loads(json.dumps(card_of(made)))
    assert card["detector"] == {
        "name": "sample",
        "version": "1",
        "created": "2024-01-01T00:00:00+00:00",
        "format_version": FORMAT_VERSION,
        "engine": "onnx",
    }
    assert list(card["columns"]) == ["number", "amount", "flag", "mode", "at"]
    assert card["columns"]["number"] == {
        "kind": "numeric",
        "enters_as": "standardised; missing in 10.0%, which is a feature",
    }
    assert card["schema"]["ids"] == ["serial"]
    assert "columns" not in card["schema"]
    assert card["threshold"].keys() >= {"method", "value", "threshold", "promise"}
    assert card["metrics"] == {"realised_alert_rate": None, "roc_auc": 0.75}
    assert card["rows"] == {"all": 1000}
    assert (card["network"]["activation"], card["network"]["parameters"]) == ("prelu", None)
    assert card["settings"] == {"activation": "prelu", "seed": 0}
    assert set(card["digests"]) == set(FILES)
    assert card["warnings"] == []


@pytest.mark.parametrize("name", ["metrics", "parts", "settings", "warnings"])
def test_a_card_with_a_part_of_another_kind_is_shown_without_it(name, copied, capsys):
    card = json.loads((copied / "manifest.json").read_text())["card"]
    change_manifest(copied, card=card | {name: None})
    assert run(capsys, "show", copied)[0] == 0


def test_warnings_are_shown(copied, capsys):
    card = json.loads((copied / "manifest.json").read_text())["card"]
    change_manifest(copied, card=card | {"warnings": ["5 of 8 units are [dead]"]})
    assert "5 of 8 units are [dead]" in run(capsys, "show", copied)[1]


def test_equal_bundles_have_no_difference(made, copied, capsys):
    code, out, _ = run(capsys, "diff", made, copied)
    assert (code, out) == (0, "no difference but where they lie\n")
    assert json.loads(run(capsys, "diff", "--json", made, copied)[1]) == {
        "left": str(made),
        "right": str(copied),
        "same_network": True,
        "differences": [],
    }


def test_another_version_with_the_same_network_is_told_apart_from_another_network(made, copied, tmp_path, capsys):
    change_manifest(copied, version="2")
    code, out, _ = run(capsys, "diff", made, copied)
    assert code == 0
    assert "detector: version" in out
    assert out.endswith("the very same network; differences: 1\n")
    other = make_bundle(tmp_path / "other", activation="elu", missing_share=0.0, seed=1)
    report = json.loads(run(capsys, "diff", "--json", made, other)[1])
    assert report["same_network"] is False
    found = {(row["part"], row["name"]): (row["left"], row["right"]) for row in report["differences"]}
    assert found["network", "activation"] == ("prelu", "elu")
    assert found["settings", "seed"] == (0, 1)
    assert found["columns", "flag.enters_as"] == (
        "true in 30.0% of rows; missing in 10.0%, which is a feature",
        "true in 30.0% of rows",
    )
    assert ("threshold", "threshold") in found
    assert ("digests", "network.onnx") in found
    assert not any(part == "schema" for part, _ in found)


def test_what_only_one_bundle_has_is_a_difference(made):
    left, right = card_of(made), card_of(made)
    del right["settings"]["seed"]
    right["metrics"]["precision"] = 0.5
    assert differences(left, right) == [
        {"part": "metrics", "name": "precision", "left": None, "right": 0.5},
        {"part": "settings", "name": "seed", "left": 0, "right": None},
    ]


def test_nested_names_are_joined_by_dots_and_an_empty_object_is_a_value():
    assert list(leaves({"a": {"b": {"c": 1}, "d": [2]}, "e": {}})) == [("a.b.c", 1), ("a.d", [2]), ("e", {})]


@pytest.mark.parametrize("command", ["show", "diff"])
def test_a_bundle_that_is_not_there_is_one_line_and_exit_code_2(command, made, tmp_path, capsys):
    paths = [tmp_path / "none"] if command == "show" else [made, tmp_path / "none"]
    code, out, err = run(capsys, command, *paths)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {tmp_path / 'none'}: there is no such folder")
    assert err.count("\n") == 1


def test_a_command_is_asked_for(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "verify|show|describe|diff" in capsys.readouterr().err


def test_the_program_runs_without_a_training_library(made, run_python):
    code = (
        f"import sys; from models.bundle.__main__ import main; main(['verify', {str(made)!r}]);"
        "print(sorted({'tensorflow', 'keras', 'onnx', 'h5py', 'sklearn', 'pandas', 'training'} & set(sys.modules)))"
    )
    assert run_python("-c", code).stdout.splitlines()[-1] == "[]"
    done = run_python("-m", "models.bundle", "verify", made)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_card_has_the_figures_of_the_training(copied):
    card = json.loads((copied / "manifest.json").read_text())["card"]
    figures = {"realised_alert_rate": 0.04, "parts": {"fitting": 700, "test": 100}, "parameters": 321}
    change_manifest(copied, card=card | figures)
    card = card_of(copied)
    assert card["metrics"] == {"realised_alert_rate": 0.04, "roc_auc": 0.75}
    assert card["rows"] == {"all": 1000, "fitting": 700, "test": 100}
    assert card["network"]["parameters"] == 321


def test_the_file_for_keras_is_verified_though_serving_never_reads_it(detectors, capsys):
    (detectors / "a" / "10" / "network.keras").write_bytes(b"another file")
    code, out, _ = run(capsys, "verify", detectors / "a" / "10")
    assert code == 2
    assert "network.keras is not the file that was saved" in out
