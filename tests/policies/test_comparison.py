from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Rule
from policies.comparison import (
    Cap,
    Compared,
    best_on_average,
    caps,
    compare,
    everybody,
    moved,
    random,
    response_score,
    thinned,
)
from policies.forecast import Ground, choose, spending, totals
from uplift.engines.local import LocalEngine
from uplift.estimates import Estimate
from uplift.evaluation import average_effects

same = settings(derandomize=True, deadline=None, max_examples=100)
ONE = LocalEngine(1)
SIMPLE = [response_score, everybody, random]
BUDGETS = [0.0, 40.0, 300.0, 1e6]


def limited(ground: Ground, *rules: Rule) -> Ground:
    return replace(ground, terms=replace(ground.terms, rules=rules))


def compared(ground: Ground, budget: float) -> dict[str, Compared]:
    plan = choose(ground, budget, ONE)
    found = compare(ground, plan, spending(ground, plan), budget, level=0.9, engine=ONE)
    return {item.policy: item for item in found}


@pytest.mark.parametrize("policy", SIMPLE)
@pytest.mark.parametrize("budget", BUDGETS)
def test_a_simpler_policy_keeps_the_budget_and_gives_one_action_at_most(
    policy: type, budget: float, ground: Ground
) -> None:
    choice = policy(ground, budget)
    assert choice.min() >= 0
    assert choice.sum(axis=1).max() <= 1 + 1e-6
    assert spending(ground, choice) <= budget * (1 + 1e-6)


@pytest.mark.parametrize("policy", SIMPLE)
def test_a_simpler_policy_keeps_the_plans_caps_and_consents(policy: type, ground: Ground) -> None:
    young = pc.less(ground.effects.history.features["age"], 40).to_numpy()
    rules = [
        Rule("cap", actions=[0, 1], at_most=80),
        Rule("young", customers=young, at_most=30),
        Rule("sms", of="cost", actions=[2, 3], at_most=25.0),
        Rule("floor", actions=[2], at_least=500),
    ]
    eligible = np.random.default_rng(0).random(ground.values.shape) < 0.7
    there = replace(ground, terms=replace(ground.terms, rules=tuple(rules), eligible=eligible))
    choice = policy(there, 300.0)
    assert not (choice[~eligible] > 0).any()
    scale = len(choice) / 1_000
    assert choice[:, :2].sum() <= 80 * scale * (1 + 1e-6)
    assert choice[young].sum() <= 30 * scale * (1 + 1e-6)
    assert (choice[:, 2:] * ground.costs[:, 2:]).sum() <= 25 * scale * (1 + 1e-6)


def test_the_best_action_on_average_is_what_the_other_folds_say(ground: Ground) -> None:
    for fold in range(ground.folds):
        profit = ground.effects.uniform[fold] - np.array([0.5, 0.5, 2.0, 2.0])
        assert best_on_average(ground, fold) == profit.argmax()
    dear = replace(ground, costs=ground.costs + np.where(np.arange(4) == 2, 0.0, 1e3))
    assert best_on_average(dear, 0) == 2
    none = replace(
        ground, terms=replace(ground.terms, eligible=np.tile([True, False, False, False], (8_000, 1)))
    )
    assert best_on_average(none, 0) == 0


def test_everybody_without_limits_earns_what_the_best_action_of_each_fold_does(ground: Ground) -> None:
    effects = ground.effects
    best = np.array([best_on_average(ground, fold) for fold in range(ground.folds)])[effects.fold]
    found = totals(ground, everybody(ground, 1e6), level=0.9)
    assert found.point == pytest.approx(1_000 * effects.scores[np.arange(len(best)), best].mean())
    half = totals(ground, everybody(ground, spending(ground, everybody(ground, 1e6)) / 2), level=0.9)
    assert half.point == pytest.approx(found.point / 2, rel=1e-3)


def test_random_without_limits_earns_the_mean_of_all_average_effects(ground: Ground) -> None:
    effects = [item.effect.point for item in average_effects(ground.effects)]
    assert totals(ground, random(ground, 1e6), level=0.9).point == pytest.approx(1_000 * np.mean(effects))


def test_the_likeliest_buyers_come_first(ground: Ground) -> None:
    choice = response_score(ground, 150.0)
    for fold in range(ground.folds):
        rows = ground.rows(fold)
        chosen = choice[rows].sum(axis=1) > 0
        score = ground.effects.response_score[rows]
        assert 0 < chosen.sum() < len(rows)
        assert score[chosen].min() >= score[~chosen].max()


def test_the_plan_stands_beside_four_simpler_policies(ground: Ground) -> None:
    found = compared(ground, 300.0)
    assert list(found) == ["plan", "response_score", "everybody", "random", "nobody"]
    plan, nobody = found["plan"], found["nobody"]
    assert (nobody.spend, nobody.contacts, nobody.margin.point, nobody.profit.se) == (0.0, 0, 0.0, 0.0)
    assert nobody.plan_minus_this.point == pytest.approx(plan.profit.point)
    assert nobody.plan_minus_this.se == pytest.approx(plan.profit.se)
    assert (plan.plan_minus_this.point, plan.plan_minus_this.se) == (0.0, 0.0)


def test_a_lead_is_the_difference_of_profits_and_profit_is_margin_less_spend(ground: Ground) -> None:
    found = compared(ground, 300.0)
    for item in found.values():
        assert item.profit.point == pytest.approx(item.margin.point - item.spend)
        assert item.plan_minus_this.point == pytest.approx(found["plan"].profit.point - item.profit.point)
        assert item.plan_minus_this.se <= found["plan"].profit.se + item.profit.se + 1e-9


def test_where_customers_differ_choosing_by_effect_wins(ground: Ground) -> None:
    leads = {name: item.plan_minus_this.lower for name, item in compared(ground, 300.0).items()}
    assert min(leads[name] for name in ("response_score", "everybody", "random", "nobody")) > 0


def test_every_cap_is_scaled_to_the_rows_and_the_budget_comes_last(ground: Ground) -> None:
    rows = ground.rows(0)
    scale = len(rows) / 1_000
    found = caps(
        limited(ground, Rule("cap", actions=[1], at_most=80), Rule("floor", at_least=5)), rows, 300.0
    )
    assert [cap.most for cap in found] == pytest.approx([80 * scale, 300 * scale])
    assert found[0].takes.sum(axis=0).tolist() == [0.0, len(rows), 0.0, 0.0]
    assert (found[1].takes == ground.costs[rows]).all()


@given(st.integers(0, 10_000), st.floats(0.01, 20.0), st.floats(0.01, 20.0))
@same
def test_thinning_keeps_all_caps_and_leaves_those_alone_that_keep_them(
    seed: int, first: float, second: float
) -> None:
    rng = np.random.default_rng(seed)
    share = rng.random((12, 3)) / 3
    limits = [Cap(rng.random((12, 3)) * (rng.random((12, 3)) < 0.5), most) for most in (first, second)]
    found = thinned(share, limits)
    assert (found <= share).all()
    assert all((found * cap.takes).sum() <= cap.most * (1 + 1e-9) for cap in limits)
    if all((share * cap.takes).sum() <= cap.most for cap in limits):
        assert (found == share).all()


def test_a_known_amount_moves_an_interval_and_leaves_its_width() -> None:
    before = Estimate.normal(10.0, 2.0, level=0.8, n=7)
    after = moved(before, -3.0)
    assert (after.point, after.se, after.level, after.n) == (7.0, 2.0, 0.8, 7)
    assert after.upper - after.lower == pytest.approx(before.upper - before.lower)
