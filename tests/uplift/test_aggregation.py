"""AIPW scores, pooling, aggregation and calibration against brute force and known truths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from uplift.aggregation import (
    PRIOR_WEIGHT,
    Calibration,
    Moments,
    Slope,
    aipw,
    evidence_noise,
    q_aggregate,
    slope_of,
)
from uplift.effects import Rule
from uplift.learners.average import shrink

Array = np.ndarray
steady = settings(derandomize=True, deadline=None, max_examples=100)
seeds = st.integers(0, 2**32 - 1)


def slow_aipw(cate: Array, baseline: Array, arm: Array, outcome: Array, propensity: Array) -> Array:
    """The definition, cell by cell."""
    scores = np.empty_like(cate)
    for i, (own, y, p) in enumerate(zip(arm, outcome, propensity, strict=True)):
        for a in range(cate.shape[1]):
            scores[i, a] = cate[i, a]
            if own == a:
                scores[i, a] += (y - baseline[i] - cate[i, a]) / p
            if own < 0:
                scores[i, a] -= (y - baseline[i]) / p
    return scores


class Experiment:
    """Customers with known potential outcomes, arms given with unequal known probabilities, wrong models."""

    def __init__(self, seed: int, n: int = 40, k: int = 3) -> None:
        self.rng = np.random.default_rng(seed)
        self.potential = self.rng.normal(size=(n, k + 1)) * 3  # control first
        self.chances = self.rng.dirichlet(np.full(k + 1, 2.0), size=n) * 0.9 + 0.1 / (k + 1)
        self.cate, self.baseline = self.rng.normal(size=(n, k)), self.rng.normal(size=n)

    @property
    def truth(self) -> Array:
        return self.potential[:, 1:] - self.potential[:, :1]

    def scores(self, arm: Array) -> Array:
        rows = np.arange(len(arm))
        outcome, propensity = self.potential[rows, arm + 1], self.chances[rows, arm + 1]
        return aipw(self.cate, self.baseline, arm.astype(np.int32), outcome, propensity)


@steady
@given(seeds)
def test_aipw_agrees_with_its_definition(seed: int) -> None:
    world = Experiment(seed)
    arm = world.rng.integers(-1, 3, 40)
    outcome, propensity = world.rng.normal(size=40), world.rng.uniform(0.05, 1, 40)
    fast = aipw(world.cate, world.baseline, arm.astype(np.int32), outcome, propensity)
    np.testing.assert_allclose(
        fast, slow_aipw(world.cate, world.baseline, arm, outcome, propensity), atol=1e-9
    )


@steady
@given(seeds)
def test_aipw_is_exactly_unbiased_over_the_arms_that_might_have_been_given(seed: int) -> None:
    """Whatever the models say, the mean over all arms, weighted by their probabilities, is the true effect."""
    world = Experiment(seed)
    expected = sum(
        world.chances[:, [arm + 1]] * world.scores(np.full(len(world.potential), arm))
        for arm in (-1, 0, 1, 2)
    )
    np.testing.assert_allclose(expected, world.truth, atol=1e-9)


def test_aipw_of_a_simulated_campaign_averages_to_the_truth_and_the_naive_difference_does_not() -> None:
    rng = np.random.default_rng(0)
    n = 60_000
    x = rng.random(n)
    chances = np.stack([0.7 - 0.5 * x, 0.1 + 0.2 * x, 0.2 + 0.3 * x], axis=1)
    arm = (rng.random(n)[:, None] > chances.cumsum(axis=1)).sum(axis=1) - 1
    effect = np.stack([x, 1 - x], axis=1)
    mean = 5 * x + np.where(arm < 0, 0, effect[np.arange(n), arm])
    outcome = mean + rng.normal(size=n)
    models = np.zeros((n, 2)), np.full(n, 2.0)
    scores = aipw(*models, arm.astype(np.int32), outcome, chances[np.arange(n), arm + 1])
    error = scores.mean(axis=0) - effect.mean(axis=0)
    assert (np.abs(error) < 4 * scores.std(axis=0) / math.sqrt(n)).all()
    naive = outcome[arm == 1].mean() - outcome[arm < 0].mean()
    assert abs(naive - 0.5) > 0.5


def test_models_that_know_every_outcome_leave_no_noise() -> None:
    world = Experiment(1)
    world.cate, world.baseline = world.truth, world.potential[:, 0]
    for arm in (-1, 0, 2):
        np.testing.assert_allclose(world.scores(np.full(40, arm)), world.truth, atol=1e-12)


@steady
@given(seeds)
def test_aipw_changes_nothing_it_is_given(seed: int) -> None:
    world = Experiment(seed)
    before = world.cate.copy(), world.baseline.copy()
    world.scores(world.rng.integers(-1, 3, 40))
    np.testing.assert_array_equal(world.cate, before[0])
    np.testing.assert_array_equal(world.baseline, before[1])


# Pooling

points = arrays.arrays(float, 8, elements=st.floats(-100, 100))
errors = arrays.arrays(float, 8, elements=st.floats(0.1, 50))
groups = arrays.arrays(np.int32, 8, elements=st.integers(0, 2))


@steady
@given(points, errors, groups)
def test_a_pooled_estimate_lies_between_its_own_and_its_groups(
    point: Array, error: Array, group: Array
) -> None:
    pooled = shrink(point, error, group)
    for g in np.unique(group):
        members = group == g
        mean = np.average(point[members], weights=1 / error[members] ** 2)
        low, high = np.minimum(point[members], mean), np.maximum(point[members], mean)
        assert (pooled[members] >= low - 1e-7).all()
        assert (pooled[members] <= high + 1e-7).all()


@steady
@given(points, errors, groups, st.floats(0.01, 100), st.floats(-50, 50))
def test_pooling_knows_no_unit_and_no_zero(
    point: Array, error: Array, group: Array, scale: float, shift: float
) -> None:
    pooled = shrink(point, error, group)
    moved = shrink(scale * point + shift, scale * error, group)
    np.testing.assert_allclose(moved, scale * pooled + shift, rtol=1e-5, atol=1e-5 * (1 + scale))


@steady
@given(points, errors, groups, st.permutations(range(8)))
def test_pooling_does_not_depend_on_the_order(
    point: Array, error: Array, group: Array, order: list[int]
) -> None:
    pooled = shrink(point, error, group)
    np.testing.assert_allclose(shrink(point[order], error[order], group[order]), pooled[order], atol=1e-6)


@steady
@given(arrays.arrays(float, 6, elements=st.floats(-100, 100)), st.floats(0.5, 50))
def test_equally_sure_estimates_are_pooled_by_the_textbook(point: Array, error: float) -> None:
    """With one group and equal errors the excess variance is s² − se², and the share kept τ² / (τ² + se²)."""
    excess = max(0.0, point.var(ddof=1) - error**2)
    expected = point.mean() + excess / (excess + error**2) * (point - point.mean())
    found = shrink(point, np.full(6, error), np.zeros(6, np.int32))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_an_action_without_rows_borrows_everything_from_its_channel() -> None:
    pooled = shrink(
        np.array([5.0, 0.0, 3.0, 0.0]), np.array([1.0, np.inf, 1.0, np.inf]), np.array([0, 0, 0, 1], np.int32)
    )
    assert pooled[1] == pytest.approx(4)
    assert pooled[3] == 0


def test_pooling_is_nearer_to_the_truth_than_what_it_pools() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2, 3], 4).astype(np.int32)
    raw, pooled = 0.0, 0.0
    for _ in range(200):
        truth = rng.normal(0, 2, 4)[group] + rng.normal(0, 0.5, 16)
        error = rng.uniform(0.5, 2, 16)
        seen = truth + error * rng.normal(size=16)
        raw += np.square(seen - truth).sum()
        pooled += np.square(shrink(seen, error, group) - truth).sum()
    assert pooled < 0.6 * raw


# Moments and aggregation


def candidates(seed: int, n: int = 200, k: int = 3, count: int = 4) -> tuple[list[Array], Array, Array]:
    """Return candidates' effects, scores and shares."""
    rng = np.random.default_rng(seed)
    effects = [rng.normal(size=(n, k)) for _ in range(count)]
    return effects, rng.normal(size=(n, k)) * 3, rng.dirichlet(np.ones(k))


