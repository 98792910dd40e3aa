"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_outliers_fit_predict, check_outliers_train, parametrize_with_checks

from training.estimator import AutoencoderDetector

FAST = {"epochs": 1, "hidden_units": (4,), "latent_units": 2, "activation": "leaky_relu"}

_NOT_ON_THE_TRAINING_ROWS = (
    "wants the share of flagged training rows to be the contamination exactly; our threshold comes from rows that "
    "were held out, so that it holds for fresh ones"
)
EXPECTED = {
    "check_outliers_train": _NOT_ON_THE_TRAINING_ROWS,
    "check_outliers_fit_predict": _NOT_ON_THE_TRAINING_ROWS,
    "check_sample_weight_equivalence_on_dense_data": (
        "wants a row of weight 2 to be the same as the row twice; two rows are two draws of the split into fitting, "
        "validation and calibration rows, and one of them in each would make the held-out rows known ones"
    ),
}


class WithoutContamination(AutoencoderDetector):
    """The same estimator with few parameters: what the two checks want beside the contamination can be judged."""

    def __init__(
        self, *, alert_rate: float = 0.1, epochs: int = 1, preset: str = "fast", random_state: int = 0
    ) -> None:
        self.alert_rate = alert_rate
        self.epochs = epochs
        self.preset = preset
        self.random_state = random_state


# The checks give tables of ten rows: too few by default, as calibration has a fifth of them.
FEW = {"least_rows": 5, "threshold_method": "contamination", "contamination": 0.5}


@parametrize_with_checks(
    [AutoencoderDetector(**FAST, **FEW, preset="fast")], expected_failed_checks=lambda estimator: EXPECTED
)
def test_scikit_learn_finds_what_it_expects_of_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([AutoencoderDetector(**FAST, **FEW)], expected_failed_checks=lambda estimator: EXPECTED)
def test_scikit_learn_finds_what_it_expects_of_several_networks(estimator, check):
    check(estimator)


def test_but_for_the_contamination_the_checks_of_outlier_detectors_find_what_they_expect():
    assert not hasattr(WithoutContamination(), "contamination")
    check_outliers_train("AutoencoderDetector", WithoutContamination())
    check_outliers_fit_predict("AutoencoderDetector", WithoutContamination())
