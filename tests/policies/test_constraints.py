"""A rule checks itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from policies.constraints import Rule
from uplift.errors import SettingError


def test_a_rule_keeps_what_it_was_given() -> None:
    rule = Rule("sms", of="cost", actions=[3, 1, 3], customers=np.array([True, False]), at_most=5, at_least=2)
    assert rule.actions == (1, 3)
    assert (rule.at_most, rule.at_least) == (5.0, 2.0)
    assert rule.customers is not None
    assert rule.customers.tolist() == [True, False]


def test_an_infinite_bound_is_no_bound() -> None:
    rule = Rule("r", at_most=math.inf, at_least=3)
    assert rule.at_most is None
    assert Rule("r", at_most=3, at_least=-math.inf).at_least is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"of": "contact", "at_most": 1}, "Did you mean 'contacts'"),
        ({}, "has no bound"),
        ({"at_most": math.inf}, "has no bound"),
        ({"at_most": -1}, "which no plan can keep"),
        ({"at_most": math.nan}, "finite number"),
        ({"at_most": -math.inf}, "finite number"),
        ({"at_most": "many"}, "must be a number"),
        ({"at_least": math.inf}, "finite number"),
        ({"at_most": 1, "at_least": 2}, "lower the first"),
        ({"at_most": 1, "actions": []}, "one or more columns"),
        ({"at_most": 1, "actions": [-1]}, "columns from 0"),
        ({"at_most": 1, "actions": ["email"]}, "column numbers"),
        ({"at_most": 1, "actions": 3}, "column numbers"),
        ({"at_most": 1, "customers": [1, 0]}, "True or False"),
        ({"at_most": 1, "customers": [[True]]}, "one True or False"),
    ],
)
def test_a_rule_that_cannot_be_says_why(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        Rule("r", **settings)


def test_a_negative_cap_on_margin_is_a_rule_that_can_be_kept() -> None:
    assert Rule("losses", of="margin", at_most=-5.0).at_most == -5.0
