"""Baseline: what customers do without a contact, the part of the outcome that effects are measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .boosting import NO_ACTION, grow, leaf_rows, sigmoid
from .encoder import Codes
from .forest import Forest
from .sample import Floats, Sample

FEW = 100  # responders below which margins are taken as the same for all


@dataclass(frozen=True, slots=True)
class Baseline:
    """The control outcome, in two parts where most outcomes are zero.

    The mean outcome without contact is P(response | x) · E[margin | response, x]. With outcomes that are rarely
    zero the first part is absent and the second models the outcome itself.
    """

    response: Forest | None
    margin: Forest | None
    margin_objective: str
    mean_margin: float
    rate: float

    @classmethod
    def fit(cls, sample: Sample) -> Baseline:
        """Fit on the control rows of a sample (the size of the margin on all responders)."""
        control = sample.take(sample.arm < 0)
        if not sample.two_part:
            rows = leaf_rows(len(control), 100)
            forest = grow(
                control.codes,
                control.outcome,
                trees=100,
                leaves=8,
                rows_per_leaf=rows,
                categories=sample.categories,
            )
            return cls(None, forest, "regression", float(control.outcome.mean()), 1.0)
        response = grow(
            control.codes,
            control.response.astype(np.float64),
            objective="binary",
            trees=120,
            leaves=8,
            rows_per_leaf=leaf_rows(len(control), 200),
            categories=sample.categories,
            rate=0.05,
        )
        margin, objective, mean = _fit_margin(sample)
        return cls(response, margin, objective, mean, float(control.response.mean()))

    def probability(self, codes: Codes) -> Floats:
        """Return P(response | x, control), (n,); ones where the outcome has one part only."""
        if self.response is None:
            return np.ones(len(codes))
        # Kept off 0 and 1 so that log-odds stay finite.
        return np.clip(sigmoid(self.response.score(codes, NO_ACTION)[:, 0]), 1e-6, 1 - 1e-6)

    def size(self, codes: Codes) -> Floats:
        """Return E[margin | response, x], (n,) in money; the mean outcome where there is one part only."""
        if self.margin is None:
            return np.full(len(codes), self.mean_margin)
        raw = self.margin.score(codes, NO_ACTION)[:, 0].astype(np.float64)
        return np.exp(raw) if self.margin_objective == "gamma" else raw

    def mean(self, codes: Codes) -> Floats:
        """Return E[outcome | x, control], (n,) in money."""
        return self.probability(codes) * self.size(codes)


def _fit_margin(sample: Sample) -> tuple[Forest | None, str, float]:
    buyers = sample.take(sample.response)
    mean = float(buyers.outcome.mean()) if len(buyers) else 0.0
    if len(buyers) < FEW:
        return None, "constant", mean
    objective = "gamma" if (buyers.outcome > 0).all() else "regression"
    forest = grow(
        buyers.codes,
        buyers.outcome,
        objective=objective,
        trees=80,
        leaves=6,
        rows_per_leaf=leaf_rows(len(buyers), 50),
        categories=sample.categories,
        rate=0.05,
    )
    return forest, objective, mean
