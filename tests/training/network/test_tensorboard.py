"""What TensorBoard is given, read back by TensorFlow's own reader."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from training.network.diagnostics import LayerHealth
from training.network.history import Epoch
from training.network.tensorboard import tensorboard_log


def epoch(number: int) -> Epoch:
    layer = LayerHealth(layer="bottleneck", units=8, dead=2, nearly_dead=1, saturated=0, zeros=0.5)
    return Epoch(number=number, loss=1 / number, validation_loss=2.0, units=(layer,), gradients={"output": 0.25})


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    [file] = folder.iterdir()
    return {
        (value.tag, event.step): float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "scalars"
    }


@pytest.mark.filterwarnings("ignore:.*tf_record_iterator.*")
def test_each_fit_is_a_run_with_losses_units_and_gradients_by_epoch(tmp_path: Path) -> None:
    with tensorboard_log(tmp_path) as log:
        for number in (1, 2, 1):
            log(epoch(number))
    first, second = scalars(tmp_path / "fit_1"), scalars(tmp_path / "fit_2")
    assert {step for _, step in first} == {1, 2}
    assert {step for _, step in second} == {1}
    assert first["loss/fitting", 2] == pytest.approx(0.5)
    assert second["dead_share/bottleneck", 1] == pytest.approx(0.25)
    assert second["gradient_norm/output", 1] == pytest.approx(0.25)


def test_nothing_is_written_where_no_epoch_was_run(tmp_path: Path) -> None:
    with tensorboard_log(tmp_path / "log"):
        pass
    assert not (tmp_path / "log").exists()
