"""Audience: customers once each, with features that a history shares."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from uplift import DataError, Finding
from uplift.history import Audience, History, shared_features


def warned(findings: tuple[Finding, ...], code: str) -> list[str]:
    return [found.message for found in findings if found.code == code and found.verdict == "warn"]


def test_an_audience_keeps_its_ids_and_all_columns(campaign: Callable[..., pa.Table]) -> None:
    audience = Audience.from_table(campaign(), customer="customer")
    assert audience.customer.to_pylist() == ["007", "8", "9", "10"]
    assert audience.table.column_names == campaign().column_names
    assert len(audience) == 4


def test_an_id_that_occurs_twice_is_refused_with_its_rows(campaign: Callable[..., pa.Table]) -> None:
    table = campaign(customer=["a", "b", "a", "c"])
    with pytest.raises(DataError, match="'customer' occurs more than once in rows 1, 3"):
        Audience.from_table(table, customer="customer")
    with pytest.raises(DataError, match="'customer' is missing in row 2"):
        Audience.from_table(campaign(customer=["a", None, "b", "c"]), customer="customer")


def test_an_audience_without_ids_is_numbered_and_said(campaign: Callable[..., pa.Table]) -> None:
    audience = Audience.from_table(campaign())
    assert audience.customer.to_pylist() == ["1", "2", "3", "4"]
    assert warned(audience.findings, "ids")


def test_the_customers_of_a_history_are_an_audience_of_their_last_rows(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    table = campaign(customer=["a", "b", "a", "c"])
    history = pairs(table, channel="channel", customer="customer")
    audience = Audience.of(history, table)
    assert audience.customer.to_pylist() == ["b", "a", "c"]
    assert audience.table["age"].to_pylist() == [None, 44, 50]
    assert Audience.of(history).table.column_names == history.features.column_names
    with pytest.raises(DataError, match="4"):
        Audience.of(history, table.slice(1))
    assert "numbered from 1" in Audience.of(pairs(table, channel="channel")).findings[0].message


def test_features_are_shared_by_name_and_kind(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(), channel="channel", customer="customer")
    audience = Audience.from_table(campaign(age=[1.0, 2.5, 3.0, 4.0], p=None), customer="customer")
    assert shared_features(history, audience) == ("hour", "age", "tier")


@pytest.mark.parametrize(
    ("column", "there"),
    [
        (["1", "2", "3", "x"], "text (string)"),
        ([True, False, True, None], "true/false (bool)"),
        (pa.nulls(4, pa.string()), "nothing at all"),
        ([[1]] * 4, "values (list<"),
    ],
)
def test_a_column_of_another_kind_is_refused_with_both_types(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], column: object, there: str
) -> None:
    history = pairs(campaign(), channel="channel", customer="customer")
    audience = Audience.from_table(campaign(age=column), customer="customer")
    with pytest.raises(DataError) as caught:
        shared_features(history, audience)
    assert "'age' holds number (int64) in the history" in str(caught.value)
    assert there in str(caught.value)
