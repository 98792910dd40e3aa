from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from samples import machine_records

from training.estimator import AutoencoderDetector

FRAME = pd.DataFrame(machine_records(250, seed=4)).drop(columns=["serial", "site"])
SETTINGS = {"epochs": 5, "alert_rate": 0.1, "activation": "elu", "hidden_units": (16,)}
METHODS = ("anomaly_score", "p_value", "predict", "decision_function", "transform")


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(**SETTINGS).fit(FRAME)


def together(function, arguments, *, threads):
    """Call a function in many threads that start at once."""
    gate = threading.Barrier(threads)

    def wait_and_call(argument):
        gate.wait()
        return function(argument)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(wait_and_call, arguments))


def test_sixteen_threads_score_what_one_scores(fitted):
    pieces = [FRAME.sample(40 + 7 * number, random_state=number) for number in range(16)]
    serial = [[getattr(fitted, method)(piece) for method in METHODS] for piece in pieces]

    def all_methods(piece):
        return [[getattr(fitted, method)(piece) for method in METHODS] for _ in range(8)]

    for expected, runs in zip(serial, together(all_methods, pieces, threads=16), strict=True):
        for run in runs:
            for one, other in zip(expected, run, strict=True):
                np.testing.assert_array_equal(one, other)


def test_one_scores_while_others_are_fitted(fitted):
    expected = fitted.anomaly_score(FRAME)
    done = threading.Event()

    def work(number):
        if number:
            try:
                return (
                    AutoencoderDetector(**SETTINGS, preset="fast", random_state=number).fit(FRAME).anomaly_score(FRAME)
                )
            finally:
                done.set()
        runs = [fitted.anomaly_score(FRAME)]
        while not done.is_set():
            runs.append(fitted.anomaly_score(FRAME))
        return runs

    runs, *others = together(work, range(3), threads=3)
    for scores in runs:
        np.testing.assert_array_equal(scores, expected)
    for number, scores in enumerate(others, start=1):
        alone = AutoencoderDetector(**SETTINGS, preset="fast", random_state=number).fit(FRAME).anomaly_score(FRAME)
        np.testing.assert_array_equal(scores, alone)
