"""The budget → profit path of the linear program with a budget only.

A customer's options that can be best at some price of money are the corners of the upper concave hull of (cost,
profit). Steps from corner to corner, of all customers together, in falling order of profit per cost, are the whole
path: the linear knapsack with multiple choice (Sinha & Zoltners 1979; Zemel 1980).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled
from .kernels import Floats, Ints
from .problem import Cells

BLOCK = 65_536


class Steps(NamedTuple):
    """Steps up the customers' hulls, by customer, each customer's in falling order of return.

    Attributes:
        row: Whose step.
        action: What it leads to.
        cost: What it costs more than the step before, times the customer's weight.
        profit: What it earns more, times the customer's weight.
    """

    row: Ints
    action: Ints
    cost: Floats
    profit: Floats

    @property
    def slope(self) -> Floats:
        """Profit per cost; infinite for what costs nothing."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.profit / self.cost)


@compiled
def _corners(
    cells: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.bool_], Floats],
    order: Ints,
    row: int,
    hull: tuple[Ints, Floats, Floats],
) -> int:
    """Fill the corners of a customer's hull, action, cost and profit, from place 1; return how many there are."""
    values, costs, eligible, _ = cells
    corner, spent, earned = hull
    at = row if costs.shape[0] > 1 else 0
    top = 0
    for a in order:
        cost = float(costs[at, a])
        profit = float(values[row, a]) - cost
        if not (profit > earned[top] and profit < np.inf and cost >= 0.0):
            continue
        if eligible.shape[0] > 0 and not eligible[row, a]:
            continue
        while top > 0 and (profit - earned[top]) * (spent[top] - spent[top - 1]) >= (
            earned[top] - earned[top - 1]
        ) * (cost - spent[top]):
            top -= 1
        top += 1
        corner[top] = a
        spent[top] = cost
        earned[top] = profit
    return top


@compiled
def _climb(
    cells: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.bool_], Floats],
    order: Ints,
    rows: tuple[int, int],
    steps: tuple[Ints, Ints, Floats, Floats],
) -> int:
    """Fill the steps of rows[0] up to rows[1]; return how many there are.

    `order` holds the actions by cost: (rows, k), or (1, k) where all customers' costs are the same.
    """
    costs, weights = cells[1], cells[3]
    k = costs.shape[1]
    hull = (np.empty(k + 1, dtype=np.int64), np.zeros(k + 1), np.zeros(k + 1))
    corner, spent, earned = hull
    count = 0
    for row in range(rows[0], rows[1]):
        if weights[row] == 0.0:
            continue
        mine = order[row - rows[0] if order.shape[0] > 1 else 0]
        for at in range(1, _corners(cells, mine, row, hull) + 1):
            steps[0][count] = row
            steps[1][count] = corner[at]
            steps[2][count] = weights[row] * (spent[at] - spent[at - 1])
            steps[3][count] = weights[row] * (earned[at] - earned[at - 1])
            count += 1
    return count


def climb(cells: Cells) -> Steps:
    """Return the steps up the hulls of all customers."""
    n, k = cells.values.shape
    room = min(BLOCK, max(n, 1)) * k
    buffer = (np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room), np.empty(room))
    arrays = (cells.values, cells.costs, cells.eligible, cells.weights)
    parts = []
    for first in range(0, max(n, 1), BLOCK):
        last = min(first + BLOCK, n)
        order = np.argsort(cells.costs if len(cells.costs) == 1 else cells.costs[first:last], axis=1)
        count = _climb(arrays, order, (first, last), buffer)
        parts.append([column[:count].copy() for column in buffer])
    row, action, cost, profit = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Steps(row, action, cost, profit)
