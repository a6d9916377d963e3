"""What a planning rule is worth on customers that it never saw: identities, known truths, coverage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Action, Rule
from policies.forecast import (
    Ground,
    choose,
    exchange,
    kinds,
    part,
    solve_fold,
    spending,
    support,
    totals,
    uses,
)
from policies.planner import Plan, plan
from policies.terms import Terms
from uplift.engines.local import LocalEngine
from uplift.estimator import estimate
from uplift.evaluation import average_effects
from uplift.history import Audience, History
from uplift.simulator import Campaign, simulate

same = settings(derandomize=True, deadline=None, max_examples=60)
ONE = LocalEngine(1)
Read = Callable[[Campaign], tuple[History, Audience]]
Planned = Callable[..., Plan]


def all_given(ground: Ground, action: int) -> np.ndarray:
    choice = np.zeros(ground.values.shape, np.float32)
    choice[:, action] = 1.0
    return choice


def limited(ground: Ground, *rules: Rule, **changes: object) -> Ground:
    return replace(ground, terms=replace(ground.terms, rules=rules), **changes)  # type: ignore[arg-type]


def test_one_action_for_everybody_is_worth_its_average_effect(ground: Ground) -> None:
    for a, average in enumerate(average_effects(ground.effects, 0.9)):
        found = totals(ground, all_given(ground, a), level=0.9)
        assert found.point == pytest.approx(1_000 * average.effect.point)
        # Folds may differ by more than their rows explain; never by less.
        assert found.se >= 1_000 * average.effect.se * (1 - 1e-9)


def test_contacting_nobody_is_worth_nothing_for_certain(ground: Ground) -> None:
    found = totals(ground, np.zeros(ground.values.shape, np.float32), level=0.9)
    assert (found.point, found.se) == (0.0, 0.0)


def test_a_difference_of_choices_is_the_difference_of_their_totals(ground: Ground) -> None:
    one, other = choose(ground, 300.0, ONE), all_given(ground, 1)
    apart = totals(ground, one, level=0.9).point - totals(ground, other, level=0.9).point
    assert totals(ground, one, level=0.9, less=other).point == pytest.approx(apart)
    assert totals(ground, one, level=0.9, less=one).se == 0.0


def test_twice_the_customers_are_worth_twice_as_much(ground: Ground) -> None:
    choice = choose(ground, 300.0, ONE)
    once, twice = (totals(replace(ground, customers=n), choice, level=0.9) for n in (1_000, 2_000))
    assert twice.point == pytest.approx(2 * once.point)
    # Who happens to be among them averages out; what the history leaves open does not.
    effects = (choice * ground.effects.cate).sum(axis=1)
    assert (once.se / 1_000) ** 2 - (twice.se / 2_000) ** 2 == pytest.approx(effects.var() / 2_000, rel=1e-3)


def test_weights_count_relative_to_one_another_only(ground: Ground) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(ground.weights))
    choice = choose(ground, 300.0, ONE)
    found = [totals(replace(ground, weights=unit * weights), choice, level=0.9) for unit in (1.0, 7.0)]
    assert found[0].point == pytest.approx(found[1].point)
    assert found[0].se == pytest.approx(found[1].se)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.99])
def test_the_level_widens_the_interval_as_the_normal_distribution_says(ground: Ground, level: float) -> None:
    found = totals(ground, choose(ground, 300.0, ONE), level=level)
    assert (found.upper - found.lower) / 2 == pytest.approx(NormalDist().inv_cdf(0.5 + level / 2) * found.se)


@pytest.mark.parametrize("budget", [0.0, 50.0, 300.0, 1e9])
def test_every_fold_keeps_the_budget_scaled_to_its_customers(ground: Ground, budget: float) -> None:
    choice = choose(ground, budget, ONE)
    assert set(np.unique(choice.sum(axis=1))) <= {0.0, 1.0}
    for fold in range(ground.folds):
        rows = ground.rows(fold)
        assert (choice[rows] * ground.costs[rows]).sum() <= budget * len(rows) / 1_000 * (1 + 1e-9)
    assert spending(ground, choice) <= budget * (1 + 1e-9)


def test_the_rule_of_a_fold_does_not_look_at_its_outcomes(ground: Ground) -> None:
    effects = replace(ground.effects, scores=-ground.effects.scores)
    turned = replace(ground, effects=effects)
    assert (choose(turned, 300.0, ONE) == choose(ground, 300.0, ONE)).all()


def test_caps_are_kept_on_every_fold_and_floors_where_they_can_be(ground: Ground) -> None:
    young = pc.less(ground.effects.history.features["age"], 40).to_numpy()
    rules = [
        Rule("cap", actions=[2, 3], at_most=60),
        Rule("floor", customers=young, actions=[0, 1], at_least=90),
    ]
    choice = choose(limited(ground, *rules), 400.0, ONE)
    for fold in range(ground.folds):
        rows = ground.rows(fold)
        scale = len(rows) / 1_000
        assert choice[rows, 2:].sum() <= 60 * scale
        assert choice[rows][young[rows], :2].sum() >= 90 * scale


@pytest.mark.parametrize("floor", [500.0, 1e6])
def test_floors_that_cannot_be_kept_are_left_out_of_the_valuation(ground: Ground, floor: float) -> None:
    free = choose(limited(ground, Rule("cap", actions=[2, 3], at_most=60)), 400.0, ONE)
    rules = [Rule("cap", actions=[2, 3], at_most=60), Rule("floor", of="cost", actions=[0], at_least=floor)]
    assert (choose(limited(ground, *rules), 400.0, ONE) == free).all()


def test_a_rule_for_some_rows_has_its_bounds_scaled(ground: Ground) -> None:
    mask = np.arange(len(ground.weights)) % 2 == 0
    rows = np.array([0, 1, 2, 5])
    small = part(Rule("mine", customers=mask, at_least=2, at_most=10), rows, 0.5)
    assert small.customers is not None
    assert (small.customers.tolist(), small.at_least, small.at_most) == ([True, False, True, False], 1.0, 5.0)


def test_what_a_rule_sums_up_is_counted_for_its_actions_and_customers_only() -> None:
    values, costs = np.arange(6.0).reshape(3, 2), np.full((3, 2), 2.0)
    mask = np.array([True, False, True])
    assert uses(Rule("n", at_most=1), values, costs).tolist() == [[1.0, 1.0]] * 3
    assert uses(Rule("c", of="cost", actions=[1], at_most=1), values, costs).tolist() == [[0.0, 2.0]] * 3
    margin = uses(Rule("m", of="margin", customers=mask, at_most=1), values, costs)
    assert margin.tolist() == [[0.0, 1.0], [0.0, 0.0], [4.0, 5.0]]


def test_support_counts_the_rows_that_were_given_what_is_chosen(ground: Ground) -> None:
    history = ground.effects.history
    ess, rows = support(ground, all_given(ground, 3))
    assert rows == (history.arm == 3).sum()
    assert ess == pytest.approx(rows)  # all of them had the same probability and weight
    weights = np.random.default_rng(0).exponential(1.0, len(history))
    uneven, _ = support(replace(ground, weights=weights), all_given(ground, 3))
    kept = weights[history.arm == 3]
    assert uneven == pytest.approx(kept.sum() ** 2 / (kept**2).sum())
    assert support(ground, np.zeros(ground.values.shape, np.float32)) == (0.0, 0)


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 5))
@same
def test_lots_among_customers_of_a_kind_change_no_total(seed: int, n: int, sorts: int) -> None:
    rng = np.random.default_rng(seed)
    kind, weights = rng.integers(0, sorts, n), rng.uniform(0.1, 3.0, n)
    choice = np.eye(4, dtype=np.float32)[rng.integers(0, 4, n)][:, :3]
    drawn = exchange(choice, kind, weights)
    for one in np.unique(kind):
        mine = kind == one
        assert np.ptp(drawn[mine], axis=0).max() == 0
        before, after = (weights[mine] @ part[mine] for part in (choice, drawn))
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_who_draws_no_lot_has_the_chances_of_their_kind() -> None:
    choice = np.array([[1.0], [0.0], [0.0], [0.0]], np.float32)
    drawn = exchange(choice, np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert drawn[:, 0].tolist() == [0.5, 0.5, 0.5, 0.0]


def test_customers_are_of_a_kind_where_costs_consent_and_rules_are_the_same() -> None:
    costs = np.array([[1.0], [1.0], [2.0], [1.0], [1.0]])
    eligible = np.array([[True], [True], [True], [False], [True]])
    rule = Rule("mine", customers=np.array([True, True, True, True, False]), at_most=1)
    found = kinds(Terms(costs, np.zeros(1), eligible, (rule,)), costs, np.arange(5))
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_a_rule_for_all_alike_gives_equal_customers_equal_chances(ground: Ground) -> None:
    alike = replace(ground, values=ground.effects.uniform[ground.effects.fold], alike=True)
    choice = choose(alike, 100.0, ONE)
    for fold in range(alike.folds):
        assert np.ptp(choice[alike.rows(fold)], axis=0).max() == 0
    assert spending(alike, choice) == pytest.approx(100.0, rel=0.02)


def test_a_folds_solution_is_worth_what_its_rows_say(ground: Ground) -> None:
    solution = solve_fold(ground, 0, 100.0)
    rows = ground.rows(0)
    given = np.flatnonzero(solution.action >= 0)
    value = ground.values[rows[given], solution.action[given]].sum()
    assert solution.value == pytest.approx(value - solution.spend)
    assert solution.gap < 1e-2


def test_a_sum_that_everybody_earns_anyway_changes_no_forecast(
    shop: SimpleNamespace, planned: Planned
) -> None:
    history = shop.effects.history
    richer = replace(history, outcome=history.outcome + 5.0)
    effects = estimate(richer, seed=0, folds=3, engine=ONE)
    before = planned(budget=1e6).forecast["incremental_margin"]
    after = planned(effects=effects, budget=1e6).forecast["incremental_margin"]
    assert abs(after["point"] - before["point"]) < (before["upper"] - before["lower"]) / 4


def test_the_forecast_of_a_plan_that_matters_holds(shop: SimpleNamespace, usual: Plan) -> None:
    forecast = usual.forecast["incremental_margin"]
    se = (forecast["upper"] - forecast["lower"]) / (2 * NormalDist().inv_cdf(0.95))
    assert abs(forecast["point"] - true_total(usual, shop.truth, shop.place)) < 3 * se


def true_total(made: Plan, truth: np.ndarray, place: dict[tuple[str, object], int]) -> float:
    """What the plan's contacts truly bring in, expected over customers' luck."""
    rows = made.rows.select(["channel", "send_time"]).to_pylist()
    cells = [(n, place[row["channel"], row["send_time"]]) for n, row in enumerate(rows) if row["send_time"]]
    return float(sum(truth[cell] for cell in cells))


def covered(world: str, seed: int, read: Read) -> bool:
    """Whether the 90 % interval of a small campaign's forecast holds the truth about its contacts."""
    drawn = simulate(
        world, rows=4_000, audience=2_000, channels=("email", "sms"), send_times=(8, 18), seed=seed
    )
    history, audience = read(drawn)
    effects = estimate(history, seed=seed, folds=3, engine=ONE)
    made = plan(
        effects,
        audience,
        [Action(channel, cost=cost) for channel, cost in drawn.costs.items()],
        budget=30.0,
        overrides=frozenset({"G7", "G8", "G10"}),
        seed=seed,
        engine=ONE,
    )
    truth = np.stack([drawn.truth[arm.label].to_numpy() for arm in drawn.actions], axis=1)
    place = {(arm.channel, arm.send_time): a for a, arm in enumerate(drawn.actions)}
    forecast = made.forecast["incremental_margin"]
    return bool(forecast["lower"] <= true_total(made, truth, place) <= forecast["upper"])


def test_forecasts_of_small_campaigns_hold_as_often_as_they_say(read: Read) -> None:
    hits = sum(covered("sleeping_dogs", seed, read) for seed in range(12))
    assert hits >= 8, f"{hits} of 12 intervals of 90 % hold the truth"


@pytest.mark.slow
@pytest.mark.parametrize("world", ["rich", "sleeping_dogs", "steps"])
def test_forecasts_hold_as_often_as_they_say(world: str, read: Read) -> None:
    hits = sum(covered(world, seed, read) for seed in range(100, 200))
    print(f"{world}: {hits} of 100 intervals of 90 % hold the truth")
    # At 90 % fewer than 80 hits have a chance of 1 in 1,000.
    assert hits >= 80
