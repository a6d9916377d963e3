"""Estimate, and the columns that users pass as arrays."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from uplift import DataError, SettingError
from uplift.columns import flags, matrix, numbers, probabilities
from uplift.estimates import Estimate


@pytest.mark.parametrize("point", [0.0, 0.3, -2.0, 15.0])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_the_normal_interval_and_p_value_are_those_of_scipy(point: float, level: float) -> None:
    estimate = Estimate.normal(point, 0.4, level=level, n=10)
    lower, upper = stats.norm.interval(level, loc=point, scale=0.4)
    assert estimate.lower == pytest.approx(lower, rel=1e-12)
    assert estimate.upper == pytest.approx(upper, rel=1e-12)
    assert estimate.p == pytest.approx(2 * stats.norm.sf(abs(point) / 0.4), rel=1e-9)


def test_an_estimate_can_be_held_against_a_number() -> None:
    estimate = Estimate.normal(0.25, 0.1)
    assert float(estimate) == 0.25
    assert estimate == pytest.approx(0.25)
    assert np.isclose(estimate, 0.25)
    assert np.asarray([estimate, estimate]).tolist() == [0.25, 0.25]


def test_the_mean_of_influences_has_the_textbook_standard_error() -> None:
    sample = np.random.default_rng(0).normal(size=50)
    estimate = Estimate.from_influence(sample.mean(), sample)
    assert estimate.se == pytest.approx(stats.sem(sample), rel=1e-12)
    assert estimate.n == 50


def test_one_row_has_no_standard_error_and_proves_nothing() -> None:
    estimate = Estimate.from_influence(3.0, np.array([3.0]))
    assert math.isinf(estimate.se)
    assert estimate.p == 1.0


def test_without_any_error_only_zero_is_compatible_with_zero() -> None:
    assert Estimate.normal(0.0, 0.0).p == 1.0
    assert Estimate.normal(1e-9, 0.0).p == 0.0


def test_it_prints_as_one_sentence_with_the_digits_that_its_error_supports() -> None:
    assert str(Estimate.normal(1234.567, 12.3, n=64000, ess=21386.4)) == (
        "1,235, with 90% confidence between 1,214 and 1,255 (p < 0.001, 64,000 rows, effectively 21,386)."
    )
    assert (
        str(Estimate.normal(0.01, 0.02)) == "0.010, with 90% confidence between -0.023 and 0.043 (p = 0.617)."
    )
    assert str(Estimate.normal(2.0, 0.0)) == "2, with 90% confidence between 2 and 2 (p < 0.001)."


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    with pytest.raises(SettingError, match="between 0 and 1"):
        Estimate.normal(1.0, 1.0, level=level)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, math.nan, math.inf], r"missing or infinite in 2 of 3 rows, first in row 1 \(from 0\)"),
        (["1", "2", "3"], "numbers are needed"),
        (np.array(["1", 2, 3], dtype=object), "holds text"),
        (pd.Series([1, None, 3], dtype="Int64"), "not a number|missing"),
        (np.ones((3, 1)), r"shape \(3, 1\)"),
        ([1.0, 2.0], "has 2 rows and the columns before it have 3"),
        (np.array(["2024-01-01"] * 3, dtype="datetime64[D]"), "numbers are needed"),
    ],
)
def test_a_column_that_is_not_numbers_is_refused_with_its_name(values: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        numbers("outcome", values, rows=3)  # type: ignore[arg-type]
    assert str(caught.value).startswith("outcome")


def test_flags_are_booleans_or_0_and_1() -> None:
    for column in ([True, False], [1, 0], [1.0, 0.0], pd.Series([True, False], dtype="boolean")):
        assert flags("treated", column, rows=2).tolist() == [True, False]
    with pytest.raises(DataError, match="treated is neither 0 nor 1 in 1 of 2 rows"):
        flags("treated", [1, 2], rows=2)


def test_one_probability_stands_for_all_rows_and_none_may_leave_its_range() -> None:
    assert probabilities("propensity", 0.25, rows=3).tolist() == [0.25] * 3
    for bad in (0.0, -0.1, 1.1):
        with pytest.raises(DataError, match=r"outside \(0, 1\]"):
            probabilities("propensity", [0.5, bad], rows=2)


def test_a_matrix_must_have_its_shape_and_be_finite() -> None:
    with pytest.raises(DataError, match=r"shape \(2, 2\); \(2, 3\) is needed"):
        matrix("mu", np.ones((2, 2)), rows=2, columns=3)
    with pytest.raises(DataError, match="missing or infinite in 1 of 2 rows"):
        matrix("mu", [[1.0, math.nan], [1.0, 1.0]], rows=2, columns=2)
