"""A budget and nothing else: climb the customers' hulls in falling order of return until the money is gone.

The linear program is solved exactly that way, and the plan of whole customers is at most one step short of it
(Sinha & Zoltners 1979). Ties are broken by lot, so identical customers have the same chance.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import compiled
from .finish import Plan
from .hull import climb
from .kernels import Floats, Ints
from .ledger import account
from .problem import Actions, Cells, Limits

# The exact account decides; where it refuses, rooms this much smaller are tried.
ROOMS = (0.0, 1e-15, 1e-12, 1e-9)


def only_budget(limits: Limits) -> bool:
    """Return whether the budget is the one finite bound."""
    return len(limits) == 1 and math.isfinite(float(limits.upper[0]))


@compiled
def _fill(order: Ints, steps: tuple[Ints, Ints, Floats, Floats], room: float, action: Actions) -> tuple[float, int]:
    """Take the steps that fit, each customer's in order; return the bound's part and the first that did not fit."""
    row, to, cost, profit = steps
    blocked = np.zeros(len(action), np.bool_)
    # What is left is kept in two parts, so that ten thousand contacts at 0.10 use up 1,000.00 and not a bit more.
    left, lost, bound, broken = room, 0.0, 0.0, -1
    for step in order:
        customer = row[step]
        if blocked[customer]:
            continue
        if cost[step] <= left + lost + 1e-16 * room:
            rest = left - cost[step]
            lost += (left - rest) - cost[step]
            left = rest
            action[customer] = to[step]
            if broken < 0:
                bound += profit[step]
        else:
            blocked[customer] = True
            if broken < 0:
                broken = step
                bound += max(left + lost, 0.0) * profit[step] / cost[step]
    return bound, broken


def fill(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan | None:
    """Return the plan under a budget alone, with the linear program's value as its bound."""
    steps = climb(cells)
    slope = steps.slope
    order = np.lexsort((rng.random(len(slope)), -slope))
    budget = float(limits.upper[0])
    for share in ROOMS:
        action = np.full(len(cells), -1, np.int32)
        bound, broken = _fill(order, (steps.row, steps.action, steps.cost, steps.profit), budget * (1 - share), action)
        result = account(cells, limits, action)
        if result.keeps(limits):
            price = float(slope[broken]) if broken >= 0 else 0.0
            exact = bound if share == 0 else bound + price * budget * share
            return Plan(action, result, np.array([price]), exact)
    return None
