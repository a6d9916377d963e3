"""One problem, by the shortest way that it allows."""

from __future__ import annotations

import math

import numpy as np

from policies.solution import Infeasible

from .conflict import explain
from .finish import Finish, Plan
from .knapsack import fill, only_budget
from .prices import Aim, everybody, find_prices, scale_of, sides_of
from .problem import Cells, Limits

# Cells up to which the whole problem is given to HiGHS.
SMALL = 600


def solve(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan:
    """Return the best plan that keeps the limits.

    Raises:
        Infeasible: There is none.
    """
    cells = without_forbidden(cells, limits)
    scale = scale_of(cells, limits, rng)
    aim = Aim(sides_of(limits, scale.unit), scale.stake)
    dual = everybody(cells, limits, aim)
    plan = Finish(cells, dual, rng, scale.stake, math.inf).free()
    if plan is None and cells.values.size <= SMALL:
        plan = Finish(cells, dual, rng, scale.stake, math.inf).plan(np.zeros(len(aim.sides.rule)))
    elif plan is None and only_budget(limits):
        plan = fill(cells, limits, rng)
    elif plan is None:
        priced = find_prices(cells, dual, aim, rng)
        if priced is not None:
            plan = Finish(cells, dual, rng, scale.stake, priced[1]).plan(priced[0].at)
    if plan is None:
        raise Infeasible(explain(cells, limits, rng))
    return plan


def without_forbidden(cells: Cells, limits: Limits) -> Cells:
    """Return the cells without those of which a bound of 0 allows none, so that no price need be infinite for it."""
    forbidden = [r for r in range(len(limits)) if limits.upper[r] == 0 and limits.theta[r, 2] == 0]
    if not forbidden:
        return cells
    eligible = cells.eligible.copy() if len(cells.eligible) else np.ones(cells.values.shape, dtype=np.bool_)
    for r in forbidden:
        counted = limits.counts[r][limits.segment]
        eligible &= ~(counted & (cells.costs > 0)) if limits.theta[r, 1] else ~counted
    return Cells(cells.values, cells.costs, eligible, cells.weights)
