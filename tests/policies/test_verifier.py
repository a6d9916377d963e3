"""The verifier finds what is wrong, from the inputs alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from policies.constraints import Rule
from policies.optimizer import optimize
from policies.verifier import verify

VALUES = np.array([[5.0, 4.0], [3.0, 1.0], [1.0, np.nan]])
COSTS = np.array([2.0, 1.0])


def messages(action: list[Any], **problem: object) -> list[str]:
    findings = verify(action, VALUES, COSTS, **problem)
    assert {finding.code for finding in findings} == {"G16"}
    return [finding.message for finding in findings if finding.verdict == "refuse"]


def test_a_plan_that_keeps_everything_is_ok() -> None:
    finding = verify([0, 1, -1], VALUES, COSTS, budget=3.0, rules=[Rule("r", at_least=2, at_most=2)])
    assert [(one.code, one.verdict) for one in finding] == [("G16", "ok")]


@pytest.mark.parametrize(
    ("action", "problem", "message"),
    [
        ([0, 0, -1], {"budget": 3.9}, "budget: 4 where at most"),
        ([0, 0, -1], {"rules": [Rule("cap", actions=[0], at_most=1)]}, "cap: 2 where at most 1"),
        ([0, -1, -1], {"rules": [Rule("floor", of="cost", at_least=3)]}, "floor: 2 where at least 3"),
        ([0, -1, -1], {"rules": [Rule("m", of="margin", at_most=4)]}, "m: 5 where at most 4"),
        (
            [0, 0, -1],
            {"rules": [Rule("g", customers=np.array([False, True, True]), at_most=0)]},
            "g: 1 where at most 0",
        ),
        ([-1, 1, -1], {"min_roi": 0.5}, "minimum ROI: a margin of 1"),
        ([0, -1, -1], {"eligible": np.array([[False, True]] * 3)}, "not eligible, the first in row 0"),
        ([-1, -1, 1], {}, "no money, the first in row 2"),
        ([0, -1, -1], {"budget": 3.0, "weights": [2.0, 1.0, 1.0]}, "budget: 4 where"),
        ([2, -1, -1], {}, "actions outside"),
        ([0, -1], {}, "shape"),
        ([0.0, -1.0, -1.0], {}, "type"),
    ],
)
def test_every_way_to_break_a_plan_is_found(action: list[Any], problem: dict[str, Any], message: str) -> None:
    found = messages(action, **problem)
    assert len(found) == 1
    assert message in found[0]


def test_one_unit_in_the_last_place_over_the_budget_is_found() -> None:
    assert messages([1, 1, -1], budget=np.nextafter(2.0, 0.0))
    assert not messages([1, 1, -1], budget=2.0)


def test_all_broken_rules_are_named_at_once() -> None:
    found = messages([0, 0, -1], budget=1.0, rules=[Rule("a", at_most=1), Rule("b", actions=[1], at_least=1)])
    assert [message.split(":")[0] for message in found] == ["budget", "a", "b"]


def test_a_solution_that_misstates_its_totals_is_found() -> None:
    values = VALUES[:2]
    solution = optimize(values, COSTS, budget=3.0)
    assert verify(solution.action, values, COSTS, budget=3.0, solution=solution)[0].verdict == "ok"
    for change in ({"spend": 2.5}, {"value": 9.0}, {"upper_bound": 1.0}, {"action": np.array([0, 0])}):
        wrong = replace(solution, **change)
        assert verify(solution.action, values, COSTS, budget=3.0, solution=wrong)[0].verdict == "refuse"
