from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np
import pytest
from hidden_layers import hidden_outputs, layer_health

from models.encoders.preprocessor import Encoded
from models.errors import TrainingError
from models.network.architecture import AutoencoderConfig
from training.network.epochs import _batched_order, run_epochs
from training.network.history import EpochSettings
from training.network.keras_network import DenseNetwork

D = 4
FEATURES = ("big", "small", "plain", "small is missing")
WEIGHTS = np.full(D, 0.25, np.float32)


def rows(n, *, seed):
    rng = np.random.default_rng(seed)
    first = rng.normal(0, 1, (n, 1))
    return Encoded(Z=(first * [1, -1, 1, -1] + rng.normal(0, 0.1, (n, D))).astype(np.float32))


def run(
    fitting=None,
    validation=None,
    *,
    network=None,
    on_epoch=lambda epoch: None,
    should_stop=lambda: False,
    **settings,
):
    usual = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-2, "weight_decay": 0.0, "patience": 10, "seed": 1}
    config = AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2)
    network = network or DenseNetwork(config, seed=1)
    history = run_epochs(
        network,
        fitting=fitting or rows(100, seed=1),
        validation=validation or rows(40, seed=2),
        weights=WEIGHTS,
        features=FEATURES,
        settings=EpochSettings(**(usual | settings)),
        on_epoch=on_epoch,
        should_stop=should_stop,
    )
    return network, history


@pytest.mark.parametrize("members", [1, 3])
def test_an_epoch_says_what_units_and_gradients_do(members):
    """With one step an epoch, so that the first step of the first epoch is one on all rows."""
    import tensorflow as tf

    config = AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2, members=members)
    network, fitting = DenseNetwork(config, seed=1), rows(100, seed=1)
    kernels = [network.weights[name] for name in network.kernels]
    with tf.GradientTape() as tape:
        errors = tf.square(fitting.Z - network.forward(fitting.Z)[0]) * WEIGHTS
        loss = tf.reduce_sum(tf.reduce_mean(errors, axis=1))
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, kernels)]
    norms = [np.sqrt(np.square(gradient).sum() / members) for gradient in gradients]
    noise = () if members == 1 else (0.0,) * members
    _, history = run(fitting, network=network, epochs=2, batch_size=100, input_noise=noise)
    first, last = history.epochs
    assert list(first.gradients) == ["encoder_1", "bottleneck", "decoder_1", "output"]
    assert list(first.gradients.values()) == pytest.approx(norms, rel=1e-4)
    assert 0 < first.seconds < last.seconds <= history.seconds
    expected = layer_health(hidden_outputs(network, rows(40, seed=2).Z), activation="relu")
    for layer, wanted in zip(history.best_epoch.units, expected, strict=True):
        assert replace(layer, zeros=0) == replace(wanted, zeros=0)
        assert layer.zeros == pytest.approx(wanted.zeros, abs=1e-6)
    assert [layer.units for layer in first.units] == [8 * members, 2 * members, 8 * members]


def test_of_several_steps_the_first_says_the_gradients_and_all_the_loss():
    """Rows that are one and the same: so every batch is, whatever the order; and steps that move next to nothing."""
    import tensorflow as tf

    network = DenseNetwork(AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2), seed=1)
    Z = np.repeat(rows(1, seed=1).Z, 100, axis=0)
    kernels = [network.weights[name] for name in network.kernels]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.reduce_mean(tf.square(Z - network.forward(Z)[0]) * WEIGHTS, axis=1))
    norms = [float(tf.norm(gradient)) for gradient in tape.gradient(loss, kernels)]
    still = DenseNetwork(AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2), seed=1)
    _, history = run(Encoded(Z=Z), network=still, epochs=3, batch_size=20, learning_rate=1e-12)
    assert [epoch.loss for epoch in history.epochs] == pytest.approx([float(loss)] * 3, rel=1e-5)
    _, history = run(Encoded(Z=Z), network=network, epochs=3, batch_size=20, learning_rate=0.1)
    first, *_, last = history.epochs
    assert list(first.gradients.values()) == pytest.approx(norms, rel=1e-4)
    assert list(last.gradients.values()) != pytest.approx(norms, rel=0.1)


def test_units_at_their_end_are_counted_after_an_epoch():
    config = AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2, activation="tanh")
    network = DenseNetwork(config, seed=1)
    network.weights["encoder_1_bias"].assign([[[9.0, -9.0, *[0.0] * 6]]])
    _, history = run(network=network, epochs=1, learning_rate=1e-9)
    expected = layer_health(hidden_outputs(network, rows(40, seed=2).Z), activation="tanh")
    assert [layer.saturated for layer in history.best_epoch.units] == [layer.saturated for layer in expected]
    assert history.best_epoch.units[0].saturated == 2


def mean_score(network, encoded):
    errors = np.square(encoded.Z - network.reconstruct(encoded.Z)[0]) * WEIGHTS
    errors[np.zeros_like(errors, bool) if encoded.missing is None else encoded.missing] = 0
    return errors.sum(axis=1).mean()


