"""The best plan under a budget and rules: customers choose at prices, and the prices make them keep the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from uplift.errors import SettingError

from .constraints import Rule
from .solution import Price, Side, Solution
from .solvers.door import cells_of, generator, limits_of, masked
from .solvers.kernels import Floats
from .solvers.ledger import Account
from .solvers.problem import Limits
from .solvers.solve import solve
from .solvers.spread import BLOCK, scores


def optimize(  # noqa: PLR0913 - one problem, stated in one call
    values: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    budget: float | None = None,
    eligible: npt.ArrayLike | None = None,
    rules: Sequence[Rule] = (),
    min_roi: float | None = None,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Solution:
    """Return who gets what: the plan that maximises Σ weight · (value − cost) and keeps every rule.

    Each customer gets one action at most; who is worth nothing gets none, unless a rule asks for contacts. Ties are
    broken by lot. The same inputs and seed give the same plan. The upper bound is the value of the linear
    program's dual at the prices returned, so the gap is a certificate and not an estimate.

    Args:
        values: (n, k) expected incremental margin of each action for each customer, in money.
        costs: (k,) or (n, k) cost of a contact, in money, 0 or more.
        budget: At most this is spent; None for no limit.
        eligible: (n, k) whether a customer may be given an action; None for always.
        rules: What else must hold.
        min_roi: Σ(value − cost) must be at least this times Σ cost; None for no minimum.
        weights: (n,) how many customers each row stands for, 0 or more; None for one each.
        seed: Of the lots that break ties.

    Raises:
        DataError: A shape or type is not what it should be.
        SettingError: A bound is not a number, or a rule names what is not there.
        Infeasible: No plan keeps all rules.

    References:
        Everett (1963), Generalized Lagrange multiplier method; Fisher (1981), The Lagrangian relaxation method.

    >>> solution = optimize([[5.0, 4.0], [3.0, 1.0], [1.0, 2.0]], [2.0, 1.0], budget=4.0)
    >>> solution.action.tolist(), solution.value, solution.spend
    ([1, 0, 1], 5.0, 4.0)
    """
    cells = cells_of(values, costs, eligible, weights)
    limits = limits_of(cells.values.shape, budget, rules, min_roi)
    rng = generator(seed)
    # Sums that a linear algebra library splits over threads depend on how many there are.
    with threadpool_limits(limits=1):
        plan = solve(cells, limits, rng)
    return Solution(
        action=plan.action,
        value=plan.account.profit,
        spend=plan.account.spend,
        upper_bound=max(plan.bound, plan.account.profit),
        prices=prices_of(limits, plan.price, plan.account),
        findings=masked(cells),
    )


def decide(
    values: npt.ArrayLike,
    costs: npt.ArrayLike,
    prices: Sequence[Price],
    *,
    eligible: npt.ArrayLike | None = None,
    rules: Sequence[Rule] = (),
    min_roi: float | None = None,
) -> npt.NDArray[np.int32]:
    """Return what prices make of customers, new ones included: (n,) the best action of each, −1 for none.

    The same function serves one customer and millions: each takes the action with the largest value − cost −
    Σ price · (what the action adds to the rule), or none where that is 0 or less. Rules are kept on average over
    customers like those that the prices were found on; only `optimize` keeps them exactly.

    Args:
        values: (n, k) expected incremental margin of each action for each customer, in money.
        costs: (k,) or (n, k) cost of a contact, in money, 0 or more.
        prices: Those of a solution.
        eligible: (n, k) whether a customer may be given an action; None for always.
        rules: The rules of that solution, with masks (n,) of these customers.
        min_roi: The minimum ROI of that solution.

    Raises:
        DataError: A shape or type is not what it should be.
        SettingError: The prices are not those of these rules.

    >>> values, costs = [[5.0, 4.0], [3.0, 1.0], [1.0, 2.0]], [2.0, 1.0]
    >>> decide(values, costs, optimize(values, costs, budget=1.0).prices).tolist()
    [1, -1, -1]
    """
    cells = cells_of(values, costs, eligible, None)
    limits = limits_of(cells.values.shape, None, rules, min_roi)
    if [price.rule for price in prices] != list(limits.names):
        raise SettingError(
            f"The prices are those of {[price.rule for price in prices]}, the rules are {list(limits.names)}; "
            "hand in the rules of the solution in their order."
        )
    price = np.array([price.price for price in prices])
    action = np.empty(len(cells), dtype=np.int32)
    for first in range(0, len(cells), BLOCK):
        score = scores(cells, limits, np.arange(first, min(first + BLOCK, len(cells))), price)
        action[first : first + BLOCK] = np.where(score.max(axis=1) > 0.0, score.argmax(axis=1), -1)
    return action


def prices_of(limits: Limits, price: Floats, account: Account) -> tuple[Price, ...]:
    """Return a price for each rule, from one net price a rule: positive where an upper bound binds."""
    return tuple(_price(limits, r, float(price[r]), float(account.used[r])) for r in range(len(limits)))


def _price(limits: Limits, r: int, price: float, used: float) -> Price:
    upper, lower = float(limits.upper[r]), float(limits.lower[r])
    floor = price < 0 or (price == 0 and not math.isfinite(upper) and math.isfinite(lower))
    side: Side = "at_least" if floor else "at_most"
    bound = lower if floor else upper
    return Price(limits.names[r], price, bound, used, price != 0 or used == bound, side)
