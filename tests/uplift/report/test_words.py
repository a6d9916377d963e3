from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.report import words
from uplift.report.fields import Interval
from uplift.report.summary import RulePrice, read_summary

Summary = dict[str, object]


@given(st.integers(-(10**11), 10**11))
@settings(derandomize=True, deadline=None)
def test_money_reads_back_to_the_cent(cents: int) -> None:
    text = words.money(cents / 100)
    assert round(float(text.replace(",", "")) * 100) == cents
    assert text[-3] == "."


@pytest.mark.parametrize("write", [words.money, words.per_customer, words.ratio])
def test_a_rounded_zero_has_no_sign(write: words.Format) -> None:
    assert not write(-1e-9).startswith("-")
    assert write(None) == "not known"


def test_a_return_at_zero_cost_is_undefined_and_never_zero() -> None:
    assert words.roi(None) == "undefined"


def test_the_answer_says_spend_people_forecast_price_and_what_is_full(personalised: Summary) -> None:
    assert words.answer(read_summary(personalised)) == (
        "Spend 1,999.98 of 2,000.00 USD on 31,234 customers; expect 8,420.17 incremental margin "
        "(90 %: 6,119.73 to 10,720.61); the next dollar returns 1.84; email at 12 is full."
    )


def test_the_answer_of_a_refused_plan_is_the_refusal(refused: Summary) -> None:
    text = words.answer(read_summary(refused))
    assert text.startswith("Refused: G8: The forecast's lower bound of profit is -812.40")
    assert "Spend" not in text


def test_a_plan_without_contacts_says_why_nobody_is_contacted(personalised: Summary) -> None:
    nobody = {**personalised, "contacts": 0, "spend": 0.0}
    assert words.answer(read_summary(nobody)).startswith("Contact nobody: no action is expected to earn")
    broke = {**nobody, "budget": 0.0}
    assert words.answer(read_summary(broke)).startswith("Contact nobody: the budget is 0.00 USD")


def test_a_budget_that_does_not_bind_is_not_called_worth_more(uniform: Summary) -> None:
    assert "more budget would not earn more" in words.answer(read_summary(uniform))


def test_the_next_unit_of_money_has_the_currency_of_the_plan() -> None:
    assert words.next_unit("EUR") == "the next euro"
    assert words.next_unit("SEK") == "the next 1 SEK"


def test_many_binding_rules_are_counted_and_the_dearest_are_named(personalised: Summary) -> None:
    prices = [{"rule": f"channel {i} capacity", "price": float(i), "binding": True} for i in range(6)]
    text = words.answer(read_summary({**personalised, "prices": prices}))
    assert text.endswith("channel 5 is full; channel 4 is full; 4 more rules bind.")


def test_a_rule_at_its_limit_is_told_in_words() -> None:
    rules = [
        RulePrice(name, 1.0, binding=True, in_words="") for name in ("sms capacity", "sms maximum spend")
    ]
    assert [words.binds(rule) for rule in rules] == ["sms is full", "sms is at its maximum spend"]
    assert words.binds(RulePrice("gold at least 100", 1.0, binding=True, in_words="")) == (
        "the rule gold at least 100 binds"
    )


def test_an_estimate_without_an_interval_is_a_plain_number() -> None:
    assert words.in_text(Interval(1.0), 0.9) == "1.00"
    assert words.estimate(Interval(1.0, 0.5, 1.5)) == "1.00\n0.50 to 1.50"


def test_a_level_is_written_as_precisely_as_it_was_given() -> None:
    assert [words.percent(share) for share in (0.9, 0.95, 0.999, 0.0, 1.0)] == [
        "90 %",
        "95 %",
        "99.9 %",
        "0 %",
        "100 %",
    ]


def test_a_small_gap_is_written_out_in_percent() -> None:
    assert "by more than 0.00000016 %" in words.optimality(1.6e-9)
    assert words.optimality(None) == ""


def test_assumptions_are_written_as_people_write_them() -> None:
    written = [
        words.setting(value) for value in (None, False, 0.05, 20000, "known", ["a", "b"], {}, {"sms": 0.08})
    ]
    assert written == ["none", "no", "0.05", "20,000", "known", "a, b", "none", "sms 0.08"]
