"""Prices by Newton's method on the smoothed dual.

Relaxing the rules at prices y leaves each customer the best of score = value − cost − Σ y · (what the choice adds
to the rules), so that the linear program's dual is

    D(y) = Σ_sides price · bound + Σ_customers weight · max(0, best score),

a convex function of a few dozen prices whose value at any prices is an upper bound. It has kinks; with
tau · log Σ exp(score / tau) for the maximum it is smooth, its gradient is bound − expected usage and its Hessian the
covariance of what the choices add to the rules. Newton's method follows the minimum while tau shrinks (path
following, as in entropic regularisation: Cominetti & San Martín 1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .kernels import Book, Crowd, Floats, Ints, Tariff, soft_pass
from .problem import Limits, Mask

# A temperature at which nobody is undecided; what rounding leaves of a sum.
TINY = 1e-300
NOISE = 1e-14


class Sides(NamedTuple):
    """The finite bounds of all rules, one a side: a price each, between 0 and a cap.

    Attributes:
        rule: (S,) which rule.
        sign: (S,) +1 for an upper bound, −1 for a lower one.
        bound: (S,) the bound.
        unit: (S,) a typical price, which makes the prices comparable.
        cap: (S,) the highest price allowed.
    """

    rule: Ints
    sign: Floats
    bound: Floats
    unit: Floats
    cap: Floats


class Point(NamedTuple):
    """The smoothed dual at one vector of side prices, in units of `Sides.unit`.

    Attributes:
        at: (S,) side prices.
        exact: The dual itself.
        smooth: The smoothed dual.
        gradient: (S,) its first derivatives.
        hessian: (S, S) its second derivatives.
        undecided: How many rows have a second option within reach of the best.
        torn: Their weight.
    """

    at: Floats
    exact: float
    smooth: float
    gradient: Floats
    hessian: Floats
    undecided: int
    torn: float


@dataclass(frozen=True, slots=True)
class Dual:
    """The dual function over some customers.

    Attributes:
        crowd: The customers.
        limits: The rules.
        book: Which rules each choice counts under.
        sides: The bounds and the units of their prices.
        stake: 1 for the problem itself; 0 leaves the objective out, which asks whether the rules can be kept.
    """

    crowd: Crowd
    limits: Limits
    book: Book
    sides: Sides
    stake: float = 1.0

    def least(self) -> float:
        """Return what a plan is worth in which everybody gets the worst: no plan that keeps the rules is below it."""
        shape = self.limits.shape
        against = Tariff(np.full(shape, -self.stake), np.full(shape, -self.stake), np.zeros(shape))
        return -soft_pass(self.crowd, against, self.book, TINY, self._tables())[0]

    def _tables(self) -> tuple[Floats, Floats, Floats]:
        rules = len(self.limits)
        return np.zeros((*self.limits.shape, 3)), np.zeros((*self.limits.shape, 6)), np.zeros((rules, rules))

    def net(self, at: Floats) -> Floats:
        """Return one price a rule: its upper side's minus its lower side's."""
        price = at * self.sides.unit * self.sides.sign
        return np.asarray(
            np.bincount(self.sides.rule, weights=price, minlength=len(self.limits)), dtype=np.float64
        )

    def point(self, at: Floats, tau: float) -> Point:
        """Return the smoothed dual with its derivatives at side prices, by one pass over the customers."""
        sides, limits = self.sides, self.limits
        tables = self._tables()
        tariff = limits.tariff(self.net(at), stake=self.stake)
        best, soft, undecided, torn = soft_pass(self.crowd, tariff, self.book, tau, tables)
        paid = float(at * sides.unit @ (sides.sign * sides.bound))
        factor = sides.unit * sides.sign
        gradient = factor * (sides.bound - limits.usage(tables[0])[sides.rule])
        curvature = _covariance(limits, tables[1], tables[2]) / tau
        hessian = factor[:, None] * curvature[np.ix_(sides.rule, sides.rule)] * factor
        return Point(at, paid + best, paid + soft, gradient, hessian, undecided, torn)


def _covariance(limits: Limits, moments: Floats, outer: Floats) -> Floats:
    """Return (R, R): Σ over undecided customers of the covariance of what their choice adds to the rules."""
    moments = moments.reshape(-1, 6)
    second = np.zeros_like(outer)
    for column, (i, j) in enumerate([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]):
        product = np.outer(limits.theta[:, i], limits.theta[:, j])
        if product.any():
            joint = (limits.hits * moments[:, column]) @ limits.hits.T
            second += joint.toarray() * (product if i == j else product + product.T)
    return second - np.tril(outer) - np.tril(outer, -1).T


def descend(dual: Dual, start: Point, tau: float, *, steps: int, doubt: float) -> Point:
    """Return the point after Newton steps at one temperature, each with a line search.

    Args:
        dual: The function.
        start: Where to begin; its Hessian, from a higher temperature, steadies directions in which few customers
            are undecided now.
        tau: The temperature, in money.
        steps: At most this many steps.
        doubt: Stop when the next step promises less than this share of tau for each undecided customer.
    """
    steady = 0.3 * start.hessian
    here = dual.point(start.at, tau)
    for _ in range(steps):
        curvature = here.hessian + steady
        step = box_step(curvature, here.gradient, here.at, dual.sides.cap / dual.sides.unit)
        promise = -(here.gradient @ step + 0.5 * step @ curvature @ step)
        if promise <= doubt * tau * here.torn:
            break
        there = _search(dual, here, step, tau)
        if there is None:
            break
        here = there
    return here


def _search(dual: Dual, here: Point, step: Floats, tau: float) -> Point | None:
    """Return the first point along a step, halved or quartered as needed, that is low enough."""
    slope = here.gradient @ step
    size = 1.0
    for _ in range(12):
        there = dual.point(np.clip(here.at + size * step, 0.0, dual.sides.cap / dual.sides.unit), tau)
        if there.smooth <= here.smooth + 1e-4 * size * slope + NOISE * abs(here.smooth):
            return there
        bend = there.smooth - here.smooth - size * slope
        size *= float(np.clip(-0.5 * size * slope / bend, 0.1, 0.5)) if bend > 0 else 0.5
    return None


def box_step(hessian: Floats, gradient: Floats, at: Floats, cap: Floats) -> Floats:
    """Return the step that minimises the quadratic model with 0 <= at + step <= cap, within a trust region.

    An active-set method: bounds that the free step breaks are added, the one with the worst multiplier is let go.
    """
    size = len(at)
    floor = 1e-7 * max(float(np.trace(hessian)) / size, 1e-6 * float(np.abs(gradient).max())) + 1e-300
    matrix = hessian + np.diag(1e-9 * np.diag(hessian) + floor)
    radius = 2.0 * (1.0 + at)
    low, high = np.maximum(-at, -radius), np.minimum(cap - at, radius)
    held = ((at <= 0) & (gradient > 0)) | ((at >= cap) & (gradient < 0))
    step = np.where(held & (at > 0), high, np.where(held, low, 0.0))
    for _ in range(4 * size + 4):
        step = _free_step(matrix, gradient, step, held)
        broken = ~held & ((step < low) | (step > high))
        if broken.any():
            step = np.clip(step, low, high)
            held |= broken
            continue
        pull = gradient + matrix @ step
        wrong = np.where(held, np.where(step <= low, -pull, pull), 0.0)
        if wrong.max(initial=0.0) <= 1e-12 * np.abs(gradient).max():
            break
        held[int(wrong.argmax())] = False
    return np.clip(step, low, high)


def _free_step(matrix: Floats, gradient: Floats, step: Floats, held: Mask) -> Floats:
    """Return the step with its free part solved for, its held part as it is."""
    free = ~held
    step = step.copy()
    if free.any():
        right = -(gradient[free] + matrix[np.ix_(free, ~free)] @ step[~free])
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], right)
    return step
