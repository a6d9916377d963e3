from __future__ import annotations

import math
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from uplift.aggregates import CHUNK, Moments, moments_by_arm, relative_change
from uplift.errors import DataError

TABLES = hnp.arrays(
    float,
    st.tuples(st.integers(2, 30), st.integers(1, 3)),
    elements=st.floats(-1e3, 1e3, allow_nan=False, allow_subnormal=False),
)


def close(one: Moments, two: Moments) -> bool:
    scale = 1 + np.abs(two.cross).max(initial=0.0)
    return (
        one.count == two.count
        and np.allclose(one.mean, two.mean, rtol=1e-9, atol=1e-9)
        and np.allclose(one.cross, two.cross, rtol=1e-9, atol=1e-9 * scale)
    )


@given(TABLES, st.integers(0, 30))
@settings(derandomize=True, deadline=None)
def test_merging_two_parts_gives_the_moments_of_the_whole(table: np.ndarray, cut: int) -> None:
    whole = Moments.of(table)
    assert close(Moments.of(table[:cut]) + Moments.of(table[cut:]), whole)
    assert close(Moments.of(table[cut:]) + Moments.of(table[:cut]), whole)


@given(TABLES)
@settings(derandomize=True, deadline=None)
def test_moments_equal_those_of_numpy(table: np.ndarray) -> None:
    moments = Moments.of(table)
    assert np.allclose(moments.mean, table.mean(axis=0), atol=1e-9)
    scale = 1e-9 * (1 + np.abs(table).max() ** 2)
    assert np.allclose(
        moments.covariance, np.cov(table, rowvar=False).reshape(moments.cross.shape), atol=scale
    )


@given(TABLES)
@settings(derandomize=True, deadline=None)
def test_the_order_of_the_rows_does_not_matter(table: np.ndarray) -> None:
    assert close(Moments.of(table[::-1]), Moments.of(table))


def test_an_outcome_of_a_billion_keeps_its_variance_and_covariances() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(3 * CHUNK + 17, 3)) @ np.array(
        [[1.0, 0.5, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]]
    )
    plain, shifted = Moments.of(table), Moments.of(table + 1e9)
    assert np.allclose(shifted.covariance, plain.covariance, rtol=1e-6, atol=1e-8)
    assert np.allclose(shifted.mean - 1e9, plain.mean, atol=5e-7)
    parts = [Moments.of(part + 1e9) for part in np.array_split(table, 100)]
    assert np.allclose(reduce(add, parts).covariance, plain.covariance, rtol=1e-6, atol=1e-8)


def test_raw_sums_give_the_same_moments() -> None:
    table = np.random.default_rng(2).normal(3.0, 1.0, size=(500, 2))
    assert close(Moments.from_sums(500, table.sum(axis=0), table.T @ table), Moments.of(table))


def test_no_rows_change_nothing() -> None:
    moments = Moments.of([1.0, 2.0, 4.0])
    assert close(moments + Moments.none(1), moments)
    assert close(Moments.none(1) + moments, moments)
    assert math.isnan(Moments.none(1).variance[0])


def test_the_arms_moments_add_up_to_those_of_all_rows() -> None:
    rng = np.random.default_rng(3)
    table, arm = rng.normal(size=(1000, 2)), rng.integers(-1, 2, 1000)
    by_arm = moments_by_arm(table, arm, 3)
    assert sorted(by_arm) == [-1, 0, 1, 2]
    assert by_arm[2].count == 0
    assert close(reduce(add, by_arm.values()), Moments.of(table))


def test_columns_are_picked_in_the_order_asked_for() -> None:
    table = np.random.default_rng(4).normal(size=(50, 3))
    assert close(Moments.of(table).columns([2, 0]), Moments.of(table[:, [2, 0]]))


def test_the_delta_method_agrees_with_a_simulation_of_the_ratio() -> None:
    rng = np.random.default_rng(5)
    covariance = np.array([[0.0004, 0.0001], [0.0001, 0.0009]])
    draws = rng.multivariate_normal([1.3, 1.0], covariance, size=200_000)
    change = relative_change(1.3, 1.0, (0.0004, 0.0009, 0.0001))
    assert change is not None
    assert change[0] == pytest.approx(0.3)
    assert change[1] == pytest.approx((draws[:, 0] / draws[:, 1]).std(), rel=0.02)


def test_a_change_relative_to_nothing_is_not_defined() -> None:
    assert relative_change(1.0, 0.0, (0.1, 0.1, 0.0)) is None
    assert relative_change(1.0, -2.0, (0.1, 0.1, 0.0)) is None


def test_missing_values_are_refused_with_their_number_and_place() -> None:
    with pytest.raises(DataError, match=r"2 rows with missing or infinite values \(the first is row 1\)"):
        Moments.of([1.0, np.nan, 3.0, np.inf])


def test_sums_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(DataError, match="at least one row"):
        Moments.from_sums(0, 0.0, 0.0)
    with pytest.raises(DataError, match="products"):
        Moments.from_sums(3, [1.0, 2.0], [1.0])