@steady
@given(seeds, st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_moments_give_the_loss_of_any_combination(seed: int, weights: list[float]) -> None:
    effects, scores, shares = candidates(seed)
    moments, mix = Moments.of(effects, scores, shares), np.array(weights)
    combined = sum(weight * effect for weight, effect in zip(mix, effects, strict=True))
    loss = (shares * np.square(scores - combined)).sum()
    fast = (shares * scores**2).sum() + mix @ moments.gram @ mix - 2 * moments.cross @ mix
    assert fast == pytest.approx(loss, rel=1e-9)


@steady
@given(seeds, st.integers(0, 200))
def test_moments_of_parts_add_up_to_those_of_the_whole(seed: int, cut: int) -> None:
    effects, scores, shares = candidates(seed)
    whole = Moments.of(effects, scores, shares)
    parts = [
        Moments.of([effect[rows] for effect in effects], scores[rows], shares)
        for rows in (slice(0, cut), slice(cut, None))
    ]
    total = parts[0] + parts[1]
    np.testing.assert_allclose(total.gram, whole.gram, atol=1e-9)
    np.testing.assert_allclose(total.cross, whole.cross, atol=1e-9)
    assert total.rows == whole.rows == 200


def weights_of(
    effects: list[Array], scores: Array, shares: Array, prior: Array, noise: float | None = None
) -> Array:
    if noise is None:
        mean = sum(weight * effect for weight, effect in zip(prior, effects, strict=True))
        noise = evidence_noise(np.asarray(mean), scores, shares)
    return q_aggregate(Moments.of(effects, scores, shares), prior, noise)


@steady
@given(seeds, st.floats(1e-3, 1e6))
def test_weights_are_shares_of_one(seed: int, noise: float) -> None:
    effects, scores, shares = candidates(seed)
    prior = np.random.default_rng(seed).dirichlet(np.ones(4)) * 0.8 + 0.05
    weights = weights_of(effects, scores, shares, prior, noise)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("best", range(4))
def test_overwhelming_evidence_leaves_nothing_but_the_best_candidate(best: int) -> None:
    effects, noise, shares = candidates(best, n=20_000)
    prior = np.array([0.02, 0.38, 0.3, 0.3])
    weights = weights_of(effects, effects[best] + 0.1 * noise, shares, prior)
    assert weights[best] > 0.98


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seeds, st.floats(-10, 0), st.integers(0, 3))
def test_more_evidence_never_brings_the_prior_back(seed: int, power: float, best: int) -> None:
    effects, noise, shares = candidates(seed)
    scores = effects[best] + 0.1 * noise
    assert weights_of(effects, scores, shares, np.full(4, 0.25), 10.0**power)[best] > 0.98


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seeds, st.floats(-4, 4))
def test_no_other_weights_have_a_lower_loss(seed: int, power: float) -> None:
    """The loss as it is defined: half the mixture's own, half the candidates', and the relative entropy."""
    effects, noise, shares = candidates(seed)
    scores, prior, variance = 0.5 * effects[0] + noise, np.array([0.1, 0.2, 0.3, 0.4]), 10.0**power

    def total(effect: Array) -> float:
        return float((shares * np.square(scores - effect)).sum() / (2 * variance))

    def loss(weights: Array) -> float:
        mixture = total(np.tensordot(weights, np.array(effects), axes=1))
        own = sum(weight * total(effect) for weight, effect in zip(weights, effects, strict=True))
        entropy = sum(w * math.log(w / p) for w, p in zip(weights, prior, strict=True) if w > 0)
        return float(0.5 * (mixture + own) + PRIOR_WEIGHT * entropy)

    found = weights_of(effects, scores, shares, prior, variance)
    rng = np.random.default_rng(seed)
    near = np.abs(found + rng.normal(size=(40, 4)) * np.geomspace(1e-3, 0.3, 40)[:, None])
    others = [*near, *rng.dirichlet(np.ones(4), 40), prior, *np.eye(4)]
    # Weights below a thousandth are set to none, which costs a little.
    least = min(loss(weights / weights.sum()) for weights in others)
    assert loss(found) <= least + 2e-3 * (1 + abs(least))


