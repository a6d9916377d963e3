from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.money import apportion, cents, exact_sum

same = settings(derandomize=True, deadline=None, max_examples=200)
amounts = st.floats(-1e7, 1e7, allow_nan=False)
money = st.integers(-(10**8), 10**8).map(lambda whole: whole / 100)


def whole(amount: float) -> int:
    """The number of cents of an amount that is in cents."""
    found = round(amount * 100)
    assert amount == found / 100
    return found


@given(amounts)
@same
def test_cents_are_the_nearest_cents(amount: float) -> None:
    rounded = cents(amount)
    assert abs(Fraction(whole(rounded), 100) - Fraction(repr(amount))) <= Fraction(1, 200)
    assert cents(rounded) == rounded


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(0.005, 0.0), (0.015, 0.02), (2.675, 2.68), (1.005, 1.0), (Decimal("-0.025"), -0.02)],
)
def test_halves_go_to_the_even_cent_as_the_amounts_are_printed(
    amount: float | Decimal, expected: float
) -> None:
    assert cents(amount) == expected


def test_nothing_is_never_minus_nothing() -> None:
    assert math.copysign(1.0, cents(-0.001)) == 1.0


@given(st.lists(money, max_size=30), st.randoms(use_true_random=False))
@same
def test_sums_are_exact_in_any_order(parts: list[float], order: object) -> None:
    expected = Decimal(sum(round(part * 100) for part in parts)) / 100
    shuffled = sorted(parts, key=lambda _: order.random())  # type: ignore[attr-defined]
    assert exact_sum(np.array(parts, float)) == exact_sum(np.array(shuffled, float)) == expected


def test_ten_thousand_contacts_at_ten_cents_cost_a_thousand() -> None:
    assert exact_sum(np.full(10_000, 0.1)) == Decimal(1000)


@given(st.lists(amounts, min_size=1, max_size=12))
@same
def test_parts_in_cents_add_up_to_the_total_and_are_off_by_a_cent_at_most(parts: list[float]) -> None:
    total = cents(math.fsum(parts))
    shares = apportion(total, parts)
    assert sum(whole(share) for share in shares) == whole(total)
    assert all(abs(share - part) < 0.01 + 1e-6 for share, part in zip(shares, parts, strict=True))


@given(st.lists(money, min_size=1, max_size=12))
@same
def test_parts_that_are_in_cents_and_add_up_stay_as_they_are(parts: list[float]) -> None:
    total = sum(round(part * 100) for part in parts) / 100
    assert apportion(total, parts) == parts


def test_no_parts_share_nothing() -> None:
    assert apportion(0.0, []) == []
