"""The optimiser keeps every rule, proves how good it is, and does not care how the problem is written down."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from policies.constraints import Rule
from policies.optimizer import decide, optimize
from policies.solution import Infeasible, Solution
from policies.verifier import verify
from uplift.errors import DataError, SettingError

Floats = npt.NDArray[Any]

small = settings(derandomize=True, deadline=None, max_examples=30)


def campaign(n: int, k: int = 5, seed: int = 0, dtype: type = np.float64) -> tuple[Floats, Floats]:
    """Return margins and costs of channels × slots with a price per action."""
    rng = np.random.default_rng(seed)
    taste = rng.gamma(2.0, 0.5, (n, 1))
    values = taste * (0.3 + 0.4 * rng.random(k)) + 0.35 * rng.normal(size=(n, k))
    return values.astype(dtype), np.array([0.02, 0.01, 0.08, 0.6, 0.05])[np.arange(k) % 5].astype(dtype)


def rules_for(n: int, k: int = 5, seed: int = 0) -> list[Rule]:
    rng = np.random.default_rng(seed)
    gold = rng.random(n) < 0.3
    return [
        *(Rule(f"slot {a}", actions=[a], at_most=float(n // 12)) for a in range(k)),
        Rule("paid", of="cost", actions=[2, 3], at_most=0.012 * n),
        Rule("gold", customers=gold, at_least=float(n // 12), at_most=float(n // 8)),
        Rule("others", customers=~gold, at_most=float(n // 6)),
        Rule("mail", of="cost", actions=[3], at_least=0.004 * n),
    ]


def assert_kept(solution: Solution, values: Floats, costs: Floats, **problem: object) -> None:
    findings = verify(solution.action, values, costs, solution=solution, **problem)
    assert [finding.verdict for finding in findings] == ["ok"], findings


# What it returns


def test_it_chooses_the_best_actions_that_the_budget_allows() -> None:
    solution = optimize([[5.0, 4.0], [3.0, 1.0], [1.0, 2.0]], [2.0, 1.0], budget=4.0)
    assert solution.action.dtype == np.int32
    assert solution.action.tolist() == [1, 0, 1]
    assert (solution.value, solution.spend, solution.upper_bound, solution.gap) == (5.0, 4.0, 5.0, 0.0)


def test_prices_come_budget_first_then_one_a_rule_then_the_minimum_roi() -> None:
    values, costs = campaign(300)
    solution = optimize(values, costs, budget=5.0, rules=rules_for(300), min_roi=1.0)
    names = [price.rule for price in solution.prices]
    assert names == ["budget", *(rule.name for rule in rules_for(300)), "minimum ROI"]


def test_without_a_budget_there_is_a_price_of_nothing() -> None:
    price = optimize([[1.0]], [0.5]).prices[0]
    assert (price.rule, price.price, price.bound, price.used, price.binding) == (
        "budget",
        0.0,
        np.inf,
        0.5,
        False,
    )


@pytest.mark.parametrize("n", [150, 400])
def test_a_price_is_what_one_more_unit_of_its_bound_returns(n: int) -> None:
    values, costs = campaign(n, seed=1)
    rules = rules_for(n)
    solution = optimize(values, costs, budget=0.02 * n, rules=rules)
    step = 1e-3 * n
    for at in (0, 1, 6, 7, 9):
        price = solution.prices[at]
        up, down = (_moved(values, costs, rules, 0.02 * n, at, price.side, move) for move in (step, -step))
        right, left = up - solution.upper_bound, solution.upper_bound - down
        assert right - 1e-6 * n <= price.price * step <= left + 1e-6 * n


def _moved(
    values: Floats, costs: Floats, rules: list[Rule], budget: float, at: int, side: str, move: float
) -> float:
    """Return the upper bound with one bound moved."""
    if at == 0:
        return optimize(values, costs, budget=budget + move, rules=rules).upper_bound
    rule = rules[at - 1]
    bounds = {"at_most": rule.at_most, "at_least": rule.at_least}
    bounds[side] += move
    changed = [*rules]
    changed[at - 1] = Rule(rule.name, rule.of, rule.actions, rule.customers, **bounds)
    return optimize(values, costs, budget=budget, rules=changed).upper_bound


def test_caps_have_prices_of_0_or_more_and_floors_of_0_or_less() -> None:
    values, costs = campaign(1_000)
    solution = optimize(values, costs, budget=20.0, rules=rules_for(1_000))
    floors = [price for price in solution.prices if price.side == "at_least"]
    assert floors
    assert all(price.price <= 0 for price in floors)
    assert all(price.price >= 0 for price in solution.prices if price.side == "at_most")
    assert any(price.binding for price in floors)


# Edges


@pytest.mark.parametrize("n", [1, 7, 400])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(
    "shape",
    ["plain", "identical", "free of charge", "masked", "ineligible", "worthless", "not numbers"],
)
@pytest.mark.parametrize("budget", [0.0, 0.3, 1e12, None])
def test_the_edges_keep_every_rule(n: int, k: int, shape: str, budget: float | None) -> None:
    rng = np.random.default_rng(n + k)
    values, costs, eligible = rng.normal(0.5, 1.0, (n, k)), rng.random(k), None
    if shape == "identical":
        values = np.ones((n, k))
    if shape == "free of charge":
        costs = np.zeros(k)
    if shape == "masked":
        values = np.full((n, k), np.nan)
    if shape == "ineligible":
        eligible = np.zeros((n, k), dtype=bool)
    if shape == "worthless":
        values = np.full((n, k), -1.0)
    if shape == "not numbers":
        values[rng.random((n, k)) < 0.3] = np.inf
    rules = [Rule("slot", actions=[0], at_most=n // 3), Rule("all", at_most=n // 2)]
    for held in ([], rules):
        solution = optimize(values, costs, budget=budget, eligible=eligible, rules=held)
        assert_kept(solution, values, costs, budget=budget, eligible=eligible, rules=held)
        assert solution.upper_bound >= solution.value >= 0
        if shape in ("masked", "ineligible", "worthless"):
            assert (solution.action == -1).all()


def test_no_customers_is_an_empty_plan() -> None:
    solution = optimize(np.zeros((0, 3)), [1.0, 1.0, 1.0], budget=5.0)
    assert len(solution.action) == 0
    assert (solution.value, solution.gap) == (0.0, 0.0)
    with pytest.raises(Infeasible, match="no customers"):
        optimize(np.zeros((0, 3)), [1.0, 1.0, 1.0], rules=[Rule("r", at_least=1)])


@pytest.mark.parametrize(("cost", "budget", "contacts"), [(0.1, 100.0, 1_000), (0.02, 2_000.0, 100_000)])
def test_a_budget_in_cents_is_used_up_to_the_last_contact(cost: float, budget: float, contacts: int) -> None:
    solution = optimize(np.full((contacts + 50, 1), 1.0), [cost], budget=budget)
    assert (solution.action >= 0).sum() == contacts
    assert solution.spend == budget


def test_a_bound_of_nothing_bars_the_action_and_still_has_its_price() -> None:
    values, costs = campaign(500)
    closed = Rule("slot 0", actions=[0], at_most=0)
    solution = optimize(values, costs, budget=4.0, rules=[closed])
    assert not (solution.action == 0).any()
    one_more = optimize(values, costs, budget=4.0, rules=[Rule("slot 0", actions=[0], at_most=1)])
    assert one_more.upper_bound - solution.upper_bound == pytest.approx(solution.prices[1].price, rel=0.05)
    assert solution.prices[1].price > 0


def test_dirty_cells_are_masked_and_counted() -> None:
    values = np.array([[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0], [2.0, 1.0], [2.0, 1.0]])
    costs = np.array([[0.1, 0.1], [0.1, 0.1], [0.1, 0.1], [-0.5, 0.1], [np.nan, 0.1]])
    solution = optimize(values, costs)
    assert solution.action.tolist() == [1, 1, 1, 1, 1]
    (finding,) = solution.findings
    assert (finding.code, finding.verdict, finding.measured) == ("cells", "warn", 5.0)
    assert "3 values" in finding.message
    assert "2 costs" in finding.message
    assert optimize([[1.0]], [0.1]).findings == ()


def test_who_is_worth_nothing_stays_uncontacted_unless_a_floor_asks() -> None:
    values = np.array([[-0.5], [-0.1], [0.0], [-0.3]])
    assert (optimize(values, [0.0]).action == -1).all()
    solution = optimize(values, [0.0], rules=[Rule("floor", at_least=2)])
    assert solution.action.tolist() == [-1, 0, 0, -1]
    assert solution.prices[1].side == "at_least"
    assert solution.prices[1].price <= -0.1 + 1e-9


# Invariants


@small
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_a_larger_budget_never_earns_less(seed: int, n: int) -> None:
    values, costs = campaign(n, seed=seed)
    earned = [optimize(values, costs, budget=budget).value for budget in (0.0, 0.05, 0.2, 0.8, 3.0)]
    assert (np.diff(earned) >= -1e-12).all()


@small
@given(st.integers(0, 10_000))
def test_the_order_of_customers_and_actions_does_not_matter(seed: int) -> None:
    values, costs = campaign(14, seed=seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(14), rng.permutation(5)
    rules = [
        Rule("a", actions=[0, 1], at_most=3),
        Rule("b", customers=np.arange(14) < 6, at_least=2, at_most=4),
    ]
    back = np.argsort(columns)
    moved = [
        Rule("a", actions=back[[0, 1]].tolist(), at_most=3),
        Rule("b", customers=rows < 6, at_least=2, at_most=4),
    ]
    one = optimize(values, costs, budget=0.4, rules=rules)
    other = optimize(values[rows][:, columns], costs[columns], budget=0.4, rules=moved)
    assert other.upper_bound == pytest.approx(one.upper_bound, rel=1e-9)
    assert other.value == pytest.approx(one.value, rel=1e-9)


@pytest.mark.parametrize("n", [14, 3_000])
@pytest.mark.parametrize("scale", [2.0**-40, 2.0**10, 2.0**60])
def test_the_currency_does_not_matter(n: int, scale: float) -> None:
    values, costs = campaign(n)
    rules = rules_for(n) if n > 100 else []
    scaled = [
        rule if rule.of == "contacts" else Rule(rule.name, rule.of, rule.actions, None, *_scaled(rule, scale))
        for rule in rules
    ]
    one = optimize(values, costs, budget=0.02 * n, rules=rules)
    other = optimize(values * scale, costs * scale, budget=0.02 * n * scale, rules=scaled)
    assert other.upper_bound == pytest.approx(one.upper_bound * scale, rel=1e-9)
    assert other.value == pytest.approx(one.value * scale, rel=1e-4)
    assert_kept(other, values * scale, costs * scale, budget=0.02 * n * scale, rules=scaled)


def _scaled(rule: Rule, scale: float) -> tuple[float | None, ...]:
    return tuple(None if bound is None else bound * scale for bound in (rule.at_most, rule.at_least))


@pytest.mark.parametrize("n", [12, 800])
def test_a_dominated_action_is_never_chosen(n: int) -> None:
    values, costs = campaign(n)
    worse = np.column_stack([values, values[:, 0] - 0.01])
    solution = optimize(
        worse, np.append(costs, costs[0] + 0.01), budget=0.03 * n, rules=[Rule("r", at_most=n // 4)]
    )
    assert not (solution.action == 5).any()
    assert (solution.action >= 0).any()


@pytest.mark.parametrize("n", [10, 600])
def test_twice_the_customers_and_bounds_are_worth_twice_as_much(n: int) -> None:
    values, costs = campaign(n)
    rules = [Rule("slot", actions=[0, 2], at_most=n // 5)]
    double = [Rule("slot", actions=[0, 2], at_most=2 * (n // 5))]
    one = optimize(values, costs, budget=0.02 * n, rules=rules)
    two = optimize(np.vstack([values, values]), costs, budget=0.04 * n, rules=double)
    weighed = optimize(values, costs, budget=0.04 * n, rules=double, weights=np.full(n, 2.0))
    assert two.upper_bound == pytest.approx(2 * one.upper_bound, rel=1e-7)
    assert weighed.upper_bound == pytest.approx(2 * one.upper_bound, rel=1e-7)
    assert two.value >= 2 * one.value - 1e-4 * abs(one.value)


def test_weights_multiply_contacts_costs_and_values() -> None:
    values, costs = campaign(900)
    weights = np.random.default_rng(0).integers(0, 4, 900).astype(float)
    rules = rules_for(900)
    solution = optimize(values, costs, budget=12.0, rules=rules, weights=weights)
    assert_kept(solution, values, costs, budget=12.0, rules=rules, weights=weights)
    repeated = np.repeat(np.arange(900), weights.astype(int))
    spread = [
        Rule(
            r.name,
            r.of,
            r.actions,
            None if r.customers is None else r.customers[repeated],
            r.at_most,
            r.at_least,
        )
        for r in rules
    ]
    other = optimize(values[repeated], costs, budget=12.0, rules=spread)
    assert solution.upper_bound == pytest.approx(other.upper_bound, rel=1e-6)


# Ties


@pytest.mark.parametrize("held", [[], [Rule("cap", at_most=3)]], ids=["budget", "rule"])
def test_identical_customers_have_the_same_chance_of_the_last_contacts(held: list[Rule]) -> None:
    draws = 300
    chosen = np.zeros(8)
    for seed in range(draws):
        chosen += optimize(np.ones((8, 1)), [0.1], budget=0.35, rules=held, seed=seed).action >= 0
    expected = 3 / 8
    assert (np.abs(chosen / draws - expected) < 4 * np.sqrt(expected * (1 - expected) / draws)).all()


def test_identical_customers_in_bulk_have_the_same_chance() -> None:
    counts = np.zeros(400)
    rules = [Rule("a", actions=[0], at_most=60), Rule("b", actions=[1], at_most=60)]
    for seed in range(40):
        counts += optimize(np.ones((400, 2)), [0.1, 0.1], budget=10.0, rules=rules, seed=seed).action >= 0
    assert counts.sum() == 40 * 100
    # Under equal chances the variance of the counts is 40 · ¼ · ¾ = 7.5; its estimate over 400 has se 0.53.
    assert 7.5 - 4 * 0.53 < counts.var() < 7.5 + 4 * 0.53
    halves = counts[:200].sum(), counts[200:].sum()
    assert abs(halves[0] - halves[1]) < 4 * np.sqrt(40 * 100)


@pytest.mark.parametrize("budget", [None, 5.0])
def test_identical_actions_are_shared_out_by_lot(budget: float | None) -> None:
    solution = optimize(np.ones((400, 4)), np.full(4, 0.1), budget=budget)
    counts = np.bincount(solution.action[solution.action >= 0], minlength=4)
    assert counts.min() > 0
    assert counts.sum() == (400 if budget is None else 50)


@pytest.mark.parametrize("bulk", ["identical", "additive", "few kinds"])
def test_bulk_ties_are_settled_with_a_small_gap(bulk: str) -> None:
    n, k = 4_000, 4
    rng = np.random.default_rng(0)
    extra = np.array([0.1, 0.1, 0.2, 0.5])
    values = {
        "identical": np.tile(extra + 0.4, (n, 1)),
        "additive": rng.gamma(2.0, 0.5, (n, 1)) + extra,
        "few kinds": rng.integers(0, 5, (n, 1)) * 0.25 + rng.integers(0, 3, (n, k)) * 0.1,
    }[bulk]
    costs = np.array([0.02, 0.02, 0.05, 0.3])
    rules = [Rule(f"slot {a}", actions=[a], at_most=n // 20) for a in range(k)]
    solution = optimize(values, costs, budget=0.02 * n, rules=rules)
    assert_kept(solution, values, costs, budget=0.02 * n, rules=rules)
    assert solution.gap < 1e-3


# The same inputs give the same plan


@pytest.mark.parametrize("n", [60, 6_000])
def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(n: int) -> None:
    values, costs = campaign(n)
    plans = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            plans.append(optimize(values, costs, budget=0.02 * n, rules=rules_for(n), seed=3))
    assert plans[0].action.tobytes() == plans[1].action.tobytes()
    assert plans[0].prices == plans[1].prices
    assert plans[0].upper_bound == plans[1].upper_bound


def test_arrays_are_taken_as_they_come_and_left_as_they_were() -> None:
    values, costs = campaign(300, dtype=np.float32)
    values.setflags(write=False)
    expected = optimize(values, costs, budget=5.0).action
    for given_values, given_costs in (
        (pd.DataFrame(values), pd.Series(costs)),
        (np.asfortranarray(values), costs.astype(np.float64)),
        (values.tolist(), costs.tolist()),
        (values[::-1][::-1], np.tile(costs, (300, 1))),
    ):
        np.testing.assert_array_equal(optimize(given_values, given_costs, budget=5.0).action, expected)
    assert not values.flags.writeable


# The minimum ROI


@pytest.mark.parametrize("n", [10, 1_500])
@pytest.mark.parametrize("min_roi", [0.5, 6.0, 40.0])
def test_the_return_is_never_below_the_minimum(n: int, min_roi: float) -> None:
    values, costs = campaign(n)
    solution = optimize(values, costs * 5, budget=0.3 * n, min_roi=min_roi)
    assert_kept(solution, values, costs * 5, budget=0.3 * n, min_roi=min_roi)
    assert solution.spend == 0 or solution.value / solution.spend >= min_roi - 1e-12
    price = solution.prices[-1]
    assert (price.rule, price.side) == ("minimum ROI", "at_least")
    assert price.price <= 0


def test_a_minimum_that_cannot_be_had_leaves_only_what_costs_nothing() -> None:
    solution = optimize([[3.0, 1.0], [2.0, 1.0]], [1.0, 0.0], min_roi=1e6)
    assert solution.action.tolist() == [1, 1]


# Rules that cannot be kept


def test_the_message_names_the_rules_in_conflict_and_the_shortfall() -> None:
    values, costs = np.ones((400, 4)), np.full(4, 0.5)
    slots = [Rule(f"sms {hour}", actions=[a], at_most=25) for a, hour in enumerate((8, 12, 17, 20))]
    floor = Rule("minimum spend on sms", of="cost", at_least=65.0)
    with pytest.raises(
        Infeasible, match=r"'minimum spend on sms' \(at least 65\) falls 23.1% short"
    ) as caught:
        optimize(values, costs, budget=500.0, rules=[floor, *slots, Rule("other", at_most=399)])
    message = str(caught.value)
    assert all(f"'sms {hour}' (at most 25)" in message for hour in (8, 12, 17, 20))
    assert "budget" not in message
    assert "other" not in message


def test_a_floor_above_the_customers_it_counts_is_named_with_its_shortfall() -> None:
    few = np.arange(200) < 50
    with pytest.raises(Infeasible, match=r"'gold' \(at least 80\) falls 37.5% short"):
        optimize(np.ones((200, 2)), [0.1, 0.2], rules=[Rule("gold", customers=few, at_least=80)])


def test_rules_that_only_split_customers_could_keep_are_refused_as_such() -> None:
    with pytest.raises(Infeasible, match="whole customers"):
        optimize([[1.0], [1.0]], [0.5], rules=[Rule("r", at_least=1.4, at_most=1.6)])


@pytest.mark.parametrize("n", [30, 3_000])
def test_floors_that_can_just_be_kept_are_kept(n: int) -> None:
    values, costs = campaign(n)
    rules = [Rule("everybody", at_least=n), Rule("mail", actions=[3], at_least=n // 3)]
    solution = optimize(values - 2.0, costs, rules=rules)
    assert_kept(solution, values - 2.0, costs, rules=rules)


# Prices decide


def test_prices_decide_as_the_plan_did_but_for_ties_one_by_one_and_all_at_once() -> None:
    n = 3_000
    values, costs = campaign(n)
    rules = rules_for(n)
    solution = optimize(values, costs, budget=0.02 * n, rules=rules)
    batch = decide(values, costs, solution.prices, rules=rules)
    assert (batch == solution.action).mean() > 0.99
    for row in range(0, n, 500):
        mine = [
            Rule(
                r.name,
                r.of,
                r.actions,
                None if r.customers is None else r.customers[[row]],
                r.at_most,
                r.at_least,
            )
            for r in rules
        ]
        assert decide(values[[row]], costs, solution.prices, rules=mine)[0] == batch[row]


def test_prices_of_other_rules_are_refused() -> None:
    prices = optimize([[1.0]], [0.5], budget=1.0).prices
    with pytest.raises(SettingError, match="in their order"):
        decide([[1.0]], [0.5], prices, rules=[Rule("r", at_most=1)])


# Inputs that cannot be


@pytest.mark.parametrize(
    ("problem", "error", "message"),
    [
        ({"values": [1.0, 2.0]}, DataError, "`values` has shape"),
        ({"values": np.zeros((2, 0))}, DataError, "one action or more"),
        ({"values": [["a", "b"], ["c", "d"]]}, DataError, "must hold numbers"),
        ({"values": [[1.0, {}], [1.0, 2.0]]}, DataError, "no number"),
        ({"rules": [{"name": "r"}]}, SettingError, "holds a dict"),
        ({"seed": -1}, SettingError, "whole number"),
        ({"seed": 0.5}, SettingError, "whole number"),
        ({"costs": [1.0, 2.0, 3.0]}, DataError, "`costs` has shape"),
        ({"eligible": [[1, 0], [0, 1]]}, DataError, "True or False"),
        ({"eligible": [[True, False]]}, DataError, "shape"),
        ({"weights": [1.0]}, DataError, "`weights` has shape"),
        ({"weights": [1.0, -1.0]}, DataError, "first in row 1"),
        ({"weights": [np.nan, 1.0]}, DataError, "first in row 0"),
        ({"budget": -1.0}, SettingError, "0 or more"),
        ({"budget": float("nan")}, SettingError, "0 or more"),
        ({"min_roi": float("inf")}, SettingError, "finite"),
        ({"rules": [Rule("r", actions=[2], at_most=1)]}, SettingError, "counted from 0"),
        ({"rules": [Rule("r", customers=np.array([True]), at_most=1)]}, SettingError, "mask of 1"),
    ],
)
def test_inputs_that_cannot_be_are_refused_with_a_reason(
    problem: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        optimize(**({"values": [[1.0, 2.0], [3.0, 4.0]], "costs": [0.1, 0.2]} | problem))


# All options, looked at one by one


@small
@given(st.integers(0, 10_000))
def test_no_plan_of_a_tiny_campaign_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, costs = rng.normal(0.4, 1.0, (5, 2)), rng.random((5, 2))
    rules = [
        Rule("cap", of="cost", actions=[0], at_most=float(rng.random() * 2)),
        Rule("floor", customers=np.arange(5) < 3, at_least=int(rng.integers(0, 3))),
        Rule("margin", of="margin", at_most=float(1 + rng.random() * 3)),
    ]
    kept = {}
    for choice in itertools.product((-1, 0, 1), repeat=5):
        action = np.array(choice)
        if verify(action, values, costs, budget=1.2, rules=rules)[0].verdict == "ok":
            rows = np.flatnonzero(action >= 0)
            kept[choice] = float((values - costs)[rows, action[rows]].sum())
    if not kept:
        with pytest.raises(Infeasible):
            optimize(values, costs, budget=1.2, rules=rules)
        return
    solution = optimize(values, costs, budget=1.2, rules=rules)
    assert solution.value == pytest.approx(max(kept.values()), abs=1e-9)
