from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.sizing import Method, Metric, mde, power, sample_size
from uplift.errors import SettingError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "experiments.json").read_text())
FUNCTIONS = {"sample_size": sample_size, "power": power, "mde": mde}
METHODS = [
    ("proportion", "pooled"),
    ("proportion", "unpooled"),
    ("proportion", "arcsine"),
    ("proportion", "continuity"),
    ("mean", "t"),
    ("mean", "z"),
]


def scale(metric: str) -> dict[str, float]:
    return {"baseline": 0.1} if metric == "proportion" else {"sd": 2.0}


@pytest.mark.parametrize("case", REFERENCE["sizing"], ids=lambda case: case["source"])
def test_published_sizes_powers_and_effects_are_reproduced(case: dict[str, Any]) -> None:
    assert FUNCTIONS[case["function"]](**case["args"]) == pytest.approx(case["value"], rel=case["rel"])


@pytest.mark.parametrize("case", REFERENCE["arcsine"], ids=lambda case: case["source"])
def test_published_arcsine_numbers_are_reproduced(case: dict[str, Any]) -> None:
    effect = math.sin(math.asin(math.sqrt(0.5)) + case["h"] / 2) ** 2 - 0.5
    found = FUNCTIONS[case["function"]](effect=effect, baseline=0.5, method="arcsine", **case["args"])
    assert found == pytest.approx(case["value"], rel=case["rel"])


@pytest.mark.parametrize("case", REFERENCE["rule_of_sixteen"], ids=lambda case: str(case["value"]))
def test_the_rule_of_sixteen_is_right_to_two_percent(case: dict[str, Any]) -> None:
    assert 16 * case["variance"] / case["effect"] ** 2 == pytest.approx(case["value"])
    n = sample_size(case["effect"], metric="mean", sd=math.sqrt(case["variance"]))
    assert n == pytest.approx(case["value"], rel=0.02)


@pytest.mark.parametrize(("metric", "method"), METHODS)
@given(
    effect=st.floats(0.002, 0.3),
    wanted=st.floats(0.3, 0.99),
    ratio=st.floats(0.2, 5),
    sides=st.sampled_from([1, 2]),
)
@settings(derandomize=True, deadline=None, max_examples=25)
def test_size_power_and_effect_invert_each_other(
    metric: Metric, method: Method, effect: float, wanted: float, ratio: float, sides: int
) -> None:
    settings_ = {"metric": metric, "method": method, "ratio": ratio, "sides": sides, **scale(metric)}
    n = sample_size(effect, power=wanted, **settings_)
    if n > 5:  # below, the search stops at the smallest sample that can be tested
        assert power(n, effect, **settings_) == pytest.approx(wanted, rel=1e-8)
        assert mde(n, power=wanted, **settings_) == pytest.approx(effect, rel=1e-7)


@pytest.mark.parametrize(("metric", "method"), METHODS)
def test_power_rises_with_customers_effect_and_alpha(metric: Metric, method: Method) -> None:
    base = {"metric": metric, "method": method, **scale(metric)}
    assert power(400, 0.05, **base) < power(800, 0.05, **base)
    assert power(400, 0.05, **base) < power(400, 0.08, **base)
    assert power(400, 0.05, **base) < power(400, 0.05, alpha=0.2, **base)
    assert power(400, 0.05, **base) < power(400, 0.05, sides=1, **base)


def test_the_power_of_a_proportion_is_how_often_the_test_rejects() -> None:
    n, draws = 1200, 40_000
    rng = np.random.default_rng(11)
    control, treated = rng.binomial(n, 0.1, draws) / n, rng.binomial(2 * n, 0.13, draws) / (2 * n)
    mean = (control + 2 * treated) / 3
    pooled = mean * (1 - mean) * 1.5
    unpooled = control * (1 - control) + treated * (1 - treated) / 2
    for method, variance in (("pooled", pooled), ("unpooled", unpooled)):
        rejected = np.mean((treated - control) / np.sqrt(variance / n) > 1.959964)
        found = power(n, 0.03, baseline=0.1, ratio=2.0, method=method)
        assert found == pytest.approx(rejected, abs=0.015)


