"""Cross-fitting: no row is judged by what saw it, the same bytes whatever the machine, known truths recovered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, Effects, History, Roles, SettingError, estimate
from uplift.encoder import Encoder
from uplift.engines.local import LocalEngine
from uplift.estimator import assign_folds
from uplift.evaluation import average_effects, calibration, heterogeneity
from uplift.simulator import Campaign, simulate

T = TypeVar("T")
R = TypeVar("R")
Array = np.ndarray
ONE, TWO = LocalEngine(1), LocalEngine(2)
HELD_OUT = ("cate", "se", "response_score", "baseline")
ROLES = Roles(
    outcome="margin",
    control="none",
    customer="customer_id",
    channel="channel",
    send_time="send_hour",
    probability="assignment_probability",
    response="converted",
    exclude=("cost",),
)


def campaign_of(world: str, *, rows: int = 3000, seed: int = 1) -> Campaign:
    return simulate(world, rows=rows, audience=300, channels=["email", "sms"], send_times=[8, 18], seed=seed)


def history_of(campaign: Campaign) -> History:
    return History.from_table(campaign.history, ROLES)


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return campaign_of("rich")


@pytest.fixture(scope="module")
def history(campaign: Campaign) -> History:
    return history_of(campaign)


@pytest.fixture(scope="module")
def effects(history: History) -> Effects:
    return estimate(history, folds=3, engine=ONE)


def made_up(n: int = 4000, *, rate: float | None = 0.15, seed: int = 0) -> tuple[History, Array]:
    """Return a history of two strong actions and their true effects; without a rate everybody has an outcome."""
    rng = np.random.default_rng(seed)
    x, tier = rng.normal(size=n), rng.choice(["gold", "silver"], n)
    arm = rng.choice([-1, 0, 1], n, p=[0.4, 0.3, 0.3])
    gain = np.column_stack([0.2 * (x > 0), 0.2 * (tier == "gold")])
    given = np.where(arm < 0, 0, gain[np.arange(n), arm])
    if rate is None:
        truth, outcome = 10 * gain, 20 + x + 10 * given + rng.normal(size=n)
    else:
        truth, outcome = 10 * gain, np.where(rng.random(n) < rate + given, 10.0, 0.0)
    names = np.array(["none", "first", "second"])
    table = pa.table({"arm": names[arm + 1], "x": x, "tier": tier, "spend": outcome})
    return History.from_table(table, Roles(outcome="spend", control="none", treatment="arm")), truth


# Folds


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=70, max_size=200), st.integers(3, 8), st.integers(0, 99))
def test_folds_share_customers_out_evenly_and_split_none(cluster: list[int], folds: int, seed: int) -> None:
    ids = np.array([*cluster, *range(folds)], np.int64)
    fold = assign_folds(ids, folds, seed)
    held = {i: set(fold[ids == i]) for i in set(ids.tolist())}
    assert all(len(found) == 1 for found in held.values())
    sizes = np.bincount([found.pop() for found in held.values()], minlength=folds)
    assert len(sizes) == folds
    assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(assign_folds(ids, folds, seed), fold)
    np.testing.assert_array_equal(assign_folds(3 * ids + 7, folds, seed), fold)


def test_another_seed_gives_other_folds() -> None:
    ids = np.arange(500)
    assert (assign_folds(ids, 5, 0) != assign_folds(ids, 5, 1)).any()


# Nothing that values a row has seen it


def scrambled(history: History, rows: Array) -> History:
    """Draw anew what some rows were given and what came of it, and make it worth three times as much."""
    order = np.arange(len(history))
    order[rows] = np.random.default_rng(0).choice(np.flatnonzero(history.arm < 2), rows.sum())
    return replace(
        history,
        arm=history.arm[order],
        propensity=history.propensity[order],
        response=history.response[order],
        outcome=history.outcome[order] * np.where(rows, 3, 1),
    )


@pytest.mark.parametrize("fold", [0, 2])
def test_a_folds_effects_do_not_depend_on_what_happened_in_it(
    history: History, effects: Effects, fold: int
) -> None:
    rows = effects.fold == fold
    other = estimate(scrambled(history, rows), folds=3, engine=ONE)
    np.testing.assert_array_equal(other.fold, effects.fold)
    for name in HELD_OUT:
        np.testing.assert_array_equal(getattr(other, name)[rows], getattr(effects, name)[rows], err_msg=name)
        assert (getattr(other, name)[~rows] != getattr(effects, name)[~rows]).mean() > 0.5, name
    np.testing.assert_array_equal(other.uniform[fold], effects.uniform[fold])
    for name in ("weights", "shift"):
        np.testing.assert_array_equal(getattr(other.rules[fold], name), getattr(effects.rules[fold], name))
    assert other.rules[fold].spread == effects.rules[fold].spread
    assert other.rules[fold].level == effects.rules[fold].level


def test_all_rows_of_a_customer_are_in_one_fold(history: History) -> None:
    twice = replace(history, cluster=np.arange(len(history)) // 2)
    fold = estimate(twice, folds=3, engine=ONE).fold
    np.testing.assert_array_equal(fold[::2], fold[1::2])


# The same numbers, whatever the machine, the names and the unit


def as_bytes(effects: Effects) -> list[bytes]:
    names = (*HELD_OUT, "scores", "gain", "response_evidence", "uniform", "shares", "fold")
    return [
        *(getattr(effects, name).tobytes() for name in names),
        *(rule.weights.tobytes() + rule.shift.tobytes() for rule in effects.rules),
        *(member.response.text.encode() for member in effects.members if member.response),
    ]


def test_one_thread_and_two_give_the_same_bytes(history: History, effects: Effects) -> None:
    assert as_bytes(estimate(history, folds=3, engine=TWO)) == as_bytes(effects)


def test_any_engine_will_do(history: History, effects: Effects) -> None:
    class Backwards:
        """Does the last task first."""

        def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
            return [function(task) for task in list(tasks)[::-1]][::-1]

    other = estimate(history, folds=3, engine=Backwards())
    np.testing.assert_allclose(other.cate, effects.cate, rtol=1e-9)
    np.testing.assert_allclose(other.scores, effects.scores, rtol=1e-9)


def test_another_seed_gives_other_effects_of_the_same_size(history: History, effects: Effects) -> None:
    other = estimate(history, folds=3, seed=5, engine=ONE)
    assert (other.cate != effects.cate).all()
    error = np.abs(other.scores.mean(axis=0) - effects.scores.mean(axis=0))
    assert (error < 2 * effects.scores.std(axis=0) / np.sqrt(len(history))).all()


@pytest.mark.parametrize(("names", "order"), [(("a", "b"), [0, 1, 2, 3]), (("z", "b"), [2, 3, 0, 1])])
def test_the_names_of_the_arms_do_not_matter(
    campaign: Campaign, effects: Effects, names: tuple[str, str], order: list[int]
) -> None:
    renamed = {"none": "none", "email": names[0], "sms": names[1]}
    column = pa.array([renamed[channel] for channel in campaign.history["channel"].to_pylist()])
    place = campaign.history.column_names.index("channel")
    table = campaign.history.set_column(place, "channel", column)
    other = estimate(History.from_table(table, ROLES), folds=3, engine=ONE)
    assert [arm.send_time for arm in other.actions] == [8, 18, 8, 18]
    # Sums in another order may turn a split between two that are all but as good.
    assert np.corrcoef(other.cate.ravel(), effects.cate[:, order].ravel())[0, 1] > 0.999
    np.testing.assert_allclose(other.cate, effects.cate[:, order], atol=0.02 * np.abs(effects.cate).max())
    np.testing.assert_allclose(other.uniform, effects.uniform[:, order], atol=0.02)


def test_the_order_of_rows_does_not_matter(history: History, effects: Effects) -> None:
    order = np.random.default_rng(0).permutation(len(history))
    taken = {
        name: getattr(history, name)[order]
        for name in ("arm", "outcome", "response", "propensity", "cluster")
    }
    ids, features = history.customer.take(pa.array(order)), history.features.take(pa.array(order))
    other = estimate(replace(history, customer=ids, features=features, **taken), folds=3, engine=ONE)
    assert np.corrcoef(other.cate.ravel(), effects.cate[order].ravel())[0, 1] > 0.999
    np.testing.assert_allclose(other.cate, effects.cate[order], atol=0.02 * np.abs(effects.cate).max())


def test_another_currency_scales_effects_errors_and_scores(history: History, effects: Effects) -> None:
    other = estimate(replace(history, outcome=64 * history.outcome), folds=3, engine=ONE)
    for name in ("cate", "se", "scores", "baseline", "uniform"):
        np.testing.assert_allclose(
            getattr(other, name), 64 * getattr(effects, name), rtol=1e-3, atol=0.05, err_msg=name
        )
    np.testing.assert_allclose(
        [w for _, w in other.learners()], [w for _, w in effects.learners()], atol=1e-3
    )


# Known truths


@pytest.mark.parametrize("world", ["rich", "steps", "null", "sleeping_dogs"])
def test_scores_average_to_the_true_effect_of_every_action(world: str) -> None:
    campaign = campaign_of(world, seed=3)
    effects = estimate(history_of(campaign), folds=3, engine=ONE)
    for arm, found in zip(effects.actions, average_effects(effects), strict=True):
        truth = campaign.history_truth[arm.label].to_numpy().mean()
        assert abs(found.effect.point - truth) < 3.5 * found.effect.se, arm.label


def test_a_campaign_without_effect_shows_none() -> None:
    effects = estimate(history_of(campaign_of("null", seed=8)), folds=3, engine=ONE)
    spread = heterogeneity(effects)
    assert abs(spread.point) < 3.5 * spread.se
    control_margin = effects.history.outcome[effects.history.arm < 0].mean()
    assert np.abs(effects.cate.mean(axis=0)).max() < control_margin
    for item in average_effects(effects):
        assert abs(item.effect.point) < 3.5 * item.effect.se


@pytest.mark.parametrize("rate", [0.15, None], ids=["response", "everybody"])
def test_strong_effects_are_found_for_whom_they_are_and_at_their_level(rate: float | None) -> None:
    history, truth = made_up(rate=rate)
    effects = estimate(history, folds=3, engine=ONE)
    for a in range(2):
        assert np.corrcoef(effects.cate[:, a], truth[:, a])[0, 1] > 0.6
    for slope in (calibration(effects), heterogeneity(effects)):
        assert abs(slope.point - 1) < 4 * slope.se + 0.05
    fresh, fresh_truth = made_up(1000, rate=rate, seed=7)
    scored = effects.score(fresh.features, engine=ONE)
    assert np.corrcoef(scored.ravel(), fresh_truth.ravel())[0, 1] > 0.7


# What comes with the effects


def test_effects_have_an_error_that_is_not_nothing(effects: Effects) -> None:
    assert np.isfinite(effects.se).all()
    assert (effects.se >= 0).all()
    assert (effects.se > 0).mean() > 0.9


def test_every_row_and_action_has_everything(effects: Effects, history: History) -> None:
    n, k = len(history), len(history.actions)
    assert effects.cate.shape == effects.se.shape == effects.scores.shape == (n, k)
    assert effects.response_score.shape == effects.baseline.shape == effects.fold.shape == (n,)
    assert effects.gain.shape == (n, len(effects.rules[0].weights))
    assert effects.uniform.shape == (3, k)
    assert [member.pair for member in effects.members] == [(0, 1), (0, 2), (1, 2)]
    assert [rule.fold for rule in effects.rules] == [0, 1, 2]
    for name in (*HELD_OUT, "scores", "gain", "uniform"):
        assert np.isfinite(getattr(effects, name)).all(), name


def test_shares_are_those_of_the_treated_rows(effects: Effects, history: History) -> None:
    treated = history.arm[history.arm >= 0]
    np.testing.assert_allclose(effects.shares, [(treated == a).mean() for a in range(4)])


def test_progress_is_told_until_everything_is_done(history: History) -> None:
    told: list[tuple[str, int, int]] = []
    estimate(history, folds=3, engine=ONE, progress=lambda *step: told.append(step))
    fitting = [(done, total) for step, done, total in told if step == "fitting effects"]
    assert fitting == [(1, 3), (2, 3), (3, 3)]
    assert told[-1][0] != "fitting effects"


# The edges of what can be learned from


@pytest.mark.parametrize("rate", [0.7, 0.8, 0.81])
def test_outcomes_that_are_nearly_always_there_are_learned_without_trouble(rate: float) -> None:
    """Whether an outcome has two parts is decided for the history, not for every part of it."""
    rng = np.random.default_rng(2)
    spend = np.where(rng.random(1500) < rate, rng.normal(20, 4, 1500), 0.0)
    table = pa.table(
        {"arm": rng.choice(["none", "a", "b"], 1500), "x": rng.normal(size=1500), "spend": spend}
    )
    history = History.from_table(table, Roles(outcome="spend", control="none", treatment="arm"))
    effects = estimate(history, folds=3, engine=ONE)
    assert np.abs(effects.cate).mean() < 2
    for item in average_effects(effects):
        assert abs(item.effect.point) < 3.5 * item.effect.se


def test_nobody_responding_is_no_effect_at_all(history: History) -> None:
    silent = replace(history, outcome=np.zeros(len(history)), response=np.zeros(len(history), bool))
    effects = estimate(silent, folds=3, engine=ONE)
    assert (effects.cate == 0).all()
    assert (effects.scores == 0).all()


def test_a_handful_of_responses_gives_finite_effects(history: History) -> None:
    few = history.response & (np.cumsum(history.response) <= 4)
    effects = estimate(replace(history, response=few, outcome=history.outcome * few), folds=3, engine=ONE)
    for name in (*HELD_OUT, "scores"):
        assert np.isfinite(getattr(effects, name)).all(), name


def test_many_arms_are_more_than_a_code_of_a_feature_could_hold() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["none", *(f"offer {place:02d}" for place in range(80))])
    arm = rng.integers(0, 81, 3000)
    table = pa.table({"arm": names[arm], "x": rng.normal(size=3000), "spend": 5.0 * (rng.random(3000) < 0.3)})
    effects = estimate(
        History.from_table(table, Roles(outcome="spend", control="none", treatment="arm")),
        folds=3,
        engine=ONE,
    )
    assert effects.cate.shape == (3000, 80)
    assert np.isfinite(effects.cate).all()


def test_too_few_folds_customers_or_rows_are_refused(history: History) -> None:
    with pytest.raises(SettingError, match="at least 3 folds, found 2"):
        estimate(history, folds=2)
    with pytest.raises(SettingError, match="holds 4 customers; 5 folds need at least as many"):
        estimate(replace(history, cluster=np.arange(len(history)) % 4))
    with pytest.raises(DataError, match="no feature column"):
        estimate(history.with_features([]))
    lonely = np.ones(len(history), np.int32)
    with pytest.raises(
        DataError, match=r"rows of control \('none'\) and of one other arm at least; found 0 and"
    ):
        estimate(replace(history, arm=lonely))
    lonely[0] = -1
    with pytest.raises(
        DataError, match=r"0 of .* rows are control; both control and treated rows are needed"
    ):
        estimate(replace(history, arm=lonely))
    with pytest.raises(DataError, match="both control and treated rows are needed"):
        estimate(replace(history, arm=-lonely))


def test_candidates_may_be_named(history: History) -> None:
    effects = estimate(history, folds=3, learners=["average", "x"], engine=ONE)
    shares = dict(effects.learners())
    assert list(shares) == ["nobody", "average", "x"]
    assert sum(shares.values()) == pytest.approx(1)
    assert np.isfinite(effects.cate).all()
    with pytest.raises(SettingError, match="Did you mean 'offset'"):
        estimate(history, folds=3, learners=["ofset"], engine=ONE)


def test_candidates_that_cannot_be_tried_are_refused(history: History) -> None:
    minutes, _ = made_up(300, rate=None)
    with pytest.raises(
        SettingError, match=r"'offset' learns who responds.* Name any of \['average', 't', 'x'\]"
    ):
        estimate(minutes, learners=["x", "offset"])
    for nothing in ([], ["nobody"]):
        with pytest.raises(SettingError, match="No learner is named beside 'nobody'"):
            estimate(history, learners=nothing)


@pytest.mark.parametrize("name", ["average", "t"])
def test_a_single_candidate_is_weighed_against_nobody(name: str) -> None:
    history, truth = made_up()
    effects = estimate(history, folds=3, learners=[name], engine=ONE)
    assert dict(effects.learners())[name] > 0.3
    assert effects.cate.mean() == pytest.approx(truth.mean(), abs=0.5)


def test_the_encoder_is_the_one_that_the_history_gives(history: History, effects: Effects) -> None:
    assert effects.encoder == Encoder.fit(history.features)
    assert effects.encoder.names == tuple(history.features.column_names)
