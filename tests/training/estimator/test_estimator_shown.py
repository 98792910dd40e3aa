"""What a fitted estimator shows: its columns, its text and page, notes and progress, reports and pictures."""

from __future__ import annotations

import pickle
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from samples import machine_records, with_anomalies
from sklearn import config_context
from sklearn.pipeline import make_pipeline

from training.estimator import AutoencoderDetector
from training.estimator.errors import DetectorWarning, InputError, MissingPackageError, ParameterError

FAST = {"preset": "fast", "epochs": 2, "alert_rate": 0.2, "activation": "elu", "hidden_units": (8,), "latent_units": 2}
RECORDS = with_anomalies(machine_records(250, seed=4), every=10)
FRAME = pd.DataFrame(RECORDS).assign(note=[f"free words of {row}" for row in range(250)], empty=None)
FRAME.index = pd.Index([f"row {number}" for number in range(250)], name="at")


@pytest.fixture(scope="module")
def fitted():
    """An estimator with columns in every role, and the warnings of its fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector = AutoencoderDetector(**FAST, label="state", fit_on="normal", id="serial", exclude=("heat",)).fit(
            FRAME
        )
    return detector, caught


def test_a_column_that_is_dropped_unasked_is_a_warning_with_the_parameter_that_helps(fitted):
    said = [str(warning.message) for warning in fitted[1] if issubclass(warning.category, DetectorWarning)]
    about = {text.split(":")[0]: text for text in said}
    assert "constant (always 'north'); to leave it out without this note: exclude=['site']" in about["'site'"]
    assert "free text" in about["'note'"]
    assert "to use it all the same: kind=['note=categorical']" in about["'note'"]
    assert "empty" in about["'empty'"]
    assert not {"'heat'", "'serial'", "'state'"} & about.keys()  # the user's own word


def test_every_column_has_its_role_and_the_reason(fitted):
    columns = fitted[0].columns_
    assert list(columns.columns) == ["name", "kind", "role", "reason"]
    assert columns["name"].tolist() == list(FRAME.columns)
    by_name = columns.set_index("name")
    roles = {"serial": "id", "state": "label", "heat": "dropped", "site": "dropped", "note": "dropped"}
    assert by_name.loc[list(roles), "role"].to_dict() == roles
    assert by_name.loc["heat", "reason"] == "excluded (exclude)"
    assert by_name.loc["flow", ["kind", "role"]].tolist() == ["numeric", "feature"]
    assert by_name.loc["flow", "reason"].startswith("standardised")
    assert by_name.loc["mode", "kind"] == "categorical"
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(fitted[0])).columns_, columns)


def test_a_number_in_the_dress_of_a_text_is_never_left_out_in_silence():
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=120), "code": [f"{n:x}-{n}" for n in range(120)]})
    with pytest.warns(DetectorWarning, match=r"'code': dropped: identifier .*id=\['code'\]"):
        detector = AutoencoderDetector(**FAST).fit(frame)
    assert detector.columns_["role"].tolist() == ["feature", "dropped"]


def test_the_threshold_is_an_attribute(fitted):
    detector = fitted[0]
    assert detector.threshold_ == -detector.offset_
    np.testing.assert_array_equal(detector.predict(FRAME) == -1, detector.anomaly_score(FRAME) > detector.threshold_)


def test_an_explanation_keeps_the_index_of_the_frame(fitted):
    rows = FRAME.iloc[[7, 3]]
    told = fitted[0].explain(rows, top=2)
    assert told.index.tolist() == ["row 7", "row 7", "row 3", "row 3"]
    assert told.index.name == "at"
    assert told["row"].tolist() == [0, 0, 1, 1]
    of_two_levels = rows.set_index(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    assert fitted[0].explain(of_two_levels, top=1).index.tolist() == [("a", 1), ("b", 2)]
    assert fitted[0].explain(FRAME.head(0)).empty


def test_a_series_is_answered_by_what_it_is(fitted):
    with pytest.raises(InputError, match=r"X is one row, a Series.*X\.to_frame\(\)\.T, or frame\.iloc\[\[i\]\]"):
        fitted[0].predict(FRAME.iloc[5])
    with pytest.raises(InputError, match=r"X is one column, a Series.*X\.to_frame\(\); for row i"):
        fitted[0].predict(FRAME["flow"])
    with pytest.raises(InputError, match=r"X\.reshape\(-1, 1\) for one column"):
        fitted[0].predict(FRAME["flow"].to_numpy())


def test_the_text_has_at_most_ten_lines_and_says_what_was_fitted(fitted):
    lines = repr(fitted[0]).splitlines()
    assert len(lines) <= 10
    assert lines[0].startswith("AutoencoderDetector(activation='elu'")
    assert any(line.startswith("# columns_: ") and line.endswith("4 dropped") for line in lines)
    many = AutoencoderDetector(exclude=tuple(f"column {n}" for n in range(500)), include=("a" * 3000,))
    assert len(repr(many).splitlines()) <= 10
    assert "#" not in repr(many)
    assert "threshold_" not in repr(make_pipeline(fitted[0]))


def test_a_notebook_shows_what_was_fitted_under_the_diagram(fitted):
    detector = fitted[0]
    for page in (detector._repr_html_(), detector._repr_mimebundle_()["text/html"]):
        assert "sk-container-id" in page
        assert "columns_</th>" in page
    assert "columns_</th>" not in AutoencoderDetector()._repr_html_()
    with config_context(display="text"):
        assert not hasattr(detector, "_repr_html_")
        assert "text/html" not in detector._repr_mimebundle_()


@pytest.mark.parametrize("verbose", [0, 1, True])
def test_a_fit_is_silent_unless_it_is_verbose(capsys, verbose):
    frame = FRAME[["flow", "pressure", "heat"]].assign(copy=FRAME["flow"]).reset_index(drop=True)
    AutoencoderDetector(**FAST, verbose=verbose).fit(frame)
    shown = capsys.readouterr().out
    assert ("noted: 'copy': equal to 'flow'" in shown) is bool(verbose)
    assert ("exclude=['copy']" in shown) is bool(verbose)
    assert ("epochs" in shown) is bool(verbose)


def test_the_report_of_a_fit_is_written_and_of_a_loaded_estimator_refused(fitted, tmp_path):
    fitted[0].report(tmp_path / "fit.html")
    page = (tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "</html>" in page
    assert "flow" in page
    fitted[0].save(tmp_path / "1")
    for other in (AutoencoderDetector.load(tmp_path / "1"), pickle.loads(pickle.dumps(fitted[0]))):
        with pytest.raises(ParameterError, match="Write it after fit"):
            other.report(tmp_path / "other.html")


def test_the_explanation_of_one_row_is_drawn(fitted):
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    detector, row = fitted[0], FRAME.iloc[[9]]
    told = detector.explain(row, top=3)
    for one in (row, FRAME.iloc[9]):  # a row as a frame, and as a Series
        axes = detector.plot_explanation(one, top=3)
        assert [bar.get_width() for bar in axes.patches] == told["contribution"].tolist()[::-1]
        assert axes.get_yticklabels()[-1].get_text().startswith(f"{told['feature'].iloc[0]}\n")
        assert f"{detector.anomaly_score(row)[0]:.4g}" in axes.get_title()
        plt.close(axes.figure)
    figure, axes = plt.subplots()
    assert detector.plot_explanation(row, ax=axes) is axes
    plt.close(figure)
    with pytest.raises(InputError, match="draws one row, got 250"):
        detector.plot_explanation(FRAME)


def test_without_matplotlib_the_package_to_install_is_named(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match="pip install matplotlib"):
        fitted[0].plot_explanation(FRAME.iloc[[9]])
