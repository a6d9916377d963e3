"""The X-learner, pooled over actions, on money and in two parts."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..boosting import grow, leaf_rows
from ..encoder import Codes
from ..forest import Forest
from ..nuisance import Baseline
from ..sample import Floats, Sample


class XLearner:
    """Effects learned from what treated customers did beyond their baseline (Künzel et al., 2019).

    The residual outcome − μ₀(x) of a treated row has the effect of its action as its mean. One model learns it
    for all actions, with the action's channel and send time as features. Only the treated half of the original
    is used: with many thin arms the control half says little of any one of them.
    """

    forest_: Forest
    design_: Codes

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Fit the residuals of the treated rows; returns self."""
        treated = sample.take(sample.arm >= 0)
        self.design_ = sample.space.design
        self.forest_ = _grow_residual(sample, treated, treated.outcome - baseline.mean(treated.codes), 100, 8)
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        return self.forest_.score(codes, self.design_).astype(np.float64)


class TwoPartXLearner:
    """The X-learner on the response, times the margin of a response.

    Most of the noise in money is in how much a buyer spends, which an action may hardly change; learning the
    effect on P(response) alone leaves that noise out. The effect in money is f(x, a) · E[margin | response, x].
    """

    forest_: Forest
    baseline_: Baseline
    design_: Codes

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Fit the response residuals of the treated rows; returns self."""
        treated = sample.take(sample.arm >= 0)
        self.design_ = sample.space.design
        self.baseline_ = baseline
        residual = treated.response - baseline.probability(treated.codes)
        self.forest_ = _grow_residual(sample, treated, residual, 250, 12)
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        return self.forest_.score(codes, self.design_) * self.baseline_.size(codes)[:, None]


def _grow_residual(sample: Sample, treated: Sample, residual: Floats, parts: int, leaves: int) -> Forest:
    return grow(
        treated.codes,
        residual,
        trees=120,
        leaves=leaves,
        rows_per_leaf=leaf_rows(len(treated), parts),
        categories=sample.categories,
        design=sample.space.design[treated.arm],
        ordered=sample.space.ordered,
    )
