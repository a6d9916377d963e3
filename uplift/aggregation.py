"""Combine candidate effects by what held-out customers showed, and calibrate the result.

All of it works on the share-weighted AIPW loss of candidate effects τ,

    L(τ) = mean over i of Σ_a s_a (Γ_ia − τ_ia)²,

where Γ_ia is the AIPW score of action a against control for customer i and s_a the share of rows given a. The
shares undo the 1/p of the scores, so that an action's weight in the loss is the evidence there is about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize

from .sample import Floats, Ints

PRIOR_SPREAD = 0.25  # how far from 1 a calibration slope is expected to be, one standard deviation
PRIOR_WEIGHT = 10.0  # what a unit of relative entropy to the prior costs, in log-likelihood


def aipw(cate: Floats, baseline: Floats, arm: Ints, outcome: Floats, propensity: Floats) -> Floats:
    """Return AIPW scores Γ, (n, k): for each row and action, unbiased for the row's effect given its features.

    Γ_ia = τ̂_ia + 1{A_i = a}(Y_i − μ̂₀ − τ̂_ia)/p_i − 1{A_i = control}(Y_i − μ̂₀)/p_i, where p_i is the probability
    of the arm that row i was given (Robins, Rotnitzky and Zhao, 1994). Unbiased when the probabilities are right,
    whatever the models; the models must not have seen the rows.

    Args:
        cate: (n, k) predicted effects τ̂.
        baseline: (n,) predicted control outcome μ̂₀.
        arm: (n,) arm given, −1 for control.
        outcome: (n,) outcome.
        propensity: (n,) probability of the arm given.
    """
    residual = (outcome - baseline) / propensity
    control = arm < 0
    scores = np.asarray(cate, np.float64) - np.where(control, residual, 0.0)[:, None]
    treated = np.flatnonzero(~control)
    given = arm[treated]
    scores[treated, given] += residual[treated] - cate[treated, given] / propensity[treated]
    return scores


@dataclass(frozen=True, slots=True)
class Moments:
    """What the loss of every combination of J candidates needs: it adds over parts of the data.

    Attributes:
        gram: (J, J) Σ_i Σ_a s_a τ_j τ_l.
        cross: (J,) Σ_i Σ_a s_a τ_j Γ.
        rows: Number of rows.
    """

    gram: Floats
    cross: Floats
    rows: int

    @classmethod
    def of(cls, candidates: Sequence[npt.NDArray[np.floating]], scores: Floats, shares: Floats) -> Moments:
        """Sum up candidates' effects (each n × k) and AIPW scores (n × k)."""
        root = np.sqrt(shares)
        flat = np.stack([(candidate * root).ravel() for candidate in candidates]).astype(np.float64)
        return cls(flat @ flat.T, flat @ (scores * root).ravel(), len(scores))

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both parts together."""
        return Moments(self.gram + other.gram, self.cross + other.cross, self.rows + other.rows)


def q_aggregate(moments: Moments, prior: Floats, noise: float) -> Floats:
    """Return weights (J,) on the simplex that minimise the Q-aggregation loss of the combination.

    Half of the loss is that of the mixture, half the mean of the candidates' own losses, which keeps candidates
    that only fit noise together from entering (Lecué and Rigollet, 2014; Lan and Syrgkanis, 2023, for CATE). The
    loss is held against its noise, and deviations from the prior are charged by their relative entropy, so that
    differences within the noise leave the weights where experience puts them.

    Args:
        moments: Sums over held-out rows.
        prior: (J,) weights that hold until the data say otherwise; positive, adding up to 1.
        noise: Variance of one row's evidence per unit of squared effect, from `evidence_noise`.
    """
    own = np.diag(moments.gram) - 2 * moments.cross
    scale = 1 / (2 * max(noise, 1e-300))

    def loss(weights: Floats) -> float:
        fit = weights @ moments.gram @ weights - 2 * moments.cross @ weights
        entropy = weights @ np.log(np.maximum(weights, 1e-12) / prior)
        return float(scale * 0.5 * (fit + own @ weights) + PRIOR_WEIGHT * entropy)

    def slope(weights: Floats) -> Floats:
        fit = moments.gram @ weights - moments.cross + 0.5 * own
        return np.asarray(scale * fit + PRIOR_WEIGHT * (1 + np.log(np.maximum(weights, 1e-12) / prior)))

    found = _lowest_on_simplex(loss, slope, prior)
    weights = np.where(found < 1e-3, 0.0, found)
    return np.asarray(weights / weights.sum())


def _lowest_on_simplex(
    loss: Callable[[Floats], float], slope: Callable[[Floats], Floats], start: Floats
) -> Floats:
    """Return the weights, none below 1e-9 and adding up to 1, at which a convex loss is lowest."""
    total = {"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like}

    def descend(weights: Floats, unit: float) -> Floats:
        found = optimize.minimize(
            lambda weights: unit * loss(weights),
            weights,
            jac=lambda weights: unit * slope(weights),
            bounds=[(1e-9, 1.0)] * len(weights),
            constraints=total,
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        return np.asarray(found.x, np.float64)

    found, best = start, loss(start)
    for _ in range(20):
        # Where much was seen slopes are steep at first and flat at last: in one unit the solver gives up at the
        # one end, in another at the other.
        unit = 1 / max(1.0, float(np.ptp(slope(found))))
        lowest = min((descend(found, part) for part in (1.0, unit**0.5, unit)), key=loss)
        if not best - loss(lowest) > 1e-9 * max(1.0, abs(best)):
            break
        found, best = lowest, loss(lowest)
    return found


def evidence_noise(cate: Floats, scores: Floats, shares: Floats) -> float:
    """Return the variance of rows' evidence about an effect, per unit of squared effect.

    With u_i = Σ_a s_a τ_ia Γ_ia and v_i = Σ_a s_a τ²_ia this is mean (u − v)² / mean v: twice the log-likelihood
    of a Gaussian with this variance is the loss, in units of its own noise.
    """
    square = (cate**2 * shares).sum(axis=1)
    product = (cate * scores * shares).sum(axis=1)
    return float(((product - square) ** 2).mean() / max(float(square.mean()), 1e-300))


@dataclass(frozen=True, slots=True)
class Slope:
    """How much of a predicted effect held-out customers showed: 1 when the level is right."""

    point: float
    se: float

    @property
    def shrunk(self) -> float:
        """The slope to calibrate with: pulled to 1 by as much as it is uncertain, never negative."""
        if not np.isfinite(self.se):
            return 1.0
        trust = PRIOR_SPREAD**2 / (PRIOR_SPREAD**2 + self.se**2)
        return float(max(0.0, 1.0 + trust * (self.point - 1.0)))


def slope_of(predicted: Floats, observed: Floats, shares: Floats) -> Slope:
    """Return the share-weighted slope of observed on predicted through the origin, with its robust error.

    Args:
        predicted: (n, k) predicted effects.
        observed: (n, k) AIPW scores of the same rows.
        shares: (k,) weight of each action.
    """
    square = (predicted**2 * shares).sum(axis=1)
    product = (predicted * observed * shares).sum(axis=1)
    total = float(square.sum())
    if total <= 1e-12 * len(square):
        return Slope(1.0, float("inf"))
    point = float(product.sum()) / total
    return Slope(point, float(np.sqrt(((product - point * square) ** 2).sum())) / total)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Two slopes that bring a combination to the level that held-out customers showed.

    Attributes:
        mean: (k,) mean predicted effect of each action.
        level: Slope of the actions' means.
        spread: Slope of what customers differ by.
    """

    mean: Floats
    level: Slope
    spread: Slope

    @classmethod
    def of(cls, cate: Floats, scores: Floats, shares: Floats) -> Calibration:
        """Fit both slopes on held-out effects and scores, each (n, k)."""
        mean = cate.mean(axis=0)
        observed = scores.mean(axis=0)
        constant = np.broadcast_to(mean, cate.shape)
        return cls(mean, slope_of(constant, scores, shares), slope_of(cate - mean, scores - observed, shares))

    @property
    def shift(self) -> Floats:
        """What is added to every customer's effects after the slope of the spread was applied, (k,)."""
        return (self.level.shrunk - self.spread.shrunk) * self.mean
