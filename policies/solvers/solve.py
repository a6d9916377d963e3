"""One problem, by the shortest way that it allows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from policies.solution import Infeasible

from .conflict import explain
from .finish import Finish, Plan
from .knapsack import fill, only_budget
from .ledger import account
from .prices import Aim, Deck, everybody, find_prices, scale_of, sides_of
from .problem import Cells, Limits

# Cells up to which all options of everybody are looked at in the finish.
SMALL = 600


def solve(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan:
    """Return the best plan that keeps the limits.

    Raises:
        Infeasible: There is none.
    """
    if not len(cells):
        return _nobody(cells, limits)
    cells = without_forbidden(cells, limits)
    plan = fill(cells, limits, rng) if only_budget(limits) else _by_prices(cells, limits, rng)
    if plan is None:
        raise Infeasible(explain(cells, limits, rng))
    return plan


def _nobody(cells: Cells, limits: Limits) -> Plan:
    """Return the plan for an empty table."""
    action = np.zeros(0, dtype=np.int32)
    result = account(cells, limits, action)
    if not result.keeps(limits):
        raise Infeasible("There are no customers, and a rule asks for contacts; hand in a table with rows.")
    return Plan(action, result, np.zeros(len(limits)), 0.0)


def _by_prices(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan | None:
    """Return the best plan that keeps the limits, or None where none was found."""
    deck = Deck.shuffled(limits.segment, rng)
    scale = scale_of(cells, limits, deck)
    aim = Aim(sides_of(limits, scale.unit), scale.stake)
    dual = everybody(cells, limits, aim)
    whole = Finish(cells, dual, rng, scale.stake, math.inf)
    plan = whole.free()
    if plan is not None:
        return plan
    if cells.values.size <= SMALL:
        return whole.plan(np.zeros(len(aim.sides.rule)))
    priced = find_prices(cells, dual, aim, deck)
    return None if priced is None else replace(whole, tau=priced[1]).plan(priced[0].at)


def without_forbidden(cells: Cells, limits: Limits) -> Cells:
    """Return the cells without those of which a bound of 0 allows none, so that no price need be infinite for it."""
    forbidden = [r for r in range(len(limits)) if limits.upper[r] == 0 and limits.theta[r, 2] == 0]
    if not forbidden:
        return cells
    eligible = cells.eligible.copy() if len(cells.eligible) else np.ones(cells.values.shape, dtype=np.bool_)
    for r in forbidden:
        counted = limits.counted(r)
        eligible &= ~(counted & (cells.costs > 0)) if limits.theta[r, 1] else ~counted
    return Cells(cells.values, cells.costs, eligible, cells.weights)
