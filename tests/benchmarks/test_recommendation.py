"""The benchmark of recommendations tests them with seeds that did not make them."""

from __future__ import annotations

from made_up import outcome

from benchmarks.recommendation import is_confirmed, page_of
from training.comparison.recommendation import Recommendation, recommend
from training.comparison.summary import summaries_of


def recommended(**errors: list[float]) -> Recommendation:
    return recommend(
        summaries_of([outcome(name, seed, error) for name, found in errors.items() for seed, error in enumerate(found)])
    )


RELU = recommended(relu=[1.0, 1.1, 0.9], elu=[2.0, 2.2, 1.8])
ELU = recommended(relu=[2.0, 2.2, 1.8], elu=[1.0, 1.1, 0.9])
TIE = recommended(relu=[1.0, 1.1, 0.9], elu=[0.9, 1.1, 1.0])


def test_what_fresh_seeds_find_surely_worse_is_not_confirmed() -> None:
    assert is_confirmed(RELU, RELU)
    assert is_confirmed(RELU, TIE)
    assert not is_confirmed(RELU, ELU)


def test_the_page_counts_and_says_by_how_much() -> None:
    page = page_of([("wine", RELU, RELU), ("glass", RELU, ELU)])
    assert "| wine | relu | relu | relu | – | – | yes |" in page
    assert "| glass | relu | relu | elu | 2.00 | 2.00 to 2.00 | no |" in page
    assert page.endswith("Confirmed on 1 of 2 sets.")
