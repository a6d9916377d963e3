from __future__ import annotations

import math

import numpy as np
import pytest

from uplift import DataError, Finding
from uplift.report.summary import read_findings, read_summary

Summary = dict[str, object]


def test_an_empty_summary_reads_as_an_empty_plan() -> None:
    plan = read_summary({})
    assert plan.forecast is None
    assert plan.by_action == ()
    assert plan.level == 0.9


def test_numpy_numbers_and_not_a_number_are_read() -> None:
    plan = read_summary({"spend": np.float64(3.5), "contacts": np.int64(7), "budget": math.nan})
    assert (plan.spend, plan.contacts, plan.budget) == (3.5, 7, None)


@pytest.mark.parametrize(
    ("key", "value", "needed"),
    [
        ("spend", "12,5", "a number"),
        ("spend", True, "a number"),
        ("forecast", [1], "an object"),
        ("by_action", "email", "a list"),
        ("prices", [3], "an object"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_what_was_needed(
    key: str, value: object, needed: str
) -> None:
    with pytest.raises(DataError, match=rf"under '{key}', where {needed} was needed"):
        read_summary({key: value})


def test_refusals_and_overrides_come_first() -> None:
    verdicts = ("ok", "warn", "fallback", "overridden", "refuse")
    findings = read_findings(Finding(f"G{i}", verdict, "…") for i, verdict in enumerate(verdicts))
    assert [finding.verdict for finding in findings] == list(reversed(verdicts))


def test_findings_and_their_dictionaries_read_the_same() -> None:
    finding = Finding("G6", "warn", "Few buyers.", 62.0, 100.0, "Wait.")
    assert read_findings([finding.to_dict()]) == read_findings([finding]) == (finding,)


def test_a_verdict_nobody_knows_is_a_warning_and_not_a_pass() -> None:
    assert read_findings([{"code": "G99", "verdict": "fine, really"}])[0].verdict == "warn"


def test_labels_lose_the_characters_that_steer_terminals() -> None:
    plan = read_summary({"by_action": [{"channel": "e\x1b[2Jmail\u202e\n x", "send_time": 8}]})
    assert plan.by_action[0].label == "e[2Jmail x at 8"
