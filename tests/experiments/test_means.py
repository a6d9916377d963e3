from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments import means
from experiments.means import Contrast, compare_means, contrast, fitted_mean, independent, plain_mean
from uplift.aggregates import Moments
from uplift.errors import DataError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "experiments.json").read_text())
Floats = np.ndarray


def campaign(rows: int, covariates: int, seed: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, covariates)) + 2
    arm = rng.random(rows) < 0.4
    y = 1 + x.sum(axis=1) + arm * (0.5 + x[:, 0] if covariates else 0.5) + rng.normal(size=rows) * (1 + arm)
    return y, x, arm


def fitted(y: Floats, x: Floats, arm: Floats) -> Contrast:
    values, at = np.column_stack([y, x]), x.mean(axis=0)
    treated, control = (fitted_mean(values[rows], Moments.of(values[rows]), at) for rows in (arm, ~arm))
    return contrast(treated, control, 2 * (1 + x.shape[1]))


def fitted_clusters(y: Floats, x: Floats, arm: Floats, cluster: Floats) -> Contrast:
    values, at, clusters = np.column_stack([y, x]), x.mean(axis=0), int(cluster.max()) + 1
    treated, control = (
        fitted_mean(values[rows], Moments.of(values[rows]), at, cluster=cluster[rows], clusters=clusters)
        for rows in (arm, ~arm)
    )
    return contrast(treated, control)


def dense(y: Floats, x: Floats, arm: Floats, cluster: Floats) -> tuple[float, float]:
    """The interacted regression and its CR2 variance, written out with matrices of the size of the data."""
    centred = x - x.mean(axis=0)
    design = np.column_stack([np.ones(len(y)), arm, centred, centred * arm[:, None]])
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    meat = np.zeros_like(bread)
    for one in np.unique(cluster):
        z, e = design[cluster == one], (y - design @ beta)[cluster == one]
        values, vectors = np.linalg.eigh(np.eye(len(z)) - z @ bread @ z.T)
        shrink = (
            vectors @ np.diag(np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0)) @ vectors.T
        )
        score = z.T @ shrink @ e
        meat += np.outer(score, score)
    return beta[1], math.sqrt((bread @ meat @ bread)[1, 1])


def test_growthbooks_welch_test_and_lift_are_reproduced() -> None:
    case = REFERENCE["welch"]["growthbook"]
    found = compare_means(Moments.from_sums(*case["treated"]), Moments.from_sums(*case["control"]))
    lift = found.lift(0.95)
    assert lift is not None
    got = [lift.point, lift.se, lift.lower, lift.upper, lift.p]
    assert got == pytest.approx(case["lift"], abs=6e-6)
    difference = found.difference(0.95)
    got = [difference.point, difference.se, difference.lower, difference.upper, difference.p]
    assert got == pytest.approx(case["difference"], abs=6e-6)


def test_rs_welch_test_of_the_sleep_data_is_reproduced() -> None:
    case = REFERENCE["welch"]["sleep"]
    found = compare_means(Moments.of(case["one"]), Moments.of(case["two"]))
    difference = found.difference(0.95)
    assert difference.point / difference.se == pytest.approx(case["t"], rel=1e-9)
    assert found.df == pytest.approx(case["df"], rel=1e-9)
    assert difference.p == pytest.approx(case["p"], rel=1e-9)
    assert [difference.lower, difference.upper] == pytest.approx(case["interval"], abs=6e-7)


@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-1e3, 1e3))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_units_and_offsets_move_the_effect_as_they_should(seed: int, unit: float, offset: float) -> None:
    y, _, arm = campaign(60, 0, seed)
    plain = compare_means(Moments.of(y[arm]), Moments.of(y[~arm])).difference(0.9)
    moved = compare_means(Moments.of(unit * y[arm] + offset), Moments.of(unit * y[~arm] + offset)).difference(
        0.9
    )
    assert moved.point == pytest.approx(unit * plain.point, rel=1e-6, abs=1e-9)
    assert moved.se == pytest.approx(unit * plain.se, rel=1e-6)
    assert moved.p == pytest.approx(plain.p, rel=1e-5)


@pytest.mark.parametrize("covariates", [0, 1, 4])
def test_rows_alone_give_the_hc2_of_the_dense_regression(covariates: int) -> None:
    y, x, arm = campaign(120, covariates, 3)
    found = fitted(y, x, arm).difference(0.95)
    assert (found.point, found.se) == pytest.approx(dense(y, x, arm, np.arange(120)), rel=1e-9)


