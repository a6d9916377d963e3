"""The offset learner: effects on the log-odds of a response, pooled over actions."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..boosting import grow, leaf_rows, logit, sigmoid
from ..encoder import Codes
from ..forest import Forest
from ..nuisance import Baseline
from ..sample import Floats, Sample


class OffsetLearner:
    """Effects that add to the log-odds of a response, with one model for all actions.

    P(response | x, a) = σ(logit p₀(x) + f(x, a)): the control model's log-odds enter as an offset and boosting
    learns f on the treated rows, with the action's channel and send time as features. The effect in money is
    (P(response | x, a) − p₀(x)) · E[margin | response, x]; it is valid for money where an action changes who
    responds rather than how much a responder spends.
    """

    forest_: Forest
    baseline_: Baseline
    design_: Codes

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Fit f on the treated rows; returns self."""
        treated = sample.take(sample.arm >= 0)
        self.baseline_ = baseline
        self.design_ = sample.space.design
        self.forest_ = grow(
            treated.codes,
            treated.response.astype(np.float64),
            objective="binary",
            trees=120,
            leaves=12,
            rows_per_leaf=leaf_rows(len(treated), 250),
            categories=sample.categories,
            design=self.design_[treated.arm],
            ordered=sample.space.ordered,
            offset=logit(baseline.probability(treated.codes)),
        )
        return self

    def probability(self, codes: Codes) -> Floats:
        """Return P(response | x, action), (n, k)."""
        offset = logit(self.baseline_.probability(codes))
        return sigmoid(offset[:, None] + self.forest_.score(codes, self.design_))

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        gain = self.probability(codes) - self.baseline_.probability(codes)[:, None]
        return gain * self.baseline_.size(codes)[:, None]
