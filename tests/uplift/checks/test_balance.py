from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from uplift.checks import check_balance
from uplift.checks.balance import against_control
from uplift.checks.features import encode
from uplift.checks.moments import Contrast, balance
from uplift.history import Arm, History


def with_feature(history: History, name: str, values: np.ndarray) -> History:
    return replace(history, features=history.features.append_column(name, pa.array(values)))


@pytest.mark.parametrize("dependent", [False, True])
def test_a_randomised_history_passes(make: Callable[..., History], dependent: bool) -> None:
    (finding,) = check_balance(make(20_000, dependent=dependent))
    assert (finding.code, finding.verdict) == ("G3", "ok")
    assert finding.measured is not None
    assert finding.measured < 0.1


def test_an_assignment_by_a_feature_is_refused_and_the_feature_named(make: Callable[..., History]) -> None:
    history = make(20_000)
    chosen = np.asarray(history.features["x"]) > 0.8
    (finding,) = check_balance(replace(history, arm=np.where(chosen, 0, history.arm).astype(np.int32)))
    assert finding.verdict == "refuse"
    assert "'x'" in finding.message
    assert "'email 8'" in finding.message


def test_the_known_probabilities_make_a_dependent_assignment_balanced(make: Callable[..., History]) -> None:
    history = make(20_000, dependent=True)
    unknown = make(20_000, dependent=True, known=False)
    assert check_balance(history)[0].verdict == "ok"
    assert check_balance(unknown)[0].verdict == "refuse"


@pytest.mark.parametrize("feature", ["tier = gold", "age is missing", "newsletter", "signup"])
def test_every_kind_of_feature_is_watched(make: Callable[..., History], feature: str) -> None:
    """Two thirds of the contacted with this feature (or above its middle) are lost."""
    history = make(20_000)
    values = dict(column for encoded in encode(history.features) for column in encoded.columns())
    high = values[feature] > np.median(values[feature])
    lost = high & (history.arm >= 0) & (np.random.default_rng(1).random(len(history)) < 0.66)
    spoiled = replace(history, arm=np.where(lost, -1, history.arm).astype(np.int32))
    (finding,) = check_balance(spoiled)
    assert finding.verdict == "refuse"
    assert repr(feature) in finding.message


def test_an_assignment_that_no_mean_shows_is_refused_by_the_classifier(make: Callable[..., History]) -> None:
    """Customers in the middle of x are contacted more often: equal means, unequal shapes."""
    history = make(20_000)
    x, rng = np.asarray(history.features["x"]), np.random.default_rng(3)
    arm = np.where(rng.random(len(x)) < np.where(np.abs(x) < 0.7, 0.8, 0.4), 0, -1).astype(np.int32)
    share = float((arm == 0).mean())
    spoiled = replace(
        history, arm=arm, propensity=np.where(arm == 0, share, 1 - share), propensity_known=False
    )
    (finding,) = check_balance(spoiled)
    assert finding.verdict == "refuse"
    assert "classifier" in finding.message
    assert finding.measured is not None
    assert finding.measured > 0.6


@pytest.mark.parametrize("design", ["uniform", "dependent", "households", "unknown"])
def test_two_hundred_randomised_histories_raise_no_false_alarm(
    make: Callable[..., History], design: str
) -> None:
    settings: dict[str, dict[str, object]] = {
        "uniform": {},
        "dependent": {"dependent": True},
        "households": {"rows_per_cluster": 4},
        "unknown": {"known": False},
    }
    verdicts = [check_balance(make(2_000, seed, **settings[design]))[0].verdict for seed in range(200)]
    assert verdicts.count("refuse") == 0


def test_thin_arms_and_rare_levels_raise_no_false_alarm(make: Callable[..., History]) -> None:
    """Skewed features in arms of some 30 rows: here a test from the arm's own variance refuses."""
    verdicts = []
    for seed in range(100):
        history = make(1_000, seed, times=tuple(range(10)))
        rng = np.random.default_rng(seed)
        history = with_feature(history, "rare", rng.random(len(history)) < 0.01)
        history = with_feature(history, "heavy", np.exp(2.5 * rng.normal(size=len(history))))
        verdicts.append(check_balance(history)[0].verdict)
    assert verdicts.count("refuse") == 0