def test_without_covariates_or_clusters_the_fit_is_welchs() -> None:
    y, _, arm = campaign(200, 0, 4)
    moments = Moments.of(y[arm])
    one = fitted_mean(y[arm][:, None], moments, np.zeros(0))
    two = plain_mean(moments)
    assert (one.value, one.variance, one.df) == pytest.approx((two.value, two.variance, two.df), rel=1e-12)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("covariates", [0, 1, 3])
@pytest.mark.parametrize("size", [4, 40])
def test_clusters_give_the_cr2_of_the_dense_regression(split: bool, covariates: int, size: int) -> None:
    y, x, arm = campaign(600, covariates, 5)
    cluster = np.random.default_rng(6).integers(0, 600 // size, 600)
    if not split:
        arm = cluster % 2 == 0
    found = fitted_clusters(y, x, arm, cluster).difference(0.95)
    assert (found.point, found.se) == pytest.approx(dense(y, x, arm, cluster), rel=1e-8)


def test_blocks_of_clusters_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    y, x, arm = campaign(500, 2, 7)
    cluster = np.random.default_rng(8).integers(0, 90, 500)
    whole = fitted_clusters(y, x, arm, cluster)
    monkeypatch.setattr(means, "BLOCK", 7)
    assert fitted_clusters(y, x, arm, cluster).covariance == pytest.approx(whole.covariance, rel=1e-12)


def test_adjusting_removes_noise_and_not_the_effect() -> None:
    points, errors, plain = [], [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, arm = rng.normal(size=(300, 1)), rng.random(300) < 0.5
        y = 3 * x[:, 0] + 0.4 * arm + rng.normal(size=300)
        found = fitted(y, x, arm).difference(0.95)
        points.append((found.point - 0.4) / found.se)
        errors.append(found.se)
        plain.append(compare_means(Moments.of(y[arm]), Moments.of(y[~arm])).difference(0.95).se)
    assert np.mean(np.abs(points) < 1.97) == pytest.approx(0.95, abs=0.04)
    assert np.mean(errors) == pytest.approx(np.mean(plain) / math.sqrt(10), rel=0.05)


def test_an_aa_test_of_households_is_significant_only_as_often_as_stated() -> None:
    naive, robust = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        cluster = np.repeat(np.arange(40), 10)
        y = rng.normal(size=40)[cluster] + rng.normal(size=400)
        arm = rng.permutation(40)[cluster] < 20
        naive.append(compare_means(Moments.of(y[arm]), Moments.of(y[~arm])).difference(0.95).p)
        robust.append(fitted_clusters(y, np.empty((400, 0)), arm, cluster).difference(0.95).p)
    assert np.mean(np.array(robust) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(np.array(naive) < 0.05) > 0.3


def test_equal_clusters_give_welchs_test_of_the_clusters_means() -> None:
    rng = np.random.default_rng(9)
    cluster = np.repeat(np.arange(30), 5)
    y, arm = rng.normal(size=30)[cluster] + rng.normal(size=150), cluster < 12
    found = fitted_clusters(y, np.empty((150, 0)), arm, cluster)
    by_cluster = y.reshape(30, 5).mean(axis=1)
    expected = stats.ttest_ind(by_cluster[:12], by_cluster[12:], equal_var=False)
    assert found.difference(0.95).p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.df == pytest.approx(expected.df, rel=1e-9)


def test_a_lift_needs_a_positive_control_mean() -> None:
    found = compare_means(Moments.of([3.0, 5.0]), Moments.of([-2.0, 1.0]))
    assert found.lift(0.95) is None


def test_without_any_spread_the_p_value_says_so() -> None:
    same = compare_means(Moments.of([0.0, 0.0]), Moments.of([0.0, 0.0])).difference(0.95)
    apart = compare_means(Moments.of([1.0, 1.0]), Moments.of([0.0, 0.0])).difference(0.95)
    assert (same.p, same.lower, same.upper) == (1.0, 0.0, 0.0)
    assert (apart.p, apart.lower, apart.upper) == (0.0, 1.0, 1.0)


def test_constant_and_repeated_covariates_are_left_out() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=(100, 2))
    table = np.column_stack([rng.normal(size=100), x, np.full(100, 0.1), x @ [2.0, -1.0], x[:, 0] + 1e9])
    one, two = Moments.of(table[:50]), Moments.of(table[50:])
    assert independent(one, two) == [1, 2]
    assert independent(one.columns([0, 5]), two.columns([0, 5])) == [1]


def test_more_covariates_than_rows_are_refused() -> None:
    values = np.random.default_rng(11).normal(size=(4, 5))
    with pytest.raises(DataError, match="needs more than 5"):
        fitted_mean(values, Moments.of(values), np.zeros(4))
