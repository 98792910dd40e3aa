"""Runs the epochs: seeded batches and, for a single network, early stopping on validation rows.

`Any` stands for what Keras and TensorFlow give: they have no types of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded
from models.errors import Message, Set, TrainingError
from training.network.adamw import AdamW
from training.network.diagnostics import health_of, saturation_bounds
from training.network.history import Epoch, EpochSettings, History
from training.network.keras_network import denoised, layer_by_layer, scale_output

_JUDGED_AT_ONCE: Final = 16_384  # rows


def run_epochs(
    network: Any,
    *,
    fitting: Encoded,
    validation: Encoded,
    weights: NDArray[np.float32],
    features: tuple[str, ...],
    activation: str,
    settings: EpochSettings,
    fitting_weights: NDArray[np.float64] | None = None,
    validation_weights: NDArray[np.float64] | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> History:
    """Fit a network to reproduce its input; what it minimises is the mean anomaly score.

    Args:
        network: As built, a single one or an ensemble; holds the weights that were kept afterwards: the best of a
            single network, the last of an ensemble, whose members have no best epoch in common.
        fitting: Rows to learn from `(n, d)`.
        validation: Rows for early stopping `(m, d)`, within the range of the fitting rows.
        weights: What a squared unit of each feature counts `(d,)`.
        features: Names of the d features, for errors.
        activation: Of the hidden layers, a key of `ACTIVATIONS`.
        settings: How.
        fitting_weights: What each row to learn from counts `(n,)`; None for all alike. Only their ratios matter.
        validation_weights: The same for early stopping `(m,)`.
        on_epoch: Is told of each epoch.
        should_stop: Is asked after each epoch; the best weights so far are kept.

    Raises:
        TrainingError: `Z` or the loss is not finite.
    """
    _require_finite(fitting.Z, features)
    _require_finite(validation.Z, features)
    started = time.perf_counter()
    optimizer = AdamW(
        network.trainable_variables,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        undecayed=("bias", "alpha"),
        steps=settings.epochs * _batches(len(fitting), settings.batch_size)[0],
    )
    run = steps_function(network, optimizer, fitting, _counted(fitting, weights, fitting_weights), settings)
    judge = _judge_function(
        network, validation, _counted(validation, weights, validation_weights), activation, settings
    )
    layers = [variable.path.split("/")[0] for variable in network.trainable_variables if variable.name == "kernel"]
    order = np.random.default_rng(settings.seed)
    epochs: list[Epoch] = []
    best, best_weights = 0, network.get_weights()
    interrupted = False
    for number in range(1, settings.epochs + 1):
        rows = tf.constant(_batched_order(order, len(fitting), settings.batch_size))
        # The norms of the first epoch are those of its first step: what starting weights do to the gradients.
        parts = [
            run(rows, number, *bounds) for bounds in ([(0, 1), (1, len(rows))] if number == 1 else [(0, len(rows))])
        ]
        gradients = parts[0][1]
        validation_loss, units = judge()
        epoch = Epoch(
            number=number,
            loss=sum(float(total) for total, _ in parts) / len(rows),
            validation_loss=float(validation_loss),
            units=tuple(health_of(name, active=share[0], saturated=share[1]) for name, share in _arrays(units)),
            gradients=dict(zip(layers, gradients.numpy().tolist(), strict=True)),
            seconds=time.perf_counter() - started,
        )
        if not (np.isfinite(epoch.loss) and np.isfinite(epoch.validation_loss)):
            rate, smaller = (Set("learning_rate", settings.learning_rate / factor) for factor in (1, 10))
            problem = Message(f"The loss of epoch {number} is not a number (with ", rate, "). Try ", smaller)
            raise TrainingError(problem, "; if it stays, look for a column with extreme values.")
        epochs.append(epoch)
        on_epoch(epoch)
        if settings.members > 1:
            best = number
        elif best == 0 or epoch.validation_loss < epochs[best - 1].validation_loss:
            best, best_weights = number, network.get_weights()
        elif number - best >= settings.patience:
            break
        if number < settings.epochs and should_stop():
            interrupted = True
            break
    if settings.members == 1:
        network.set_weights(best_weights)
    else:
        scale_output(network, _output_scale(settings))
    return History(epochs=tuple(epochs), best=best, seconds=time.perf_counter() - started, interrupted=interrupted)


def steps_function(network: Any, optimizer: AdamW, rows: Encoded, counted: Any, settings: EpochSettings) -> Any:
    """Return a compiled function that runs some steps of an epoch.

    It takes an order of rows `(steps, size)`, the epoch, from 1, the first step, from 0, and that behind the last. It
    returns the sum of their losses, and the norms of the kernels' gradients after them, as the optimiser averages them:
    after the very first step they are those of its gradients.

    Args:
        network: What is fitted.
        optimizer: Of its weights.
        rows: To learn from `(n, d)`.
        counted: What each feature counts `(d,)`, or each cell `(n, d)`.
        settings: How.
    """
    Z = tf.constant(rows.Z)
    variables = [variable.value for variable in network.trainable_variables]
    steps, size = _batches(len(rows), settings.batch_size)
    loss_of = (_plain_loss if settings.members == 1 else _denoising_loss)(network, settings, steps)

    def run(order: Any, epoch: Any, first: Any, end: Any) -> Any:
        def one_step(number: Any, total: Any) -> tuple[Any, Any]:
            batch = tf.gather(Z, order[number])
            weight = counted if len(counted.shape) == 1 else tf.gather(counted, order[number])
            with tf.GradientTape() as tape:
                loss = loss_of(batch, weight, (epoch - 1) * steps + number)
            optimizer.apply(tape.gradient(loss, variables))
            return number + 1, total + loss

        _, total = tf.while_loop(lambda number, _: number < end, one_step, (first, tf.constant(0.0)))
        return total, _norms(optimizer.mean_gradients("kernel"), settings.members)

    number = tf.TensorSpec((), tf.int32)
    return _compiled(run, tf.TensorSpec((steps, size), tf.int64), number, number, number)


def _norms(gradients: Sequence[Any], members: int) -> Any:
    """Return the norm of each gradient `(layers,)`; of M members, whose mean loss was taken, their root mean square."""
    return tf.stack([tf.sqrt(members * tf.reduce_sum(tf.square(gradient))) for gradient in gradients])


def _output_scale(settings: EpochSettings) -> NDArray[np.float32]:
    """Return what the output layer of each member is multiplied by `(M,)`: a residual is as small as the noise."""
    noise, carried = np.array(settings.input_noise), np.array(settings.carried or [0.0] * settings.members)
    return np.where(carried > 0, noise * np.sqrt(carried), 1.0).astype(np.float32)


def _plain_loss(network: Any, settings: EpochSettings, steps: int) -> Any:
    """Return the loss of a single network, whose input layer puts the noise on."""

    def loss(batch: Any, weight: Any, step: Any) -> Any:
        scores = _scores(batch, network(batch, training=True), weight)
        return _mean_without_strangest(scores, settings, learned=_has_learned(step, settings, steps))

    return loss


def _denoising_loss(network: Any, settings: EpochSettings, steps: int) -> Any:
    """Return the loss of M members, each with noise of its own."""
    deviation = tf.constant(settings.input_noise, tf.float32)[:, None, None]
    output_scale = tf.constant(_output_scale(settings))

    def loss(batch: Any, weight: Any, step: Any) -> Any:
        size, width = batch.shape
        noise = tf.random.stateless_normal((settings.members, size, width), seed=tf.stack([settings.seed, step]))
        reconstruction, _ = denoised(network, batch + deviation * noise, output_scale=output_scale, training=True)
        scores = _scores(batch, reconstruction, weight)
        return _mean_without_strangest(scores, settings, learned=_has_learned(step, settings, steps))

    return loss


def _has_learned(step: Any, settings: EpochSettings, steps: int) -> Any:
    """Say whether a network knows enough, after a tenth of the steps, to be asked which rows are strangest."""
    return step >= steps * settings.epochs // 10


def _mean_without_strangest(scores: Any, settings: EpochSettings, *, learned: Any) -> Any:
    """Return the mean of `(n,)` or `(M, n)` scores; where rows are left out, each network leaves its strangest out."""
    if not settings.left_out:
        return tf.reduce_mean(scores)
    most = max(1, math.ceil((1 - settings.left_out) * scores.shape[-1]))
    limit = tf.sort(scores, axis=-1)[..., most - 1 : most]
    kept = tf.cast((scores <= limit) | ~learned, tf.float32)
    return tf.reduce_mean(tf.reduce_sum(kept * scores, axis=-1) / tf.reduce_sum(kept, axis=-1))


def _judge_function(network: Any, rows: Encoded, counted: Any, activation: str, settings: EpochSettings) -> Any:
    """Return a compiled function that gives the loss of some rows, and what the units do on them.

    Of each hidden layer: the share of the rows on which a unit is active, and whether it is at an end on all of them,
    `(2, M · units)`.
    """
    Z, n = tf.constant(rows.Z), len(rows)
    low, high = saturation_bounds(activation)
    saturates = math.isfinite(low)
    pieces = [slice(start, min(start + _JUDGED_AT_ONCE, n)) for start in range(0, n, _JUDGED_AT_ONCE)]

    def shares(outputs: Any) -> Any:
        active = tf.reduce_mean(tf.cast(tf.not_equal(outputs, 0), tf.float32), axis=-2)
        if saturates:
            saturated = tf.cast(tf.reduce_all((outputs <= low) | (outputs >= high), axis=-2), tf.float32)
        else:
            saturated = tf.zeros_like(active)
        return tf.reshape(tf.stack([active, saturated]), [2, -1])

    def judged(piece: slice) -> tuple[Any, dict[str, Any]]:
        """Return the scores of some rows, and what the units do on them."""
        weight = counted if len(counted.shape) == 1 else counted[piece]
        if settings.members == 1:
            reconstruction, hidden = layer_by_layer(network, Z[piece])
        else:
            each = tf.broadcast_to(Z[piece], (settings.members, *Z[piece].shape))
            output_scale = tf.constant(_output_scale(settings))
            reconstruction, hidden = denoised(network, each, output_scale=output_scale, training=False)
        return _scores(Z[piece], reconstruction, weight), {name: shares(outputs) for name, outputs in hidden.items()}

    def judge() -> Any:
        scores: list[Any] = []
        units: list[dict[str, Any]] = []
        for piece in pieces:
            with tf.control_dependencies(scores[-1:]):  # one after the other: what all layers give of all rows is large
                own_scores, own_units = judged(piece)
            scores.append(own_scores)
            units.append(own_units)
        every = tf.concat(scores, axis=-1)
        if settings.members == 1:  # it stops by this: what is not learned from does not count here either
            loss = _mean_without_strangest(every, settings, learned=tf.constant(True))
        else:
            loss = tf.reduce_mean(every)
        weights = [(piece.stop - piece.start) / n for piece in pieces]
        return loss, {name: _over_pieces([one[name] for one in units], weights) for name in units[0]}

    return _compiled(judge)


def _over_pieces(shares: Sequence[Any], weights: Sequence[float]) -> Any:
    """Return on which share of all rows units are active, and which are at an end on all of them `(2, M · units)`."""
    active = tf.add_n([weight * share[0] for weight, share in zip(weights, shares, strict=True)])
    return tf.stack([active, tf.reduce_min(tf.stack([share[1] for share in shares]), axis=0)])


def _arrays(tensors: Mapping[str, Any]) -> list[tuple[str, NDArray[np.float32]]]:
    return [(name, tensor.numpy()) for name, tensor in tensors.items()]


def _compiled(function: Callable[..., Any], *inputs: Any) -> Any:
    """Trace a function once. What `tf.function` returns would trace at its first call, and warn at the fifth fit."""
    return tf.function(function, autograph=False).get_concrete_function(*inputs)


def _scores(Z: Any, reconstruction: Any, weights: Any) -> Any:
    """Return the errors `(n,)`, or `(M, n)` of M members."""
    return tf.reduce_sum(tf.square(Z - reconstruction) * weights, axis=-1)


def _counted(rows: Encoded, weights: NDArray[np.float32], row_weights: NDArray[np.float64] | None) -> Any:
    """Return what each feature counts `(d,)`, or each cell `(n, d)`: a missing one nothing, a row by its weight."""
    counted = weights
    if row_weights is not None:
        counted = (row_weights / row_weights.mean()).astype(np.float32)[:, None] * counted
    return tf.constant(counted if rows.missing is None else np.where(rows.missing, np.float32(0), counted))


def _batched_order(order: np.random.Generator, n: int, batch_size: int) -> NDArray[np.int64]:
    """Return a fresh order of all n rows as full batches; the last one is filled up from the first."""
    return np.resize(order.permutation(n), _batches(n, batch_size))


def _batches(n: int, batch_size: int) -> tuple[int, int]:
    """Return how many batches n rows make, and of how many rows each is."""
    size = min(batch_size, n)
    return -(-n // size), size


def _require_finite(Z: NDArray[np.float32], features: tuple[str, ...]) -> None:
    wrong = np.flatnonzero(~np.isfinite(Z).all(axis=0))
    if len(wrong):
        raise TrainingError(
            f"Feature {features[wrong[0]]!r} of Z has a value that is not a finite number; nothing was trained. Mend "
            "the column, or leave it out: ",
            Set("exclude"),
            ".",
        )
