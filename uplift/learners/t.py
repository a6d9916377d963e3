"""The T-learner, pooled over actions: one model of the treated outcome minus the baseline."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..boosting import grow, leaf_rows, sigmoid
from ..encoder import Codes
from ..forest import Forest
from ..nuisance import Baseline
from ..sample import Floats, Sample


class TLearner:
    """Effects as the difference of two outcome models (Künzel et al., 2019): treated minus control.

    All actions share one treated model, with their channel and send time as features: a model for each arm has
    too few rows to learn from where arms are many and thin. Where the outcome is mostly zero it is the
    probability of a response that is modelled, times the margin of a response.
    """

    forest_: Forest
    baseline_: Baseline
    design_: Codes

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Fit the treated rows; returns self."""
        treated = sample.take(sample.arm >= 0)
        self.baseline_ = baseline
        self.design_ = sample.space.design
        two_part = baseline.response is not None
        self.forest_ = grow(
            treated.codes,
            treated.response.astype(np.float64) if two_part else treated.outcome,
            objective="binary" if two_part else "regression",
            trees=120,
            leaves=12,
            rows_per_leaf=leaf_rows(len(treated), 250),
            categories=sample.categories,
            design=self.design_[treated.arm],
            ordered=sample.space.ordered,
        )
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        score = self.forest_.score(codes, self.design_)
        if self.baseline_.response is None:
            return score - self.baseline_.mean(codes)[:, None]
        gain = sigmoid(score) - self.baseline_.probability(codes)[:, None]
        return gain * self.baseline_.size(codes)[:, None]