@pytest.mark.parametrize("part", ["fitting", "validation"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_finite_number_stops_before_the_first_epoch_with_the_name_of_its_feature(part, wrong):
    """Case 11: a NaN in column `small` of Z."""
    spoilt = rows(50, seed=3)
    spoilt.Z[7, 1] = wrong
    seen = []
    with pytest.raises(TrainingError, match=r"Feature 'small' of Z .* nothing was trained"):
        run(**{part: spoilt}, on_epoch=seen.append)
    assert seen == []


def test_a_loss_that_is_no_number_stops_the_training_with_a_smaller_learning_rate_to_try():
    with pytest.raises(TrainingError, match=r"loss of epoch \d+ is not a number .*--learning-rate 1e\+29"):
        run(learning_rate=1e30, epochs=50)


def test_the_loss_is_the_mean_score_of_the_validation_rows_and_falls():
    network, history = run(epochs=20)
    losses = [epoch.validation_loss for epoch in history.epochs]
    assert history.best_epoch.validation_loss == min(losses)
    assert min(losses) < losses[0] / 2
    assert mean_score(network, rows(40, seed=2)) == pytest.approx(min(losses), rel=1e-4)


def test_the_weights_of_the_best_epoch_are_kept_and_not_those_of_the_last():
    for seed in range(10):
        network, history = run(epochs=30, learning_rate=0.1, patience=30, seed=seed)
        if history.best < len(history.epochs):
            break
    else:
        pytest.fail("every training got better until its end: the test proves nothing")
    assert mean_score(network, rows(40, seed=2)) == pytest.approx(history.best_epoch.validation_loss, rel=1e-4)


def test_training_stops_when_it_got_no_better_for_as_long_as_the_patience_lasts():
    _, history = run(epochs=500, learning_rate=0.05, patience=4)
    assert len(history.epochs) == history.best + 4 < 500


def test_when_it_is_stopped_the_best_weights_so_far_are_kept_and_that_is_said():
    seen = []
    network, history = run(epochs=30, learning_rate=0.1, on_epoch=seen.append, should_stop=lambda: len(seen) == 7)
    assert (len(history.epochs), history.interrupted) == (7, True)
    assert mean_score(network, rows(40, seed=2)) == pytest.approx(history.best_epoch.validation_loss, rel=1e-4)
    assert not run()[1].interrupted


def test_every_epoch_is_told_in_order():
    seen = []
    _, history = run(on_epoch=seen.append)
    assert tuple(seen) == history.epochs
    assert [epoch.number for epoch in seen] == [1, 2, 3]


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    first, same, other = (list(run(seed=seed)[0].arrays().values()) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_missing_value_does_not_count_whatever_the_network_says_in_its_place():
    with_gaps = rows(100, seed=1)
    missing = np.zeros(with_gaps.Z.shape, bool)
    missing[::2, 1] = True
    with_gaps.Z[::2, 1] = 0.0
    held_out = rows(40, seed=2)
    network, history = run(
        Encoded(Z=with_gaps.Z, missing=missing), Encoded(Z=held_out.Z, missing=np.ones(held_out.Z.shape, bool))
    )
    assert {epoch.validation_loss for epoch in history.epochs} == {0.0}
    assert np.isfinite(network.arrays()["encoder_1_kernel"]).all()


def test_weight_decay_is_on_kernels_only():
    # Rows of zeros that are reproduced from the start: the loss has no slope, what moves is moved by the decay.
    still = Encoded(Z=np.zeros((64, D), np.float32))
    config = AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2, activation="prelu")
    network = DenseNetwork(config, seed=1)
    network.assign({"encoder_1_slope": np.full((1, 1, 8), 0.5, np.float32)})
    before = network.arrays()["encoder_1_kernel"]
    run(still, still, network=network, weight_decay=0.5, epochs=2)
    # The best epoch is the first, because none gets better.
    assert (np.abs(network.arrays()["encoder_1_kernel"]) < np.abs(before)).all()
    np.testing.assert_array_equal(network.arrays()["encoder_1_slope"], np.full((1, 1, 8), 0.5, np.float32))


@pytest.mark.parametrize(("n", "size"), [(100, 16), (7, 32), (64, 64), (65, 64), (1, 32)])
def test_every_row_is_in_every_epoch_and_every_batch_is_full(n, size):
    order = _batched_order(np.random.default_rng(0), n, size)
    assert set(order.ravel().tolist()) == set(range(n))
    assert order.shape[1] == min(size, n)
    assert order.size < n + size


def test_nothing_of_a_training_is_left_behind_in_the_memory():
    def graphs():
        gc.collect()
        return sum(type(found).__name__.endswith("FuncGraph") for found in gc.get_objects())

    run(epochs=1)
    before = graphs()
    for seed in range(3):
        run(epochs=1, seed=seed)
    assert graphs() <= before


# --- several members at once ----------------------------------------------------------------------------


def ensemble(*, latent_units=4, **settings):
    config = AutoencoderConfig(features=D, hidden_units=(16,), latent_units=latent_units, members=3)
    network = DenseNetwork(config, seed=1)
    usual = {"input_noise": (0.05, 0.5, 5.0), "epochs": 60, "batch_size": 32}
    return run(network=network, **(usual | settings))


def score_of(network, Z):
    return (np.square(Z - network.reconstruct(Z)[0]) * WEIGHTS).sum(axis=1).mean()


def member_scores(network, encoded):
    return (np.square(encoded.Z - network.reconstruct(encoded.Z)) * WEIGHTS).sum(axis=2)


def test_each_member_learns_and_the_less_the_more_noise_it_has():
    fresh = DenseNetwork(AutoencoderConfig(features=D, hidden_units=(16,), latent_units=4, members=3), seed=1)
    network, history = ensemble()
    before, after = (member_scores(net, rows(40, seed=2)).mean(axis=1) for net in (fresh, network))
    assert (after < before).all()
    assert after[0] < after[1] < after[2] < 1.0  # 1 is what predicting the means gives
    assert history.best == len(history.epochs) == 60  # an ensemble keeps its last weights
    assert history.best_epoch.validation_loss == pytest.approx(after.mean(), rel=1e-4)


def test_members_with_a_trimmed_loss_do_not_learn_the_rows_with_the_largest_errors():
    rng = np.random.default_rng(0)
    usual = rows(285, seed=1).Z
    strange = rng.normal([2, 2, 2, -2], 0.1, (15, D)).astype(np.float32)  # a cluster of its own
    mixed = Encoded(Z=np.concatenate([usual, strange]))
    kept, left = (
        member_scores(ensemble(fitting=mixed, trim=share, latent_units=1)[0], Encoded(Z=strange)).mean(axis=1)
        for share in (0.0, 0.2)
    )
    assert (left[:2] > 1.3 * kept[:2]).all()


def test_a_residual_member_undoes_fine_noise_from_the_first_epochs_on():
    skip_weight = (0.0, 1 / (1 + 0.05**2))
    config = AutoencoderConfig(features=D, hidden_units=(16,), latent_units=4, members=2, skip_weight=skip_weight)
    network = DenseNetwork(config, seed=1)
    settings = {"input_noise": (0.05, 0.05), "skip_weight": skip_weight, "epochs": 5, "batch_size": 32}
    _, history = run(network=network, **settings)
    errors = member_scores(network, rows(40, seed=2)).mean(axis=1)
    assert errors[1] < errors[0] / 10
    assert history.best_epoch.validation_loss == pytest.approx(errors.mean(), rel=1e-4)


def test_a_single_network_with_a_trimmed_loss_does_not_learn_the_rows_with_the_largest_errors():
    rng = np.random.default_rng(0)
    strange = rng.normal([2, 2, 2, -2], 0.1, (15, D)).astype(np.float32)
    mixed = Encoded(Z=np.concatenate([rows(285, seed=1).Z, strange]))
    kept, left = (
        score_of(run(fitting=mixed, validation=mixed, epochs=60, batch_size=32, trim=share)[0], strange)
        for share in (0.0, 0.2)
    )
    assert left > 1.3 * kept


def test_an_ensemble_is_the_same_with_the_same_seed_and_another_with_another():
    first, same, other = (list(ensemble(epochs=2, seed=seed)[0].arrays().values()) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_missing_cells_and_weights_of_rows_count_for_every_member():
    missing = np.zeros((100, D), bool)
    missing[:, 1] = True
    encoded = rows(100, seed=1)
    network, _ = ensemble(fitting=Encoded(Z=encoded.Z, missing=missing))
    errors = np.square(encoded.Z - network.reconstruct(encoded.Z)).mean(axis=1)
    assert (errors[0, [0, 2, 3]] < errors[0, 1] / 3).all()  # what has no weight in the loss is not learned


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("trim", [0.0, 0.3])
def test_rows_are_validated_alike_in_chunks_and_at_once(monkeypatch, activation, trim):
    config = AutoencoderConfig(features=D, hidden_units=(8,), latent_units=2, activation=activation)

    def validated():
        network = DenseNetwork(config, seed=1)
        network.weights["encoder_1_bias"].assign([[[9.0, -9.0, *[0.0] * 6]]])
        return run(network=network, epochs=3, learning_rate=1e-3, trim=trim)[1].epochs

    at_once = validated()
    monkeypatch.setattr("training.network.epochs._VALIDATED_AT_ONCE", 7)  # of 40: the last chunk is a smaller one
    for one, other in zip(at_once, validated(), strict=True):
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-5)
        for layer, again in zip(one.units, other.units, strict=True):
            assert replace(layer, zeros=0) == replace(again, zeros=0)
            assert layer.zeros == pytest.approx(again.zeros, abs=1e-6)
