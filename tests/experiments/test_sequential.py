from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments.anytime import confidence_sequence, tuning
from experiments.means import compare_means
from experiments.sequential import Spending, boundaries, crossing
from uplift.aggregates import Moments
from uplift.errors import SettingError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "experiments.json").read_text())
PUBLISHED = REFERENCE["boundaries"]
SPENDINGS: list[Spending] = ["obrien-fleming", "pocock", "lan-demets-obf", "lan-demets-pocock"]


@pytest.mark.parametrize("looks", [2, 3, 4, 5])
@pytest.mark.parametrize("spending", ["pocock", "lan-demets-obf", "lan-demets-pocock"])
def test_published_boundaries_are_reproduced(looks: int, spending: Spending) -> None:
    expected = PUBLISHED[spending][str(looks)]
    assert boundaries(looks, spending).z == pytest.approx(expected, abs=PUBLISHED["absolute"])


@pytest.mark.parametrize("looks", [2, 3, 4, 5])
def test_published_obrien_fleming_boundaries_are_reproduced(looks: int) -> None:
    z = boundaries(looks, "obrien-fleming").z
    assert z[0] == pytest.approx(PUBLISHED["obrien-fleming-first"][str(looks)], abs=PUBLISHED["absolute"])
    assert z[-1] == pytest.approx(PUBLISHED["obrien-fleming-last"][str(looks)], abs=PUBLISHED["absolute"])


@pytest.mark.parametrize("looks", [2, 3, 4, 5])
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_published_inflation_factors_are_reproduced(looks: int, spending: Spending) -> None:
    expected = PUBLISHED["inflation"][spending][str(looks)]
    assert boundaries(looks, spending, power=0.8).inflation == pytest.approx(expected, abs=6e-6)


def test_the_published_alpha_spent_is_reproduced() -> None:
    spent = np.array(boundaries(5, "lan-demets-obf").alpha_spent) / 2
    assert spent == pytest.approx(PUBLISHED["one_sided_alpha_spent_by_lan_demets_obf_5"], abs=5e-8)


@pytest.mark.parametrize("spending", SPENDINGS)
@pytest.mark.parametrize("looks", [1, 2, 7, 20, [0.1, 0.15, 0.8, 1.0], [0.002, 0.0021, 1.0]])
@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_all_looks_together_spend_alpha(spending: Spending, looks: int | list[float], alpha: float) -> None:
    found = boundaries(looks, spending, alpha=alpha)
    if spending.startswith("lan-demets"):  # each side by itself: both together at most alpha
        assert 0.99 * alpha < found.alpha_spent[-1] < alpha + 1e-9
    else:
        assert found.alpha_spent[-1] == pytest.approx(alpha, abs=1e-9)
    assert all(a <= b for a, b in pairwise(found.alpha_spent))
    assert found.inflation >= 1 - 1e-9
    assert 0 < found.expected_information <= 1


def test_one_look_is_the_ordinary_test() -> None:
    for spending in SPENDINGS:
        assert boundaries(1, spending).z == pytest.approx([1.959964], abs=1e-6)


@pytest.mark.parametrize("drift", [0.0, 2.5])
def test_the_recursion_agrees_with_the_multivariate_normal(drift: float) -> None:
    times, z = np.array([0.3, 0.55, 1.0]), np.array([2.4, 2.2, 2.0])
    means = drift * np.sqrt(times)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = stats.multivariate_normal(means, correlation).cdf(z, lower_limit=-z)
    assert 1 - crossing(times, z, drift).sum() == pytest.approx(float(inside), abs=2e-5)


def test_simulated_experiments_stop_as_often_as_stated() -> None:
    rng = np.random.default_rng(8)
    found = boundaries(4, "lan-demets-pocock", power=0.8)
    times = np.array(found.information)
    drift = math.sqrt(found.inflation) * (1.959964 + 0.841621)
    for truth, expected in ((0.0, 0.05), (drift, 0.8)):
        steps = rng.normal(truth * 0.25, 0.5, size=(100_000, 4))
        crossed = np.abs(np.cumsum(steps, axis=1) / np.sqrt(times)) >= np.array(found.z)
        ever = crossed.any(axis=1)
        assert ever.mean() == pytest.approx(expected, abs=0.005)
    stopped = np.where(ever, times[crossed.argmax(axis=1)], 1.0)
    assert stopped.mean() == pytest.approx(found.expected_information, abs=0.004)


