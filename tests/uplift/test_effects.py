"""Effects put together again from their members and rules, and new customers scored in any batches."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import uplift.effects
from uplift import Audience, DataError, Effects, History, Roles, estimate
from uplift.aggregation import aipw
from uplift.effects import Member, Rule
from uplift.engines.local import LocalEngine
from uplift.learners.offset import OffsetLearner
from uplift.simulator import Campaign, simulate

Array = np.ndarray
ONE = LocalEngine(1)
FIELDS = ("cate", "se", "response", "response_score")


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return simulate("rich", rows=3000, audience=400, channels=["email", "sms"], send_times=[8, 18], seed=2)


@pytest.fixture(scope="module")
def effects(campaign: Campaign) -> Effects:
    roles = Roles(
        outcome="margin",
        control="none",
        customer="customer_id",
        channel="channel",
        send_time="send_hour",
        probability="assignment_probability",
        response="converted",
        exclude=("cost",),
    )
    return estimate(History.from_table(campaign.history, roles), folds=4, engine=ONE)


def calibrated(rule: Rule, member: Member, codes: Array) -> Array:
    """Return what one member says under one rule, candidate by candidate."""
    total = np.zeros((len(codes), len(rule.shift)))
    for weight, learner in zip(rule.weights, member.learners, strict=True):
        total += weight * learner.predict(codes)
    return rule.shift + rule.spread * total


def of_offset(member: Member, codes: Array) -> Array:
    """Return P(response | x, action) of the member's offset learner."""
    learner = member.learners[member.names.index("offset")]
    assert isinstance(learner, OffsetLearner)
    return learner.probability(codes)


def jackknife(parts: list[Array]) -> Array:
    spread: Array = np.square(np.array(parts) - np.mean(parts, axis=0)).sum(axis=0)
    return np.sqrt((len(parts) - 1) / len(parts) * spread)


def test_a_rule_mixes_its_candidates_and_moves_them_to_their_level() -> None:
    rng = np.random.default_rng(0)
    rule = Rule(0, np.array([0.3, 0.0, 0.5]), spread=0.8, level=1.2, shift=np.array([0.1, -0.2]))
    one, two, three = (rng.normal(size=(6, 2)) for _ in range(3))
    mixed = rule.combine([one, two, three])
    np.testing.assert_allclose(mixed, 0.8 * (0.3 * one + 0.5 * three) + [0.1, -0.2])
    strange = np.full((6, 2), np.nan)
    np.testing.assert_array_equal(rule.combine([one, strange, three]), mixed)


def test_a_row_is_scored_by_the_members_that_never_saw_its_fold(effects: Effects) -> None:
    codes = effects.encoder.transform(effects.history.features)
    for rule in effects.rules:
        rows = effects.fold == rule.fold
        mine = [member for member in effects.members if rule.fold in member.pair]
        parts = [calibrated(rule, member, codes[rows]) for member in mine]
        # Candidates are kept in single precision.
        np.testing.assert_allclose(effects.cate[rows], np.mean(parts, axis=0), atol=1e-5)
        np.testing.assert_allclose(effects.se[rows], jackknife(parts), atol=1e-5)
        baseline = np.mean([member.baseline.mean(codes[rows]) for member in mine], axis=0)
        np.testing.assert_allclose(effects.baseline[rows], baseline, atol=1e-9)


def test_scores_and_gains_are_what_their_definitions_say(effects: Effects) -> None:
    history = effects.history
    codes = effects.encoder.transform(history.features)
    for fold in range(4):
        rows = effects.fold == fold
        mine = [member for member in effects.members if fold in member.pair]
        said = [
            np.mean([member.learners[j].predict(codes[rows]) for member in mine], axis=0)
            for j in range(len(mine[0].names))
        ]
        scores = aipw(
            np.mean(said, axis=0),
            effects.baseline[rows],
            history.arm[rows],
            history.outcome[rows],
            history.propensity[rows],
        )
        np.testing.assert_allclose(effects.scores[rows], scores, atol=1e-3)
        treated = history.arm[(effects.fold != fold) & (history.arm >= 0)]
        shares = np.bincount(treated, minlength=4) / len(treated)
        for j, one in enumerate(said):
            lost = (shares * (scores**2 - (scores - one) ** 2)).sum(axis=1)
            np.testing.assert_allclose(effects.gain[rows, j], lost, rtol=1e-3, atol=1e-2)


