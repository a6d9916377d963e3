from __future__ import annotations

import math
from collections.abc import Callable

import click
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.options import cost, currency, gate, number

Run = Callable[..., Result]


@settings(derandomize=True, deadline=None)
@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_it_was_written(value: float) -> None:
    assert number()(repr(value)) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "12,5", "50_000", "1e999", "", "ten", "$5"])
def test_what_is_not_a_plain_amount_is_refused_rather_than_guessed(text: str) -> None:
    with pytest.raises(click.BadParameter, match="written as in 1234"):
        number()(text)


@pytest.mark.parametrize("text", ["0", "1", "90", "-0.1"])
def test_a_level_lies_between_0_and_1(text: str) -> None:
    with pytest.raises(click.BadParameter, match="between 0 and 1"):
        number(0, 1, inside=True)(text)


@settings(derandomize=True, deadline=None)
@given(
    label=st.text(min_size=1).filter(lambda text: text == text.strip()),
    amount=st.floats(min_value=0, max_value=1e9),
)
def test_a_cost_is_parted_at_its_last_equals_sign(label: str, amount: float) -> None:
    assert cost(f"{label}={amount!r}") == (label, amount)


@pytest.mark.parametrize("text", ["email", "=0.1", "email=", "email=-0.1", "email=nan"])
def test_a_cost_without_label_or_amount_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        cost(text)


def test_a_gate_is_named_in_either_case_and_must_exist() -> None:
    assert gate("g8") == "G8"
    with pytest.raises(click.BadParameter, match="they are G1 to G16"):
        gate("G17")


def test_a_currency_is_three_capital_letters() -> None:
    assert currency("EUR") == "EUR"
    with pytest.raises(click.BadParameter, match="as in USD"):
        currency("euro")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budget", "-5"], "a number of at least 0"),
        (["--cost", "email=-0.02"], "a number of at least 0"),
        (["--cost", "email"], "LABEL=AMOUNT"),
        (["--holdout", "1"], "at most 0.99"),
        (["--level", "90"], "between 0 and 1"),
        (["--seed", "-1"], "--seed"),
        (["--threads", "0"], "--threads"),
        (["--override", "G0"], "is no gate"),
        (["--currency", "$"], "three capital letters"),
        (["--cost", "email=0.02", "--cost", "email=0.03"], "'email' has two costs, 0.02 and 0.03"),
        (["--treatment", "arm", "--channel", "channel"], "not from both"),
        (["--treatment", "arm", "--send-time", "hour"], "not from both"),
    ],
)
def test_a_wrong_flag_is_a_usage_error_that_names_the_flag(run: Run, words: list[str], told: str) -> None:
    result = run("plan", *words)
    assert result.exit_code == 2
    assert words[0] in result.stderr
    assert told in result.stderr


def test_numbers_are_finite() -> None:
    assert math.isfinite(number()("1e308"))
