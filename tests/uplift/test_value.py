"""The value of a policy against its definition, known truths and frozen figures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, SettingError, policy_value
from uplift.value import Method

HERE = Path(__file__).resolve()
HILLSTROM = HERE.parents[3] / "shared" / "data" / "hillstrom" / "hillstrom.csv"
REFERENCE = json.loads((HERE.parents[1] / "reference" / "value.json").read_text(encoding="utf-8"))

Array = np.ndarray
METHODS: tuple[Method, ...] = ("ips", "snips", "aipw")
same = settings(derandomize=True, deadline=None, max_examples=150)


class Logged:
    """Randomised rows, a policy and a model of the outcome."""

    def __init__(self, action: Array, arm: Array, outcome: Array, propensity: Array, mu: Array) -> None:
        self.action, self.arm, self.outcome = action, arm, outcome
        self.propensity, self.mu = propensity, mu

    def value(self, method: Method, **changed: Array) -> tuple[float, float]:
        columns = {**vars(self), **changed}
        mu = columns.pop("mu")
        found = policy_value(**columns, method=method, mu=mu if method == "aipw" else None)
        return found.point, found.se


@st.composite
def logs(draw: st.DrawFn) -> Logged:
    """Three arms, all given at least twice; a policy that proposes what was given in the first two rows."""
    n = draw(st.integers(6, 30))

    def column(values: st.SearchStrategy[float]) -> Array:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    arm = np.append([0, 1, 2, 0, 1, 2], column(st.integers(0, 2))[6:])
    action = np.append(arm[:2], column(st.integers(0, 2))[2:])
    mu = np.column_stack([column(st.floats(-9, 9)) for _ in range(3)])
    return Logged(action, arm, column(st.floats(-50, 50)), column(st.floats(0.05, 1)), mu)


def slow_value(log: Logged, method: str, weight: Array) -> float:
    """The definition, row by row, each row counted `weight` times."""
    total, size, share = 0.0, 0.0, 0.0
    for i, count in enumerate(weight):
        w = count / log.propensity[i] if log.action[i] == log.arm[i] else 0.0
        size, share = size + count, share + w
        if method == "aipw":
            modelled = log.mu[i, log.action[i]]
            total += count * modelled + w * (log.outcome[i] - log.mu[i, log.arm[i]])
        else:
            total += w * log.outcome[i]
    return total / (share if method == "snips" else size)


@same
@given(logs(), st.sampled_from(METHODS))
def test_the_value_agrees_with_brute_force(log: Logged, method: Method) -> None:
    assert log.value(method)[0] == pytest.approx(slow_value(log, method, np.ones(len(log.arm))), abs=1e-10)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(logs(), st.sampled_from(METHODS))
def test_the_standard_error_is_the_derivative_by_row_weights(log: Logged, method: Method) -> None:
    step, n = 1e-5, len(log.arm)
    slopes = [
        (slow_value(log, method, 1 + step * row) - slow_value(log, method, 1 - step * row)) / (2 * step)
        for row in np.eye(n)
    ]
    slow = np.std(slopes, ddof=1) * math.sqrt(n)
    assert log.value(method)[1] == pytest.approx(slow, rel=1e-5, abs=1e-6)


@same
@given(logs(), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(log: Logged, method: Method, random: object) -> None:
    order = random.sample(range(len(log.arm)), len(log.arm))  # type: ignore[attr-defined]
    shuffled = {name: column[order] for name, column in vars(log).items()}
    assert log.value(method, **shuffled) == pytest.approx(log.value(method), abs=1e-9)


@same
@given(logs(), st.sampled_from(METHODS))
def test_labels_may_be_text_or_numbers_and_mu_follows_their_order(log: Logged, method: Method) -> None:
    for names in (["email", "none", "sms"], [-1, 0, 1], [0.5, 8.0, 12.0]):
        labels = np.array(names)
        assert log.value(method, arm=labels[log.arm], action=labels[log.action]) == log.value(method)
    backwards = np.array(["c", "b", "a"])
    renamed = {"arm": backwards[log.arm], "action": backwards[log.action], "mu": log.mu[:, ::-1]}
    assert log.value(method, **renamed) == log.value(method)


@same
@given(logs(), st.floats(-100, 100))
def test_a_constant_added_to_every_outcome_is_added_to_the_snips_value(log: Logged, constant: float) -> None:
    point, se = log.value("snips")
    shifted = log.value("snips", outcome=log.outcome + constant)
    assert shifted == pytest.approx((point + constant, se), abs=1e-8)


@same
@given(logs())
def test_aipw_with_a_model_that_knows_nothing_is_ips(log: Logged) -> None:
    assert log.value("aipw", mu=np.zeros_like(log.mu)) == pytest.approx(log.value("ips"), abs=1e-9)


@same
@given(logs())
def test_aipw_with_a_model_that_knows_every_outcome_is_its_mean_over_the_policy(log: Logged) -> None:
    rows = np.arange(len(log.arm))
    point, _ = log.value("aipw", outcome=log.mu[rows, log.arm])
    assert point == pytest.approx(log.mu[rows, log.action].mean(), abs=1e-10)


def test_the_effective_sample_size_counts_rows_whose_weights_are_equal() -> None:
    arm = np.array([0, 1, 0, 1, 0])
    found = policy_value([0, 0, 0, 0, 0], arm, [1.0] * 5, 0.5)
    assert found.ess == pytest.approx(3)
    uneven = policy_value([0, 0, 0, 0, 0], arm, [1.0] * 5, [0.1, 0.5, 0.9, 0.5, 0.9])
    assert uneven.ess == pytest.approx((10 + 2 / 0.9) ** 2 / (100 + 2 / 0.81))


def draw_log(rng: np.random.Generator, n: int) -> Logged:
    """A campaign whose arms depend on x with known probabilities; the policy is worth TRUTH."""
    x = rng.random(n)
    chances = np.column_stack([0.6 - 0.4 * x, np.full(n, 0.2), 0.2 + 0.4 * x])
    arm = (rng.random(n)[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    mean = np.column_stack([x, 2 * x, 1 + x])
    rows = np.arange(n)
    outcome = mean[rows, arm] + rng.normal(0, 1, n)
    action = np.where(x > 0.5, 2, 1)
    return Logged(action, arm, outcome, chances[rows, arm], mean + 0.3)


# Half of the customers get arm 1, worth 2x with x below a half, the others arm 2, worth 1 + x.
TRUTH = 0.5 * 0.5 + 0.5 * 1.75


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_truth_under_confounded_arms(method: Method) -> None:
    for seed in range(5):
        log = draw_log(np.random.default_rng(seed), 40_000)
        point, se = log.value(method)
        assert abs(point - TRUTH) < 3.5 * se
        assert se < 0.02


def test_the_naive_mean_of_rows_that_agree_with_the_policy_misses_it() -> None:
    log = draw_log(np.random.default_rng(0), 40_000)
    agree = log.arm == log.action
    naive, naive_se = log.outcome[agree].mean(), log.outcome[agree].std() / math.sqrt(agree.sum())
    assert abs(naive - TRUTH) > 10 * naive_se


@pytest.mark.parametrize("method", METHODS)
def test_intervals_cover_the_truth_as_often_as_they_say(method: Method) -> None:
    rng = np.random.default_rng(11)
    found = np.array([draw_log(rng, 800).value(method) for _ in range(800)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.08)
    covered = np.abs(found[:, 0] - TRUTH) <= 1.6448536269514722 * found[:, 1]
    assert covered.mean() == pytest.approx(0.9, abs=0.03)


def test_a_good_model_narrows_the_interval() -> None:
    log = draw_log(np.random.default_rng(1), 5000)
    assert log.value("aipw")[1] < 0.9 * log.value("ips")[1]


@pytest.mark.parametrize(
    ("action", "arm", "message"),
    [
        (["a", "c"], ["a", "b"], "proposes 'c', which no row was given"),
        (["emial", "none"], ["email", "none"], "Did you mean 'email'"),
        (["b", "a"], ["a", "b"], "0 of 2 rows were given what the policy proposes"),
        (["a", "a"], ["a", "b"], "1 of 2 rows"),
        ([1, 2], ["1", "2"], "all text or all numbers"),
        (["a", None], ["a", "a"], "all text or all numbers"),
        ([1.0, math.nan], [1.0, 1.0], "all text or all numbers"),
        (["a"], ["a", "b"], r"action has the shape \(1,\)"),
        (["a", "b"], [["a"], ["b"]], r"arm has the shape \(2, 1\)"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(action: object, arm: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        policy_value(action, arm, [1.0, 2.0], 0.5)  # type: ignore[arg-type]


def test_other_columns_are_checked_too() -> None:
    labels = ["a", "a"]
    with pytest.raises(DataError, match="outcome is missing or infinite in 1 of 2 rows"):
        policy_value(labels, labels, [1.0, math.nan], 0.5)
    with pytest.raises(DataError, match=r"propensity is outside \(0, 1\] in 1 of 2 rows"):
        policy_value(labels, labels, [1.0, 2.0], [0.5, 0.0])
    with pytest.raises(DataError, match=r"a column for each arm given\) has the shape \(2, 2\)"):
        policy_value(labels, labels, [1.0, 2.0], 0.5, method="aipw", mu=np.ones((2, 2)))


def test_a_method_that_does_not_exist_or_lacks_its_model_is_refused() -> None:
    labels = ["a", "a"]
    with pytest.raises(SettingError, match="Did you mean 'aipw'"):
        policy_value(labels, labels, [1.0, 2.0], 0.5, method="aipv")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="needs mu"):
        policy_value(labels, labels, [1.0, 2.0], 0.5, method="aipw")


# Hillstrom: figures frozen from independent computations.


@pytest.fixture(scope="module")
def hillstrom() -> pd.DataFrame:
    if not HILLSTROM.exists():
        pytest.skip(f"{HILLSTROM.name} is not at ../shared/data/hillstrom: frozen figures not compared")
    return pd.read_csv(HILLSTROM, keep_default_na=False)


def simple_policy(frame: pd.DataFrame, name: str) -> Array:
    mens, womens, none = "Mens E-Mail", "Womens E-Mail", "No E-Mail"
    if name == "Mens if mens==1 else Womens":
        return np.where(frame["mens"] == 1, mens, womens)
    if name == "Mens if history>=200 else none":
        return np.where(frame["history"] >= 200, mens, none)
    return np.full(len(frame), {"none": none, "all Mens": mens, "all Womens": womens}[name])


@pytest.mark.parametrize("outcome", ["spend", "visit"])
def test_simple_hillstrom_policies_have_their_frozen_values(hillstrom: pd.DataFrame, outcome: str) -> None:
    for name, frozen in REFERENCE[outcome].items():
        action = simple_policy(hillstrom, name)
        snips = policy_value(action, hillstrom["segment"], hillstrom[outcome], 1 / 3)
        ips = policy_value(action, hillstrom["segment"], hillstrom[outcome], 1 / 3, method="ips")
        assert snips.n == REFERENCE["rows"]
        assert snips.ess == pytest.approx((action == hillstrom["segment"]).sum())
        assert snips.point == pytest.approx(frozen["snips"], abs=6e-9)
        assert ips.point == pytest.approx(frozen["ips"], abs=6e-9)
        if "ips_se" in frozen:
            assert ips.se == pytest.approx(frozen["ips_se"], abs=5e-6)
        if "contacts" in frozen:
            assert np.mean(action != "No E-Mail") == pytest.approx(frozen["contacts"], abs=5e-7)


def test_giving_everybody_one_arm_is_worth_the_mean_of_that_arm(hillstrom: pd.DataFrame) -> None:
    spend = hillstrom.groupby("segment")["spend"]
    for arm, mean in spend.mean().items():
        found = policy_value(np.full(len(hillstrom), arm), hillstrom["segment"], hillstrom["spend"], 1 / 3)
        assert found.point == pytest.approx(mean, rel=1e-12)
        assert found.se == pytest.approx(spend.get_group(arm).sem(), rel=1e-4)
