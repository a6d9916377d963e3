"""Learners of causalml and econml behind our protocol: the same promises as our own learners'."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import uplift
from uplift import Arm
from uplift.encoder import CODES
from uplift.learners import Learner
from uplift.learners.challenger import FEW, Chances, Task, Trees
from uplift.nuisance import Baseline
from uplift.plugins import BUILT_IN, load
from uplift.sample import Sample, Space

# causalml imports shap, and that matplotlib, which speaks of its own future plans as it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")

Array = np.ndarray
ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("causalml", "econml")
ADAPTERS = [name for name in BUILT_IN["uplift.learners"] if name.startswith(LIBRARIES)]
ACTIONS = (Arm("email"), Arm("sms"))


@dataclass(frozen=True)
class World:
    """A randomised campaign and the true effects, (n, 2) in money."""

    sample: Sample
    truth: Array


def features(rng: np.random.Generator, n: int) -> Array:
    return np.asfortranarray(rng.integers(0, 9, (n, 4)), np.uint8)


def assign(rng: np.random.Generator, codes: Array, tilt: float) -> tuple[Array, Array]:
    """Give arms at random, contacts to customers with high codes the more the larger the tilt."""
    control = 0.4 + tilt * (0.5 - codes[:, 0] / 8)
    chances = np.column_stack([control, 0.4 * (1 - control), 0.6 * (1 - control)])
    arm = (rng.random(len(codes))[:, None] > chances[:, :-1].cumsum(axis=1)).sum(axis=1) - 1
    return arm.astype(np.int32), chances[np.arange(len(codes)), arm + 1]


@cache
def shopping(seed: int = 0, *, n: int = 6000, tilt: float = 0.0) -> World:
    """Customers who buy now and then; e-mail works much on some of them, a text message a little on all."""
    rng = np.random.default_rng(seed)
    codes = features(rng, n)
    gain = np.column_stack([0.3 * (codes[:, 1] > 4), np.full(n, 0.06)])
    arm, propensity = assign(rng, codes, tilt)
    chance = 0.05 + 0.03 * codes[:, 0] + np.where(arm < 0, 0, gain[np.arange(n), arm])
    response = rng.random(n) < chance
    size = 15 + 2.0 * codes[:, 3]
    outcome = np.where(response, size * rng.gamma(4, 1 / 4, n), 0.0)
    space = Space.of(ACTIONS)
    sample = Sample(codes, (2,), space, arm, outcome, response, propensity, two_part=True)
    return World(sample, gain * size[:, None])


@cache
def watching() -> World:
    """Customers who all have an outcome, minutes say; both actions add some."""
    rng = np.random.default_rng(1)
    n = 4000
    codes = features(rng, n)
    truth = np.column_stack([4.0 * (codes[:, 1] > 4), np.full(n, 1.0)])
    arm, propensity = assign(rng, codes, 0.0)
    outcome = 30 + codes[:, 0] + np.where(arm < 0, 0, truth[np.arange(n), arm]) + rng.normal(size=n)
    sample = Sample(
        codes, (2,), Space.of(ACTIONS), arm, outcome, np.ones(n, bool), propensity, two_part=False
    )
    return World(sample, truth)


def fit(name: str, sample: Sample) -> Learner:
    learner: Learner = load("uplift.learners", name)()
    assert learner.fit(sample, Baseline.fit(sample)) is learner
    return learner


@pytest.fixture(scope="module")
def world() -> World:
    return shopping()


@pytest.fixture(scope="module", params=ADAPTERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def learner(name: str, world: World, fitted: dict[str, Learner]) -> Learner:
    if name not in fitted:
        fitted[name] = fit(name, world.sample)
    return fitted[name]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Learner]:
    """Learners fitted so far: fitted inside a test, where the marks that leave warnings out hold."""
    return {}


def test_every_adapter_that_was_promised_is_there() -> None:
    assert {"causalml-x", "econml-dr", "econml-forest", "econml-linear-dr"} <= set(ADAPTERS)


def test_effects_are_one_number_for_each_customer_and_action(learner: Learner, world: World) -> None:
    cate = learner.predict(world.sample.codes)
    assert cate.shape == world.truth.shape
    assert cate.dtype == np.float64
    assert np.isfinite(cate).all()


def test_effects_on_customers_it_never_saw_are_those_that_were_there(learner: Learner) -> None:
    fresh = shopping(99)
    cate = learner.predict(fresh.sample.codes)
    # The standard error of an average effect is about 0.3 here.
    np.testing.assert_allclose(cate.mean(axis=0), fresh.truth.mean(axis=0), atol=0.9)
    assert np.corrcoef(cate[:, 0], fresh.truth[:, 0])[0, 1] > 0.8


def test_effects_are_differences_of_probabilities_and_not_of_labels(learner: Learner, world: World) -> None:
    """Labels would give −1, 0 or 1 times what a response is worth."""
    size = Baseline.fit(world.sample).size(world.sample.codes)
    gain = learner.predict(world.sample.codes) / size[:, None]
    assert np.abs(gain).max() < 0.9
    assert np.mean(np.abs(gain) < 1e-9) < 0.01
    assert len(np.unique(gain)) > 20


def test_a_customer_has_the_same_effects_alone_and_among_others(learner: Learner, world: World) -> None:
    codes = world.sample.codes
    some = np.random.default_rng(0).permutation(len(codes))[:700]
    np.testing.assert_allclose(
        learner.predict(np.asfortranarray(codes[some])), learner.predict(codes)[some], rtol=1e-9
    )
    assert learner.predict(codes[:0]).shape == (0, len(ACTIONS))


def test_codes_it_never_saw_have_effects_too(learner: Learner) -> None:
    strange = np.asfortranarray(np.tile(np.arange(CODES)[:, None], (1, 4)), np.uint8)
    assert np.isfinite(learner.predict(strange)).all()


def test_the_same_sample_gives_the_same_effects_bit_for_bit(
    name: str, learner: Learner, world: World
) -> None:
    again = fit(name, world.sample)
    np.testing.assert_array_equal(again.predict(world.sample.codes), learner.predict(world.sample.codes))


def test_another_currency_scales_the_effects(name: str, learner: Learner, world: World) -> None:
    cate = learner.predict(world.sample.codes)
    priced = fit(name, replace(world.sample, outcome=128 * world.sample.outcome))
    np.testing.assert_allclose(
        priced.predict(world.sample.codes), 128 * cate, rtol=1e-3, atol=0.128 * np.abs(cate).max()
    )


def test_arms_that_depend_on_a_feature_do_not_mislead_it(name: str) -> None:
    tilted = shopping(4, tilt=0.7)
    sample = tilted.sample
    naive = sample.outcome[sample.arm >= 0].mean() - sample.outcome[sample.arm < 0].mean()
    assert naive > tilted.truth.mean() + 1
    assert fit(name, sample).predict(sample.codes).mean() == pytest.approx(tilted.truth.mean(), abs=0.7)


def test_outcomes_that_everybody_has_are_learned_too(name: str) -> None:
    world = watching()
    cate = fit(name, world.sample).predict(world.sample.codes)
    np.testing.assert_allclose(cate.mean(axis=0), world.truth.mean(axis=0), atol=0.25)
    assert np.corrcoef(cate.ravel(), world.truth.ravel())[0, 1] > 0.8


def test_an_arm_with_too_few_rows_has_effects_of_zero_and_the_other_keeps_its_own(name: str) -> None:
    sample = shopping(n=1500).sample
    rare = np.flatnonzero(sample.arm == 0)[FEW - 1 :]
    thin = sample.take(~np.isin(np.arange(len(sample)), rare))
    cate = fit(name, thin).predict(thin.codes)
    assert (cate[:, 0] == 0).all()
    assert (cate[:, 1] != 0).all()


def test_few_responses_give_finite_effects(name: str) -> None:
    sample = shopping(n=600).sample
    first = np.cumsum(sample.response) <= 3
    rare = replace(sample, response=sample.response & first, outcome=np.where(first, sample.outcome, 0.0))
    assert np.isfinite(fit(name, rare).predict(rare.codes)).all()


@pytest.mark.parametrize("name", ADAPTERS)
def test_too_few_rows_of_control_give_no_effects(name: str) -> None:
    sample = shopping(n=600).sample
    without = sample.take((sample.arm >= 0) | (np.cumsum(sample.arm < 0) < FEW))
    assert (
        load("uplift.learners", name)().fit(without, Baseline.fit(without)).predict(without.codes) == 0
    ).all()


def test_the_t_learner_is_the_difference_of_models_that_were_fitted_by_hand(world: World) -> None:
    sample = world.sample
    task = Task.of(sample)
    assert task is not None
    rows = len(sample) // 3

    def chance(arm: int) -> Array:
        given = sample.arm == arm
        trees: Trees = task.outcome_trees(rows).fit(task.features[given], task.outcome[given])
        return trees.predict(task.features)

    gain = np.column_stack([chance(0) - chance(-1), chance(1) - chance(-1)])
    expected = gain * Baseline.fit(sample).size(sample.codes)[:, None]
    np.testing.assert_allclose(fit("causalml-t", sample).predict(sample.codes), expected)


def test_an_outcome_model_predicts_probabilities(world: World) -> None:
    task = Task.of(world.sample)
    assert task is not None
    chance = task.outcome_trees(1000).fit(task.features, task.outcome).predict(task.features)
    assert ((chance > 0) & (chance < 1)).all()
    assert chance.mean() == pytest.approx(task.outcome.mean(), rel=0.02)


def test_probabilities_that_never_vary_are_taken_as_they_are(world: World) -> None:
    chance = Chances.of(world.sample, np.array([0, 1], np.int32)).predict(world.sample.codes[:5])
    np.testing.assert_allclose(chance, np.tile([0.4, 0.24, 0.36], (5, 1)))


def test_probabilities_of_all_arms_are_learned_back_from_those_of_the_arm_given() -> None:
    sample = shopping(4, tilt=0.7).sample
    chance = Chances.of(sample, np.array([0, 1], np.int32)).predict(sample.codes)
    control = 0.4 + 0.7 * (0.5 - sample.codes[:, 0] / 8)
    truth = np.column_stack([control, 0.4 * (1 - control), 0.6 * (1 - control)])
    np.testing.assert_allclose(chance, truth, atol=0.02)
    np.testing.assert_allclose(chance.sum(axis=1), 1)


def test_what_a_probability_depends_on_beside_the_features_is_averaged_as_it_should_be() -> None:
    """Half the customers, unmarked, get the action with probability 0.2, the others with 0.8: 0.5 in all."""
    rng = np.random.default_rng(0)
    n = 20_000
    chance = np.where(rng.random(n) < 0.5, 0.2, 0.8)
    arm = np.where(rng.random(n) < chance, 0, -1).astype(np.int32)
    base = shopping(n=n).sample
    sample = replace(
        base, arm=arm, propensity=np.where(arm == 0, chance, 1 - chance), space=Space.of(ACTIONS[:1])
    )
    learned = Chances.of(sample, np.array([0], np.int32)).predict(sample.codes)
    assert learned[:, 1].mean() == pytest.approx(0.5, abs=0.01)


def test_they_take_part_in_an_estimate_like_our_own_learners() -> None:
    sample = shopping(n=3000).sample
    table = pa.table(
        {f"f{j}": sample.codes[:, j].astype(np.int64) for j in range(4)}
        | {
            "arm": pa.array(["none", "email", "sms"]).take(pa.array(sample.arm + 1)),
            "margin": sample.outcome,
            "chance": sample.propensity,
        }
    )
    roles = uplift.Roles(outcome="margin", control="none", treatment="arm", probability="chance")
    history = uplift.History.from_table(table, roles)
    effects = uplift.estimate(history, folds=3, learners=["average", "causalml-t", "econml-linear-dr"])
    assert [name for name, _ in effects.learners()] == ["nobody", "average", "causalml-t", "econml-linear-dr"]
    assert effects.cate.shape == (3000, 2)
    assert np.isfinite(effects.cate).all()


@pytest.mark.parametrize("module", ["from_causalml", "from_econml"])
def test_an_adapter_does_not_import_its_library_until_it_is_fitted(module: str) -> None:
    program = (
        f"import sys, uplift.learners.{module}\n"
        "assert not {'causalml', 'econml', 'xgboost', 'shap', 'matplotlib'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
