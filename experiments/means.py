"""The mean of an arm and the difference of two: by Welch, adjusted for covariates, robust to clusters.

All of them are one estimator. In each arm the outcome is regressed on the covariates, and the arm's mean is
the prediction at the covariates' mean over both arms (Lin 2013); without covariates it is the plain mean. Its
variance is the sandwich with each row's, or each cluster's, residuals corrected for leverage: HC2 for rows,
CR2 for clusters, which for the plain mean of independent rows is Welch's s²/n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from uplift.aggregates import Moments, relative_change
from uplift.errors import DataError
from uplift.estimates import Estimate

from .intervals import by_t

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
BLOCK = 1 << 14
# Below this leverage of a cluster the series of (I − K)^(−1/2) is exact to 1e-9.
SMALL_LEVERAGE = 0.01
# A covariate of which the earlier ones leave less than this share of variance adds nothing.
COLLINEAR = 1e-9
# What rounding leaves of the variance of a constant column, as a share of its square.
ROUNDING = 1e-28


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The estimated mean of one arm.

    Attributes:
        value: The mean.
        variance: Its squared standard error.
        df: Degrees of freedom of that variance: rows, or clusters, less one.
        n: Rows.
        scores: (G,) what each cluster adds to the estimate's error; None for independent rows.
    """

    value: float
    variance: float
    df: float
    n: int
    scores: Floats | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two means, the (co)variances of their estimates and the degrees of freedom of their difference."""

    treated: float
    control: float
    covariance: tuple[float, float, float]
    df: float
    n: int

    def difference(self, level: float) -> Estimate:
        """Return treated − control."""
        var_treated, var_control, both = self.covariance
        se = math.sqrt(max(var_treated + var_control - 2 * both, 0.0))
        return by_t(self.treated - self.control, se, self.df, n=self.n, level=level)

    def lift(self, level: float) -> Estimate | None:
        """Return treated / control − 1 by the delta method, or None where control's mean is not positive."""
        change = relative_change(self.treated, self.control, self.covariance)
        return None if change is None else by_t(*change, self.df, n=self.n, level=level)


def plain_mean(moments: Moments) -> Mean:
    """Return the mean of the first column for independent rows, from their moments alone."""
    variance = float(moments.mean_variance[0])
    return Mean(float(moments.mean[0]), variance, moments.count - 1, moments.count)


def contrast(treated: Mean, control: Mean, parameters: int = 0) -> Contrast:
    """Return the comparison of two arms.

    Args:
        treated: The mean of the treated.
        control: The mean of control.
        parameters: Regression parameters in both arms together: rows − parameters are then the degrees of
            freedom; 0 for Welch's.
    """
    both = 0.0
    if treated.scores is not None and control.scores is not None:
        both = float(np.sum(treated.scores * control.scores))
    n = treated.n + control.n
    df = n - parameters if parameters else _welch_df(treated, control)
    return Contrast(treated.value, control.value, (treated.variance, control.variance, both), df, n)


def compare_means(treated: Moments, control: Moments) -> Contrast:
    """Return Welch's comparison of the first column of two arms, from their moments alone.

    References:
        Welch (1947); Satterthwaite (1946).

    >>> c = compare_means(Moments.of([3.0, 5.0, 7.0]), Moments.of([1.0, 2.0, 3.0]))
    >>> c.difference(0.95).point, round(c.df, 3)
    (3.0, 2.941)
    """
    return contrast(plain_mean(treated), plain_mean(control))


def fitted_mean(
    values: Floats, moments: Moments, at: Floats, *, cluster: Codes | None = None, clusters: int = 0
) -> Mean:
    """Return the arm's mean outcome at given covariates, with a robust standard error.

    The coefficients come from the moments; the variance takes a second pass over the rows.

    Args:
        values: (n, 1 + p) rows of one arm: the outcome, then linearly independent covariates.
        moments: Their moments.
        at: (p,) covariates at which the outcome is predicted.
        cluster: (n,) number of each row's cluster, or None for independent rows.
        clusters: How many clusters there are in all arms.

    References:
        Lin (2013); MacKinnon & White (1985) for HC2; Bell & McCaffrey (2002) for CR2.
    """
    root = _root(moments)
    center = moments.mean[1:]
    scaled = linalg.solve_triangular(root, moments.cross[0, 1:], lower=True)
    slopes = linalg.solve_triangular(root.T, scaled, lower=False)
    target = np.concatenate(
        [[1 / math.sqrt(moments.count)], linalg.solve_triangular(root, at - center, lower=True)]
    )
    value = float(moments.mean[0] + slopes @ (at - center))
    basis = _basis(values[:, 1:] - center, root, moments.count)
    residual = values[:, 0] - moments.mean[0] - (values[:, 1:] - center) @ slopes
    if cluster is None:
        return Mean(value, _hc2(basis, residual, target), moments.count - 1, moments.count)
    scores = _cr2(basis, residual, target, cluster, clusters)
    present = np.unique(cluster).size
    return Mean(value, float(np.sum(scores**2)), present - 1, moments.count, scores)


