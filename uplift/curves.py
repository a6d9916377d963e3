"""Ranking curves on a randomised two-arm sample: Qini, AUUC and AUTOC, one stated definition each.

In all of them customers stand from the highest score to the lowest, k counts the first of them, and
customers with equal scores enter together, so that no result depends on the order of rows. Y1(k) and Y0(k)
are the sums of the outcome over treated and control customers among the first k, n1(k) and n0(k) their
numbers. The curves are exact at the end of each group of equal scores and straight lines in between.
Published figures of these names follow several definitions that differ by orders of magnitude for the same
ranking: compare only like with like.

Standard errors are those of the infinitesimal jackknife, the derivative of the statistic with respect to the
weight of each row in closed form (Jaeckel, The infinitesimal jackknife, 1972). They hold for a score that was
not fitted on these rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .columns import Flags, Floats, flags, matrix, numbers, probabilities, refuse_rows
from .errors import DataError
from .estimates import Estimate


class Curve(NamedTuple):
    """A curve over the number of customers taken from the top: it unpacks as `k, value`.

    Attributes:
        k: (groups + 1,) numbers of customers: 0, then the end of each group of equal scores.
        value: (groups + 1,) height of the curve there, in units of the summed outcome.
    """

    k: npt.NDArray[np.int64]
    value: Floats


def qini_curve(score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> Curve:
    """Return the Qini curve, the outcome gained on the treated among the first k customers.

    Q(k) = Y1(k) − Y0(k)·n1(k)/n0(k) at the end of each group of equal scores, 0 while n0(k) = 0 and at k = 0.
    Valid where treatment was assigned at random with one probability for everybody.

    Args:
        score: (n,) any numbers; the highest are taken first.
        treated: (n,) booleans, or 0 and 1.
        outcome: (n,) the measured result, in any unit.

    Raises:
        DataError: A column is missing values, has another length, or holds one arm only.

    References:
        Radcliffe, Using control groups to target on predicted lift, 2007.

    >>> k, gain = qini_curve([3, 2, 2, 1], [True, False, True, False], [5, 1, 4, 2])
    >>> k.tolist(), gain.tolist()
    ([0, 1, 3, 4], [0.0, 0.0, 7.0, 6.0])
    """
    sample = _read(score, treated, outcome)
    path = _qini_path(_totals(sample))
    return Curve(np.append(0, sample.ranking.end), np.append(0.0, path.value))


def qini(
    score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike, *, level: float = 0.9
) -> Estimate:
    """Return the Qini coefficient, the area between the Qini curve and the line of a random order.

    (∫ Q dk − ½·n·Q(n)) / n², in units of the outcome per customer; Q as in `qini_curve`. A random order has
    0, and p tests that.

    Args:
        score: (n,) any numbers; the highest are taken first.
        treated: (n,) booleans, or 0 and 1.
        outcome: (n,) the measured result, in any unit.
        level: Coverage of the interval.

    Raises:
        DataError: As in `qini_curve`.
        SettingError: The level is not between 0 and 1.

    References:
        Radcliffe, Using control groups to target on predicted lift, 2007.

    >>> float(qini([3, 2, 2, 1], [True, False, True, False], [5, 1, 4, 2]))
    0.09375
    """
    return _area(_read(score, treated, outcome), _qini_path, level=level, above_random=True)


def auuc(
    score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike, *, level: float = 0.9
) -> Estimate:
    """Return the AUUC, the area under the uplift curve.

    ∫ U dk / n² with U(k) = (Y1(k)/n1(k) − Y0(k)/n0(k))·k at the end of each group of equal scores, 0 while
    either arm has nobody and at k = 0; in units of the outcome per customer. A random order has half the
    average effect, not 0: p, which tests 0, says nothing about the ranking (`qini` and `autoc` do).

    Args:
        score: (n,) any numbers; the highest are taken first.
        treated: (n,) booleans, or 0 and 1.
        outcome: (n,) the measured result, in any unit.
        level: Coverage of the interval.

    Raises:
        DataError: As in `qini_curve`.
        SettingError: The level is not between 0 and 1.

    References:
        Gutierrez and Gérardy, Causal inference and uplift modelling: a review of the literature, 2017.

    >>> float(auuc([3, 2, 2, 1], [True, False, True, False], [5, 1, 4, 2]))
    1.359375
    """
    return _area(_read(score, treated, outcome), _auuc_path, level=level, above_random=False)


def autoc(
    score: npt.ArrayLike,
    treated: npt.ArrayLike,
    outcome: npt.ArrayLike,
    propensity: npt.ArrayLike,
    *,
    mu: npt.ArrayLike | None = None,
    level: float = 0.9,
) -> Estimate:
    """Return the AUTOC, the mean over k of how much more the first k customers gain than the average one.

    Mean over k = 1..n of TOC(k), TOC(k) = mean of Γ among the first k − mean of Γ. Γ is the IPW score
    T·Y/e − (1 − T)·Y/(1 − e), or with `mu` the AIPW score μ1 − μ0 + T·(Y − μ1)/e − (1 − T)·(Y − μ0)/(1 − e);
    Γ is averaged over equal scores. In units of the outcome per customer. A random order has 0, and p tests
    that.

    Args:
        score: (n,) any numbers; the highest are taken first.
        treated: (n,) booleans, or 0 and 1.
        outcome: (n,) the measured result, in any unit.
        propensity: e, the probability of being treated (not of the arm given), one number or (n,), inside
            (0, 1). The share of treated rows may stand in for one designed number; the standard error is then
            slightly too large.
        mu: (n, 2) expected outcome under control and under treatment, from models that did not see the row.
        level: Coverage of the interval.

    Raises:
        DataError: As in `qini_curve`, or a propensity is not inside (0, 1).
        SettingError: The level is not between 0 and 1.

    References:
        Yadlowsky, Fleming, Shah, Brunskill and Wager, Evaluating treatment prioritization rules via
        rank-weighted average treatment effects, 2025.

    >>> round(float(autoc([3, 2, 1], [True, False, True], [5, 1, 4], 0.5)), 6)
    1.111111
    """
    sample = _read(score, treated, outcome)
    gamma = _effect_scores(sample, propensity, mu)
    point = float(np.mean(gamma * (_harmonic_weights(sample.ranking) - 1)))
    return Estimate.from_influence(point, _toc_influence(sample.ranking, gamma), level=level)


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Rows from the highest score to the lowest.

    `order` (n,) holds them, `group` (n,) the number of the group of equal scores that each is in, `start` and
    `end` (groups,) how many customers stand above each group and down to its end.
    """

    order: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The columns in the order of the ranking."""

    ranking: _Ranking
    treated: Flags
    outcome: Floats


@dataclass(frozen=True, slots=True)
class _Totals:
    """Customers and outcome by arm among the first k, at the end of each group: (groups,) each."""

    k: Floats
    n1: Floats
    n0: Floats
    y1: Floats
    y0: Floats


@dataclass(frozen=True, slots=True)
class _Path:
    """A curve at the end of each group, and its derivative by the weight of a row at or above that end.

    The derivative is gain1·Y − drop1 for a treated row and gain0·Y − drop0 for a control row.
    """

    value: Floats
    gain1: Floats
    drop1: Floats
    gain0: Floats
    drop0: Floats


def _rank(score: Floats) -> _Ranking:
    """Return the ranking, equal scores in the order of their rows."""
    order = np.argsort(-score)
    end = _ends(score[order])
    if len(end) < len(score):
        # The fast sort's order of ties, and so the last digit of sums over them, depends on the processor.
        order = np.argsort(-score, kind="stable")
    start = np.append(0, end[:-1])
    return _Ranking(order, np.repeat(np.arange(len(end)), end - start), start, end)


def _ends(ranked: Floats) -> npt.NDArray[np.int64]:
    """Return (groups,) how many values stand down to the end of each group of equal values."""
    return np.append(np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, len(ranked))


def _read(score: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> _Sample:
    """Check the three columns and put them in the order of the ranking."""
    scores = numbers("score", score)
    given = flags("treated", treated, rows=len(scores))
    results = numbers("outcome", outcome, rows=len(scores))
    if given.all() or not given.any():
        arm = "treated" if given.any() else "control"
        raise DataError(f"All {len(scores):,} rows are {arm}; a curve of effects needs both arms.")
    ranking = _rank(scores)
    return _Sample(ranking, given[ranking.order], results[ranking.order])


def _totals(sample: _Sample) -> _Totals:
    """Add up customers and outcomes by arm to the end of each group."""
    last = sample.ranking.end - 1
    n1 = np.cumsum(sample.treated)[last].astype(np.float64)
    y1 = np.cumsum(np.where(sample.treated, sample.outcome, 0.0))[last]
    y0 = np.cumsum(np.where(sample.treated, 0.0, sample.outcome))[last]
    k = sample.ranking.end.astype(np.float64)
    return _Totals(k, n1, k - n1, y1, y0)


def _ratio(above: Floats, below: Floats, where: Flags) -> Floats:
    """Return above / below, and 0 elsewhere."""
    return np.divide(above, below, out=np.zeros_like(above), where=where)


def _qini_path(totals: _Totals) -> _Path:
    """Return Q(k) and its derivative."""
    some = totals.n0 > 0
    ratio, mean0 = _ratio(totals.n1, totals.n0, some), _ratio(totals.y0, totals.n0, some)
    value = np.where(some, totals.y1 - totals.y0 * ratio, 0.0)
    return _Path(value, some.astype(np.float64), mean0, -ratio, -ratio * mean0)


def _auuc_path(totals: _Totals) -> _Path:
    """Return U(k) and its derivative."""
    both = (totals.n1 > 0) & (totals.n0 > 0)
    mean1, mean0 = _ratio(totals.y1, totals.n1, both), _ratio(totals.y0, totals.n0, both)
    gain1, gain0 = _ratio(totals.k, totals.n1, both), -_ratio(totals.k, totals.n0, both)
    effect = mean1 - mean0
    return _Path(effect * totals.k, gain1, gain1 * mean1 - effect, gain0, gain0 * mean0 - effect)


def _area(sample: _Sample, make: Callable[[_Totals], _Path], *, level: float, above_random: bool) -> Estimate:
    """Return the area under a curve over n², less the triangle under its chord if `above_random`."""
    path, end = make(_totals(sample)), sample.ranking.end
    n = len(sample.outcome)
    width = (end - sample.ranking.start) / n
    middle = (path.value + np.append(0.0, path.value[:-1])) / (2 * n)
    chord = above_random * path.value[-1] / (2 * n)
    area = float((width * middle).sum())
    pull = (width + np.append(width[1:], 0.0)) / 2
    pull[-1] -= above_random / 2
    influence = _answer(sample, path, pull) + middle[sample.ranking.group] - 2 * area + chord
    return Estimate.from_influence(area - chord, influence, level=level)


def _answer(sample: _Sample, path: _Path, pull: Floats) -> Floats:
    """Return (n,) n times the derivative of Σ pull·value by the weight of each row."""

    def onwards(values: Floats) -> Floats:
        return np.cumsum((pull * values)[::-1])[::-1][sample.ranking.group]

    treated = sample.outcome * onwards(path.gain1) - onwards(path.drop1)
    control = sample.outcome * onwards(path.gain0) - onwards(path.drop0)
    return np.where(sample.treated, treated, control)


def _effect_scores(sample: _Sample, propensity: npt.ArrayLike, mu: npt.ArrayLike | None) -> Floats:
    """Return Γ (n,) in the order of the ranking: scores whose mean over any set is the effect on it."""
    rows, order = len(sample.outcome), sample.ranking.order
    chance = probabilities("propensity", propensity, rows=rows)
    refuse_rows("propensity", chance == 1, "1", "autoc needs the probability of being treated, inside (0, 1)")
    expected = np.zeros((rows, 2)) if mu is None else matrix("mu", mu, rows=rows, columns=2)
    mu0, mu1, chance = expected[order, 0], expected[order, 1], chance[order]
    residual: Floats = np.where(
        sample.treated, (sample.outcome - mu1) / chance, (mu0 - sample.outcome) / (1 - chance)
    )
    gamma: Floats = mu1 - mu0 + residual
    return gamma


def _harmonic_weights(ranking: _Ranking) -> Floats:
    """Return (n,) the weight of each row in Σ of the means of the first k: Σ_{j ≥ k} 1/j, tied rows alike."""
    tail = np.cumsum(1 / np.arange(len(ranking.order), 0, -1))[::-1]
    weights: Floats = np.add.reduceat(tail, ranking.start) / (ranking.end - ranking.start)
    return weights[ranking.group]


def _toc_influence(ranking: _Ranking, gamma: Floats) -> Floats:
    """Return (n,) the influence of each row on AUTOC, up to a constant; its sum is read as an integral."""
    start, end, group = ranking.start, ranking.end, ranking.group
    mean = np.add.reduceat(gamma, start) / (end - start)
    stretch = np.log(end / np.maximum(start, 1))
    # Adding weight to a row lets fewer of the rows below it into every later "first k".
    below = np.append(np.cumsum((mean * stretch)[:0:-1])[::-1], 0.0)
    inside = 1 - start / (end - start) * stretch
    after = np.log(len(gamma) / end) - 1
    influence: Floats = (gamma - mean[group]) * inside[group] + gamma * after[group] - below[group]
    return influence
