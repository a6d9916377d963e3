"""Amounts: what is not plainly a finite number in its range is refused, with its rows."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError
from uplift.intake.amounts import numbers, probabilities


def refusal(values: pa.Array | list[object], role: str = "outcome", low: float | None = None) -> str:
    with pytest.raises(DataError) as caught:
        numbers(pa.table({"x": values}), "x", role, low=low)
    return str(caught.value)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=1, max_size=20))
def test_numbers_written_as_text_are_the_same_numbers(values: list[float]) -> None:
    text = pa.table({"x": [repr(value) for value in values]})
    np.testing.assert_array_equal(numbers(text, "x", "outcome"), values)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.uint64()),
        pa.array([1.0, 2.0], pa.float32()),
        pa.array([Decimal("1.00"), Decimal("2.00")]),
        pa.array(["1", "2"]).dictionary_encode(),
        pa.array(["1", "2.0"], pa.large_string()),
    ],
    ids=lambda values: str(values.type),
)
def test_every_kind_of_number_is_a_number(values: pa.Array) -> None:
    np.testing.assert_array_equal(numbers(pa.table({"x": values}), "x", "outcome"), [1.0, 2.0])


def test_true_and_false_count_as_one_and_zero() -> None:
    assert numbers(pa.table({"x": [True, False]}), "x", "outcome").tolist() == [1.0, 0.0]


def test_nan_and_infinity_are_refused_with_rows() -> None:
    assert refusal([1.0, float("nan"), 2.0]).startswith("The outcome 'x' is NaN in row 2 (counted from 1)")
    assert "is infinite in rows 1, 3" in refusal([float("inf"), 1.0, float("-inf")], "cost")
    assert "is infinite in row 1" in refusal(["1e999", "1"])


def test_a_missing_amount_is_refused_and_zero_advised() -> None:
    message = refusal([1.0, None, None])
    assert "missing in rows 2, 3" in message
    assert "Write 0" in message
    assert "missing in row 2" in refusal(["1", " "])


def test_many_rows_are_counted_and_the_first_few_named() -> None:
    assert "rows 1, 2, 3, 4, 5 and 995 more" in refusal([None] * 1000, "cost")


def test_a_decimal_comma_is_refused_and_not_125() -> None:
    message = refusal(["1.5", "12,5"])
    assert "holds '12,5', not plain numbers, in row 2" in message
    assert "decimal point" in message


def test_na_in_an_amount_is_refused() -> None:
    assert "holds 'NA', not plain numbers, in row 1" in refusal(["NA", "12"])


def test_mixed_currencies_are_refused_and_both_named() -> None:
    assert "mixes $ and € ('$12', '€5') in rows 1, 2" in refusal(["$12", "€5"])
    assert "mixes EUR and USD" in refusal(["12 USD", "5 EUR", "7"])


def test_one_currency_sign_is_refused_too() -> None:
    assert "holds '$12', not plain numbers" in refusal(["$12", "5"])


def test_a_negative_cost_is_refused_and_a_negative_outcome_is_not() -> None:
    assert "is below 0 in row 2" in refusal([1.0, -0.5], "cost", 0.0)
    assert numbers(pa.table({"x": [1.0, -0.5]}), "x", "outcome").tolist() == [1.0, -0.5]


def test_dates_and_lists_are_no_amounts() -> None:
    assert "holds date32[day]; plain numbers are needed" in refusal(
        pa.array([1], pa.int32()).cast(pa.date32())
    )
    assert "holds list" in refusal([[1.0]])


@pytest.mark.parametrize("bad", [0.0, -0.1, 1.0000001, 25.0])
def test_a_probability_outside_its_range_is_refused(bad: float) -> None:
    with pytest.raises(DataError, match=r"outside \(0, 1\] in row 2"):
        probabilities(pa.table({"p": [0.5, bad, 1.0]}), "p")


def test_a_missing_column_names_its_neighbour() -> None:
    with pytest.raises(DataError) as caught:
        numbers(pa.table({"revenue": [1.0]}), "revenu", "outcome")
    assert str(caught.value) == (
        "The table has no column 'revenu', named as outcome. Did you mean 'revenue'?"
    )
