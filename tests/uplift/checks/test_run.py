from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from uplift.checks import check
from uplift.history import History

GATES = ["G1", "G2", "G3", "G4", "G6", "G9", "G11"]


def test_a_clean_history_passes_every_gate_in_order(make: Callable[..., History]) -> None:
    findings = check(make(20_000))
    assert [finding.code for finding in findings] == GATES
    assert {finding.verdict for finding in findings} == {"ok"}


def test_what_reading_found_is_not_repeated(make: Callable[..., History]) -> None:
    first = check(make())
    assert check(replace(make(), findings=first)) == first


def test_currency_and_costs_reach_their_gate(clean: History) -> None:
    refused = [finding.code for finding in check(clean, currency=None) if finding.verdict == "refuse"]
    assert refused == ["G9"]
    assert any(finding.verdict == "refuse" for finding in check(clean, costs_given=False))


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_impossible_probabilities_stop_what_is_weighted_by_them(clean: History, bad: float) -> None:
    findings = check(replace(clean, propensity=np.full(len(clean), bad)))
    assert [finding.code for finding in findings] == ["G1", "G9"]
    assert findings[0].verdict == "refuse"


def test_a_history_without_control_is_refused_by_g1_and_breaks_no_other_gate(clean: History) -> None:
    verdicts = {f.code: f.verdict for f in check(replace(clean, arm=np.abs(clean.arm)))}
    assert verdicts["G1"] == "refuse"
    assert set(verdicts) == set(GATES)


def test_a_history_without_rows_is_refused(clean: History) -> None:
    nothing = {
        name: getattr(clean, name)[:0] for name in ("arm", "outcome", "response", "propensity", "cluster")
    }
    empty = replace(
        clean, features=clean.features.slice(0, 0), customer=clean.customer.slice(0, 0), **nothing
    )
    assert check(empty)[0].verdict == "refuse"


def test_every_refusal_says_what_to_do(make: Callable[..., History]) -> None:
    history = make(20_000, dependent=True, known=False)
    refusals = [finding for finding in check(history, currency=None) if finding.verdict == "refuse"]
    assert {"G3", "G9", "G11"} <= {finding.code for finding in refusals}
    assert all(finding.next.endswith(".") and finding.message.endswith(".") for finding in refusals)


def test_the_same_history_gives_the_same_findings(make: Callable[..., History]) -> None:
    assert check(make(5_000, known=False), seed=1) == check(make(5_000, known=False), seed=1)


def test_hillstrom_passes_once_visit_and_conversion_are_excluded(hillstrom: Callable[..., History]) -> None:
    for known in (True, False):
        verdicts = {f.code: f.verdict for f in check(hillstrom("visit", "conversion", known=known))}
        assert verdicts.pop("G1") == ("ok" if known else "warn")
        assert set(verdicts.values()) == {"ok"}


def test_the_package_imports_nothing_until_a_check_is_asked_for() -> None:
    program = "import sys, uplift.checks; print(sorted({'numpy', 'scipy', 'lightgbm'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
