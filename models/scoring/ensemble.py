"""Combines the errors of several networks into one anomaly score, which is an exact sum over the columns.

A member's error is counted in units of its typical error, that of the median fitting row. Members stand alone, or in a
family that is fitted alike; the score of a family is that of its worst member, which has the largest error on a row.
The anomaly score is a weighted sum of the families' scores and of how rare the columns' values are on their own: each
column's part is known exactly. Its unit is the score of the median fitting row. The expected values are those of the
first member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.preprocessor import Encoded, Preprocessor
from models.errors import BundleError
from models.scoring.histograms import Histograms
from models.strict_json import from_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One member, or several that are fitted alike.

    Args:
        name: Of the family, such as ``robust``.
        typical_errors: The error of each member on the median fitting row.
        scale: What a unit of the family's score adds to the anomaly score.
        logarithmic: Errors count by their logarithm, so that no family outweighs the others on rows that lie far off.
    """

    name: str
    typical_errors: tuple[float, ...]
    scale: float
    logarithmic: bool = False

    def score(self, relative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the family's score of errors in units of the typical one."""
        return np.log1p(relative) if self.logarithmic else relative


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Families of members in the network's order, and the columns' own histograms.

    Args:
        histogram_scale: What a unit of rarity adds to the score.
    """

    families: tuple[Family, ...]
    histograms: Histograms
    histogram_scale: float

    @property
    def members(self) -> int:
        """Number of all members."""
        return sum(len(family.typical_errors) for family in self.families)

    def column_errors(
        self, reconstructions: NDArray[np.float32], encoded: Encoded, preprocessor: Preprocessor
    ) -> NDArray[np.float64]:
        """Return what each column of n rows adds to the score `(n, K)`, from all reconstructions `(M, n, d)`."""
        worst = self._worst_members(member_errors(reconstructions, encoded, preprocessor))
        squares = np.square(encoded.Z - reconstructions[worst, np.arange(len(encoded))]) * preprocessor.weights
        relative = column_sums(squares, encoded, preprocessor) / self._typical_errors[worst][:, :, None]
        column_errors: NDArray[np.float64] = self.histogram_scale * self.histograms.column_rarity(
            encoded, preprocessor.starts
        )
        for family, columns in zip(self.families, relative, strict=True):
            row = np.maximum(columns.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
            column_errors += family.scale * family.score(row) / row * columns  # each column by its share of the error
        return column_errors

    @cached_property
    def _typical_errors(self) -> NDArray[np.float64]:
        return np.array([error for family in self.families for error in family.typical_errors])

    def _worst_members(self, errors: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the index of the worst member of each of G families on n rows `(G, n)`."""
        relative = errors / self._typical_errors[:, None]
        worst = np.empty((len(self.families), errors.shape[1]), np.intp)
        first = 0
        for i, family in enumerate(self.families):
            after = first + len(family.typical_errors)
            worst[i] = first if after == first + 1 else first + relative[first:after].argmax(axis=0)
            first = after
        return worst


def ensemble_to_plain(ensemble: Ensemble | None) -> dict[str, Any]:
    """Return plain data from which `ensemble_from_plain` makes an equal ensemble, or none."""
    if ensemble is None:
        return {"families": []}
    families, histograms = [asdict(family) for family in ensemble.families], ensemble.histograms.to_json()
    return {"families": families, "histograms": histograms, "histogram_scale": ensemble.histogram_scale}


def ensemble_from_plain(plain: Mapping[str, Any], *, features: int) -> Ensemble | None:
    """Make an ensemble from what `ensemble_to_plain` gave; no family at all stands for a single network.

    Raises:
        BundleError: `plain` is not the plain form of an ensemble of so many features.
    """
    if plain == {"families": []}:
        return None
    try:
        ensemble = Ensemble(
            families=from_plain(plain["families"], tuple[Family, ...]),
            histograms=Histograms.from_json(plain["histograms"], features=features),
            histogram_scale=from_plain(plain["histogram_scale"], float),
        )
        if plain.keys() != {"families", "histograms", "histogram_scale"} or not ensemble.members:
            raise ValueError("it has other parts than an ensemble")
        scales = (ensemble.histogram_scale, *(family.scale for family in ensemble.families))
        typical = [error for family in ensemble.families for error in family.typical_errors]
        if min(scales) < 0 or min(typical) <= 0:
            raise ValueError("a scale is below 0")
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"The ensemble is not readable ({error!r}); the bundle was edited: train it anew.") from error
    return ensemble


def member_errors(
    reconstructions: NDArray[np.float32], encoded: Encoded, preprocessor: Preprocessor
) -> NDArray[np.float32]:
    """Return every member's error of n rows `(M, n)`, from their reconstructions `(M, n, d)`."""
    weights = np.broadcast_to(preprocessor.weights, encoded.Z.shape)
    if encoded.missing is not None:
        weights = np.where(encoded.missing, np.float32(0), weights)
    distances = reconstructions - encoded.Z
    errors: NDArray[np.float32] = np.einsum("mnd,mnd,nd->mn", distances, distances, weights)
    if encoded.novelty_penalty is not None:
        errors += encoded.novelty_penalty.sum(axis=1).astype(np.float32)
    return errors


def column_sums(squares: NDArray[np.float32], encoded: Encoded, preprocessor: Preprocessor) -> NDArray[np.float64]:
    """Return the error of each column `(…, n, K)` from those of the features `(…, n, d)`, which are changed."""
    if encoded.missing is not None:
        squares[..., encoded.missing] = 0.0
    if squares.shape[-1] == len(preprocessor.starts):  # a feature a column: nothing to sum
        sums = squares.astype(np.float64)
    else:
        sums = np.add.reduceat(squares, preprocessor.starts, axis=-1, dtype=np.float64)
    return sums if encoded.novelty_penalty is None else sums + encoded.novelty_penalty


def scales_of(terms: Sequence[NDArray[np.float64]], weights: Sequence[float]) -> list[float]:
    """Return what a unit of each term adds to the anomaly score, so that the median row scores 1.

    A term counts by its weight over its spread, from the median to the upper quartile: each moves the usual rows as
    much as the others do, whatever its distribution. The terms are the families' scores and the rarity of the fitting
    rows, each `(n,)`.
    """
    quartiles = [np.quantile(term, [0.5, 0.75]) for term in terms]
    spreads = [max(high - middle, _LEAST_SPREAD * max(middle, _LEAST_SPREAD)) for middle, high in quartiles]
    shares = [weight / spread for weight, spread in zip(weights, spreads, strict=True)]
    score = np.sum([share * term for share, term in zip(shares, terms, strict=True)], axis=0)
    unit = max(float(np.median(score)), 1e-6)
    return [share / unit for share in shares]


_LEAST_SPREAD = 0.05  # of the median: a term that is the same on nearly all rows gets no larger scale than that
