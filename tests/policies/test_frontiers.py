"""The frontier is the linear program's value at every budget."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from policies.frontiers import frontier
from policies.optimizer import optimize
from uplift.errors import DataError, SettingError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def campaign(seed: int, n: int = 12, k: int = 4, shared: bool = False) -> tuple[Floats, Floats, Mask, Floats]:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 1.0, (n, k))
    costs = rng.random(k if shared else (n, k)) * (rng.random(k) < 0.8)
    return values, costs, rng.random((n, k)) < 0.8, rng.random(n) * 2


def best(values: Floats, costs: Floats, budget: float, eligible: Mask, weights: Floats) -> float:
    """Return the linear program's value, by HiGHS."""
    n, k = values.shape
    costs = np.broadcast_to(costs, (n, k))
    once = sparse.kron(sparse.eye_array(n), np.ones((1, k)))
    matrix = sparse.vstack([sparse.csr_array((weights[:, None] * costs).reshape(1, -1)), once], format="csr")
    gain = (weights[:, None] * (values - costs)).ravel()
    top = np.concatenate([[budget], np.ones(n)])
    return -linprog(-gain, A_ub=matrix, b_ub=top, bounds=np.stack([0 * gain, eligible.ravel()], axis=1)).fun


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.booleans())
def test_every_budget_earns_what_the_linear_program_earns(seed: int, shared: bool) -> None:
    values, costs, eligible, weights = campaign(seed, shared=shared)
    budgets = np.array([3.0, 0.0, 0.4, 1.5, 50.0])
    curve = frontier(values, costs, budgets=budgets, eligible=eligible, weights=weights)
    expected = [best(values, costs, budget, eligible, weights) for budget in budgets]
    np.testing.assert_allclose(curve.profit, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(curve.margin - curve.spend, curve.profit, atol=1e-12)
    assert (curve.spend <= budgets).all()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_the_curve_starts_at_nothing_rises_and_bends_down(seed: int) -> None:
    values, costs, eligible, _ = campaign(seed, n=60)
    curve = frontier(values, costs, eligible=eligible)
    assert curve.spend[0] == 0.0
    assert (np.diff(curve.spend) > 0).all()
    assert (np.diff(curve.profit) > 0).all()
    assert (np.diff(curve.marginal_roi) <= 0).all()
    assert curve.marginal_roi[-1] == 0.0
    np.testing.assert_allclose(np.diff(curve.profit) / np.diff(curve.spend), curve.marginal_roi[:-1])


def test_its_end_is_the_profit_without_a_budget() -> None:
    values, costs, _, _ = campaign(3, n=500)
    curve = frontier(values, costs)
    free = optimize(values, costs)
    assert curve.profit[-1] == pytest.approx(free.value, rel=1e-12)
    assert curve.spend[-1] == pytest.approx(free.spend, rel=1e-12)


def test_it_is_the_upper_bound_of_a_plan_with_that_budget() -> None:
    values, costs, _, _ = campaign(4, n=400)
    for budget in (0.0, 3.0, 25.0):
        solution = optimize(values, costs, budget=budget)
        curve = frontier(values, costs, budgets=[budget])
        assert solution.upper_bound == pytest.approx(curve.profit[0], rel=1e-12)
        assert solution.prices[0].price == pytest.approx(curve.marginal_roi[0], rel=1e-9)


def test_a_long_curve_is_thinned_to_two_thousand_points_that_lie_on_it() -> None:
    values, costs, _, _ = campaign(5, n=5_000)
    curve = frontier(values, costs)
    assert len(curve.spend) == 2_000
    same = frontier(values, costs, budgets=curve.spend)
    np.testing.assert_allclose(same.profit, curve.profit, rtol=1e-12)


def test_what_costs_nothing_is_earned_at_a_budget_of_nothing() -> None:
    curve = frontier([[2.0, 5.0], [1.0, -1.0]], [0.0, 1.0])
    assert curve.profit.tolist() == [3.0, 5.0]
    assert curve.spend.tolist() == [0.0, 1.0]


def test_dirty_cells_are_never_climbed() -> None:
    values = [[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [9.0, 1.0]]
    costs = [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [-1.0, 0.5]]
    curve = frontier(values, costs)
    assert (curve.spend[-1], curve.margin[-1]) == (2.0, 4.0)


def test_nobody_and_nothing_to_give_is_a_single_point() -> None:
    for values in (np.zeros((0, 2)), np.full((3, 2), -1.0)):
        curve = frontier(values, [1.0, 1.0])
        assert curve.spend.tolist() == curve.profit.tolist() == curve.marginal_roi.tolist() == [0.0]


def test_wrong_inputs_are_refused_with_a_reason() -> None:
    with pytest.raises(SettingError, match="0 or more"):
        frontier([[1.0]], [1.0], budgets=[-1.0])
    with pytest.raises(DataError, match="must be"):
        frontier([[1.0]], [1.0, 2.0])
