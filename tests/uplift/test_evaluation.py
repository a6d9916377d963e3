"""Evaluation against brute force, known slopes and budgets of error."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import Arm, Effects, History, Roles, estimate
from uplift.engines.local import LocalEngine
from uplift.estimates import Estimate
from uplift.evaluation import (
    average_effects,
    calibration,
    candidates,
    cluster_mean,
    deciles,
    describe,
    finite,
    heterogeneity,
    in_words,
    interval,
    place,
    response_heterogeneity,
    response_quality,
)
from uplift.simulator import simulate

Array = np.ndarray
steady = settings(derandomize=True, deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def effects() -> Effects:
    campaign = simulate("rich", rows=3000, audience=10, channels=["email", "sms"], send_times=[8, 18], seed=6)
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
    return estimate(History.from_table(campaign.history, roles), folds=3, engine=LocalEngine(1))


def made_up(effects: Effects, seed: int, *, level: float, spread: float, noise: float = 1.0) -> Effects:
    """Return effects whose scores show `level` of the mean and `spread` of the differences predicted."""
    rng = np.random.default_rng(seed)
    mean = np.array([0.5, 1.0, -0.4, 2.0])
    differences = rng.normal(size=effects.cate.shape)
    differences -= differences.mean(axis=0)
    error = noise * rng.normal(size=effects.cate.shape) * (1 + np.abs(differences))
    return replace(effects, cate=mean + differences, scores=level * mean + spread * differences + error)


# Means of rows that come in clusters


@steady
@given(seeds)
def test_rows_of_their_own_have_the_mean_and_error_of_the_textbook(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=50) * 7
    found = cluster_mean(values, np.arange(50), level=0.95)
    assert found.point == pytest.approx(values.mean())
    assert found.se == pytest.approx(values.std(ddof=1) / math.sqrt(50))
    assert found.upper - found.point == pytest.approx(1.959964 * found.se)
    assert found.n == 50


@steady
@given(seeds, st.integers(2, 5))
def test_rows_that_repeat_a_customer_say_nothing_new(seed: int, times: int) -> None:
    rng = np.random.default_rng(seed)
    values, cluster = rng.normal(size=40), rng.integers(0, 30, 40)
    once = cluster_mean(values, cluster)
    again = cluster_mean(np.tile(values, times), np.tile(cluster, times))
    assert again.point == pytest.approx(once.point)
    assert again.se == pytest.approx(once.se)


@steady
@given(seeds)
def test_whole_weights_are_repeated_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, cluster, times = rng.normal(size=30), rng.integers(0, 20, 30), rng.integers(0, 4, 30)
    times[:2] = 1
    rows = np.repeat(np.arange(30), times)
    weighted = cluster_mean(values, cluster, weights=times.astype(float))
    repeated = cluster_mean(values[rows], cluster[rows])
    assert weighted.point == pytest.approx(repeated.point)
    # Clusters of weight 0 count for the correction of small numbers only.
    assert weighted.se == pytest.approx(repeated.se, rel=0.2)


@steady
@given(seeds, st.permutations(range(25)))
def test_neither_the_order_of_rows_nor_the_numbers_of_clusters_matter(seed: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values, cluster = rng.normal(size=25), rng.integers(0, 9, 25)
    one, two = cluster_mean(values, cluster), cluster_mean(values[order], 1000 - 7 * cluster[order])
    assert (two.point, two.se) == pytest.approx((one.point, one.se))


def test_the_error_of_a_mean_is_that_of_the_jackknife_over_clusters() -> None:
    rng = np.random.default_rng(1)
    cluster = rng.integers(0, 200, 900)
    values = rng.normal(size=200)[cluster] + rng.normal(size=900)
    without = np.array([values[cluster != c].mean() for c in np.unique(cluster)])
    groups = len(without)
    slow = math.sqrt((groups - 1) / groups * np.square(without - without.mean()).sum())
    assert cluster_mean(values, cluster).se == pytest.approx(slow, rel=0.03)
    assert cluster_mean(values, np.arange(900)).se < 0.8 * slow


# Averages and tenths


def test_average_effects_are_the_means_of_the_scores_with_the_rows_behind_them(effects: Effects) -> None:
    history = effects.history
    for a, item in enumerate(average_effects(effects)):
        given_it = history.arm == a
        assert item.arm == effects.actions[a]
        assert item.effect.point == pytest.approx(effects.scores[:, a].mean())
        assert item.rows == given_it.sum()
        assert item.buyers == (history.response & given_it).sum()


@pytest.mark.parametrize("parts", [1, 4, 10])
def test_tenths_are_equal_parts_from_the_highest_prediction_down(effects: Effects, parts: int) -> None:
    found = deciles(effects, parts=parts)
    sizes = [item.observed.n for item in found]
    assert sum(sizes) == len(effects.history)
    assert max(sizes) - min(sizes) <= 1
    assert [item.decile for item in found] == list(range(1, parts + 1))
    predicted = [item.predicted for item in found]
    assert predicted == sorted(predicted, reverse=True)
    best = effects.cate.argmax(axis=1)
    rows = np.arange(len(best))
    assert np.average(predicted, weights=sizes) == pytest.approx(effects.cate.max(axis=1).mean())
    seen = np.average([item.observed.point for item in found], weights=sizes)
    assert seen == pytest.approx(effects.scores[rows, best].mean())


def test_tenths_of_a_perfect_prediction_show_what_they_predict(effects: Effects) -> None:
    for item in deciles(replace(effects, scores=effects.cate)):
        assert item.observed.point == pytest.approx(item.predicted)


def test_costs_decide_which_action_is_recommended(effects: Effects) -> None:
    costs = np.array([0.0, 1e6, 1e6, 1e6])
    (only,) = deciles(effects, costs, parts=1)
    assert only.predicted == pytest.approx(effects.cate[:, 0].mean())
    assert only.observed.point == pytest.approx(effects.scores[:, 0].mean())


# Slopes


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 1.7])
def test_the_slopes_of_calibration_and_heterogeneity_are_found(effects: Effects, slope: float) -> None:
    both = made_up(effects, 0, level=slope, spread=slope)
    only_spread = made_up(effects, 1, level=3.0, spread=slope)
    for found in (calibration(both), heterogeneity(both), heterogeneity(only_spread)):
        assert abs(found.point - slope) < 3.5 * found.se
        assert found.se < 0.05
    exact = made_up(effects, 2, level=3.0, spread=slope, noise=0)
    assert heterogeneity(exact).point == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize("slope", [calibration, heterogeneity])
def test_intervals_of_slopes_cover_the_truth_as_often_as_they_say(effects: Effects, slope: object) -> None:
    small = replace(
        effects,
        cate=effects.cate[:300],
        scores=effects.scores[:300],
        history=replace(effects.history, cluster=effects.history.cluster[:300]),
    )
    found = [slope(made_up(small, seed, level=0.7, spread=0.7, noise=4)) for seed in range(300)]  # type: ignore[operator]
    covered = np.mean([item.lower <= 0.7 <= item.upper for item in found])
    assert covered == pytest.approx(0.9, abs=0.05)


def test_slopes_know_no_currency(effects: Effects) -> None:
    priced = replace(effects, cate=100 * effects.cate, scores=100 * effects.scores)
    for slope in (calibration, heterogeneity):
        one, other = slope(effects), slope(priced)
        assert (other.point, other.se) == pytest.approx((one.point, one.se))


def test_slopes_count_customers_and_not_rows(effects: Effects) -> None:
    history = effects.history
    twice = replace(
        effects,
        cate=np.tile(effects.cate, (2, 1)),
        scores=np.tile(effects.scores, (2, 1)),
        history=replace(history, cluster=np.tile(history.cluster, 2)),
    )
    for slope in (calibration, heterogeneity):
        one, other = slope(effects), slope(twice)
        assert (other.point, other.se) == pytest.approx((one.point, one.se))


def test_the_same_effect_for_all_shows_no_differences(effects: Effects) -> None:
    same = replace(effects, cate=np.tile([1.0, 2.0, 3.0, 4.0], (len(effects.cate), 1)))
    found = heterogeneity(same)
    assert found.point == 0
    assert found.se == math.inf
    nothing = calibration(replace(effects, cate=np.zeros_like(effects.cate)))
    assert nothing.point == 1
    assert nothing.se == math.inf


def test_the_slope_on_responses_is_the_ratio_of_its_evidence(effects: Effects) -> None:
    product, square = effects.response_evidence.T
    found = response_heterogeneity(effects)
    assert found.point == pytest.approx(product.sum() / square.sum())
    right = replace(effects, response_evidence=np.column_stack([0.6 * square, square]))
    exact = response_heterogeneity(right)
    assert exact.point == pytest.approx(0.6)
    assert exact.se == pytest.approx(0, abs=1e-12)


# The response model


@steady
@given(seeds)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(effects: Effects, seed: int) -> None:
    rng = np.random.default_rng(seed)
    response, score = rng.random(60) < 0.3, rng.integers(0, 8, 60) / 8
    response[:2] = (True, False)
    found = response_quality(
        replace(effects, response_score=score, history=replace(effects.history, response=response))
    )
    ahead = score[response][:, None] - score[~response]
    assert found["auc"] == pytest.approx(((ahead > 0) + 0.5 * (ahead == 0)).mean())
    assert found["buyers"] == response.sum()
    assert found["rate"] == response.mean()


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_interval_of_the_auc_covers_the_truth_as_often_as_it_says(effects: Effects, level: float) -> None:
    """Scores of buyers and others are exponential with means 2 and 1, for which the AUC is 2/3."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        response = rng.random(300) < 0.3
        score = rng.exponential(np.where(response, 2.0, 1.0))
        found = response_quality(
            replace(effects, response_score=score, history=replace(effects.history, response=response)), level
        )
        covered += float(found["lower"] or 0) <= 2 / 3 <= float(found["upper"] or 0)
    assert covered / 200 == pytest.approx(level, abs=0.08)


