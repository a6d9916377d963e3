"""The whole budget → profit curve, from one pass over the customers and one sort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uplift.errors import SettingError

from .solvers.door import cells_of
from .solvers.hull import climb

POINTS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """What every budget can earn: points of a concave curve, straight between its breakpoints.

    Attributes:
        spend: (m,) money spent; less than the budget where more would not pay.
        margin: (m,) Σ weight · value of the chosen actions, in money.
        profit: (m,) Σ weight · (value − cost), in money.
        marginal_roi: (m,) profit that the next unit of money returns; 0 where more would not pay.
    """

    spend: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]
    profit: npt.NDArray[np.float64]
    marginal_roi: npt.NDArray[np.float64]


def frontier(
    values: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    budgets: npt.ArrayLike | None = None,
    eligible: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Frontier:
    """Return what every budget can earn when there is no other rule.

    The curve is that of the linear program, exact at every point: customers climb the concave hulls of their
    (cost, profit) options, all steps in falling order of profit per cost. A plan of whole customers is at most one
    customer's step below it.

    Args:
        values: (n, k) expected incremental margin of each action for each customer, in money.
        costs: (k,) or (n, k) cost of a contact, in money, 0 or more.
        budgets: (m,) where to read the curve, in the order given; None for its own breakpoints from 0 up, 2,000 at
            most.
        eligible: (n, k) whether a customer may be given an action; None for always.
        weights: (n,) how many customers each row stands for; None for one each.

    Raises:
        DataError: A shape or type is not what it should be.
        SettingError: A budget is negative or not a number.

    References:
        Sinha & Zoltners (1979), The multiple-choice knapsack problem; Zemel (1980).

    >>> curve = frontier([[5.0, 4.0], [3.0, 1.0]], [2.0, 1.0])
    >>> curve.spend.tolist(), curve.profit.tolist(), curve.marginal_roi.tolist()
    ([0.0, 1.0, 3.0], [0.0, 3.0, 4.0], [3.0, 0.5, 0.0])
    """
    steps = climb(cells_of(values, costs, eligible, weights))
    slope = steps.slope
    order = np.argsort(-slope)
    spend = np.concatenate([[0.0], np.cumsum(steps.cost[order])])
    profit = np.concatenate([[0.0], np.cumsum(steps.profit[order])])
    marginal = np.concatenate([slope[order], [0.0]])
    free = int(np.searchsorted(-slope[order], -np.inf, side="right"))
    spend, profit, marginal = spend[free:], profit[free:], marginal[free:]
    if budgets is None:
        at = np.unique(np.linspace(0, len(spend) - 1, min(len(spend), POINTS)).astype(np.int64))
        return Frontier(spend[at], spend[at] + profit[at], profit[at], marginal[at])
    where = np.minimum(_budgets(budgets), spend[-1])
    at = np.clip(np.searchsorted(spend, where, side="right") - 1, 0, len(spend) - 1)
    earned = profit[at] + (where - spend[at]) * marginal[at]
    return Frontier(where, where + earned, earned, marginal[at])


def _budgets(budgets: npt.ArrayLike) -> npt.NDArray[np.float64]:
    wanted = np.asarray(budgets, dtype=np.float64)
    if wanted.ndim != 1 or not (wanted >= 0).all():
        raise SettingError("`budgets` must be a list of numbers that are 0 or more.")
    return wanted