def independent(first: Moments, second: Moments) -> list[int]:
    """Return the columns after the first that are linearly independent in both arms, earlier ones first.

    A column that is constant in an arm, or the sum of others, cannot be adjusted for.
    """
    chosen = list(range(1, len(first.mean)))
    for moments in (first, second):
        chosen = _independent(moments, chosen)
    return chosen


def _independent(moments: Moments, columns: list[int]) -> list[int]:
    kept: list[int] = []
    for column in columns:
        own = moments.cross[column, column]
        left = own
        if kept and own > 0:
            shared = moments.cross[kept, column]
            left = own - shared @ np.linalg.solve(moments.cross[np.ix_(kept, kept)], shared)
        if left > max(COLLINEAR * own, ROUNDING * moments.count * moments.mean[column] ** 2):
            kept.append(column)
    return kept


def _root(moments: Moments) -> Floats:
    """Return the lower Cholesky root of the covariates' cross-products."""
    parameters = len(moments.mean)
    if moments.count <= parameters:
        raise DataError(
            f"An arm has {moments.count:,} rows; adjusting for {parameters - 1} covariate columns needs "
            f"more than {parameters}: name fewer covariates."
        )
    return np.asarray(np.linalg.cholesky(moments.cross[1:, 1:]))


def _basis(centred: Floats, root: Floats, count: int) -> Floats:
    """Return (n, 1 + p) orthonormal columns that span the intercept and the covariates."""
    columns = linalg.solve_triangular(root, centred.T, lower=True)
    return np.column_stack([np.full(count, 1 / math.sqrt(count)), columns.T])


def _hc2(basis: Floats, residual: Floats, target: Floats) -> float:
    left = 1 - np.einsum("ij,ij->i", basis, basis)
    # A row that alone decides a coefficient is fitted exactly and says nothing about the noise.
    weight = np.where(left > 1e-10, 1 / np.maximum(left, 1e-10), 0.0)
    return float(np.sum((basis @ target * residual) ** 2 * weight))


def _cr2(basis: Floats, residual: Floats, target: Floats, cluster: Codes, clusters: int) -> Floats:
    """Return (G,) targetᵀ (I − K)^(−1/2) t of each cluster, K = Σ q qᵀ and t = Σ q e over its rows.

    This equals the usual (I − H)^(−1/2) on the cluster's residuals, without a matrix of the cluster's size.
    """
    order = np.argsort(cluster, kind="stable")
    present, starts = np.unique(cluster[order], return_index=True)
    scores = np.zeros(clusters)
    ends = np.append(starts[1:], len(order))
    for first in range(0, len(present), BLOCK):
        block = slice(first, first + BLOCK)
        rows = order[starts[block][0] : ends[block][-1]]
        where = starts[block] - starts[block][0]
        q = basis[rows]
        totals = np.add.reduceat(q * residual[rows, None], where)
        scores[present[block]] = _corrected(_crosses(q, where), totals) @ target
    return scores


def _crosses(q: Floats, starts: npt.NDArray[np.intp]) -> Floats:
    """Return (G, q, q) Σ q qᵀ of each run of rows, one column of the result at a time."""
    columns = [np.add.reduceat(q * q[:, [j]], starts) for j in range(q.shape[1])]
    return np.stack(columns, axis=2)


def _corrected(crosses: Floats, totals: Floats) -> Floats:
    """Return (G, q) (I − K)^(−1/2) t: by a series where a cluster has little leverage, else exactly."""
    out, power = totals.copy(), totals
    for factor in (1 / 2, 3 / 8, 5 / 16):
        power = np.einsum("gij,gj->gi", crosses, power)
        out += factor * power
    heavy = np.flatnonzero(np.einsum("gii->g", crosses) > SMALL_LEVERAGE)
    if len(heavy):
        values, vectors = np.linalg.eigh(np.eye(crosses.shape[1]) - crosses[heavy])
        shrink = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
        inside = np.einsum("gji,gj->gi", vectors, totals[heavy])
        out[heavy] = np.einsum("gij,gj->gi", vectors, shrink * inside)
    return out


def _welch_df(treated: Mean, control: Mean) -> float:
    total = treated.variance + control.variance
    if total == 0:
        return math.inf
    parts = treated.variance**2 / treated.df + control.variance**2 / control.df
    return total**2 / parts
