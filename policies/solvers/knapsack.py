"""A budget and nothing else: climb the customers' hulls in falling order of return until the money is gone.

The linear program is solved exactly that way, and the plan of whole customers is at most one step short of it
(Sinha & Zoltners 1979). Ties are broken by lot, so identical customers have the same chance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled
from .finish import Finish, Plan
from .grain import unusable
from .hull import Steps, climb
from .kernels import Floats, Ints
from .ledger import account
from .prices import Aim, Deck, everybody, scale_of, sides_of
from .problem import Actions, Cells, Limits, Mask

# The exact account decides; where it refuses, rooms this much smaller are tried.
ROOMS = (0.0, 1e-15, 1e-12, 1e-9)
# Steps before and after the last one that fits whose customers are looked at again, if the gap is worth it.
AROUND = 150
GAP = 1e-6


class Filled(NamedTuple):
    """A plan, and where in the order of steps the money ran out (−1 where it did not)."""

    plan: Plan
    last: int


def only_budget(limits: Limits) -> bool:
    """Return whether the budget is the one finite bound."""
    finite = np.isfinite(limits.upper) | np.isfinite(limits.lower)
    return bool(np.isfinite(limits.upper[0]) and finite.sum() == 1)


@compiled
def _fill(order: Ints, steps: Steps, room: float, action: Actions) -> tuple[float, int]:
    """Take the steps that fit, each customer's in order; return the bound's part and where the money ran out."""
    blocked = np.zeros(len(action), np.bool_)
    # What is left is kept in two parts, so that ten thousand contacts at 0.10 use up 1,000.00 and not a bit more.
    left, lost, bound, last = room, 0.0, 0.0, -1
    for at in range(len(order)):
        step = order[at]
        customer, cost, profit = steps.row[step], steps.cost[step], steps.profit[step]
        if blocked[customer]:
            continue
        if cost <= left + lost + 1e-16 * room:
            rest = left - cost
            lost += (left - rest) - cost
            left = rest
            action[customer] = steps.action[step]
            if last < 0:
                bound += profit
        else:
            blocked[customer] = True
            if last < 0:
                last = at
                bound += max(left + lost, 0.0) * profit / cost
    return bound, last


@compiled
def _draw(
    cells: tuple[npt.NDArray[Any], npt.NDArray[Any], Mask], lot: Floats, action: Actions, twins: Ints
) -> None:
    """Replace each choice by one of the customer's actions of the same cost and value, by lot."""
    values, costs, eligible = cells
    for row in range(values.shape[0]):
        if action[row] < 0:
            continue
        value, count = values[row, action[row]], 0
        at = row if costs.shape[0] > 1 else 0
        for a in range(values.shape[1]):
            same = values[row, a] == value and costs[at, a] == costs[at, action[row]]
            if same and (eligible.shape[0] == 0 or eligible[row, a]):
                twins[count] = a
                count += 1
        action[row] = twins[int(lot[row] * count)]


def falling(slope: Floats, lot: Floats) -> Ints:
    """Return the steps in falling order of slope; equal ones by lot, and a customer's own in their order."""
    order = np.argsort(-slope)
    ordered = slope[order]
    same = np.concatenate([[False], ordered[1:] == ordered[:-1], [False]])
    tied = np.flatnonzero(same[1:] | same[:-1])
    steps = np.sort(order[tied])
    order[tied] = steps[np.lexsort((lot[steps], -slope[steps]))]
    return order


def fill(cells: Cells, limits: Limits, rng: np.random.Generator) -> Plan | None:
    """Return the plan under a budget alone, with the linear program's value as its bound."""
    steps = climb(cells)
    slope = steps.slope
    order = falling(slope, rng.random(len(cells))[steps.row])
    filled = _filled(cells, limits, steps, order)
    if filled is None:
        return None
    plan, last = filled
    budget = sides_of(limits, np.ones(len(limits)))
    spare = plan.price[0] * float(unusable(cells, limits, budget)[0])
    if plan.bound - spare - plan.account.profit > GAP * abs(plan.bound) and last >= 0:
        rows = np.unique(steps.row[order[max(last - AROUND, 0) : last + AROUND]])
        plan = _polished(cells, limits, plan, rows, rng)
    _draw(
        (cells.values, cells.costs, cells.eligible),
        rng.random(len(cells)),
        plan.action,
        np.empty(cells.actions, np.int64),
    )
    return plan


def _filled(cells: Cells, limits: Limits, steps: Steps, order: Ints) -> Filled | None:
    """Return the plan that takes steps in order."""
    budget = float(limits.upper[0])
    for share in ROOMS:
        action = np.full(len(cells), -1, np.int32)
        bound, last = _fill(order, steps, budget * (1 - share), action)
        result = account(cells, limits, action)
        if result.keeps(limits):
            price = np.zeros(len(limits))
            price[0] = steps.slope[order[last]] if last >= 0 else 0.0
            return Filled(Plan(action, result, price, bound + price[0] * budget * share), last)
    return None


def _polished(cells: Cells, limits: Limits, plan: Plan, rows: Ints, rng: np.random.Generator) -> Plan:
    """Solve the problem again for the customers around the last step, if that is better."""
    part = Cells(
        cells.values[rows],
        cells.costs if len(cells.costs) == 1 else cells.costs[rows],
        cells.eligible[rows] if len(cells.eligible) else cells.eligible,
        cells.weights[rows],
    )
    action = plan.action.copy()
    action[rows] = -1
    left = limits.upper - account(cells, limits, action).used
    inside = replace(limits, segment=limits.segment[rows], upper=left)
    scale = scale_of(part, inside, Deck.shuffled(inside.segment, rng))
    aim = Aim(sides_of(inside, scale.unit), scale.stake)
    finish = Finish(part, everybody(part, inside, aim), rng, scale.stake, 0.0)
    found = finish.plan(plan.price[:1] / scale.unit[:1])
    if found is None:
        return plan
    action[rows] = found.action
    result = account(cells, limits, action)
    better = result.keeps(limits) and result.profit > plan.account.profit
    return Plan(action, result, plan.price, plan.bound) if better else plan