def test_a_truth_half_way_between_two_candidates_is_found_there() -> None:
    effects, noise, shares = candidates(7, n=20_000)
    truth = 0.5 * effects[0] + 0.5 * effects[1]
    weights = weights_of(effects, truth + 0.1 * noise, shares, np.full(4, 0.25))
    np.testing.assert_allclose(weights, [0.5, 0.5, 0, 0], atol=0.05)


def test_where_nothing_can_be_seen_experience_decides() -> None:
    effects, scores, shares = candidates(8)
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(weights_of(effects, scores, shares, prior, 1e12), prior, atol=1e-3)


def test_candidates_that_say_the_same_have_the_weights_of_the_prior() -> None:
    effects, noise, shares = candidates(9, n=5000)
    weights = weights_of([effects[0]] * 3, effects[0] + noise, shares, np.array([0.2, 0.3, 0.5]))
    np.testing.assert_allclose(weights, [0.2, 0.3, 0.5], atol=5e-3)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(seeds, st.floats(-6, 6), st.permutations(range(4)))
def test_weights_depend_neither_on_the_currency_nor_on_the_order(
    seed: int, power: float, order: list[int]
) -> None:
    effects, noise, shares = candidates(seed, n=1000)
    scores = 0.6 * effects[0] + 0.3 * effects[2] + noise
    prior, unit = np.array([0.1, 0.2, 0.3, 0.4]), 10.0**power
    plain = weights_of(effects, scores, shares, prior)
    priced = weights_of([unit * effect for effect in effects], unit * scores, shares, prior)
    turned = weights_of([effects[j] for j in order], scores, shares, prior[order])
    np.testing.assert_allclose(priced, plain, atol=2e-3)
    np.testing.assert_allclose(turned, plain[order], atol=2e-3)


