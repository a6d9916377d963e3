"""Why customers are not contacted, and the probability with which everybody was given what they got."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from policies import Action, Segment
from policies.planner import Plan
from uplift.effects import Effects

Planned = Callable[..., Plan]
ALIKE = frozenset({"G7", "G8"})


def contacted(rows: pd.DataFrame) -> pd.Series:
    return rows["reason"] == "contacted"


def test_with_money_for_everybody_who_is_not_held_out_only_worth_decides(planned: Planned) -> None:
    plan = planned(budget=1e6)
    rows, values = plan.to_pandas(), plan.values.to_pandas().set_index("customer_id")
    assert set(rows["reason"]) == {"contacted", "holdout", "not_worth_it"}
    scale = (
        plan.summary["forecast"]["incremental_margin"]["point"]
        / plan.summary["model_score"]["incremental_margin"]
    )
    net = (values / scale - np.array([0.5, 0.5, 2.0, 2.0])).max(axis=1).to_numpy()
    assert (net[rows["reason"] == "not_worth_it"] <= 1e-4).all()
    assert (net[contacted(rows)] >= -1e-4).all()


def test_a_binding_budget_is_why_others_are_left_out(usual: Plan) -> None:
    assert set(usual.to_pandas()["reason"]) == {"contacted", "holdout", "not_worth_it", "budget"}


@pytest.mark.parametrize("alike", [False, True], ids=["by effect", "all alike"])
def test_a_capacity_is_why_others_are_left_out_where_money_is_not(
    alike: bool,
    planned: Planned,
    blurred: Effects,
) -> None:
    actions = (Action("email", capacity=140), Action("sms", capacity=150))
    plan = planned(actions=actions, budget=1e6, overrides=ALIKE, **({"effects": blurred} if alike else {}))
    assert plan.summary["personalised"] is not alike
    found = plan.summary["reasons"]
    assert set(found) == {"contacted", "holdout", "capacity", *([] if alike else ["not_worth_it"])}
    assert found["contacted"] <= 290


def test_a_segments_cap_is_a_capacity_for_its_customers_only(planned: Planned, shop: SimpleNamespace) -> None:
    plan = planned(budget=1e6, constraints=[Segment("tier = 'gold'", max_contacts=20)])
    rows = plan.to_pandas()
    gold = np.array(shop.table["tier"].to_pylist()) == "gold"
    assert set(rows["reason"][gold]) == {"contacted", "holdout", "not_worth_it", "capacity"}
    assert set(rows["reason"][~gold]) == {"contacted", "holdout", "not_worth_it"}
    assert contacted(rows)[gold].sum() == 20


def test_without_consent_to_any_action_the_reason_is_consent(planned: Planned, shop: SimpleNamespace) -> None:
    plan = planned(actions=(Action("email", cost=0.5, consent="may_email"),), budget=1e6, overrides=ALIKE)
    rows = plan.to_pandas()
    barred = np.array([agreed is not True for agreed in shop.table["may_email"].to_pylist()])
    assert set(rows["reason"][barred]) == {"no_consent", "holdout"}
    assert "no_consent" not in set(rows["reason"][~barred])


def test_no_budget_is_a_budget_that_is_too_small(planned: Planned) -> None:
    found = planned(budget=0.0).summary["reasons"]
    assert set(found) == {"budget", "holdout", "not_worth_it"}


def test_probabilities_are_probabilities_and_those_of_contacts_are_that_of_not_being_held_out(
    usual: Plan,
) -> None:
    rows = usual.to_pandas()
    assert rows["probability"].between(0.0, 1.0).all()
    assert rows["probability"][contacted(rows)].to_numpy() == pytest.approx(0.95)


def test_the_held_out_are_counted_as_what_they_would_have_been_given(usual: Plan) -> None:
    rows = usual.to_pandas()
    held = rows[rows["reason"] == "holdout"]
    assert set(held["probability"].round(6)) == {0.05, 1.0}
    # As many of them would have been contacted as of the others, give or take.
    assert (held["probability"] < 0.5).mean() == pytest.approx(contacted(rows).mean(), abs=0.2)


def test_customers_who_draw_lots_all_have_the_same_chances(planned: Planned, blurred: Effects) -> None:
    plan = planned(effects=blurred, budget=150.0)
    assert plan.summary["personalised"] is False
    rows = plan.to_pandas()
    share = contacted(rows).mean()
    assert 0.1 < share < 0.9
    assert rows["probability"][contacted(rows)].to_numpy() == pytest.approx(share)
    assert rows["probability"][~contacted(rows)].to_numpy() == pytest.approx(1 - share)


def test_those_who_differ_in_cost_draw_lots_among_their_kind(
    planned: Planned, blurred: Effects, shop: SimpleNamespace
) -> None:
    rows = planned(
        effects=blurred, actions=(Action("email", consent="may_email", cost=0.5),), budget=150.0
    ).to_pandas()
    agreed = np.array([answer is True for answer in shop.table["may_email"].to_pylist()])
    assert (rows["probability"][~agreed] == 1.0).all()
    share = contacted(rows).sum() / agreed.sum()
    # The held-out among those who agreed are not exactly as many as among all.
    assert rows["probability"][contacted(rows)].to_numpy() == pytest.approx(share, abs=0.02)
    others = rows[agreed & ~contacted(rows)]
    assert others["probability"].to_numpy() == pytest.approx(1 - rows["probability"][contacted(rows)].iloc[0])


def test_the_chances_of_a_lot_are_how_often_it_is_won(planned: Planned, blurred: Effects) -> None:
    draws = 12
    won = [contacted(planned(effects=blurred, budget=150.0, seed=seed).to_pandas()) for seed in range(draws)]
    often, chance = np.mean(won, axis=0), np.mean(won)
    assert np.std(often) == pytest.approx(np.sqrt(chance * (1 - chance) / draws), rel=0.2)
