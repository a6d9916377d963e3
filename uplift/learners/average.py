"""The average learner: each action has the same effect on everybody, shrunk to its channel's mean."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..encoder import Codes
from ..nuisance import Baseline
from ..sample import Floats, Ints, Sample


class AverageLearner:
    """Same effect for all: one number an action.

    The effect of action a is the inverse-probability weighted mean of outcome − baseline over the rows given a.
    Actions of one channel borrow from each other by empirical Bayes (Morris, 1983).
    """

    effects_: Floats

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Average the residuals of each action's rows; returns self."""
        residual = sample.outcome - baseline.mean(sample.codes)
        # What the baseline misses on control itself is no effect of any action.
        control = sample.arm < 0
        residual = residual - np.average(residual[control], weights=1 / sample.propensity[control])
        points, errors = np.zeros(len(sample.space)), np.full(len(sample.space), np.inf)
        for a in range(len(sample.space)):
            rows = sample.arm == a
            if rows.sum() > 1:
                points[a], errors[a] = _weighted_mean(residual[rows], 1 / sample.propensity[rows])
        self.effects_ = shrink(points, errors, sample.space.channel)
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the same row of effects for every customer, (n, k)."""
        return np.tile(self.effects_, (len(codes), 1))


def _weighted_mean(values: Floats, weights: Floats) -> tuple[float, float]:
    """Return the weighted (Hájek) mean and its standard error."""
    mean = float(np.average(values, weights=weights))
    error = float(np.sqrt(np.sum((weights * (values - mean)) ** 2)) / weights.sum())
    return mean, error


def shrink(points: Floats, errors: Floats, group: Ints) -> Floats:
    """Return estimates shrunk to the mean of their group by empirical Bayes.

    The variance between members of a group is the excess over what their standard errors explain (DerSimonian
    and Laird, 1986), pooled over groups because each has few members.

    Args:
        points: (k,) estimates.
        errors: (k,) their standard errors; infinite where there is nothing to estimate from.
        group: (k,) number of the group each belongs to.
    """
    precision = np.where(np.isfinite(errors) & (errors > 0), 1 / np.maximum(errors, 1e-12) ** 2, 0.0)
    means = np.zeros_like(points)
    excess, freedom, scale = 0.0, 0.0, 0.0
    for g in np.unique(group):
        members = group == g
        total = precision[members].sum()
        if total <= 0:
            continue
        means[members] = (precision * points)[members].sum() / total
        excess += float((precision * (points - means) ** 2)[members].sum())
        freedom += max(int((precision[members] > 0).sum()) - 1, 0)
        scale += float(total - (precision[members] ** 2).sum() / total)
    between = max(0.0, (excess - freedom) / scale) if scale > 0 else 0.0
    share = between * precision / (1 + between * precision)
    return np.asarray(means + share * (points - means))
