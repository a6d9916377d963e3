"""The proportional learner: each action lifts everybody's expected outcome by the same share."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..encoder import Codes
from ..nuisance import Baseline
from ..sample import Floats, Sample
from .average import shrink


class ProportionalLearner:
    """Same relative lift for all: τ_a(x) = λ_a · μ₀(x), with μ₀ the outcome expected without contact.

    What ranking customers by their response score assumes without saying so. λ_a is the inverse-probability
    weighted sum of outcome − baseline over that of the baseline, on the rows given a; actions of one channel borrow
    from each other by empirical Bayes.
    """

    lift_: Floats
    baseline_: Baseline

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Estimate one relative lift an action; returns self."""
        expected = baseline.mean(sample.codes)
        weight = 1 / sample.propensity
        control = sample.arm < 0
        # What the baseline misses on control itself is no lift of any action.
        level = float(
            (weight * sample.outcome)[control].sum() / max((weight * expected)[control].sum(), 1e-12)
        )
        points, errors = np.zeros(len(sample.space)), np.full(len(sample.space), np.inf)
        for a in range(len(sample.space)):
            rows = sample.arm == a
            total = float((weight * expected)[rows].sum())
            if rows.sum() > 1 and total > 0:
                residual = sample.outcome[rows] - level * expected[rows]
                points[a] = float((weight[rows] * residual).sum()) / total
                spread = weight[rows] * (residual - points[a] * expected[rows])
                errors[a] = float(np.sqrt((spread**2).sum())) / total
        self.lift_ = shrink(points, errors, sample.space.channel)
        self.baseline_ = baseline
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        return self.baseline_.mean(codes)[:, None] * self.lift_
