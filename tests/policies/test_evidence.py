from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import power
from policies.comparison import Compared
from policies.evidence import beats, profitable, ranking, shifted, simpler, supported, wins
from policies.forecast import Ground
from policies.shift import Shift
from uplift.estimates import Estimate

same = settings(derandomize=True, deadline=None, max_examples=100)


def compared(policy: str, profit: float, lead: float, se: float = 1.0) -> Compared:
    return Compared(
        policy=policy,
        spend=0.0,
        contacts=1,
        margin=Estimate.normal(profit, 1.0),
        profit=Estimate.normal(profit, 1.0),
        plan_minus_this=Estimate.normal(lead, se),
    )


def given_to(ground: Ground, rows: int, action: int = 1) -> np.ndarray:
    """A choice that agrees with the history in that many rows."""
    choice = np.zeros(ground.values.shape, np.float32)
    choice[np.flatnonzero(ground.effects.history.arm == action)[:rows], action] = 1.0
    return choice


@given(st.floats(0.0, 1.0))
@same
def test_an_audience_is_refused_when_it_is_far_and_warned_of_when_it_is_near(auc: float) -> None:
    finding = shifted(Shift(np.ones(3), auc, auc))
    assert finding.code == "G13"
    assert finding.verdict == ("refuse" if auc > 0.9 else "warn" if auc > 0.7 else "ok")
    assert finding.measured == auc
    assert bool(finding.next) == (finding.verdict != "ok")


def test_ranking_is_supported_where_customers_differ(shop: SimpleNamespace) -> None:
    finding = ranking(shop.effects, 0.9)
    assert (finding.code, finding.verdict) == ("G10", "ok")
    assert finding.measured is not None
    assert finding.measured > 0.5


def test_ranking_by_effects_that_point_the_wrong_way_falls_back(shop: SimpleNamespace) -> None:
    effects = shop.effects
    turned = replace(
        effects, scores=-effects.scores, response_evidence=effects.response_evidence * np.array([-1.0, 1.0])
    )
    finding = ranking(turned, 0.9)
    assert finding.verdict == "fallback"
    assert "average effect" in finding.message
    assert finding.override(frozenset({"G10"})).verdict == "overridden"


def test_effects_that_are_the_same_for_all_support_no_ranking(shop: SimpleNamespace) -> None:
    effects = shop.effects
    flat = replace(
        effects,
        cate=np.tile(effects.cate.mean(axis=0), (len(effects.cate), 1)),
        response_evidence=np.zeros_like(effects.response_evidence),
    )
    finding = ranking(flat, 0.9)
    assert finding.verdict == "fallback"
    assert "none were predicted" in finding.message
    assert finding.measured == 0.0


@pytest.mark.parametrize(("rows", "verdict"), [(0, "refuse"), (199, "refuse"), (200, "ok"), (900, "ok")])
def test_what_too_few_customers_were_given_is_refused(rows: int, verdict: str, ground: Ground) -> None:
    finding, ess = supported(ground, given_to(ground, rows), contacts=10)
    assert (finding.code, finding.verdict) == ("G7", verdict)
    assert ess == pytest.approx(rows)
    assert finding.message.startswith(f"{rows:,} customers of the history")


def test_many_customers_of_little_weight_are_refused_too(ground: Ground) -> None:
    choice = given_to(ground, 900)
    weights = np.full(len(ground.weights), 1e-6)
    weights[np.flatnonzero(choice.any(axis=1))[:40]] = 1.0
    finding, ess = supported(replace(ground, weights=weights), choice, contacts=10)
    assert (round(ess), finding.verdict) == (40, "refuse")


def test_nothing_needs_support_when_nobody_is_contacted(ground: Ground) -> None:
    assert supported(ground, given_to(ground, 0), contacts=0)[0].verdict == "ok"


@given(point=st.floats(-1e5, 1e5), se=st.floats(1.0, 1e5))
@same
def test_a_profit_is_refused_unless_its_lower_bound_is_above_zero(
    point: float, se: float, ground: Ground
) -> None:
    profit = Estimate.normal(point, se)
    finding = profitable(profit, ground, contacts=100)
    assert finding.verdict == ("ok" if profit.lower > 0 else "refuse")
    assert finding.measured == profit.lower
    assert ("customers in each arm" in finding.next) == (finding.verdict == "refuse")


def test_a_plan_without_contacts_claims_no_profit(ground: Ground) -> None:
    finding = profitable(Estimate.normal(-5.0, 1.0), ground, contacts=0)
    assert (finding.verdict, finding.measured) == ("ok", 0.0)


def test_the_test_that_is_asked_for_would_show_the_forecast_profit(ground: Ground) -> None:
    profit = Estimate.normal(150.0, 200.0)
    finding = profitable(profit, ground, contacts=100)
    size = int(finding.next.split(",", 1)[1].split(" customers")[0].replace(",", ""))
    sd = float(ground.effects.history.outcome.std())
    reached = power(n=size, sd=sd, effect=1.5, metric="mean", alpha=0.05)
    assert reached == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("lead", "se", "verdict"),
    [(-50.0, 1.0, True), (-50.0, 100.0, False), (-5.0, 0.1, False), (50.0, 1.0, False)],
)
def test_a_simpler_policy_beats_the_plan_beyond_doubt_and_by_an_amount_that_matters(
    lead: float, se: float, *, verdict: bool
) -> None:
    assert beats(compared("everybody", 1050.0, lead, se), compared("plan", 1000.0, 0.0)) is verdict


def test_what_the_plan_does_not_beat_is_said() -> None:
    plan = compared("plan", 1000.0, 0.0, 0.0)
    others = [
        compared("response_score", 1100.0, -100.0),
        compared("everybody", 999.0, 1.0, 50.0),
        compared("random", 500.0, 500.0),
        compared("nobody", 0.0, -1000.0),
    ]
    found = wins([plan, *others], alike=False)
    assert [finding.verdict for finding in found] == ["warn", "warn"]
    assert "'response score' is -100.00" in found[0].message
    assert found[0].message.endswith("The simpler policy earned more.")
    assert found[1].message.endswith("The history cannot tell the two apart.")
    assert len(wins([plan, *others], alike=True)) == 1


def test_a_fall_back_to_the_simpler_policy_is_said_with_the_lead() -> None:
    finding = simpler([compared("plan", 1000.0, 0.0), compared("everybody", 1200.0, -200.0, 10.0)])
    assert finding.verdict == "fallback"
    assert "by -200.00 (90%: -216.45 to -183.55)" in finding.message
