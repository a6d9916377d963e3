from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.multiplicity import benjamini_hochberg, holm
from experiments.proportions import Interval, compare_shares, wilson
from uplift.errors import DataError, SettingError

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "experiments.json").read_text())
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("case", REFERENCE["wilson"], ids=lambda case: str(case["counts"]))
def test_published_wilson_intervals_are_reproduced(case: dict[str, Any]) -> None:
    found = wilson(*case["counts"])
    assert (found.lower, found.upper) == pytest.approx(case["interval"], abs=6e-6)


@pytest.mark.parametrize(
    "case", REFERENCE["newcombe"], ids=lambda case: f"{case['treated']}-{case['control']}"
)
def test_published_newcombe_intervals_are_reproduced(case: dict[str, Any]) -> None:
    found = compare_shares(tuple(case["treated"]), tuple(case["control"]))
    assert (found.lower, found.upper) == pytest.approx(case["interval"], abs=6e-5)


@pytest.mark.parametrize("interval", ["wald", "continuity"])
def test_rs_prop_test_is_reproduced(interval: Interval) -> None:
    case = REFERENCE["prop_test"]
    found = compare_shares(tuple(case["treated"]), tuple(case["control"]), interval=interval)
    assert [found.p, found.lower, found.upper] == pytest.approx(case[interval], rel=2e-6)


@pytest.mark.parametrize("outcome", ["retention_7", "retention_1"])
def test_cookie_cats_retention_is_reproduced(outcome: str) -> None:
    counts = {"retention_7": ((8502, 44700), (8279, 45489)), "retention_1": ((20034, 44700), (20119, 45489))}
    expected = REFERENCE["cookie_cats"][outcome]
    found = compare_shares(*counts[outcome])
    assert found.p == pytest.approx(expected["p"], rel=1e-5)
    assert stats.norm.isf(found.p / 2) == pytest.approx(expected["z"], abs=6e-6)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.5, 0.99))
@settings(derandomize=True, deadline=None)
def test_the_complement_mirrors_every_interval(one: int, two: int, level: float) -> None:
    share, other = wilson(one, 60, level=level), wilson(60 - one, 60, level=level)
    assert share.lower == pytest.approx(1 - other.upper, abs=1e-12)
    assert 0 <= share.lower <= share.point <= share.upper <= 1
    forth, back = compare_shares((one, 60), (two, 60)), compare_shares((two, 60), (one, 60))
    assert (forth.lower, forth.upper) == pytest.approx((-back.upper, -back.lower), abs=1e-12)
    assert forth.p == pytest.approx(back.p)


def test_rare_responses_are_covered_by_newcombe_and_not_by_wald() -> None:
    treated, control = stats.binom(50, 0.03), stats.binom(60, 0.01)
    covered = {"newcombe": 0.0, "wald": 0.0}
    for one in range(12):
        for two in range(8):
            chance = treated.pmf(one) * control.pmf(two)
            for interval in ("newcombe", "wald"):
                found = compare_shares((one, 50), (two, 60), interval=interval)
                covered[interval] += chance * (found.lower <= 0.02 <= found.upper)
    assert covered["newcombe"] > 0.94
    assert covered["wald"] < 0.9


def test_impossible_counts_and_intervals_are_refused() -> None:
    with pytest.raises(DataError, match="Found 5 responders among 4 customers"):
        wilson(5, 4)
    with pytest.raises(DataError, match="among 0 customers"):
        wilson(0, 0)
    with pytest.raises(SettingError, match="newcombe, wald or continuity"):
        compare_shares((1, 2), (1, 2), interval="exact")
    with pytest.raises(SettingError, match="level is 95"):
        wilson(1, 2, level=95)


def test_the_published_adjusted_p_values_are_reproduced() -> None:
    case = REFERENCE["multiplicity"]
    p = np.array(case["p"])
    adjusted = benjamini_hochberg(p)
    assert (adjusted <= 0.05).sum() == case["bh_rejects"]
    assert (p <= 0.05 / len(p)).sum() == case["bonferroni_rejects"]
    assert adjusted[3] == pytest.approx(case["bh_fourth"])
    assert holm(p)[:4] == pytest.approx(case["holm_first"])


@given(P_VALUES)
@settings(derandomize=True, deadline=None)
def test_benjamini_hochberg_agrees_with_scipy(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


@given(P_VALUES, st.floats(0.001, 0.3))
@settings(derandomize=True, deadline=None)
def test_holm_rejects_what_its_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] * (len(p) - step) > alpha:
            break
        rejected.add(index)
    assert set(np.flatnonzero(holm(p) <= alpha).tolist()) == rejected


@given(P_VALUES)
@settings(derandomize=True, deadline=None)
def test_adjusting_lowers_no_p_value_and_holm_is_the_stricter(p: list[float]) -> None:
    assert (benjamini_hochberg(p) >= np.array(p) - 1e-15).all()
    assert (holm(p) >= benjamini_hochberg(p) - 1e-12).all()
    order = np.argsort(p)[::-1]
    assert holm(np.array(p)[order]) == pytest.approx(holm(p)[order])


def test_what_is_no_p_value_is_refused() -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(DataError, match="between 0 and 1"):
            adjust([0.1, 1.2])
        with pytest.raises(DataError, match="between 0 and 1"):
            adjust([0.1, np.nan])
