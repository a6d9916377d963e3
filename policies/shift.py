"""How an audience differs from the history, and the weights that make the history look like it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy import stats

from uplift.boosting import NO_ACTION, grow, leaf_rows, sigmoid
from uplift.encoder import Codes

Floats = npt.NDArray[np.float64]

SAMPLE = 40_000  # rows of each side that the classifier sees
CAP = 0.995  # weights above this quantile are cut to it


@dataclass(frozen=True, slots=True)
class Shift:
    """The weights of the history's rows, and how far audience and history can be told apart.

    Attributes:
        weights: (n,) density ratio audience / history, mean 1.
        auc: Held-out AUC of telling an audience customer from one of the history: .5 when alike.
        lower: Lower end of its interval; at or below .5 all weights are 1.
    """

    weights: Floats
    auc: float
    lower: float

    @property
    def ess(self) -> float:
        """The effective sample size of the weights, (Σw)² / Σw²."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())


def none(rows: int) -> Shift:
    """Return the shift of an audience that is the history's own customers."""
    return Shift(np.ones(rows), 0.5, 0.5)


def shift(
    history: Codes, audience: Codes, categories: tuple[int, ...], *, seed: int, level: float = 0.99
) -> Shift:
    """Return the density ratio between audience and history, by a cross-fitted classifier.

    Args:
        history: (n, d) codes of the history's customers.
        audience: (m, d) codes of the audience's.
        categories: Positions of the features without an order.
        seed: Decides the sample and the folds.
        level: Confidence that the two differ before weights are used at all: weights cost precision.

    References:
        Bickel, Brückner and Scheffer, Discriminative learning under covariate shift, 2009.
    """
    rng = np.random.default_rng(seed)
    ours = rng.permutation(len(history))[:SAMPLE]
    theirs = rng.permutation(len(audience))[:SAMPLE]
    codes = np.asfortranarray(np.concatenate([history[ours], audience[theirs]]))
    label = np.repeat([0.0, 1.0], [len(ours), len(theirs)])
    half = rng.permutation(len(label)) % 2
    forests = [
        grow(
            np.asfortranarray(codes[half != side]),
            label[half != side],
            objective="binary",
            trees=60,
            leaves=8,
            rows_per_leaf=leaf_rows(int((half != side).sum()), 100),
            categories=categories,
        )
        for side in (0, 1)
    ]
    score = np.empty(len(label))
    for side in (0, 1):
        score[half == side] = forests[side].score(np.asfortranarray(codes[half == side]), NO_ACTION)[:, 0]
    auc, lower = _auc(score, label > 0, level)
    if lower <= 0.5:
        return Shift(np.ones(len(history)), auc, lower)
    raw = np.mean([forest.score(history, NO_ACTION)[:, 0] for forest in forests], axis=0)
    probability = np.clip(sigmoid(raw), 1e-6, 1 - 1e-6)
    weights = probability / (1 - probability) * len(ours) / len(theirs)
    weights = np.minimum(weights, np.quantile(weights, CAP))
    return Shift(weights / weights.mean(), auc, lower)


def _auc(score: Floats, positive: npt.NDArray[np.bool_], level: float) -> tuple[float, float]:
    """Return the area under the ROC curve and its lower bound (Hanley and McNeil, 1982)."""
    ranks = stats.rankdata(score)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    auc = (ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n1 - 1) * (one - auc**2) + (n0 - 1) * (two - auc**2)) / (n1 * n0)
    return float(auc), float(auc - NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(variance))