def test_the_power_of_a_mean_is_how_often_students_test_rejects() -> None:
    rng = np.random.default_rng(12)
    control, treated = rng.normal(size=(20_000, 8)), 1.2 + rng.normal(size=(20_000, 12))
    pooled = (7 * control.var(axis=1, ddof=1) + 11 * treated.var(axis=1, ddof=1)) / 18
    t = (treated.mean(axis=1) - control.mean(axis=1)) / np.sqrt(pooled * (1 / 8 + 1 / 12))
    assert power(8, 1.2, metric="mean", sd=1.0, ratio=1.5) == pytest.approx(
        np.mean(np.abs(t) > 2.10092), abs=0.01
    )


def test_covariates_and_clusters_scale_the_sample() -> None:
    plain = sample_size(0.01, baseline=0.05)
    assert sample_size(0.01, baseline=0.05, r_squared=0.36) == pytest.approx(0.64 * plain)
    assert sample_size(0.01, baseline=0.05, design_effect=1.5) == pytest.approx(1.5 * plain)
    mean = sample_size(0.1, metric="mean", sd=1.0)
    assert sample_size(0.1, metric="mean", sd=1.0, r_squared=0.5) == pytest.approx(mean / 2, rel=1e-3)


def test_several_comparisons_share_alpha() -> None:
    assert sample_size(0.01, baseline=0.05, comparisons=4) == pytest.approx(
        sample_size(0.01, baseline=0.05, alpha=0.0125)
    )


def test_money_may_be_counted_in_cents() -> None:
    assert sample_size(30.0, metric="mean", sd=1000.0) == pytest.approx(
        sample_size(0.3, metric="mean", sd=10.0), rel=1e-10
    )


def test_a_fall_needs_as_many_as_a_rise_from_below() -> None:
    assert sample_size(-0.02, baseline=0.1) == pytest.approx(sample_size(0.02, baseline=0.08))


def test_extreme_samples_and_effects_stay_finite() -> None:
    assert power(10**9, 5.0, metric="mean", sd=1.0) == 1.0
    assert power(2, 1e6, metric="mean", sd=1.0) == pytest.approx(1.0)
    assert mde(5 * 10**8, baseline=0.01) == pytest.approx(2.8016 * math.sqrt(2 * 0.0099 / 5e8), rel=1e-3)
    assert sample_size(1e-6, metric="mean", sd=1.0) == pytest.approx(1.56978e13, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_size(0.01), "baseline is None"),
        (lambda: sample_size(0.01, metric="mean"), "sd is None"),
        (lambda: sample_size(0.01, metric="means", sd=1.0), "Did you mean 'mean'"),
        (lambda: sample_size(0.01, baseline=0.05, method="t"), "for a proportion it is one of"),
        (lambda: sample_size(0.0, baseline=0.05), "not 0"),
        (lambda: sample_size(0.99, baseline=0.05), "make a share of 1.04"),
        (lambda: sample_size(0.01, baseline=0.05, power=0.01), "between alpha and 1"),
        (lambda: sample_size(0.01, baseline=0.05, alpha=5), "between 0 and 1"),
        (lambda: sample_size(0.01, baseline=0.05, ratio=0), "must be positive"),
        (lambda: sample_size(0.01, baseline=0.05, sides=3), "1 or 2"),
        (lambda: sample_size(0.01, baseline=0.05, comparisons=0), "at least 1"),
        (lambda: sample_size(0.01, baseline=0.05, design_effect=-1), "1 without clusters"),
        (lambda: sample_size(0.01, baseline=0.05, r_squared=1), "share of variance"),
        (lambda: power(1, 0.1, metric="mean", sd=1.0), "at least 2"),
        (lambda: mde(3, baseline=0.9), "use more customers"),
        (lambda: sample_size(1e-9, metric="mean", sd=1e3), "too small to be found"),
    ],
)
def test_impossible_settings_are_refused_in_words(call: Callable[[], float], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        call()
