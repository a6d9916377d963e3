"""Ranks with ties averaged, and the area under the ROC curve from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..history import Floats


def midranks(values: Floats) -> Floats:
    """Return (n,) ranks from 1, ties sharing their mean rank.

    >>> midranks(np.array([10.0, 20.0, 10.0])).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2)[place]
    return ranks


def auc(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """Return P(score of a positive > score of a negative) + ½ P(equal): the area under the ROC curve.

    Both classes must occur.

    >>> auc(np.array([1.0, 2.0, 3.0]), np.array([False, False, True]))
    1.0
    """
    n1 = int(positive.sum())
    n0 = len(positive) - n1
    return float((midranks(score)[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def auc_parts(score: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the area under the ROC curve, and (n,) each row's part of its error.

    The parts add up to 0, and their squares to the area's variance.

    References:
        DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
        characteristic curves (1988).
    """
    ranks, n1 = midranks(score), int(positive.sum())
    n0 = len(positive) - n1
    below = (ranks[positive] - midranks(score[positive])) / n0
    above = 1 - (ranks[~positive] - midranks(score[~positive])) / n1
    area = float(below.mean())
    parts = np.empty(len(score))
    parts[positive] = (below - area) / n1
    parts[~positive] = (above - area) / n0
    return area, parts
