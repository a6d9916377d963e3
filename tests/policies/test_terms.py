from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from policies import Action, Rule, Segment
from policies.terms import Terms, lent, like_audience, match, stand_ins, terms, where
from uplift.errors import DataError, SettingError
from uplift.history import Arm

ARMS = (Arm("email", 8), Arm("email", 18), Arm("sms", 8), Arm("mail"))
TABLE = pa.table(
    {
        "tier": ["gold", "silver", None, "gold"],
        "agreed": [True, False, None, True],
        "coded": [1, 0, None, 1],
        "price": [0.5, 1.0, 0.25, 0.0],
        "holes": [0.5, None, -1.0, 0.0],
    }
)


def worked_out(*actions: Action, segments: tuple[Segment | Rule, ...] = ()) -> Terms:
    return terms(TABLE, ARMS, actions, segments)


def test_a_channels_price_holds_for_all_its_send_times_and_what_has_no_price_is_not_planned() -> None:
    found = worked_out(Action("email", cost=0.02), Action("mail", cost=0.6))
    assert found.contact.tolist() == [[0.02, 0.02, 0.0, 0.6]] * 4
    assert found.eligible.tolist() == [[True, True, False, True]] * 4


def test_an_arm_may_have_a_price_of_its_own() -> None:
    found = worked_out(Action("email", cost=0.02), Action("email 18", cost=0.05))
    assert found.contact[0].tolist() == [0.02, 0.05, 0.0, 0.0]
    assert match(ARMS, [Action("email 18")]) == [None, Action("email 18"), None, None]


def test_a_channel_that_is_not_there_is_refused_with_a_guess() -> None:
    with pytest.raises(SettingError, match=r"no channel 'emial' in the history.*Did you mean 'email'\?"):
        worked_out(Action("emial", cost=0.02))


@pytest.mark.parametrize("column", ["agreed", "coded"])
def test_consent_that_is_false_or_missing_means_never(column: str) -> None:
    found = worked_out(Action("sms", consent=column), Action("email"))
    assert found.eligible[:, 2].tolist() == [True, False, False, True]
    assert found.eligible[:, 0].all()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (Action("sms", consent="tier"), "Consent column 'tier' holds string; true, false or missing"),
        (Action("sms", consent="price"), "Consent column 'price' holds double"),
        (Action("sms", consent="agree"), r"no column 'agree', named as consent. Did you mean 'agreed'\?"),
        (Action("sms", cost_column="tier"), "Cost column 'tier' holds string; numbers are needed"),
        (Action("sms", cost_column="holes"), r"'holes' is missing, negative .* in 2 rows \(first: 2, 3\)"),
        (Action("sms", cost_column="prices"), r"named as cost. Did you mean 'price'\?"),
    ],
)
def test_columns_that_do_not_hold_what_they_should_are_refused(action: Action, message: str) -> None:
    with pytest.raises(DataError, match=message):
        worked_out(action)


def test_a_column_of_costs_takes_the_place_of_one_cost() -> None:
    found = worked_out(Action("sms", cost=9.0, cost_column="price"))
    assert found.contact[:, 2].tolist() == [0.5, 1.0, 0.25, 0.0]


def test_the_expected_cost_adds_what_is_paid_on_response() -> None:
    found = worked_out(Action("email", cost=0.5, response_cost=4.0), Action("sms", cost=2.0))
    chance = np.full((4, 4), 0.25)
    assert found.cost(chance)[0].tolist() == [1.5, 1.5, 2.0, 0.0]
    assert worked_out(Action("sms", cost=2.0)).cost(chance)[0].tolist() == [0.0, 0.0, 2.0, 0.0]


def test_limits_of_a_channel_become_rules_over_its_actions() -> None:
    action = Action("email", capacity=9, send_time_capacity={8: 5}, min_spend=1.0, max_spend=7.0)
    rules = {rule.name: rule for rule in worked_out(action, Action("sms")).rules}
    assert {name: (rule.of, rule.actions, rule.at_least, rule.at_most) for name, rule in rules.items()} == {
        "email capacity": ("contacts", (0, 1), None, 9.0),
        "email 8 capacity": ("contacts", (0,), None, 5.0),
        "email maximum spend": ("cost", (0, 1), None, 7.0),
        "email minimum spend": ("cost", (0, 1), 1.0, None),
    }


def test_send_times_are_found_by_what_they_print_as() -> None:
    assert worked_out(Action("email", send_time_capacity={"18": 5})).rules[0].actions == (1,)
    with pytest.raises(
        SettingError, match=r"'email' has no send time 9 in the history; it has \['18', '8'\]"
    ):
        worked_out(Action("email", send_time_capacity={9: 5}))


def test_a_segment_counts_those_for_whom_its_condition_is_true() -> None:
    (rule,) = worked_out(segments=(Segment("tier = 'gold'", min_contacts=1, max_contacts=3),)).rules
    assert rule.customers is not None
    assert rule.customers.tolist() == [True, False, False, True]
    assert (rule.of, rule.at_least, rule.at_most) == ("contacts", 1.0, 3.0)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("tear = 'gold'", "cannot be evaluated: .*tear"),
        ("price", "'price' is double; it must be true or false"),
        ("count(*) > 1", "is one value for 4 customers"),
        ("tier = ", "cannot be evaluated"),
    ],
)
def test_a_condition_that_says_nothing_of_each_customer_is_refused(condition: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        where(TABLE, condition)


def test_a_ready_rule_must_know_all_customers() -> None:
    rule = Rule("mine", customers=np.array([True, False, True]), at_most=1)
    with pytest.raises(SettingError, match="Rule 'mine' has a mask of 3 customers; the audience has 4"):
        worked_out(segments=(rule,))


def test_the_history_borrows_only_the_columns_that_it_lacks_and_whole_customers() -> None:
    history = pa.table({"tier": ["gold"] * 50, "age": list(range(50))})
    customer = stand_ins(50, 4, seed=3)
    lending = like_audience(history, TABLE, customer)
    assert lending.column_names == TABLE.column_names
    assert lending["tier"].to_pylist() == ["gold"] * 50
    pairs = set(zip(TABLE["price"].to_pylist(), TABLE["agreed"].to_pylist(), strict=True))
    assert set(zip(lending["price"].to_pylist(), lending["agreed"].to_pylist(), strict=True)) == pairs


def test_a_mask_of_customers_is_lent_to_the_rows_that_stand_for_them() -> None:
    mask = np.array([True, False, False, True])
    rule = Rule("mine", customers=mask, at_most=1)
    customer = stand_ins(50, 4, seed=3)
    assert lent(rule, customer).customers.tolist() == mask[customer].tolist()  # type: ignore[union-attr]
    assert lent(Rule("all", at_most=1), customer).customers is None
    segment = Segment("true", max_contacts=1)
    assert lent(segment, customer) is segment
