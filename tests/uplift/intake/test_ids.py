"""Ids are text, exactly as given; those that cannot be told apart are refused or said."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError
from uplift.intake.columns import ids


def of(values: pa.Array | list[object]) -> list[str]:
    return list(ids(pa.table({"id": values}), "id", "customer")[0].to_pylist())


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20, unique=True))
def test_whole_numbers_become_text_that_is_as_distinct(values: list[int]) -> None:
    assert of(pa.array(values, pa.int64())) == [str(value) for value in values]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["007", "7"]), ["007", "7"]),
        (pa.array(["007", "7"]).dictionary_encode(), ["007", "7"]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array([2**64 - 1, 0], pa.uint64()), ["18446744073709551615", "0"]),
        (pa.array([Decimal(10**30), Decimal(1)]), [str(10**30), "1"]),
    ],
    ids=["text", "dictionary", "large text", "uint64", "decimal"],
)
def test_every_kind_of_id_is_read_as_text(values: pa.Array, expected: list[str]) -> None:
    assert of(values) == expected


def test_ids_that_came_as_floats_are_warned_about() -> None:
    found, findings = ids(pa.table({"id": [7.0, 8.0]}), "id", "customer")
    assert found.to_pylist() == ["7", "8"]
    assert [finding.verdict for finding in findings] == ["warn"]


def test_two_ids_of_sixteen_digits_that_became_one_float_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be told apart as ids in rows 1, 2"):
        of(pa.array([9007199254740992.0, 9007199254740993.0]))
    with pytest.raises(DataError, match="cannot be told apart as ids in row 2"):
        of([1.0, 1.5])


@pytest.mark.parametrize("values", [["a", None], ["a", ""], ["a", "  "], [1.0, float("nan")]])
def test_a_missing_id_is_refused(values: list[object]) -> None:
    with pytest.raises(DataError, match="'id' is missing in row 2"):
        of(values)


def test_ids_that_differ_only_by_case_or_space_are_kept_apart_and_said() -> None:
    found, findings = ids(pa.table({"id": ["Ann", "bob", "ann", "bob ", "eve"]}), "id", "customer")
    assert found.to_pylist() == ["Ann", "bob", "ann", "bob ", "eve"]
    assert findings[0].measured == 4
    assert "rows 1, 2, 3, 4 (counted from 1)" in findings[0].message


def test_what_cannot_be_an_id_is_refused() -> None:
    with pytest.raises(DataError, match="holds bool"):
        of([True, False])