def test_the_differences_are_those_of_a_plain_computation(make: Callable[..., History]) -> None:
    history = make(3_000, dependent=True)
    measured = balance(history, encode(history.features), against_control(history))
    x, weight = np.asarray(history.features["x"]), 1 / history.propensity
    column = measured.columns.index("x")
    for number, contrast in enumerate(measured.contrasts):
        arms = [group - 1 for group in contrast.left]
        left, right = np.isin(history.arm, arms), history.arm == -1
        plain = np.average(x[left], weights=weight[left]) - np.average(x[right], weights=weight[right])
        assert measured.smd[column, number] == pytest.approx(plain / x.std(), rel=1e-9)


def test_p_values_are_those_of_a_permutation(make: Callable[..., History]) -> None:
    """Uniform design, one feature, one contrast: z² against the exact randomisation variance."""
    history = make(2_000, channels=("email",), times=(8,))
    features = [feature for feature in encode(history.features) if feature.name == "x"]
    measured = balance(history, features, [Contrast("email", (1,), (0,))])
    x, rng = np.asarray(history.features["x"]), np.random.default_rng(77)
    treated = history.arm >= 0
    shuffled = [rng.permutation(treated) for _ in range(4_000)]
    null = np.abs([x[t].mean() - x[~t].mean() for t in shuffled])
    share = float((null >= abs(x[treated].mean() - x[~treated].mean())).mean())
    assert measured.p[0, 0] == pytest.approx(share, abs=0.03)


def test_units_and_row_order_do_not_matter(make: Callable[..., History]) -> None:
    history = make(3_000)
    order = np.random.default_rng(77).permutation(len(history))
    features = history.features.set_column(0, "x", pa.array(1e6 + 1e3 * np.asarray(history.features["x"])))
    turned = replace(
        history,
        features=features.take(pa.array(order)),
        **{
            name: getattr(history, name)[order]
            for name in ("arm", "outcome", "response", "propensity", "cluster")
        },
    )
    before = balance(history, encode(history.features), against_control(history))
    after = balance(turned, encode(turned.features), against_control(turned))
    np.testing.assert_allclose(after.smd, before.smd, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(after.p, before.p, rtol=1e-5)


def test_a_history_without_control_or_without_features_is_not_judged(clean: History) -> None:
    assert check_balance(replace(clean, arm=np.abs(clean.arm)))[0].verdict == "warn"
    (finding,) = check_balance(replace(clean, features=clean.features.select([])))
    assert (finding.verdict, finding.measured) == ("ok", None)


def test_a_constant_and_an_empty_column_are_passed_over(clean: History) -> None:
    history = with_feature(clean, "constant", np.full(len(clean), 7.0))
    empty = pa.nulls(len(clean), pa.float64())
    history = replace(history, features=history.features.append_column("empty", empty))
    measured = balance(history, encode(history.features), against_control(history))
    assert {"constant", "empty"}.isdisjoint(measured.features)


def test_two_hundred_thousand_rows_of_sixteen_actions_take_two_seconds(make: Callable[..., History]) -> None:
    history = make(200_000, channels=("email", "sms", "push", "mail"), times=(8, 12, 17, 20))
    rng = np.random.default_rng(77)
    for number in range(14):
        history = with_feature(history, f"f{number}", rng.normal(size=len(history)))
    assert len(history.actions) == 16
    check_balance(history)  # loads LightGBM
    started = time.process_time()
    assert check_balance(history)[0].verdict == "ok"
    assert time.process_time() - started < 2.0


def test_the_same_seed_gives_the_same_finding(make: Callable[..., History]) -> None:
    history = make(5_000, known=False)
    assert check_balance(history, seed=4) == check_balance(history, seed=4)


def test_hillstrom_is_balanced_as_published(hillstrom: Callable[..., History]) -> None:
    (finding,) = check_balance(hillstrom("visit", "conversion"))
    assert finding.verdict == "ok"
    assert finding.measured == pytest.approx(0.0164, abs=5e-5)


def test_one_action_is_one_comparison(make: Callable[..., History]) -> None:
    history = make(channels=("email",), times=(8,))
    assert history.actions == (Arm("email", 8),)
    assert len(against_control(history)) == 1