def test_evidence_against_a_candidate_takes_weight_from_it_little_by_little() -> None:
    effects, noise, shares = candidates(11, n=4000)
    taken = [
        weights_of(effects, size * effects[0] + noise, shares, np.full(4, 0.25))[0]
        for size in (0.0, 0.05, 0.1, 0.2, 0.5)
    ]
    assert taken == sorted(taken)
    assert taken[0] < 0.3
    assert taken[-1] > 0.5


@steady
@given(seeds)
def test_the_noise_of_evidence_agrees_with_its_definition(seed: int) -> None:
    (cate, *_), scores, shares = candidates(seed, n=50)
    u = [(shares * cate[i] * scores[i]).sum() for i in range(50)]
    v = [(shares * cate[i] ** 2).sum() for i in range(50)]
    slow = np.mean([(one - two) ** 2 for one, two in zip(u, v, strict=True)]) / np.mean(v)
    assert evidence_noise(cate, scores, shares) == pytest.approx(slow)


def test_effects_of_zero_have_no_evidence_and_no_error() -> None:
    zeros, shares = np.zeros((10, 2)), np.array([0.4, 0.6])
    assert evidence_noise(zeros, np.ones((10, 2)), shares) == 0
    weights = weights_of([zeros, zeros], np.ones((10, 2)), shares, np.array([0.3, 0.7]))
    np.testing.assert_allclose(weights, [0.3, 0.7], atol=1e-6)


# Calibration


@steady
@given(seeds)
def test_a_slope_is_that_of_weighted_least_squares_through_the_origin(seed: int) -> None:
    (predicted, *_), observed, shares = candidates(seed, n=60)
    root = np.sqrt(shares)
    reference = np.linalg.lstsq((predicted * root).reshape(-1, 1), (observed * root).ravel(), rcond=None)[0][
        0
    ]
    assert slope_of(predicted, observed, shares).point == pytest.approx(reference)


@pytest.mark.parametrize("truth", [0.0, 0.4, 1.0, 2.5])
def test_a_slope_finds_the_truth_with_the_error_it_states(truth: float) -> None:
    found = []
    for seed in range(150):
        (predicted, *_), noise, shares = candidates(seed, n=400)
        spread = 1 + np.abs(predicted[:, :1])  # the noise of a row grows with what is predicted for it
        one = slope_of(predicted, truth * predicted + spread * noise, shares)
        found.append((one.point, one.se))
    points, errors = np.array(found).T
    assert abs(points.mean() - truth) < 4 * points.std() / math.sqrt(150)
    assert errors.mean() == pytest.approx(points.std(), rel=0.15)


def test_nothing_predicted_is_nothing_to_calibrate() -> None:
    slope = slope_of(np.zeros((50, 2)), np.ones((50, 2)), np.array([0.5, 0.5]))
    assert slope.se == math.inf
    assert slope.shrunk == 1


@steady
@given(st.floats(-5, 5), st.floats(0, 100))
def test_a_slope_is_pulled_towards_1_the_more_the_less_is_known(point: float, se: float) -> None:
    shrunk = Slope(point, se).shrunk
    assert max(0.0, min(point, 1)) - 1e-12 <= shrunk <= max(point, 1) + 1e-12
    assert abs(Slope(point, se + 1).shrunk - 1) <= abs(shrunk - 1) + 1e-12
    assert Slope(point, 0).shrunk == pytest.approx(max(point, 0))


@steady
@given(seeds, st.floats(0, 3), st.floats(0, 3))
def test_both_slopes_are_found_apart(seed: int, level: float, spread: float) -> None:
    """Held-out scores that are level · mean + spread · (cate − mean), without noise."""
    (cate, *_), _, shares = candidates(seed, n=80)
    cate = cate + np.array([1.0, -2.0, 3.0])
    mean = cate.mean(axis=0)
    observed = level * mean + spread * (cate - mean)
    found = Calibration.of(cate, observed, shares)
    assert found.level.point == pytest.approx(level, abs=1e-9)
    assert found.spread.point == pytest.approx(spread, abs=1e-9)


@steady
@given(seeds, st.floats(0, 3), st.floats(0, 3))
def test_a_calibrated_rule_has_the_level_and_the_spread_it_was_given(
    seed: int, level: float, spread: float
) -> None:
    (cate, *_), noise, shares = candidates(seed, n=80)
    cate = cate + np.array([1.0, -2.0, 3.0])
    mean = cate.mean(axis=0)
    found = Calibration.of(cate, level * mean + spread * (cate - mean) + 0.1 * noise, shares)
    rule = Rule(0, np.array([1.0]), found.spread.shrunk, found.level.shrunk, found.shift)
    calibrated = rule.combine([cate])
    np.testing.assert_allclose(calibrated.mean(axis=0), found.level.shrunk * mean, atol=1e-9)
    np.testing.assert_allclose(
        calibrated - calibrated.mean(axis=0), found.spread.shrunk * (cate - mean), atol=1e-9
    )
