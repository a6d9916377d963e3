"""The smoothed dual is what its formula says, and Newton's method finds the linear program's value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog, minimize

from policies.constraints import Rule
from policies.solvers.door import cells_of, limits_of
from policies.solvers.dual import Dual, box_step
from policies.solvers.prices import Aim, Deck, everybody, find_prices, scale_of, sides_of
from policies.solvers.problem import Cells, Limits

Floats = npt.NDArray[np.float64]


def problem(seed: int, n: int = 300, k: int = 4, *, shared: bool = False) -> tuple[Cells, Limits]:
    """Return customers and rules of every kind, in overlapping segments."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 1.0, (n, k))
    values[rng.random((n, k)) < 0.1] = np.nan
    costs = rng.random(k) if shared else rng.random((n, k))
    rules = [
        Rule("slot", actions=[0, 2], at_most=n // 8),
        Rule("segment", customers=rng.random(n) < 0.5, at_least=n // 10, at_most=n // 4),
        Rule("spend", of="cost", customers=rng.random(n) < 0.5, actions=[1, 2], at_least=0.02 * n),
        Rule("margin", of="margin", at_most=0.5 * n),
    ]
    weights = rng.random(n) + 0.5
    return cells_of(values, costs, None, weights), limits_of((n, k), 0.1 * n, rules, 0.8)


def dual_of(cells: Cells, limits: Limits) -> Dual:
    scale = scale_of(cells, limits, Deck.shuffled(limits.segment, np.random.default_rng(0)))
    return everybody(cells, limits, Aim(sides_of(limits, scale.unit), scale.stake))


def by_hand(dual: Dual, cells: Cells, at: Floats, tau: float) -> tuple[float, float]:
    """Return the dual and the smoothed dual from their formulas, in numpy."""
    limits, price = dual.limits, dual.net(at)
    values, costs, usable = cells.take(np.arange(len(cells)))
    score = values - costs
    for r in range(len(limits)):
        adds = limits.theta[r, 0] + limits.theta[r, 1] * costs + limits.theta[r, 2] * values
        score -= price[r] * np.where(limits.counted(r), adds, 0.0)
    score = np.column_stack([np.where(usable, score, -np.inf), np.zeros(len(cells))])
    paid = at * dual.sides.unit @ (dual.sides.sign * dual.sides.bound)
    soft = tau * np.logaddexp.reduce(score / tau, axis=1)
    return paid + cells.weights @ score.max(axis=1), paid + cells.weights @ soft


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("tau", [1.0, 0.05, 1e-6])
def test_it_equals_its_formula(shared: bool, tau: float) -> None:
    cells, limits = problem(1, shared=shared)
    dual = dual_of(cells, limits)
    at = np.random.default_rng(2).random(len(dual.sides.rule)) * 0.5
    point = dual.point(at, tau)
    exact, smooth = by_hand(dual, cells, at, tau)
    assert point.exact == pytest.approx(exact, rel=1e-12)
    assert point.smooth == pytest.approx(smooth, rel=1e-7)
    assert point.exact <= point.smooth <= point.exact + tau * np.log(5) * cells.weights.sum()


@pytest.mark.parametrize("shared", [True, False])
def test_its_derivatives_are_those_of_its_values(shared: bool) -> None:
    cells, limits = problem(3, shared=shared)
    dual = dual_of(cells, limits)
    at = np.random.default_rng(4).random(len(dual.sides.rule)) * 0.5
    point, step = dual.point(at, 0.2), 1e-5
    for side in range(len(at)):
        move = step * np.eye(len(at))[side]
        up, down = dual.point(at + move, 0.2), dual.point(at - move, 0.2)
        assert (up.smooth - down.smooth) / (2 * step) == pytest.approx(
            point.gradient[side], rel=1e-5, abs=1e-4
        )
        np.testing.assert_allclose(
            (up.gradient - down.gradient) / (2 * step), point.hessian[side], rtol=1e-4, atol=1e-3
        )


def linear_program(cells: Cells, limits: Limits) -> float:
    """Return the linear program's value, by HiGHS."""
    n, k = cells.values.shape
    values, costs, usable = cells.take(np.arange(n))
    sums = np.stack([np.ones_like(values), costs, values])
    rows, tops = [], []
    for r in range(len(limits)):
        row = cells.weights[:, None] * np.where(
            limits.counted(r), np.tensordot(limits.theta[r], sums, 1), 0.0
        )
        for sign, bound in ((1.0, limits.upper[r]), (-1.0, limits.lower[r])):
            if np.isfinite(bound):
                rows.append(sign * row.ravel())
                tops.append(sign * bound)
    once = sparse.kron(sparse.eye_array(n), np.ones((1, k)))
    gain = cells.weights[:, None] * (values - costs)
    result = linprog(
        -gain.ravel(),
        A_ub=sparse.vstack([sparse.csr_array(np.array(rows)), once], format="csr"),
        b_ub=np.concatenate([tops, np.ones(n)]),
        bounds=np.stack([np.zeros(n * k), usable.ravel()], axis=1),
    )
    return float(-result.fun)


@pytest.mark.parametrize("seed", range(4))
def test_its_minimum_is_the_linear_programs_value(seed: int) -> None:
    cells, limits = problem(seed, n=1_000)
    rng = np.random.default_rng(seed)
    deck = Deck.shuffled(limits.segment, rng)
    scale = scale_of(cells, limits, deck)
    aim = Aim(sides_of(limits, scale.unit), scale.stake)
    found = find_prices(cells, everybody(cells, limits, aim), aim, deck, few=0)
    assert found is not None
    expected = linear_program(cells, limits)
    assert found[0].exact >= expected * (1 - 1e-9)
    assert found[0].exact == pytest.approx(expected, rel=1e-4)


def test_a_dual_below_the_worst_plan_proves_that_there_is_none() -> None:
    cells = cells_of(np.ones((500, 2)), [0.1, 0.2], None, None)
    limits = limits_of((500, 2), 5.0, [Rule("r", at_least=400)], None)
    deck = Deck.shuffled(limits.segment, np.random.default_rng(0))
    scale = scale_of(cells, limits, deck)
    aim = Aim(sides_of(limits, scale.unit), scale.stake)
    assert find_prices(cells, everybody(cells, limits, aim), aim, deck) is None


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 7))
def test_a_step_minimises_the_model_within_its_box(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    hessian, gradient = root @ root.T + 0.1 * np.eye(size), rng.normal(size=size) * 3
    at, cap = rng.random(size) * (rng.random(size) < 0.6), rng.random(size) + 0.5
    at = np.minimum(at, cap)
    step = box_step(hessian, gradient, at, cap)
    assert (at + step >= -1e-12).all()
    assert (at + step <= cap + 1e-12).all()
    reach = 2.0 * (1.0 + at)
    box = list(zip(np.maximum(-at, -reach), np.minimum(cap - at, reach), strict=True))

    def model(move: Floats) -> float:
        return float(gradient @ move + 0.5 * move @ hessian @ move)

    best = minimize(model, np.zeros(size), bounds=box, method="L-BFGS-B", tol=1e-12)
    assert model(step) <= best.fun + 1e-6 * (1 + abs(best.fun))