@pytest.mark.parametrize("answer", [True, False])
def test_without_both_kinds_of_customers_there_is_no_auc(effects: Effects, answer: bool) -> None:
    everybody = replace(effects.history, response=np.full(len(effects.history), answer))
    found = response_quality(replace(effects, history=everybody))
    assert found["auc"] is found["lower"] is found["upper"] is None
    assert found["rate"] == float(answer)


# Words and plain data


def test_every_candidate_has_its_share_and_its_gain(effects: Effects) -> None:
    found = candidates(effects)
    assert [(row["learner"], row["weight"]) for row in found] == list(effects.learners())
    assert (found[0]["gain"], found[0]["gain_se"]) == (0, 0)
    for j, row in enumerate(found[1:]):
        assert row["gain"] == pytest.approx(effects.gain[:, j].mean())
        assert row["gain_se"] > 0


def test_the_combination_is_said_in_one_line_from_the_largest_share_down(effects: Effects) -> None:
    weights = np.array([0.001, 0.0, 0.0, 0.2, 0.1, 0.6])
    rules = tuple(replace(rule, weights=weights) for rule in effects.rules)
    assert effects.members[0].names == ("average", "proportional", "t", "x", "two-part-x", "offset")
    assert in_words(replace(effects, rules=rules)) == "offset 60%, X 20%, two-part X 10%, nobody 10%"
    shares = [float(part.rpartition(" ")[2].rstrip("%")) for part in in_words(effects).split(", ")]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=3)


