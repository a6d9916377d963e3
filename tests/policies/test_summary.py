"""summary.json: every number said once, in cents, adding up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from policies import Action, Segment
from policies.money import cents, exact_sum
from policies.planner import Plan

Planned = Callable[..., Plan]
NAMED = {
    *(
        "currency",
        "budget",
        "spend",
        "contacts",
        "holdout",
        "audience",
        "forecast",
        "model_score",
        "comparison",
    ),
    *(
        "optimality",
        "prices",
        "by_action",
        "frontier",
        "learner",
        "findings",
        "overrides",
        "refused",
        "reasons",
    ),
    *(
        "deciles",
        "calibration",
        "average_effects",
        "candidates",
        "response_model",
        "personalised",
        "assumptions",
    ),
}
ENDS = ("point", "lower", "upper")
CAPPED = Action("email", cost=0.5, capacity=150, send_time_capacity={18: 90}, consent="may_email")


def whole(amount: float) -> int:
    """The number of cents of an amount, which must be in cents."""
    assert amount == cents(amount)
    return round(amount * 100)


KINDS = (
    "usual",
    "caps",
    "response costs",
    "own costs",
    "all alike",
    "nobody",
    "forced loss",
    "against the evidence",
)


@pytest.fixture(scope="module", params=KINDS)
def plan(request: pytest.FixtureRequest, planned: Planned, shop: SimpleNamespace) -> Plan:
    """Plans of several kinds, of which the same must hold."""
    wild = frozenset({"G7", "G8", "G10", "G13"})
    if request.param == "usual":
        return planned()
    if request.param == "nobody":
        return planned(budget=0.0)
    if request.param == "all alike":
        return planned(effects=request.getfixturevalue("blurred"), budget=111.11)
    if request.param == "forced loss":
        lost = "age > 45 AND loyalty < 0.45"
        limits = [Segment(lost, min_contacts=150), Segment(f"NOT ({lost})", max_contacts=0)]
        return planned(actions=(Action("sms", cost=2.0),), constraints=limits, overrides=wild)
    if request.param == "against the evidence":
        return planned(effects=replace(shop.effects, scores=-shop.effects.scores), overrides=wild)
    wild = frozenset({"G7", "G8"})
    settings: dict[str, dict[str, object]] = {
        "caps": {"actions": (CAPPED, Action("sms", cost=2.0, max_spend=211.0))},
        "response costs": {"actions": (Action("email", cost=0.1, response_cost=3.0),), "budget": 300.0},
        "own costs": {"actions": (Action("email", cost_column="postage"),), "budget": 100.0},
    }
    return planned(**settings[request.param], overrides=wild)


def test_it_is_json_and_names_all_that_is_promised(plan: Plan) -> None:
    assert set(plan.summary) >= NAMED
    assert json.loads(json.dumps(plan.summary, allow_nan=False)) == plan.summary


def test_the_rows_add_up_to_spend_and_contacts(plan: Plan) -> None:
    summary, rows = plan.summary, plan.to_pandas()
    contacted = rows["reason"] == "contacted"
    assert cents(exact_sum(rows["cost"].to_numpy())) == summary["spend"] <= summary["budget"]
    assert int(contacted.sum()) == summary["contacts"]
    assert len(rows) == summary["audience"] == sum(summary["reasons"].values())
    assert rows["reason"].value_counts().to_dict() == summary["reasons"]
    assert summary["reasons"].get("holdout", 0) == summary["holdout"]


def test_the_rows_add_up_to_the_forecast(plan: Plan) -> None:
    total = cents(float(plan.to_pandas()["uplift"].sum()))
    assert total == plan.forecast["incremental_margin"]["point"]


def test_the_actions_add_up_to_the_totals(plan: Plan) -> None:
    summary, rows = plan.summary, plan.to_pandas()
    parts = summary["by_action"]
    assert sum(part["contacts"] for part in parts) == summary["contacts"]
    assert sum(whole(part["spend"]) for part in parts) == whole(summary["spend"])
    margin = summary["forecast"]["incremental_margin"]["point"]
    assert sum(whole(part["incremental_margin"]) for part in parts) == whole(margin)
    given = rows[rows["reason"] == "contacted"].groupby(["channel", "send_time"])
    assert len(parts) == len(given)
    for part in parts:
        mine = given.get_group((part["channel"], part["send_time"]))
        assert part["contacts"] == len(mine)
        assert part["spend"] == pytest.approx(mine["cost"].sum(), abs=0.011)
        assert part["incremental_margin"] == pytest.approx(mine["uplift"].sum(), abs=0.011)


def test_profit_is_margin_less_spend_and_roi_is_profit_per_cost(plan: Plan) -> None:
    forecast, spend = plan.forecast, plan.summary["spend"]
    for end in ENDS:
        profit = forecast["profit"][end]
        assert whole(profit) == whole(forecast["incremental_margin"][end]) - whole(spend)
        assert forecast["roi"][end] == (profit / spend if spend else None)
    assert forecast["profit"]["lower"] <= forecast["profit"]["point"] <= forecast["profit"]["upper"]


def test_the_comparison_says_of_the_plan_what_the_forecast_says(plan: Plan) -> None:
    summary = plan.summary
    found = {row["policy"]: row for row in summary["comparison"]}
    assert list(found) == ["plan", "response_score", "everybody", "random", "nobody"]
    own, nobody = found["plan"], found["nobody"]
    assert (own["spend"], own["contacts"]) == (summary["spend"], summary["contacts"])
    for end in ENDS:
        assert own["incremental_margin"][end] == summary["forecast"]["incremental_margin"][end]
        assert own["profit"][end] == nobody["plan_minus_this"][end] == summary["forecast"]["profit"][end]
        assert own["plan_minus_this"][end] == nobody["profit"][end] == 0.0


def test_every_lead_is_a_difference_of_profits_to_the_cent(plan: Plan) -> None:
    rows = plan.summary["comparison"]
    for row in rows:
        lead = rows[0]["profit"]["point"] - row["profit"]["point"]
        assert row["plan_minus_this"]["point"] == pytest.approx(lead, abs=0.011)
        assert row["profit"]["point"] == pytest.approx(
            row["incremental_margin"]["point"] - row["spend"], abs=1e-6
        )
        assert row["spend"] <= plan.summary["budget"] + 0.005
        assert row["in_words"]


def test_the_curve_rises_in_budget_and_passes_through_the_plan(plan: Plan) -> None:
    points, budget = plan.frontier, plan.summary["budget"]
    budgets = [point["budget"] for point in points]
    assert budgets == sorted(set(budgets))
    assert points[0]["budget"] == points[0]["spend"] == 0.0
    for point in points:
        assert point["spend"] <= point["budget"] + 0.005
        assert whole(point["profit"]) == whole(point["incremental_margin"]) - whole(point["spend"])
        assert point["roi"] == (point["profit"] / point["spend"] if point["spend"] else None)
        assert point["lower"] <= point["profit"] <= point["upper"]
        assert point["marginal_roi"] >= 0
    own = [plan.forecast["profit"][end] for end in ENDS]
    assert own in [[point[end] for end in ("profit", "lower", "upper")] for point in points]
    for point in points:
        if point["budget"] == budget:
            assert point["spend"] == plan.summary["spend"]


def test_the_models_promise_is_told_only_beside_the_forecast(plan: Plan) -> None:
    score, margin = plan.summary["model_score"], plan.forecast["incremental_margin"]["point"]
    if margin:
        assert score["ratio_to_forecast"] == pytest.approx(
            score["incremental_margin"] / margin, rel=1e-3, abs=1e-3
        )


def test_deciles_fall_in_prediction_and_cover_the_history(plan: Plan) -> None:
    rows = plan.summary["deciles"]
    assert [row["decile"] for row in rows] == list(range(1, 11))
    assert sum(row["n"] for row in rows) == plan.forecast["rows"]
    assert [row["predicted"] for row in rows] == sorted((row["predicted"] for row in rows), reverse=True)


def words(plan: Plan, rule: str) -> dict[str, Any]:
    return next(price for price in plan.prices if price["rule"] == rule)


def test_the_price_of_a_binding_budget_is_what_the_next_unit_returns(usual: Plan) -> None:
    price = words(usual, "budget")
    assert price["binding"]
    assert price["in_words"] == f"one more unit of budget returns {price['price']:,.2f} more profit"
    here = next(point for point in usual.frontier if point["budget"] == usual.summary["budget"])
    assert price["price"] == pytest.approx(here["marginal_roi"], rel=0.1)


def test_a_budget_that_is_not_used_up_has_no_price(planned: Planned) -> None:
    price = words(planned(budget=1e6), "budget")
    assert (price["price"], price["binding"]) == (0.0, False)
    assert "every contact worth its cost is paid for" in price["in_words"]


def test_a_budget_of_nothing_is_not_said_to_pay_for_everything(planned: Planned) -> None:
    assert words(planned(budget=0.0), "budget")["in_words"] == "a budget of 0 pays for no contact"


def test_prices_of_limits_say_what_one_more_would_bring(planned: Planned) -> None:
    actions = (
        Action("email", cost=0.5, capacity=150, send_time_capacity={8: 5_000}),
        Action("sms", cost=2.0, min_spend=1_200.0),
    )
    plan = planned(actions=actions, budget=2_000.0)
    cap, room, floor = (
        words(plan, name) for name in ("email capacity", "email 8 capacity", "sms minimum spend")
    )
    assert cap["price"] > 0
    assert cap["in_words"] == f"one more contact of email capacity returns {cap['price']:,.2f} more profit"
    assert room["price"] == 0.0
    assert room["in_words"].startswith("email 8 capacity is not in the way")
    assert floor["price"] < 0
    assert floor["in_words"].startswith("the last unit of money that sms minimum spend asks for costs ")


def test_what_was_assumed_is_written_down(planned: Planned) -> None:
    plan = planned(holdout=0.1, level=0.8, min_roi=0.0, risk_aversion=0.25, seed=9, currency="EUR")
    found = plan.summary["assumptions"]
    asked = {"holdout": 0.1, "level": 0.8, "min_roi": 0.0, "risk_aversion": 0.25, "seed": 9}
    assert {name: found[name] for name in asked} == asked
    assert (found["probabilities"], found["outcome"], plan.summary["currency"]) == ("known", "margin", "EUR")
    assert (found["costs"], found["response_costs"]) == ({"email": 0.5, "sms": 2.0}, {})


def test_costs_of_all_kinds_are_among_the_assumptions(planned: Planned) -> None:
    wild = frozenset({"G7", "G8"})
    own = planned(actions=(Action("email", cost_column="postage"),), budget=100.0, overrides=wild)
    paid = planned(actions=(Action("email", cost=0.1, response_cost=3.0),), budget=300.0, overrides=wild)
    assert own.summary["assumptions"]["costs"] == {"email": "column postage"}
    assert paid.summary["assumptions"]["response_costs"] == {"email": 3.0}


def test_intervals_are_at_the_level_asked_for(usual: Plan, planned: Planned) -> None:
    wide = planned(level=0.99).forecast
    for name in ("incremental_margin", "profit", "roi"):
        assert (usual.forecast[name]["level"], wide[name]["level"]) == (0.9, 0.99)
        assert wide[name]["point"] == usual.forecast[name]["point"]
        assert wide[name]["lower"] < usual.forecast[name]["lower"]
        assert wide[name]["upper"] > usual.forecast[name]["upper"]


def test_the_forecast_says_how_it_was_made(usual: Plan, shop: SimpleNamespace) -> None:
    found = usual.forecast
    assert (found["method"], found["rows"], found["folds"]) == ("cross-fitted AIPW", 8_000, 3)
    assert 200 <= found["ess"] <= 8_000
    assert np.isfinite(found["incremental_margin"]["point"])
