"""What every learner promises, held against each of our own; test_adapters.py does it for other libraries'."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from uplift import Arm
from uplift.encoder import CODES
from uplift.learners import Learner
from uplift.nuisance import Baseline
from uplift.plugins import BUILT_IN, load
from uplift.sample import Sample, Space

Array = np.ndarray
OTHERS = ("uplift.learners.from_",)
LEARNERS = [name for name, place in BUILT_IN["uplift.learners"].items() if not place.startswith(OTHERS)]
# These learn what responses change, and need an outcome that is mostly zero.
RESPONSE_ONLY = {"offset", "two-part-x"}
# The same effect for everybody, by design.
SAME_FOR_ALL = {"average"}
# The same share of what each customer brings in anyway, by design: it ranks by the baseline, not by the effect.
SAME_LIFT = {"proportional"}
ACTIONS = tuple(Arm(channel, hour) for channel in ("email", "sms") for hour in (8, 18))


@dataclass(frozen=True)
class World:
    """A randomised campaign and the true effects, (n, k) in money."""

    sample: Sample
    truth: Array

    @property
    def baseline(self) -> Baseline:
        return Baseline.fit(self.sample)


def features(rng: np.random.Generator, n: int) -> Array:
    return np.asfortranarray(rng.integers(0, 9, (n, 4)), np.uint8)


def assign(rng: np.random.Generator, codes: Array, k: int, *, tilt: float) -> tuple[Array, Array]:
    """Give arms at random, contacts to customers with high codes the more the larger the tilt."""
    control = 0.4 + tilt * (0.5 - codes[:, 0] / 8)
    chances = np.column_stack([control, np.tile((1 - control)[:, None] / k, (1, k))])
    arm = (rng.random(len(codes))[:, None] > chances[:, :-1].cumsum(axis=1)).sum(axis=1) - 1
    return arm.astype(np.int32), chances[np.arange(len(codes)), arm + 1]


def shopping(seed: int = 0, *, n: int = 12_000, strength: float = 1.0, tilt: float = 0.0) -> World:
    """Customers who buy now and then; e-mail works on some of them, a text message a little on all."""
    rng = np.random.default_rng(seed)
    codes = features(rng, n)
    gain = strength * np.column_stack(
        [0.16 * (codes[:, 1] > 4), 0.16 * (codes[:, 1] > 4), np.full(n, 0.04), np.full(n, 0.08)]
    )
    arm, propensity = assign(rng, codes, len(ACTIONS), tilt=tilt)
    chance = 0.05 + 0.03 * codes[:, 0] + np.where(arm < 0, 0, gain[np.arange(n), arm])
    response = rng.random(n) < chance
    size = 15 + 2.0 * codes[:, 3]
    outcome = np.where(response, size * rng.gamma(4, 1 / 4, n), 0.0)
    space = Space.of(ACTIONS)
    sample = Sample(codes, (2,), space, arm, outcome, response, propensity, two_part=True)
    return World(sample, gain * size[:, None])


def watching(seed: int = 0, *, n: int = 8000) -> World:
    """Customers who all have an outcome, minutes say; every action adds some."""
    rng = np.random.default_rng(seed)
    codes = features(rng, n)
    truth = np.column_stack([2.0 * (codes[:, 1] > 4)] * 2 + [np.full(n, 1.0)] * 2)
    arm, propensity = assign(rng, codes, len(ACTIONS), tilt=0.0)
    outcome = 30 + codes[:, 0] + np.where(arm < 0, 0, truth[np.arange(n), arm]) + rng.normal(size=n)
    space = Space.of(ACTIONS)
    sample = Sample(codes, (2,), space, arm, outcome, np.ones(n, bool), propensity, two_part=False)
    return World(sample, truth)


@pytest.fixture(scope="module")
def world() -> World:
    return shopping()


@pytest.fixture(scope="module", params=LEARNERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fit(name: str, world: World, baseline: Baseline | None = None) -> Learner:
    learner: Learner = load("uplift.learners", name)()
    assert learner.fit(world.sample, baseline or world.baseline) is learner
    return learner


@pytest.fixture(scope="module")
def learner(name: str, world: World) -> Learner:
    return fit(name, world)


def test_effects_are_one_number_for_each_customer_and_action(learner: Learner, world: World) -> None:
    cate = learner.predict(world.sample.codes)
    assert cate.shape == world.truth.shape
    assert cate.dtype == np.float64
    assert np.isfinite(cate).all()


def test_average_effects_are_those_that_were_there(learner: Learner, world: World) -> None:
    # The standard error of an average effect is about 0.2 here.
    found = learner.predict(world.sample.codes).mean(axis=0)
    assert found.mean() == pytest.approx(world.truth.mean(), abs=0.5)
    np.testing.assert_allclose(found, world.truth.mean(axis=0), atol=1)


def test_customers_it_never_saw_are_told_apart(name: str, learner: Learner) -> None:
    fresh = shopping(seed=99)
    cate = learner.predict(fresh.sample.codes)
    if name in SAME_FOR_ALL:
        assert (cate == cate[0]).all()
        return
    if name in SAME_LIFT:
        ratio = cate / cate[:, :1]
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-9)
        return
    for a in (0, 1):
        assert np.corrcoef(cate[:, a], fresh.truth[:, a])[0, 1] > 0.7


def test_no_effect_is_found_to_be_next_to_none(name: str) -> None:
    nothing = shopping(seed=3, strength=0.0)
    cate = fit(name, nothing).predict(nothing.sample.codes)
    np.testing.assert_allclose(cate.mean(axis=0), 0, atol=0.7)
    assert np.abs(cate).mean() < 1.5


def test_arms_that_depend_on_a_feature_do_not_mislead_it(name: str) -> None:
    tilted = shopping(seed=4, tilt=0.7)
    sample = tilted.sample
    naive = sample.outcome[sample.arm >= 0].mean() - sample.outcome[sample.arm < 0].mean()
    assert naive > tilted.truth.mean() + 1
    assert fit(name, tilted).predict(sample.codes).mean() == pytest.approx(tilted.truth.mean(), abs=0.5)


def test_a_customer_has_the_same_effects_alone_and_among_others(learner: Learner, world: World) -> None:
    codes = world.sample.codes
    cate = learner.predict(codes)
    some = np.random.default_rng(0).permutation(len(codes))[:700]
    np.testing.assert_array_equal(learner.predict(codes[some]), cate[some])
    assert learner.predict(codes[:0]).shape == (0, len(ACTIONS))


def test_codes_it_never_saw_have_effects_too(learner: Learner) -> None:
    strange = np.full((CODES, 4), np.arange(CODES)[:, None], np.uint8)
    assert np.isfinite(learner.predict(strange)).all()


def test_the_same_sample_gives_the_same_effects_bit_for_bit(
    name: str, learner: Learner, world: World
) -> None:
    again = fit(name, world)
    np.testing.assert_array_equal(again.predict(world.sample.codes), learner.predict(world.sample.codes))


def test_what_it_learns_from_stays_as_it_was(name: str) -> None:
    world = shopping(n=3000)
    names = ("codes", "arm", "outcome", "response", "propensity")
    before = {column: getattr(world.sample, column).copy() for column in names}
    fit(name, world)
    for column, values in before.items():
        np.testing.assert_array_equal(getattr(world.sample, column), values)


def test_another_currency_scales_the_effects(name: str, learner: Learner, world: World) -> None:
    priced = World(replace(world.sample, outcome=128 * world.sample.outcome), 128 * world.truth)
    cate = learner.predict(world.sample.codes)
    np.testing.assert_allclose(
        fit(name, priced).predict(world.sample.codes), 128 * cate, rtol=1e-3, atol=0.128 * np.abs(cate).max()
    )


def test_one_action_without_features_is_enough(name: str) -> None:
    world = shopping(n=6000)
    rows = world.sample.arm <= 0
    single = replace(world.sample.take(rows), space=Space.of(ACTIONS[:1]))
    cate = fit(name, World(single, world.truth[rows, :1])).predict(single.codes)
    assert cate.shape == (rows.sum(), 1)
    assert cate.mean() == pytest.approx(world.truth[:, 0].mean(), abs=1)


def test_an_action_nobody_was_given_has_finite_effects(name: str) -> None:
    world = shopping(n=6000)
    without = World(world.sample.take(world.sample.arm != 3), world.truth)
    cate = fit(name, without).predict(world.sample.codes)
    assert np.isfinite(cate).all()
    assert np.abs(cate[:, 3]).mean() < 4


def test_few_responses_give_finite_effects(name: str) -> None:
    world = shopping(n=600)
    first = np.cumsum(world.sample.response) <= 3
    rare = replace(
        world.sample,
        response=world.sample.response & first,
        outcome=np.where(first, world.sample.outcome, 0.0),
    )
    assert np.isfinite(fit(name, World(rare, world.truth)).predict(rare.codes)).all()


@pytest.mark.parametrize("name", [name for name in LEARNERS if name not in RESPONSE_ONLY])
def test_outcomes_that_everybody_has_are_learned_too(name: str) -> None:
    world = watching()
    cate = fit(name, world).predict(world.sample.codes)
    np.testing.assert_allclose(cate.mean(axis=0), world.truth.mean(axis=0), atol=0.2)
    if name not in SAME_FOR_ALL | SAME_LIFT:
        assert np.corrcoef(cate.ravel(), world.truth.ravel())[0, 1] > 0.9


def test_the_average_learner_is_the_difference_of_weighted_means(world: World) -> None:
    """With one action a channel nothing is borrowed, and with a constant baseline nothing is modelled."""
    sample = replace(world.sample, space=Space.of([Arm(f"offer {place}") for place in range(4)]))
    constant = Baseline(None, None, "constant", 7.0, 1.0)
    found = load("uplift.learners", "average")().fit(sample, constant).predict(sample.codes[:1])[0]

    def mean(arm: int) -> float:
        rows = sample.arm == arm
        return float(np.average(sample.outcome[rows], weights=1 / sample.propensity[rows]))

    np.testing.assert_allclose(found, [mean(arm) - mean(-1) for arm in range(4)])


def test_a_probability_of_the_offset_learner_is_one(world: World) -> None:
    learner = load("uplift.learners", "offset")().fit(world.sample, world.baseline)
    chance = learner.probability(world.sample.codes)
    assert ((chance > 0) & (chance < 1)).all()
    for a in range(len(ACTIONS)):
        given = world.sample.arm == a
        assert chance[given, a].mean() == pytest.approx(world.sample.response[given].mean(), rel=0.1)
