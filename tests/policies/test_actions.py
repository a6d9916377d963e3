from __future__ import annotations

import dataclasses
import math

import pytest

from policies import Action, Segment
from policies.actions import AMOUNTS
from uplift.errors import SettingError


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize("amount", [-0.01, math.nan, math.inf])
def test_an_amount_that_is_no_money_is_refused_by_name(name: str, amount: float) -> None:
    with pytest.raises(SettingError, match=rf"'sms' has {name} = {amount}; an amount of 0 or more is needed"):
        Action("sms", **{name: amount})


def test_an_action_is_free_and_without_limits_until_told_otherwise() -> None:
    action = Action("sms")
    assert (action.cost, action.response_cost, action.min_spend) == (0.0, 0.0, 0.0)
    assert (action.cost_column, action.capacity, action.max_spend, action.consent) == (None,) * 4
    assert action.send_time_capacity == {}


@pytest.mark.parametrize(("noun", "field"), [(Action("sms"), "cost"), (Segment("true"), "where")])
def test_what_is_planned_with_cannot_be_changed_later(noun: object, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(noun, field, 1.0)
