"""Runs the epochs: seeded batches and, for a single network, early stopping on validation rows.

`Any` stands for what Keras and TensorFlow give: they have no types of their own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded
from models.errors import Message, Set, TrainingError
from training.network.adamw import AdamW
from training.network.diagnostics import health_of, saturation_bounds
from training.network.history import Epoch, EpochSettings, History
from training.network.keras_network import DenseNetwork

_VALIDATED_AT_ONCE: Final = 16_384  # rows


def run_epochs(
    network: DenseNetwork,
    *,
    fitting: Encoded,
    validation: Encoded,
    weights: NDArray[np.float32],
    features: tuple[str, ...],
    settings: EpochSettings,
    fitting_weights: NDArray[np.float64] | None = None,
    validation_weights: NDArray[np.float64] | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> History:
    """Fit a network to reproduce its input; what it minimises is the mean anomaly score.

    Args:
        network: As built; afterwards it has the weights that were kept: the best of a single network, the last of an
            ensemble, whose members have no best epoch in common.
        fitting: Rows to learn from `(n, d)`.
        validation: Rows for early stopping `(m, d)`, within the range of the fitting rows.
        weights: What a squared unit of each feature counts `(d,)`.
        features: Names of the d features, for errors.
        fitting_weights: What each row to learn from counts `(n,)`; None for all alike. Only their ratios matter.
        validation_weights: The same for early stopping `(m,)`.
        settings: How.
        on_epoch: Called after each epoch.
        should_stop: Called after each epoch; True ends the training, with the best weights so far.

    Raises:
        TrainingError: `Z` or the loss is not finite.
    """
    _require_finite(fitting.Z, features)
    _require_finite(validation.Z, features)
    started = time.perf_counter()
    network.output_scale = _output_scale(settings)
    optimizer = AdamW(
        network.weights,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        decayed=network.kernels,
        steps=settings.epochs * _batches(len(fitting), settings.batch_size)[0],
    )
    run = steps_function(network, optimizer, fitting, _counted(fitting, weights, fitting_weights), settings)
    validate = _validation_function(network, validation, _counted(validation, weights, validation_weights), settings)
    layers = [name.removesuffix("_kernel") for name in network.kernels]
    order = np.random.default_rng(settings.seed)
    epochs: list[Epoch] = []
    best, best_weights = 0, network.arrays()
    interrupted = False
    for number in range(1, settings.epochs + 1):
        rows = tf.constant(_batched_order(order, len(fitting), settings.batch_size))
        # The norms of the first epoch are those of its first step: what starting weights do to the gradients.
        parts = [
            run(rows, number, *bounds) for bounds in ([(0, 1), (1, len(rows))] if number == 1 else [(0, len(rows))])
        ]
        gradients = parts[0][1]
        validation_loss, units = validate()
        epoch = Epoch(
            number=number,
            loss=sum(float(total) for total, _ in parts) / len(rows),
            validation_loss=float(validation_loss),
            units=tuple(health_of(name, *share.numpy()) for name, share in units.items()),
            gradients=dict(zip(layers, gradients.numpy().tolist(), strict=True)),
            seconds=time.perf_counter() - started,
        )
        if not (np.isfinite(epoch.loss) and np.isfinite(epoch.validation_loss)):
            rate, smaller = (Set("learning_rate", settings.learning_rate / factor) for factor in (1, 10))
            problem = Message(f"The loss of epoch {number} is not a number (with ", rate, "). Try ", smaller)
            raise TrainingError(problem, "; if it stays, look for a column with extreme values.")
        epochs.append(epoch)
        on_epoch(epoch)
        if not settings.stops_early:
            best = number
        elif best == 0 or epoch.validation_loss < epochs[best - 1].validation_loss:
            best, best_weights = number, network.arrays()
        elif number - best >= settings.patience:
            break
        if number < settings.epochs and should_stop():
            interrupted = True
            break
    if settings.stops_early:
        network.assign(best_weights)
    network.apply_output_scale()
    return History(epochs=tuple(epochs), best=best, seconds=time.perf_counter() - started, interrupted=interrupted)


def steps_function(
    network: DenseNetwork, optimizer: AdamW, rows: Encoded, counted: Any, settings: EpochSettings
) -> Any:
    """Return a compiled function that runs some steps of an epoch.

    It takes an order of rows `(steps, size)`, the epoch, from 1, the first step, from 0, and that behind the last. It
    returns the sum of their losses, and the norms of the kernels' gradients after them, as the optimiser averages them:
    after the very first step they are those of its gradients. `counted` is what each feature counts `(d,)`, or each
    cell `(n, d)`.
    """
    Z = tf.constant(rows.Z)
    variables = list(network.weights.values())
    steps, size = _batches(len(rows), settings.batch_size)
    loss_of = _loss_function(network, settings, steps)

    def run(order: Any, epoch: Any, first: Any, end: Any) -> Any:
        def step(i: Any, total: Any) -> tuple[Any, Any]:
            batch = tf.gather(Z, order[i])
            weight = counted if len(counted.shape) == 1 else tf.gather(counted, order[i])
            with tf.GradientTape() as tape:
                loss = loss_of(batch, weight, (epoch - 1) * steps + i)
            optimizer.apply(tape.gradient(loss, variables))
            return i + 1, total + loss

        _, total = tf.while_loop(lambda i, _: i < end, step, (first, tf.constant(0.0)))
        return total, gradient_norms(optimizer.mean_gradients(network.kernels), settings.members)

    scalar = tf.TensorSpec((), tf.int32)
    return _compiled(run, tf.TensorSpec((steps, size), tf.int64), scalar, scalar, scalar)


def gradient_norms(gradients: Sequence[Any], members: int) -> Any:
    """Return the norm of each gradient `(layers,)`; of M members, whose mean loss was taken, their root mean square."""
    return tf.stack([tf.sqrt(members * tf.reduce_sum(tf.square(gradient))) for gradient in gradients])


def _output_scale(settings: EpochSettings) -> NDArray[np.float32] | None:
    """Return what the output layer of each member is multiplied by `(M,)`: a residual is as small as the noise."""
    if not settings.skip_weight:
        return None
    noise, skip_weight = np.array(settings.input_noise), np.array(settings.skip_weight)
    return np.where(skip_weight > 0, noise * np.sqrt(skip_weight), 1.0).astype(np.float32)


def _loss_function(network: DenseNetwork, settings: EpochSettings, steps: int) -> Any:
    """Return the loss of a batch; each member of an ensemble has noise of its own."""
    deviation = tf.constant(settings.input_noise, tf.float32)[:, None, None]

    def loss(batch: Any, weight: Any, step: Any) -> Any:
        given = batch
        if settings.input_noise:
            shape = (settings.members, *batch.shape)
            given += deviation * tf.random.stateless_normal(shape, seed=tf.stack([settings.seed, step]))
        reconstruction, _ = network.forward(given, training=True)
        scores = _scores(batch, reconstruction, weight)
        # After a tenth of the steps a network knows enough to tell which rows are strange.
        return _trimmed_mean(scores, settings, trims=step >= steps * settings.epochs // 10)

    return loss


def _trimmed_mean(scores: Any, settings: EpochSettings, *, trims: Any) -> Any:
    """Return the mean of `(M, n)` scores; where the loss is trimmed, each network leaves out its largest."""
    if not settings.trim:
        return tf.reduce_mean(scores)
    most = max(1, math.ceil((1 - settings.trim) * scores.shape[-1]))
    limit = tf.sort(scores, axis=-1)[..., most - 1 : most]
    kept = tf.cast((scores <= limit) | ~trims, tf.float32)
    return tf.reduce_mean(tf.reduce_sum(kept * scores, axis=-1) / tf.reduce_sum(kept, axis=-1))


def _validation_function(network: DenseNetwork, rows: Encoded, counted: Any, settings: EpochSettings) -> Any:
    """Return a compiled function that gives the loss of some rows, and what the units do on them.

    Of each hidden layer: the share of the rows on which a unit is active, and whether it is at an end on all of them,
    `(2, M · units)`.
    """
    Z, n = tf.constant(rows.Z), len(rows)
    low, high = saturation_bounds(network.config.activation)
    saturates = math.isfinite(low)
    chunks = [slice(start, min(start + _VALIDATED_AT_ONCE, n)) for start in range(0, n, _VALIDATED_AT_ONCE)]

    def shares(outputs: Any) -> Any:
        active = tf.reduce_mean(tf.cast(tf.not_equal(outputs, 0), tf.float32), axis=-2)
        if saturates:
            saturated = tf.cast(tf.reduce_all((outputs <= low) | (outputs >= high), axis=-2), tf.float32)
        else:
            saturated = tf.zeros_like(active)
        return tf.reshape(tf.stack([active, saturated]), [2, -1])

    def validated(chunk: slice) -> tuple[Any, dict[str, Any]]:
        """Return the scores of some rows `(M, n)`, and what the units do on them."""
        weight = counted if len(counted.shape) == 1 else counted[chunk]
        reconstruction, hidden = network.forward(Z[chunk])
        return _scores(Z[chunk], reconstruction, weight), {name: shares(outputs) for name, outputs in hidden.items()}

    def validate() -> Any:
        scores: list[Any] = []
        units: list[dict[str, Any]] = []
        for chunk in chunks:
            with tf.control_dependencies(scores[-1:]):  # one after the other, to save memory
                chunk_scores, chunk_units = validated(chunk)
            scores.append(chunk_scores)
            units.append(chunk_units)
        every = tf.concat(scores, axis=-1)
        if settings.stops_early:  # by this loss: what is not learned from does not count here either
            loss = _trimmed_mean(every, settings, trims=tf.constant(True))
        else:
            loss = tf.reduce_mean(every)
        weights = [(chunk.stop - chunk.start) / n for chunk in chunks]
        return loss, {name: _over_chunks([shares[name] for shares in units], weights) for name in units[0]}

    return _compiled(validate)


def _over_chunks(shares: Sequence[Any], weights: Sequence[float]) -> Any:
    """Return on which share of all rows units are active, and which are at an end on all of them `(2, M · units)`."""
    active = tf.add_n([weight * share[0] for weight, share in zip(weights, shares, strict=True)])
    return tf.stack([active, tf.reduce_min(tf.stack([share[1] for share in shares]), axis=0)])


def _compiled(function: Callable[..., Any], *inputs: Any) -> Any:
    """Trace a function once. What `tf.function` returns would trace at its first call, and warn at the fifth fit."""
    return tf.function(function, autograph=False).get_concrete_function(*inputs)


def _scores(Z: Any, reconstruction: Any, weights: Any) -> Any:
    """Return the errors of M members `(M, n)`."""
    return tf.reduce_sum(tf.square(Z - reconstruction) * weights, axis=-1)


def _counted(rows: Encoded, weights: NDArray[np.float32], row_weights: NDArray[np.float64] | None) -> Any:
    """Return the weights of the squared errors, by feature `(d,)` or by cell `(n, d)`; 0 for missing cells."""
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
