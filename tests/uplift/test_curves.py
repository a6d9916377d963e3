"""Qini, AUUC and AUTOC against their definitions, known truths and frozen figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, autoc, auuc, qini, qini_curve
from uplift.estimates import Estimate

HERE = Path(__file__).resolve()
HILLSTROM = HERE.parents[3] / "shared" / "data" / "hillstrom" / "hillstrom.csv"
REFERENCE = json.loads((HERE.parents[1] / "reference" / "curves.json").read_text(encoding="utf-8"))

Array = np.ndarray
Sample = tuple[Array, Array, Array]
same = settings(derandomize=True, deadline=None, max_examples=150)


@st.composite
def samples(draw: st.DrawFn, few: int = 4) -> Sample:
    """Both arms, few distinct scores (so that many tie), arbitrary outcomes."""
    n = draw(st.integers(2, 30))
    score = draw(st.lists(st.integers(0, few), min_size=n, max_size=n))
    treated = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda flags: 0 < sum(flags) < n))
    outcome = draw(st.lists(st.floats(-50, 50), min_size=n, max_size=n))
    return np.array(score, float), np.array(treated), np.array(outcome)


# The definitions, row by row, with a weight for each row where a derivative is wanted.


def slow_curve(kind: str, sample: Sample, weight: Array | None = None) -> tuple[list[float], list[float]]:
    score, treated, outcome = sample
    weight = np.ones(len(score)) if weight is None else weight
    ks, values = [0.0], [0.0]
    for threshold in sorted(set(score.tolist()), reverse=True):
        top = score >= threshold
        n1, n0 = weight[top & treated].sum(), weight[top & ~treated].sum()
        y1 = (weight * outcome)[top & treated].sum()
        y0 = (weight * outcome)[top & ~treated].sum()
        if kind == "qini":
            value = y1 - y0 * n1 / n0 if n0 else 0.0
        else:
            value = (y1 / n1 - y0 / n0) * (n1 + n0) if n1 and n0 else 0.0
        ks.append(n1 + n0)
        values.append(value)
    return ks, values


def slow_area(kind: str, sample: Sample, weight: Array | None = None) -> float:
    ks, values = slow_curve(kind, sample, weight)
    area = sum((b - a) * (u + v) / 2 for a, b, u, v in zip(ks, ks[1:], values, values[1:], strict=False))
    return (area - (0.5 * ks[-1] * values[-1] if kind == "qini" else 0.0)) / ks[-1] ** 2


def slow_effect_scores(sample: Sample, propensity: float) -> Array:
    _, treated, outcome = sample
    return np.where(treated, outcome / propensity, -outcome / (1 - propensity))


def slow_autoc(score: Array, gamma: Array) -> float:
    averaged = np.array([gamma[score == own].mean() for own in score])
    ranked = averaged[np.argsort(-score, kind="stable")]
    return float(np.mean([ranked[: k + 1].mean() - gamma.mean() for k in range(len(score))]))


def smooth_autoc(score: Array, gamma: Array, weight: Array) -> float:
    """AUTOC of weighted rows: the mean over a continuous k of C(k)/k, C straight inside a group of ties."""
    total, above, gained = 0.0, 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        here = score == threshold
        size, sum_here = weight[here].sum(), (weight * gamma)[here].sum()
        mean = sum_here / size
        total += mean * size + ((gained - mean * above) * math.log((above + size) / above) if above else 0.0)
        above, gained = above + size, gained + sum_here
    return total / above - gained / above


def derivative_se(statistic: Callable[[Array], float], n: int) -> float:
    """The standard error by numeric derivatives of a statistic of row weights."""
    step = 1e-5
    slopes = [
        (statistic(1 + step * np.eye(n)[i]) - statistic(1 - step * np.eye(n)[i])) / (2 * step)
        for i in range(n)
    ]
    return float(np.std(slopes, ddof=1) * math.sqrt(n))


@same
@given(samples())
def test_the_qini_curve_is_its_definition_at_the_end_of_every_group_of_ties(sample: Sample) -> None:
    k, value = qini_curve(*sample)
    slow_k, slow_value = slow_curve("qini", sample)
    np.testing.assert_array_equal(k, slow_k)
    np.testing.assert_allclose(value, slow_value, atol=1e-10)


@same
@given(samples())
def test_areas_agree_with_brute_force(sample: Sample) -> None:
    assert float(qini(*sample)) == pytest.approx(slow_area("qini", sample), abs=1e-10)
    assert float(auuc(*sample)) == pytest.approx(slow_area("auuc", sample), abs=1e-10)


@same
@given(samples(few=9), st.floats(0.1, 0.9))
def test_autoc_agrees_with_brute_force(sample: Sample, propensity: float) -> None:
    slow = slow_autoc(sample[0], slow_effect_scores(sample, propensity))
    assert float(autoc(*sample, propensity)) == pytest.approx(slow, abs=1e-10)


@same
@given(samples(), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_scale_of_scores_matters(sample: Sample, random: object) -> None:
    order = np.array(random.sample(range(len(sample[0])), len(sample[0])))  # type: ignore[attr-defined]
    score, treated, outcome = (column[order] for column in sample)
    for metric in metrics():
        assert float(metric(*sample)) == pytest.approx(
            float(metric(np.exp(score), treated, outcome)), abs=1e-9
        )


@same
@given(samples(), st.floats(0.01, 100))
def test_the_unit_of_the_outcome_is_the_unit_of_the_result(sample: Sample, unit: float) -> None:
    score, treated, outcome = sample
    for metric in metrics():
        once, scaled = metric(*sample), metric(score, treated, outcome * unit)
        assert scaled.point == pytest.approx(once.point * unit, rel=1e-9, abs=1e-9)
        assert scaled.se == pytest.approx(once.se * unit, rel=1e-6, abs=1e-6)


@same
@given(samples())
def test_customers_who_all_score_alike_have_no_ranking(sample: Sample) -> None:
    _, treated, outcome = sample
    flat = np.zeros(len(outcome))
    effect = outcome[treated].mean() - outcome[~treated].mean()
    assert float(qini(flat, treated, outcome)) == pytest.approx(0.0, abs=1e-10)
    assert float(autoc(flat, treated, outcome, 0.5)) == pytest.approx(0.0, abs=1e-10)
    assert float(auuc(flat, treated, outcome)) == pytest.approx(effect / 2, abs=1e-10)


@same
@given(samples(), st.integers(2, 4))
def test_copies_of_every_customer_leave_the_areas_as_they_are(sample: Sample, copies: int) -> None:
    score, treated, outcome = (np.tile(column, copies) for column in sample)
    for metric in (qini, auuc):
        once, more = metric(*sample), metric(score, treated, outcome)
        assert more.point == pytest.approx(once.point, abs=1e-9)
        assert more.n == copies * once.n


@settings(derandomize=True, deadline=None, max_examples=40)
@given(samples())
def test_standard_errors_are_the_derivative_by_row_weights(sample: Sample) -> None:
    n = len(sample[0])
    for metric, kind in ((qini, "qini"), (auuc, "auuc")):
        slow = derivative_se(lambda weight, kind=kind: slow_area(kind, sample, weight), n)  # type: ignore[misc]
        assert metric(*sample).se == pytest.approx(slow, rel=1e-5, abs=1e-6)
    gamma = slow_effect_scores(sample, 0.4)
    slow = derivative_se(lambda weight: smooth_autoc(sample[0], gamma, weight), n)
    assert autoc(*sample, 0.4).se == pytest.approx(slow, rel=1e-5, abs=1e-6)


def metrics() -> tuple[Callable[[Array, Array, Array], Estimate], ...]:
    return qini, auuc, lambda score, treated, outcome: autoc(score, treated, outcome, 0.4)


def draw_campaign(rng: np.random.Generator, n: int, *, tied: bool) -> Sample:
    score = rng.integers(0, 5, n) / 4 if tied else rng.random(n)
    treated = rng.random(n) < 0.4
    outcome = (rng.random(n) < 0.1 + treated * 0.4 * score).astype(float)
    return score, treated, outcome


@pytest.mark.parametrize("tied", [True, False])
def test_standard_errors_match_the_spread_over_campaigns_and_intervals_cover(tied: bool) -> None:
    rng = np.random.default_rng(7)
    truths = [float(metric(*draw_campaign(rng, 1_000_000, tied=tied))) for metric in metrics()]
    draws = [draw_campaign(rng, 500, tied=tied) for _ in range(700)]
    for metric, truth in zip(metrics(), truths, strict=True):
        found = [metric(*draw) for draw in draws]
        spread = np.std([one.point for one in found])
        assert np.mean([one.se for one in found]) == pytest.approx(spread, rel=0.07)
        assert np.mean([one.lower <= truth <= one.upper for one in found]) == pytest.approx(0.9, abs=0.03)


def test_a_ranking_by_chance_is_significant_as_often_as_chance_has_it() -> None:
    rng = np.random.default_rng(3)
    _, treated, outcome = draw_campaign(rng, 400, tied=False)
    for metric in (metrics()[0], metrics()[2]):
        found = [metric(rng.random(400), treated, outcome).p < 0.1 for _ in range(500)]
        assert np.mean(found) == pytest.approx(0.1, abs=0.05)


def test_autoc_with_a_model_of_the_outcome_agrees_and_is_surer() -> None:
    rng = np.random.default_rng(5)
    n = 4000
    basis, score = rng.normal(20, 10, n), rng.random(n)
    propensity = np.where(basis > 20, 0.7, 0.3)
    treated = rng.random(n) < propensity
    outcome = basis + treated * score + rng.normal(0, 1, n)
    plain = autoc(score, treated, outcome, propensity)
    modelled = autoc(score, treated, outcome, propensity, mu=np.column_stack([basis, basis + score]))
    assert modelled.se < plain.se / 5
    # The effect is the score, uniform: the first share u gain 1 − u/2 each, against 1/2: 1/4 in the mean.
    assert modelled.lower < 0.25 < modelled.upper
    gamma = score + np.where(
        treated, (outcome - basis - score) / propensity, (basis - outcome) / (1 - propensity)
    )
    assert float(modelled) == pytest.approx(slow_autoc(score, gamma), abs=1e-10)


def test_pandas_columns_are_taken_as_they_stand() -> None:
    sample = draw_campaign(np.random.default_rng(0), 50, tied=True)
    frame = pd.DataFrame(dict(zip(("score", "treated", "outcome"), sample, strict=True))).iloc[::-1]
    assert qini(frame["score"], frame["treated"], frame["outcome"]).point == pytest.approx(
        qini(*sample).point
    )


def test_the_curves_start_at_nothing_and_end_at_the_overall_effect() -> None:
    score, treated, outcome = draw_campaign(np.random.default_rng(1), 300, tied=False)
    k, value = qini_curve(score, treated, outcome)
    effect = outcome[treated].mean() - outcome[~treated].mean()
    assert (k[0], value[0], k[-1]) == (0, 0.0, 300)
    assert value[-1] == pytest.approx(effect * treated.sum())


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (([1, 2], [True, True], [1, 2]), "All 2 rows are treated"),
        (([1, 2], [False, False], [1, 2]), "All 2 rows are control"),
        (([1, math.nan], [True, False], [1, 2]), "score is missing or infinite in 1 of 2 rows"),
        (([1, 2], [True, False], [1, 2, 3]), "outcome has 3 rows"),
        (([1, 2], ["a", "b"], [1, 2]), "treated holds"),
    ],
)
def test_a_sample_that_holds_no_curve_is_refused(sample: tuple[list[float], ...], message: str) -> None:
    for metric in (qini_curve, qini, auuc):
        with pytest.raises(DataError, match=message):
            metric(*sample)


def test_autoc_refuses_certain_treatment_and_a_model_of_the_wrong_shape() -> None:
    sample = ([1, 2], [True, False], [1, 2])
    with pytest.raises(DataError, match=r"inside \(0, 1\)"):
        autoc(*sample, 1.0)
    with pytest.raises(DataError, match=r"\(2, 2\) is needed"):
        autoc(*sample, 0.5, mu=[1, 2])


# Hillstrom: figures frozen from independent computations.


@pytest.fixture(scope="module")
def hillstrom() -> pd.DataFrame:
    if not HILLSTROM.exists():
        pytest.skip(f"{HILLSTROM.name} is not at ../shared/data/hillstrom: frozen figures not compared")
    frame = pd.read_csv(HILLSTROM, keep_default_na=False)
    return frame[frame["segment"].isin(["Womens E-Mail", "No E-Mail"])]


def hillstrom_sample(frame: pd.DataFrame, name: str) -> Sample:
    sign, column = (-1.0, name[1:]) if name.startswith("-") else (1.0, name)
    treated = (frame["segment"] == "Womens E-Mail").to_numpy()
    return sign * frame[column].to_numpy(float), treated, frame["visit"].to_numpy(float)


@pytest.mark.parametrize("name", REFERENCE["scores"])
def test_hillstrom_figures_are_the_frozen_ones(hillstrom: pd.DataFrame, name: str) -> None:
    sample, frozen = hillstrom_sample(hillstrom, name), REFERENCE["scores"][name]
    found = qini(*sample)
    assert found.n == REFERENCE["rows"]
    assert found.point == pytest.approx(frozen["qini"], rel=1e-7)
    assert auuc(*sample).point == pytest.approx(frozen["auuc"], rel=1e-7)
    assert autoc(*sample, sample[1].mean()).point == pytest.approx(frozen["autoc"], rel=1e-6, abs=1e-8)


def scikit_uplift_perfect_area(kind: str, sample: Sample) -> float:
    """The area between a perfect ranking and chance, as scikit-uplift has it.

    Such a ranking starts with treated buyers only: scikit-uplift counts them as gained, ours has no
    comparison yet and says 0.
    """
    ks, values = slow_curve(kind, sample)
    values[1] = ks[1]
    return float(np.trapezoid(values, ks) / ks[-1] ** 2 - values[-1] / ks[-1] / 2)


@pytest.mark.parametrize("name", REFERENCE["scores"])
def test_scikit_uplift_figures_are_ours_over_those_of_a_perfect_ranking(
    hillstrom: pd.DataFrame, name: str
) -> None:
    score, treated, outcome = hillstrom_sample(hillstrom, name)
    frozen = REFERENCE["scores"][name]
    perfect = scikit_uplift_perfect_area("qini", (outcome * np.where(treated, 1, -1), treated, outcome))
    ours = qini(score, treated, outcome).point / perfect
    assert ours == pytest.approx(frozen["sklift_qini_auc"], abs=5e-9)
    perfect = scikit_uplift_perfect_area("auuc", (2.0 * (outcome == treated) + treated, treated, outcome))
    chance = auuc(np.zeros(len(score)), treated, outcome).point
    ours = (auuc(score, treated, outcome).point - chance) / perfect
    assert ours == pytest.approx(frozen["sklift_uplift_auc"], abs=5e-9)


def test_every_definition_ranks_the_three_hillstrom_scores_alike(hillstrom: pd.DataFrame) -> None:
    ours = [qini(*hillstrom_sample(hillstrom, name)).point for name in REFERENCE["scores"]]
    for key in ("grf_qini", "causalml_qini_score", "autoc"):
        theirs = [frozen[key] for frozen in REFERENCE["scores"].values()]
        assert np.argsort(ours).tolist() == np.argsort(theirs).tolist()


def test_only_the_womens_score_ranks_hillstrom_visits_beyond_chance(hillstrom: pd.DataFrame) -> None:
    p = {name: qini(*hillstrom_sample(hillstrom, name)).p for name in REFERENCE["scores"]}
    assert p["womens"] < 1e-6
    assert min(p["-recency"], p["history"]) > 0.2


@pytest.mark.parametrize("outcome", ["visit", "spend"])
def test_the_standard_error_at_chance_is_the_spread_over_random_scores(
    hillstrom: pd.DataFrame, outcome: str
) -> None:
    treated = (hillstrom["segment"] == "Womens E-Mail").to_numpy()
    score = np.random.default_rng(0).random(len(hillstrom))
    found = autoc(score, treated, hillstrom[outcome], treated.mean())
    assert found.se == pytest.approx(REFERENCE["null_sd"][outcome], rel=0.1)
