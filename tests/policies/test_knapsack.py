from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from policies import Rule
from policies.solvers.door import cells_of, limits_of
from policies.solvers.finish import Plan
from policies.solvers.knapsack import fill, only_budget

same = settings(derandomize=True, deadline=None, max_examples=80)
Array = np.ndarray


def filled(
    values: Array, costs: Array, budget: float, *, weights: Array | None = None, seed: int = 0
) -> Plan:
    cells = cells_of(values, costs, None, weights)
    plan = fill(cells, limits_of(values.shape, budget, (), None), np.random.default_rng(seed))
    assert plan is not None
    return plan


def shop(seed: int, n: int, k: int) -> tuple[Array, Array, float]:
    """Values, costs of each customer and a budget that is too small for everybody, with ties and free actions."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(2.0, 3.0, (n, k)), 1)
    costs = rng.integers(0, 5, (n, k)) / 4.0
    return values, costs, float(np.round(rng.uniform(0.1, 0.6) * costs.max(axis=1).sum(), 2))


def relaxed(values: Array, costs: Array, budget: float) -> float:
    """The optimum of the linear program, by HiGHS."""
    n, k = values.shape
    once = np.kron(np.eye(n), np.ones(k))
    limits = np.vstack([once, costs.reshape(1, -1)])
    found = linprog(
        -(values - costs).ravel(), A_ub=limits, b_ub=[*np.ones(n), budget], bounds=(0, 1), method="highs"
    )
    return float(-found.fun)


def best(values: Array, costs: Array, budget: float) -> float:
    """The optimum over all plans, by looking at each."""
    n, k = values.shape
    worth = 0.0
    for plan in itertools.product(range(-1, k), repeat=n):
        cells = [(row, a) for row, a in enumerate(plan) if a >= 0]
        if sum(costs[cell] for cell in cells) <= budget:
            worth = max(worth, sum(values[cell] - costs[cell] for cell in cells))
    return worth


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 4))
@same
def test_the_bound_is_the_optimum_of_the_linear_program(seed: int, n: int, k: int) -> None:
    values, costs, budget = shop(seed, n, k)
    plan = filled(values, costs, budget)
    assert plan.bound == pytest.approx(relaxed(values, costs, budget), abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3))
@same
def test_a_plan_is_at_most_one_step_short_of_the_best(seed: int, n: int, k: int) -> None:
    values, costs, budget = shop(seed, n, k)
    plan = filled(values, costs, budget)
    optimum = best(values, costs, budget)
    assert plan.account.profit <= optimum + 1e-9
    assert optimum <= plan.bound + 1e-9
    assert plan.bound - plan.account.profit <= max(0.0, float((values - costs).max())) + 1e-9


@given(st.integers(0, 10_000), st.integers(1, 200))
@same
def test_the_budget_is_kept_in_the_decimals_that_costs_print_as(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    values, costs = rng.random((n, 2)) + 1.0, rng.choice([0.1, 0.2, 0.3, 0.7], (n, 2))
    budget = float(np.round(rng.uniform(0.0, costs.sum()), 1))
    action = filled(values, costs, budget).action
    spent = sum(Fraction(repr(float(costs[row, a]))) for row, a in enumerate(action.tolist()) if a >= 0)
    assert spent <= Fraction(repr(budget))


def test_ten_thousand_contacts_at_ten_cents_use_up_a_thousand() -> None:
    plan = filled(np.full((20_000, 1), 5.0), np.array([0.1]), 1_000.0)
    assert int((plan.action >= 0).sum()) == 10_000
    assert plan.account.spend == 1_000.0


def test_identical_customers_have_the_same_chance() -> None:
    values, costs = np.full((40, 1), 3.0), np.array([1.0])
    drawn = sum(filled(values, costs, 10.0, seed=seed).action >= 0 for seed in range(400))
    # 400 draws at a chance of a quarter: 100 ± 8.7 each.
    assert abs(drawn - 100).max() < 5 * 8.7
    assert drawn.sum() == 400 * 10


def test_the_price_is_the_return_of_the_first_step_that_is_left() -> None:
    values = np.array([[9.0], [6.0], [3.0], [1.5]])
    plan = filled(values, np.array([1.0]), 2.0)
    assert plan.action.tolist() == [0, 0, -1, -1]
    assert plan.price.tolist() == [2.0]


def test_nobody_is_given_what_loses_money_and_the_cheaper_of_equals_comes_first() -> None:
    plan = filled(np.array([[0.5, 4.0], [4.0, 4.0], [8.0, 1.0]]), np.array([1.0, 2.0]), 3.0)
    assert plan.action.tolist() == [-1, 0, 0]


def test_a_row_that_stands_for_many_costs_as_much_as_they_do() -> None:
    values, costs = np.array([[5.0], [4.0], [3.0]]), np.array([1.0])
    plan = filled(values, costs, 3.0, weights=np.array([3.0, 2.0, 1.0]))
    assert plan.action.tolist() == [0, -1, -1]
    assert (plan.account.spend, plan.account.profit) == (3.0, 12.0)


def test_only_a_budget_is_only_a_budget() -> None:
    def limits(budget: float | None, *rules: Rule) -> bool:
        return only_budget(limits_of((3, 2), budget, rules, None))

    assert limits(5.0)
    assert not limits(None)
    assert not limits(5.0, Rule("cap", at_most=1))


@given(st.integers(0, 10_000), st.integers(1, 20))
@settings(derandomize=True, deadline=None, max_examples=25)
def test_more_budget_never_lowers_the_bound(seed: int, n: int) -> None:
    values, costs, budget = shop(seed, n, 3)
    bounds = [filled(values, costs, share * budget).bound for share in (0.25, 0.5, 1.0, 1.5)]
    assert bounds == sorted(bounds)
