"""What `ensemble.json` says of a score: its ensemble, and its extremes, which older bundles do not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.errors import BundleError
from models.scoring import Scorer
from models.scoring.ensemble import Ensemble, ensemble_from_plain, ensemble_to_plain
from models.scoring.extremes import Extremes


def score_parts_to_plain(scorer: Scorer) -> dict[str, Any]:
    """Return plain data from which `score_parts_from_plain` makes equal parts."""
    plain = ensemble_to_plain(scorer.ensemble)
    return plain if scorer.extremes is None else plain | {"extremes": scorer.extremes.to_json()}


def score_parts_from_plain(plain: Mapping[str, Any], *, features: int) -> tuple[Ensemble | None, Extremes | None]:
    """Make ensemble and extremes from what `score_parts_to_plain` gave.

    Raises:
        BundleError: `plain` is not the plain form of the parts of a score of so many features.
    """
    rest = dict(plain)
    found = rest.pop("extremes", None)
    try:
        extremes = None if found is None else Extremes.from_json(found, features=features)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BundleError(
            f"The extremes are not readable ({error!r}); the bundle was edited: train it anew."
        ) from error
    return ensemble_from_plain(rest, features=features), extremes