def test_naive_peeking_spends_far_more_than_alpha() -> None:
    times = np.arange(1, 6) / 5
    assert crossing(times, np.full(5, 1.959964)).sum() == pytest.approx(0.14169, abs=1e-4)


def test_boundaries_print_as_a_sentence() -> None:
    assert str(boundaries(2, "pocock")) == (
        "Stop at the first of 2 looks where |z| reaches 2.178, 2.178 (pocock, two-sided alpha 0.05); "
        "the sample grows by 11.0 % for a power of 0.8."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"looks": 0}, "from 1 to 500"),
        ({"looks": [0.5, 0.4, 1.0]}, "rise from above 0 to 1"),
        ({"looks": [0.5, 0.9]}, "rise from above 0 to 1"),
        ({"spending": "pocok"}, "Did you mean 'pocock'"),
        ({"alpha": 0.0}, "between 0 and 1"),
        ({"power": 0.01}, "between alpha and 1"),
    ],
)
def test_impossible_boundaries_are_refused_in_words(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        boundaries(**arguments)


def test_published_confidence_sequences_are_reproduced() -> None:
    published = REFERENCE["confidence_sequence"]
    assert tuning(0.95, 5000) == pytest.approx(published["rho"], rel=1e-9)
    for n, expected in published["half_widths"]:
        found = confidence_sequence(0.0, 1.0, n, planned=5000)
        assert found.upper == pytest.approx(expected, abs=6e-6)


def test_growthbooks_sequential_lift_is_reproduced() -> None:
    published = REFERENCE["confidence_sequence"]["growthbook"]
    treated, control = Moments.from_sums(*published["treated"]), Moments.from_sums(*published["control"])
    lift = compare_means(treated, control).lift(0.95)
    assert lift is not None
    found = confidence_sequence(lift.point, lift.se, lift.n, planned=published["planned"])
    assert found.point == pytest.approx(published["lift"], abs=6e-6)
    assert (found.lower, found.upper) == pytest.approx((published["lower"], published["upper"]), abs=6e-6)


@pytest.mark.parametrize("point", [0.1, 0.3, 0.5])
def test_the_always_valid_p_is_where_the_interval_touches_zero(point: float) -> None:
    # ρ belongs to the level it was tuned for, so the level is moved with ρ held fixed.
    found = confidence_sequence(point, 0.1, 4000, planned=5000)
    growth = 4000 * tuning(0.95, 5000) ** 2
    half = 0.1 * math.sqrt(2 * (growth + 1) / growth * (math.log1p(growth) / 2 - math.log(min(found.p, 1.0))))
    assert found.p == 1.0 if half > point * (1 + 1e-9) else half == pytest.approx(point)


def test_looking_after_every_row_still_covers_the_truth() -> None:
    rng = np.random.default_rng(9)
    sums = np.cumsum(rng.normal(size=(1000, 1500)), axis=1)
    n = np.arange(1, 1501)
    growth = n * tuning(0.95, 500) ** 2
    half = np.sqrt(2 * (growth + 1) / growth * (np.log1p(growth) / 2 - math.log(0.05)) / n)
    check = confidence_sequence(0.0, 1 / math.sqrt(700), 700, planned=500)
    assert check.upper == pytest.approx(half[699])
    wrong = (np.abs(sums / n) > half).any(axis=1).mean()
    assert wrong < 0.05
    assert (np.abs(sums / n) > 1.96 / np.sqrt(n)).any(axis=1).mean() > 0.4


def test_impossible_confidence_sequences_are_refused() -> None:
    with pytest.raises(SettingError, match="level is 95"):
        confidence_sequence(0.1, 0.1, 10, level=95)
    with pytest.raises(SettingError, match="must be positive"):
        confidence_sequence(0.1, 0.1, 0)
    with pytest.raises(SettingError, match="must be finite"):
        confidence_sequence(math.nan, 0.1, 10)