def test_new_customers_are_scored_by_every_rule_in_equal_parts(effects: Effects, campaign: Campaign) -> None:
    codes = effects.encoder.transform(campaign.audience)
    by_fold = [
        np.mean(
            [calibrated(rule, member, codes) for member in effects.members if rule.fold in member.pair],
            axis=0,
        )
        for rule in effects.rules
    ]
    found = effects.score_all(campaign.audience, engine=ONE)
    np.testing.assert_allclose(found.cate, np.mean(by_fold, axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.se, jackknife(by_fold), rtol=1e-4, atol=1e-6)
    for name, parts in (
        ("response", [of_offset(member, codes) for member in effects.members]),
        ("response_score", [member.response_score(codes) for member in effects.members]),
    ):
        np.testing.assert_allclose(getattr(found, name), np.mean(parts, axis=0), rtol=1e-5)


def test_probabilities_are_between_nothing_and_certainty(effects: Effects, campaign: Campaign) -> None:
    found = effects.score_all(campaign.audience)
    for chance in (found.response, found.response_score, effects.response_score):
        assert ((chance > 0) & (chance < 1)).all()
    rate = effects.history.response.mean()
    assert found.response_score.mean() == pytest.approx(rate, rel=0.3)
    assert found.response.mean() == pytest.approx(rate, rel=0.4)


def test_errors_of_new_customers_are_positive_and_finite(effects: Effects, campaign: Campaign) -> None:
    found = effects.score_all(campaign.audience)
    assert np.isfinite(found.cate).all()
    assert np.isfinite(found.se).all()
    assert (found.se >= 0).all()
    assert (found.se > 0).mean() > 0.9


@settings(derandomize=True, deadline=None, max_examples=12)
@given(start=st.integers(0, 399), length=st.integers(1, 60))
def test_a_customer_scores_the_same_in_any_company(
    effects: Effects, campaign: Campaign, start: int, length: int
) -> None:
    whole = effects.score_all(campaign.audience, engine=ONE)
    part = effects.score_all(campaign.audience.slice(start, length), engine=ONE)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[start : start + length])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_size_of_a_batch_and_the_number_of_threads_change_nothing(
    effects: Effects, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    whole = effects.score_all(campaign.audience, engine=ONE)
    monkeypatch.setattr(uplift.effects, "BATCH", 37)
    batches = effects.score_all(campaign.audience, engine=LocalEngine(threads))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(batches, name), getattr(whole, name))


def test_an_audience_and_its_table_score_the_same_whatever_else_it_holds(
    effects: Effects, campaign: Campaign
) -> None:
    table = campaign.audience
    plain = effects.score(table, engine=ONE)
    backwards = table.select(table.column_names[::-1]).append_column("note", pa.nulls(table.num_rows))
    audience = Audience.from_table(table, customer="customer_id")
    for other in (audience, backwards, Audience.from_table(backwards, customer="customer_id")):
        np.testing.assert_array_equal(effects.score(other, engine=ONE), plain)
    assert plain.dtype == np.float32
    np.testing.assert_array_equal(plain, effects.score_all(table, engine=ONE).cate)


def test_an_audience_of_nobody_is_refused(effects: Effects, campaign: Campaign) -> None:
    with pytest.raises(DataError, match="no rows"):
        effects.score_all(campaign.audience.slice(0, 0))


def test_missing_and_unknown_values_are_scored_like_any_others(effects: Effects, campaign: Campaign) -> None:
    names = effects.encoder.names
    blank = pa.table({name: pa.nulls(3, campaign.audience.schema.field(name).type) for name in names})
    found = effects.score_all(blank)
    assert np.isfinite(found.cate).all()
    place = campaign.audience.column_names.index("region")
    moved = campaign.audience.set_column(place, "region", pa.array(["the moon"] * 400))
    assert np.isfinite(effects.score(moved)).all()


def test_an_audience_without_a_feature_or_with_another_type_is_refused(
    effects: Effects, campaign: Campaign
) -> None:
    with pytest.raises(DataError, match=r"lacks the feature columns \['age', 'tier'\]"):
        effects.score(campaign.audience.drop_columns(["age", "tier"]))
    for name, kind in (("signup_date", pa.timestamp("s")), ("age", pa.string())):
        place = campaign.audience.column_names.index(name)
        other = campaign.audience.set_column(place, name, campaign.audience[name].cast(kind))
        with pytest.raises(DataError, match=re.escape(f"Column {name!r} holds {kind}, but the effects were")):
            effects.score(other)


def test_shares_of_the_candidates_add_up_to_one_with_nobodys(effects: Effects) -> None:
    shares = dict(effects.learners())
    assert list(shares) == ["nobody", *effects.members[0].names]
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) >= 0
    silent = tuple(replace(rule, weights=np.zeros(len(rule.weights))) for rule in effects.rules)
    assert dict(replace(effects, rules=silent).learners())["nobody"] == 1


def test_effects_cannot_be_changed_by_accident(effects: Effects) -> None:
    with pytest.raises(AttributeError):
        effects.cate = np.zeros(3)  # type: ignore[misc]
