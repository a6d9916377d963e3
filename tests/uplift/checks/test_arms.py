from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from uplift.checks import check_arms
from uplift.history import History


def test_a_clean_history_passes(clean: History) -> None:
    (finding,) = check_arms(clean)
    assert finding.verdict == "ok"
    assert "6 actions" in finding.message


def test_a_history_without_control_is_refused(clean: History) -> None:
    (finding,) = check_arms(replace(clean, arm=np.abs(clean.arm)))
    assert (finding.code, finding.verdict) == ("G1", "refuse")
    assert "'none'" in finding.message


def test_a_history_of_control_only_is_refused(clean: History) -> None:
    (finding,) = check_arms(replace(clean, arm=np.full_like(clean.arm, -1)))
    assert finding.verdict == "refuse"
    assert "one arm only" in finding.message


def test_unknown_probabilities_are_warned_about(make: Callable[..., History]) -> None:
    (finding,) = check_arms(make(known=False))
    assert finding.verdict == "warn"
    assert "--probability" in finding.next


@pytest.mark.parametrize("factor", [0.5, 0.97, 1.03, 1.5])
def test_constant_probabilities_that_do_not_add_up_are_refused(clean: History, factor: float) -> None:
    (finding,) = check_arms(replace(clean, propensity=clean.propensity * factor))
    assert finding.verdict == "refuse"
    assert finding.measured == pytest.approx(factor)


@pytest.mark.parametrize("factor", [0.985, 1.015])
def test_rounded_probabilities_pass(clean: History, factor: float) -> None:
    assert check_arms(replace(clean, propensity=clean.propensity * factor))[0].verdict == "ok"


def test_the_probability_of_being_contacted_is_not_that_of_the_arm(clean: History) -> None:
    (finding,) = check_arms(replace(clean, propensity=np.full(len(clean), 0.65)))
    assert finding.verdict == "refuse"
    assert finding.measured == pytest.approx(7 * 0.65)


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.2, np.nan])
def test_impossible_probabilities_are_refused_with_their_rows(clean: History, bad: float) -> None:
    propensity = clean.propensity.copy()
    propensity[[4, 9]] = bad
    (finding,) = check_arms(replace(clean, propensity=propensity))
    assert finding.verdict == "refuse"
    assert "2 rows" in finding.message
    assert "rows 5 (" in finding.message