def test_a_description_is_plain_data_and_says_what_its_parts_say(effects: Effects) -> None:
    found = describe(effects, np.array([0.02, 0.02, 0.08, 0.08]), level=0.8)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["calibration"]["slope"] == calibration(effects).point
    assert found["heterogeneity"]["slope"] == heterogeneity(effects).point
    assert [row["observed"] for row in found["deciles"]] == [
        item.observed.point for item in deciles(effects, np.array([0.02, 0.02, 0.08, 0.08]))
    ]
    first = found["average_effects"][0]
    assert (first["channel"], first["send_time"]) == ("email", 8)
    assert first["lower"] == average_effects(effects, 0.8)[0].effect.lower
    assert found["learner"] == in_words(effects)


def test_what_cannot_be_known_is_null_and_not_infinite(effects: Effects) -> None:
    nothing = replace(effects, cate=np.zeros_like(effects.cate))
    found = json.loads(json.dumps(describe(nothing), allow_nan=False))
    assert found["calibration"] == {"slope": 1, "lower": None, "upper": None}
    assert found["heterogeneity"] == {"slope": 0, "lower": None, "upper": None}


def test_arms_are_named_as_they_came() -> None:
    assert place(Arm("Mens E-Mail"), single=True) == {"arm": "Mens E-Mail"}
    assert place(Arm("email", 8), single=False) == {"channel": "email", "send_time": 8}
    assert place(Arm("email"), single=False) == {"channel": "email", "send_time": None}


@steady
@given(st.floats())
def test_only_numbers_are_numbers(value: float) -> None:
    assert finite(value) == (value if math.isfinite(value) else None)


def test_an_interval_is_three_numbers() -> None:
    unsure = interval(Estimate.normal(1.0, math.inf))
    assert unsure == {"point": 1.0, "lower": None, "upper": None}
    sure = interval(Estimate.normal(1.0, 0.5))
    assert sure["lower"] == pytest.approx(1 - 0.5 * 1.6448536)
