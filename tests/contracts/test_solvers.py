"""One body for every way in which a plan is found: a budget alone, few customers, prices; HiGHS is the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from policies.constraints import Rule
from policies.optimizer import optimize
from policies.solution import Infeasible, Solution
from policies.solvers.door import cells_of, limits_of
from policies.solvers.knapsack import only_budget
from policies.solvers.problem import Cells, Limits
from policies.solvers.solve import SMALL
from policies.verifier import verify

Floats = npt.NDArray[np.float64]


class Case(NamedTuple):
    """A problem, as `optimize` takes it."""

    values: Floats
    costs: Floats
    rest: dict[str, Any]


def budget_alone(seed: int) -> Case:
    case = some(seed, 160)
    return Case(case.values, case.costs, {"budget": 6.0, "weights": case.rest["weights"]})


def few_customers(seed: int) -> Case:
    return some(seed, 14)


def prices(seed: int) -> Case:
    return some(seed, 160)


def some(seed: int, n: int, k: int = 4) -> Case:
    """Return a random problem with rules of every kind; some seeds round numbers so that they tie."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.4, 1.0, (n, k))
    costs = rng.random(k) * 0.5 if seed % 2 else rng.random((n, k)) * 0.5
    if seed % 3 == 0:
        values = np.round(values * 2) / 2
    values[rng.random((n, k)) < 0.05] = np.nan
    gold = rng.random(n) < 0.4
    rules = [
        Rule("slot", actions=[0], at_most=float(n // 8)),
        Rule("channel", of="cost", actions=[1, 2], at_most=0.03 * n),
        Rule("gold", customers=gold, at_least=float(gold.sum() // 4), at_most=float(gold.sum() // 2)),
        Rule("margin", of="margin", actions=[3], at_most=0.25 * n),
    ]
    return Case(
        values,
        costs,
        {
            "budget": 0.07 * n,
            "rules": rules,
            "min_roi": 0.5 if seed % 2 else None,
            "eligible": rng.random((n, k)) < 0.9,
            "weights": rng.integers(1, 3, n).astype(float) if seed % 5 == 0 else None,
        },
    )


WAYS: tuple[Callable[[int], Case], ...] = (budget_alone, few_customers, prices)
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
seeds = pytest.mark.parametrize("seed", range(8))


def parts(case: Case) -> tuple[Cells, Limits]:
    rest = case.rest
    cells = cells_of(case.values, case.costs, rest.get("eligible"), rest.get("weights"))
    rules, min_roi = rest.get("rules", ()), rest.get("min_roi")
    return cells, limits_of(case.values.shape, rest["budget"], rules, min_roi)


class Reference(NamedTuple):
    """What HiGHS found: the best value (None where there is no plan), and whether it proved that."""

    value: float | None
    proved: bool


def highs(case: Case, *, whole: bool) -> Reference:
    """Return the value of the linear or the integer program, by HiGHS."""
    cells, limits = parts(case)
    n, k = cells.values.shape
    values, costs, usable = cells.take(np.arange(n))
    sums = np.stack([np.ones_like(values), costs, values])
    loads = [
        np.where(limits.counted(r), np.tensordot(limits.theta[r], sums, 1), 0.0) for r in range(len(limits))
    ]
    matrix = np.stack([(cells.weights[:, None] * load).ravel() for load in loads])
    once = sparse.kron(sparse.eye_array(n), np.ones((1, k)))
    result = milp(
        -(cells.weights[:, None] * (values - costs)).ravel(),
        integrality=np.full(n * k, int(whole)),
        bounds=Bounds(0, usable.ravel().astype(float)),
        constraints=[
            LinearConstraint(matrix, limits.lower, limits.upper),
            LinearConstraint(once, -np.inf, 1),
        ],
        options={"node_limit": 300},
    )
    return Reference(None if result.x is None else float(-result.fun), result.status == 0)


def solved(case: Case, seed: int = 0) -> Solution | None:
    try:
        return optimize(case.values, case.costs, seed=seed, **case.rest)
    except Infeasible:
        return None


@every_way
def test_the_cases_go_the_way_that_they_are_named_after(way: Callable[[int], Case]) -> None:
    cells, limits = parts(way(1))
    assert only_budget(limits) == (way is budget_alone)
    assert way is budget_alone or (cells.values.size <= SMALL) == (way is few_customers)


@every_way
@seeds
def test_every_rule_and_total_holds(way: Callable[[int], Case], seed: int) -> None:
    case = way(seed)
    solution = solved(case)
    if solution is None:
        assert highs(case, whole=True).value is None
        return
    findings = verify(solution.action, case.values, case.costs, solution=solution, **case.rest)
    assert [finding.verdict for finding in findings] == ["ok"], findings


@every_way
@seeds
def test_the_bound_is_the_linear_programs_value_and_the_plan_is_as_good_as_the_integer_programs(
    way: Callable[[int], Case], seed: int
) -> None:
    case = way(seed)
    solution = solved(case)
    if solution is None:
        return
    linear, whole = highs(case, whole=False).value, highs(case, whole=True)
    assert linear is not None
    assert whole.value is not None
    assert solution.upper_bound == pytest.approx(linear, rel=1e-6)
    assert solution.upper_bound >= linear - 1e-7 * abs(linear)
    assert solution.value >= whole.value - (1e-6 if way is few_customers else 2e-3) * abs(whole.value)
    assert not whole.proved or solution.value <= whole.value + 1e-5 * abs(whole.value)


@every_way
def test_the_same_seed_gives_the_same_plan_and_another_seed_the_same_bound(
    way: Callable[[int], Case],
) -> None:
    case = way(2)
    one, again, other = solved(case, 1), solved(case, 1), solved(case, 2)
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.action.tobytes() == again.action.tobytes()
    assert other.upper_bound == pytest.approx(one.upper_bound, rel=1e-7)


@every_way
@seeds
def test_there_is_a_price_for_every_rule_and_only_binding_rules_have_one(
    way: Callable[[int], Case], seed: int
) -> None:
    case = way(seed)
    solution = solved(case)
    if solution is None:
        return
    assert len(solution.prices) == 1 + len(case.rest.get("rules", ())) + (
        case.rest.get("min_roi") is not None
    )
    for price in solution.prices:
        assert price.price * (1 if price.side == "at_most" else -1) >= 0
        assert price.binding or price.price == 0
        # A rule with a price is used up, but for a customer or two.
        room = abs(price.bound - price.used) if np.isfinite(price.bound) else 0.0
        assert price.price == 0 or abs(price.price) * room <= 0.05 * abs(solution.upper_bound) + 3.0
