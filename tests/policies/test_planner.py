"""Plans from end to end: what is promised of their rows, the limits they keep, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import policies
import uplift
from policies import Action, Infeasible, Rule, Segment
from policies.planner import Plan
from uplift.effects import Effects
from uplift.engines.local import LocalEngine
from uplift.errors import DataError, SettingError
from uplift.findings import Finding
from uplift.history import Audience

Planned = Callable[..., Plan]
COLUMNS = ["customer_id", "channel", "send_time", "cost", "uplift", "uplift_se", "reason", "probability"]
# Small plans are given to few customers of the history; these tests are about other things.
WILD = frozenset({"G7", "G8"})


def contacts(plan: Plan) -> pd.DataFrame:
    rows = plan.to_pandas()
    return rows[rows["reason"] == "contacted"]


def verdicts(plan: Plan) -> dict[str, str]:
    return {finding["code"]: finding["verdict"] for finding in plan.summary["findings"]}


# Rows ----------------------------------------------------------------------------------------------------------


def test_there_is_a_row_for_every_customer_as_it_was_given(usual: Plan, shop: SimpleNamespace) -> None:
    assert usual.rows.column_names == COLUMNS
    assert usual.rows["customer_id"].to_pylist() == shop.table["customer_id"].to_pylist()
    assert usual.rows.schema.field("customer_id").type == pa.string()
    assert usual.rows.schema.field("send_time").type == pa.int64()
    assert usual.refused is None


def test_who_is_not_contacted_gets_the_control_and_costs_and_brings_nothing(usual: Plan) -> None:
    rows = usual.to_pandas()
    left = rows[rows["reason"] != "contacted"]
    assert set(left["channel"]) == {"none"}
    assert left["send_time"].isna().all()
    assert (left[["cost", "uplift", "uplift_se"]] == 0).all(axis=None)


def test_who_is_contacted_gets_a_channel_at_a_time_and_its_price(usual: Plan) -> None:
    given = contacts(usual)
    assert set(given["channel"]) <= {"email", "sms"}
    assert set(given["send_time"]) <= {8, 18}
    assert (given["cost"] == given["channel"].map({"email": 0.5, "sms": 2.0})).all()
    assert (given["uplift_se"] > 0).all()


def test_what_every_action_would_bring_is_kept_on_the_scale_of_the_rows(usual: Plan) -> None:
    assert usual.values.column_names == ["customer_id", "email 8", "email 18", "sms 8", "sms 18"]
    values = usual.values.to_pandas().set_index("customer_id")
    given = contacts(usual)
    labels = given["channel"] + " " + given["send_time"].astype(int).astype(str)
    chosen = [values.loc[row, label] for row, label in zip(given["customer_id"], labels, strict=True)]
    assert chosen == pytest.approx(given["uplift"].tolist(), rel=1e-5)


def test_where_effects_are_strong_the_right_customers_get_the_right_action(
    usual: Plan, shop: SimpleNamespace
) -> None:
    rows = usual.to_pandas()
    young, loyal = shop.table["age"].to_numpy() < 40, shop.table["loyalty"].to_numpy() > 0.5
    sms, email = rows["channel"] == "sms", rows["channel"] == "email"
    assert young[sms].mean() > 0.95
    assert loyal[email].mean() > 0.95
    assert (contacts(usual)["send_time"] == 18).mean() > 0.9


# Holdout -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "held"), [(0.0, 0), (0.5, 750)])
def test_the_share_asked_for_is_held_out(share: float, held: int, planned: Planned) -> None:
    plan = planned(holdout=share, overrides=WILD)
    assert plan.summary["holdout"] == held == (plan.to_pandas()["reason"] == "holdout").sum()
    assert plan.summary["contacts"] > 0


def test_the_holdout_is_drawn_by_the_seed_and_by_nothing_else(planned: Planned, usual: Plan) -> None:
    def held(plan: Plan) -> set[str]:
        rows = plan.to_pandas()
        return set(rows["customer_id"][rows["reason"] == "holdout"])

    cheap = (Action("email"), Action("sms"))
    assert held(planned(seed=0, actions=cheap, budget=10.0, overrides=WILD)) == held(usual)
    other = held(planned(seed=1))
    assert len(other & held(usual)) < 20  # 75 of 1,500 each: 3.75 in common by chance


def test_the_holdout_does_not_depend_on_what_customers_are_like(usual: Plan, shop: SimpleNamespace) -> None:
    held = (usual.to_pandas()["reason"] == "holdout").to_numpy()
    for name in ("age", "loyalty"):
        column = shop.table[name].to_numpy()
        error = column.std() / np.sqrt(held.sum())
        assert abs(column[held].mean() - column.mean()) < 4 * error


def test_a_holdout_that_leaves_nobody_is_refused(planned: Planned, shop: SimpleNamespace) -> None:
    few = Audience.from_table(shop.table.slice(0, 3), customer="customer_id")
    with pytest.raises(SettingError, match=r"A holdout of 0\.9 keeps all 3 customers out"):
        planned(audience=few, holdout=0.9)


# Limits --------------------------------------------------------------------------------------------------------


def test_capacities_and_consent_are_kept(planned: Planned, shop: SimpleNamespace) -> None:
    email = Action("email", cost=0.5, capacity=150, send_time_capacity={18: 90}, consent="may_email")
    plan = planned(actions=(email, Action("sms", cost=2.0, max_spend=211.0)), overrides=WILD)
    rows = plan.to_pandas()
    mail = rows["channel"] == "email"
    assert 0 < mail.sum() <= 150
    assert (mail & (rows["send_time"] == 18)).sum() <= 90
    assert 200 < rows["cost"][rows["channel"] == "sms"].sum() <= 211
    agreed = [answer is True for answer in shop.table["may_email"].to_pylist()]
    assert not (mail & ~np.array(agreed)).any()


def test_floors_and_segments_are_kept(planned: Planned, shop: SimpleNamespace) -> None:
    actions = (Action("email", cost=0.5), Action("sms", cost=2.0, min_spend=1_200.0))
    segments = [Segment("tier = 'gold'", max_contacts=100), Segment("tier = 'silver'", min_contacts=450)]
    plan = planned(actions=actions, budget=2_000.0, constraints=segments)
    rows = plan.to_pandas()
    tier, given = np.array(shop.table["tier"].to_pylist()), rows["reason"] == "contacted"
    assert given[tier == "gold"].sum() <= 100
    assert given[tier == "silver"].sum() >= 450
    assert 1_200 <= rows["cost"][rows["channel"] == "sms"].sum() <= 2_000


def test_a_ready_rule_over_some_customers_is_kept(planned: Planned) -> None:
    mask = np.arange(1_500) < 700
    plan = planned(constraints=[Rule("first", customers=mask, actions=[0, 1], at_most=30)])
    rows = plan.to_pandas()
    assert 0 < (mask & (rows["channel"] == "email")).sum() <= 30
    assert (~mask & (rows["channel"] == "email")).sum() > 100


def test_nothing_to_spend_contacts_nobody_and_forecasts_nothing(planned: Planned) -> None:
    plan = planned(budget=0.0)
    assert (plan.summary["contacts"], plan.summary["spend"], plan.refused) == (0, 0.0, None)
    assert plan.forecast["incremental_margin"] == {"point": 0.0, "lower": 0.0, "upper": 0.0, "level": 0.9}
    assert plan.forecast["roi"]["point"] is None


def test_more_than_everybody_is_worth_is_not_spent(planned: Planned) -> None:
    plans = [planned(budget=budget) for budget in (1e5, 1e9)]
    assert plans[0].rows.equals(plans[1].rows)
    assert plans[0].summary["spend"] < 3_000
    assert plans[0].summary["reasons"].keys() == {"contacted", "holdout", "not_worth_it"}


def test_customers_in_another_order_are_given_the_same_where_nothing_is_drawn(
    planned: Planned, shop: SimpleNamespace
) -> None:
    order = np.random.default_rng(0).permutation(1_500)
    shuffled = Audience.from_table(shop.table.take(pa.array(order)), customer="customer_id")
    plans = [planned(audience=who, budget=1e6, holdout=0.0) for who in (shop.audience, shuffled)]
    rows = [plan.to_pandas().sort_values("customer_id", ignore_index=True) for plan in plans]
    pd.testing.assert_frame_equal(*[row[["customer_id", "channel", "send_time", "cost"]] for row in rows])


def test_what_a_response_costs_is_part_of_cost_and_spend(planned: Planned) -> None:
    plan = planned(actions=(Action("email", cost=0.1, response_cost=3.0),), budget=300.0, overrides=WILD)
    given = contacts(plan)
    # Responses are expected, between never and always.
    assert given["cost"].between(0.1, 3.1).all()
    assert given["cost"].nunique() > 10
    assert 290 < plan.summary["spend"] <= 300
    assert round(given["cost"].sum(), 2) == plan.summary["spend"]
    # 30 % respond without a contact, up to 60 % with one.
    assert 0.1 + 3.0 * 0.3 < given["cost"].mean() < 0.1 + 3.0 * 0.65


def test_costs_may_be_each_customers_own(planned: Planned, shop: SimpleNamespace) -> None:
    plan = planned(actions=(Action("email", cost_column="postage"),), budget=100.0, overrides=WILD)
    rows = plan.to_pandas()
    mail = (rows["channel"] == "email").to_numpy()
    assert rows["cost"][mail].tolist() == shop.table["postage"].to_numpy()[mail].tolist()
    assert 95 < plan.summary["spend"] <= 100


def test_an_action_that_has_no_price_is_never_planned(planned: Planned) -> None:
    plan = planned(actions=(Action("email", cost=0.5), Action("sms 8", cost=2.0)))
    given = contacts(plan)
    assert not ((given["channel"] == "sms") & (given["send_time"] == 18)).any()
    assert planned(actions=()).summary["contacts"] == 0


def test_aversion_to_risk_contacts_fewer(planned: Planned) -> None:
    numbers = [planned(budget=1e6, risk_aversion=kappa).summary["contacts"] for kappa in (0.0, 1.0, 5.0)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] < numbers[0]


def test_a_minimum_return_is_kept_and_costs_contacts(planned: Planned) -> None:
    free, strict = planned(budget=1e6), planned(budget=1e6, min_roi=12.0)
    assert strict.summary["contacts"] < free.summary["contacts"]
    promised = strict.summary["model_score"]["incremental_margin"]
    assert promised >= (1 + 12.0) * strict.summary["spend"] - 0.01
    assert strict.prices[-1]["rule"] == "minimum ROI"


def test_limits_that_no_plan_can_keep_are_named(planned: Planned) -> None:
    actions = (Action("email", cost=0.5), Action("sms", cost=2.0, min_spend=900.0))
    with pytest.raises(Infeasible, match=r"'sms minimum spend' \(at least 900\).*'budget' \(at most 300\)"):
        planned(actions=actions, budget=300.0)


def test_an_unknown_channel_is_refused_with_a_guess(planned: Planned) -> None:
    with pytest.raises(SettingError, match=r"no channel 'emial' .*Did you mean 'email'\?"):
        planned(actions=(Action("emial", cost=0.5),))


def test_an_audience_without_a_feature_is_refused(planned: Planned, shop: SimpleNamespace) -> None:
    less = Audience.from_table(shop.table.drop_columns(["age"]), customer="customer_id")
    with pytest.raises(DataError, match=r"lacks the feature columns \['age'\]"):
        planned(audience=less)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"budget": -1.0}, "The budget is -1.0"),
        ({"budget": float("nan")}, "The budget is nan"),
        ({"holdout": 1.0}, "The holdout is 1.0"),
        ({"level": 1.0}, "The level is 1.0"),
        ({"level": 90}, "The level is 90"),
        ({"risk_aversion": -0.1}, "risk_aversion is -0.1"),
        ({"min_roi": float("nan")}, "min_roi is nan"),
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, float], message: str, planned: Planned) -> None:
    with pytest.raises(SettingError, match=message):
        planned(**setting)


# Evidence ------------------------------------------------------------------------------------------------------


def test_where_nothing_works_nothing_is_spent_or_the_plan_is_refused(idle: SimpleNamespace) -> None:
    for overrides in (frozenset[str](), frozenset({"G10"})):
        plan = policies.plan(
            idle.effects, idle.audience, idle.actions, budget=50.0, overrides=overrides, engine=LocalEngine(1)
        )
        if plan.summary["contacts"]:
            assert plan.refused is not None
            assert "G8: The forecast of profit is" in plan.refused
            assert plan.rows.num_rows == 0
            assert plan.summary["refused"] == plan.refused
        else:
            assert plan.forecast["profit"]["point"] == 0.0


def test_an_override_plans_all_the_same_and_says_so(idle: SimpleNamespace) -> None:
    plan = policies.plan(
        idle.effects,
        idle.audience,
        idle.actions,
        budget=50.0,
        overrides=frozenset({"G7", "G8", "G10"}),
        engine=LocalEngine(1),
    )
    assert plan.refused is None
    assert plan.summary["overrides"] == ["G10", "G7", "G8"]
    assert len(plan.rows) == 1_000
    assert plan.summary["contacts"] == 0 or verdicts(plan)["G8"] in ("ok", "overridden")


def test_without_evidence_of_differences_all_are_treated_alike(planned: Planned, blurred: Effects) -> None:
    plan = planned(effects=blurred, budget=150.0)
    assert plan.summary["personalised"] is False
    assert verdicts(plan)["G10"] == "fallback"
    given = contacts(plan)
    assert given.groupby(["channel", "send_time"])["uplift"].nunique().max() == 1
    assert len(given) == 300  # at 0.50 each


def test_an_override_personalises_all_the_same(planned: Planned, blurred: Effects) -> None:
    plan = planned(effects=blurred, budget=300.0, overrides=frozenset({"G10", "G7", "G8"}))
    assert verdicts(plan)["G10"] == "overridden"
    # What was planned with is the customers' own effects, unless treating all alike earned more on held-out ones.
    fell_back = any(finding["verdict"] == "fallback" for finding in plan.summary["findings"])
    assert plan.summary["personalised"] is not fell_back


def test_a_plan_that_few_were_given_is_refused(planned: Planned) -> None:
    plan = planned(budget=20.0)
    assert plan.refused is not None
    assert plan.refused.startswith("G7: ")
    assert (plan.rows.num_rows, plan.values.num_rows) == (0, 0)


def test_a_shifted_audience_reweights_the_history(
    planned: Planned, shop: SimpleNamespace, usual: Plan
) -> None:
    older = shop.table.set_column(1, "age", pa.array(np.minimum(shop.table["age"].to_numpy() * 0.5 + 45, 79)))
    plan = planned(audience=older, overrides=WILD)
    assert verdicts(plan)["G13"] in ("warn", "refuse")
    assert plan.forecast["ess"] < usual.forecast["ess"]
    assert plan.summary["assumptions"]["audience"].startswith("history reweighted (AUC 0.")


def test_the_historys_own_customers_can_be_planned_for(planned: Planned, shop: SimpleNamespace) -> None:
    plan = planned(audience=Audience.of(shop.effects.history), budget=3_000.0)
    assert plan.refused is None
    assert len(plan.rows) == 8_000
    assert verdicts(plan)["G13"] == "ok"


def test_findings_about_the_history_are_kept_first(planned: Planned) -> None:
    mine = Finding("G2", "warn", "A split that is a little off.", 0.005, 0.01)
    plan = planned(findings=(mine,))
    assert plan.summary["findings"][0] == mine.to_dict()


def test_a_finding_that_refuses_refuses_the_plan(planned: Planned) -> None:
    bad = Finding("G2", "refuse", "A split that is far off.", 1e-9, 0.001, "Find out why.")
    assert planned(findings=(bad,)).refused == "G2: A split that is far off. Find out why."
    assert planned(findings=(bad,), overrides=frozenset({"G2"})).refused is None


# The whole -----------------------------------------------------------------------------------------------------


def test_progress_is_told_in_words(planned: Planned) -> None:
    told: list[tuple[str, int, int]] = []
    planned(progress=lambda *step: told.append(step))
    steps = list(dict.fromkeys(words for words, _, _ in told))
    assert steps[0] == "scoring the audience"
    assert steps[-1] == "drawing the budget curve"
    assert all(0 <= done < total for _, done, total in told)


def test_one_column_of_arms_is_called_arm(shop: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 3, 3_000)
    older = rng.random(3_000) < 0.5
    spend = rng.gamma(2.0, 2.0, 3_000) + np.where(older, 3.0, 1.0) * np.array([0.0, 1.0, 2.0])[arm]
    frame = pd.DataFrame(
        {"older": older, "arm": np.array(["No E-Mail", "Mens", "Womens"])[arm], "spend": spend}
    )
    history = uplift.History.from_pandas(
        frame, treatment="arm", control="No E-Mail", outcome="spend", margin=0.4
    )
    effects = uplift.estimate(history, folds=3, engine=LocalEngine(1))
    actions = (Action("Mens", cost=0.1), Action("Womens", cost=0.2))
    plan = policies.plan(effects, Audience.of(history), actions, budget=400.0, engine=LocalEngine(1))
    assert plan.rows.column_names == ["customer_id", "arm", *COLUMNS[3:]]
    rows = plan.to_pandas()
    assert rows["customer_id"].tolist()[:3] == ["1", "2", "3"]
    assert set(rows["arm"]) <= {"Mens", "Womens", "No E-Mail"}
    assert {*plan.summary["by_action"][0]} == {"arm", "contacts", "spend", "incremental_margin"}
    assert (plan.summary["assumptions"]["probabilities"], plan.summary["customers_numbered"]) == (
        "overall shares",
        True,
    )


def test_tables_and_data_frames_stand_for_an_audience(
    planned: Planned, shop: SimpleNamespace, usual: Plan
) -> None:
    for audience in (shop.table, shop.table.to_pandas()):
        assert planned(audience=audience, actions={"email": 0.5, "sms": 2.0}).rows.equals(usual.rows)


def test_the_example_of_the_documentation_runs(shop: SimpleNamespace) -> None:
    history, table = shop.effects.history, shop.table
    frame = history.features.to_pandas().assign(
        customer_id=history.customer.to_pylist(),
        channel=[None if a < 0 else history.actions[a].channel for a in history.arm],
        send_hour=[None if a < 0 else history.actions[a].send_time for a in history.arm],
        assignment_probability=history.propensity,
        margin=history.outcome,
    )
    frame["channel"] = frame["channel"].fillna("none")
    history = uplift.History.from_pandas(
        frame.head(3_000),
        customer="customer_id",
        channel="channel",
        send_time="send_hour",
        control="none",
        probability="assignment_probability",
        outcome="margin",
    )
    effects = uplift.estimate(history, seed=0, folds=3)
    audience = table.to_pandas()
    cate = effects.score(audience)
    assert cate.shape == (1_500, len(effects.actions))
    actions = [Action("email", cost=0.5), Action("sms", cost=2.0)]
    plan = policies.plan(
        effects, audience, actions, budget=2000, constraints=[Segment("tier = 'gold'", max_contacts=400)]
    )
    assert plan.refused is None
    assert plan.to_pandas().columns.tolist() == COLUMNS
    assert plan.forecast["profit"]["lower"] > 0
    assert [price["rule"] for price in plan.prices] == ["budget", "segment tier = 'gold'"]
    assert plan.frontier[0]["budget"] == 0.0
