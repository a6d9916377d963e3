"""One problem, by the shortest way that it allows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..solution import Infeasible
from .conflict import explain
from .finish import Finish, Plan
from .kernels import Floats, Ints
from .knapsack import fill, only_budget
from .ledger import account
from .prices import Aim, Deck, everybody, find_prices, scale_of, sides_of
from .problem import Cells, Limits, Mask
from .spread import BLOCK, scores

# Cells up to which all options of everybody are looked at in the finish.
SMALL = 600


def solve(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan:
    """Return the best plan that keeps the limits.

    Raises:
        Infeasible: There is none.
    """
    if not len(cells):
        return _nobody(cells, limits)
    plan = fill(cells, limits, rng) if only_budget(limits) else _by_rules(cells, limits, rng)
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


def _by_rules(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan | None:
    """Return the best plan that keeps the limits, or None where none was found."""
    barred = barring(limits)
    if not barred:
        return _by_prices(cells, limits, rng)
    eligible = cells.eligible.copy() if len(cells.eligible) else np.ones(cells.values.shape, dtype=np.bool_)
    for r in barred:
        eligible &= ~_takes(cells, limits, r)
    plan = _by_prices(replace(cells, eligible=eligible), limits, rng)
    return None if plan is None else plan._replace(price=_bar(cells, limits, barred, plan.price))


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


def barring(limits: Limits) -> list[int]:
    """Return the rules on contacts or cost whose upper bound is 0: they are kept by masking, not by a price."""
    return [r for r in range(len(limits)) if limits.upper[r] == 0 and limits.theta[r, 2] == 0]


def _takes(cells: Cells, limits: Limits, r: int, rows: Ints | slice = slice(None)) -> Mask:
    """Return (m, k): which cells of some customers would use up any of a rule on contacts or cost."""
    costs = cells.costs if len(cells.costs) == 1 else cells.costs[rows]
    return np.asarray(limits.counted(r, rows) & ((costs > 0) | (limits.theta[r, 0] > 0)))


def _bar(cells: Cells, limits: Limits, barred: list[int], price: Floats) -> Floats:
    """Return the prices with those of the barring rules: the least at which nobody prefers what they bar."""
    result = price.copy()
    for first in range(0, len(cells), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(cells)))
        score = scores(cells, limits, rows, price)
        masks = np.stack([_takes(cells, limits, r, rows) for r in barred])
        best = np.where(masks.any(axis=0), 0.0, np.maximum(score, 0.0)).max(axis=1, keepdims=True)
        # A cell that several rules bar is left to the first of them.
        masks &= np.cumsum(masks, axis=0) == 1
        costs = cells.take(rows)[1]
        for r, mask in zip(barred, masks, strict=True):
            each = np.where(mask & (limits.theta[r, 1] > 0), costs, 1.0)
            result[r] = max(result[r], np.where(mask, (score - best) / each, 0.0).max())
    return result
