"""Audience: customers once each, with features that a history shares."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from uplift import DataError, Finding
from uplift.encoder import Encoder
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


@pytest.mark.parametrize(
    "empty", [pa.nulls(4), pa.nulls(4, pa.string()), pa.array([float("nan")] * 4), pa.array([" "] * 4)]
)
@pytest.mark.parametrize("role", ["age", "tier", "vip"])
def test_a_column_that_is_missing_for_everybody_has_the_type_of_the_history_and_is_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], role: str, empty: pa.Array
) -> None:
    history = pairs(campaign(vip=[True, False, True, None]), channel="channel", customer="customer")
    given = Audience.from_table(
        campaign(**{"vip": [True, True, False, None], role: empty}), customer="customer"
    )
    audience = Audience.like(given, history)
    assert audience.table[role].type == history.features[role].type
    assert audience.table[role].null_count == 4
    (said,) = (finding for finding in audience.findings if finding.verdict == "warn")
    assert f"{role!r} is missing for every customer" in said.message
    assert role not in shared_features(history, given)
    assert Audience.like(audience, history).findings == audience.findings
    encoder = Encoder.fit(history.features)
    assert (encoder.transform(audience.table)[:, encoder.names.index(role)] == 0).all()


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ([True, False, True, None], pa.array([1, 0, None, 1], pa.int8())),
        ([True, False, True, None], pa.array([1.0, 0.0, float("nan"), 1.0])),
        ([1, 0, 1, None], pa.array([True, False, None, True])),
    ],
)
def test_one_and_zero_are_true_and_false(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], here: list[object], there: pa.Array
) -> None:
    history = pairs(campaign(vip=here), channel="channel", customer="customer")
    audience = Audience.like(campaign(vip=there), history)
    assert audience.table["vip"].type == history.features["vip"].type
    assert audience.table["vip"].to_pylist() == [1, 0, None, 1]
    assert any("'vip' is true/false on one side" in finding.message for finding in audience.findings)
    assert "vip" in shared_features(history, audience)


def test_other_numbers_are_not_true_or_false(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(vip=[True, False, True, None]), channel="channel", customer="customer")
    with pytest.raises(DataError, match="'vip' holds true/false"):
        shared_features(history, Audience.from_table(campaign(vip=[0, 1, 2, 1]), customer="customer"))


def test_a_missing_customer_column_is_said_to_be_the_audiences(campaign: Callable[..., pa.Table]) -> None:
    with pytest.raises(
        DataError, match=r"The audience has no column 'custmer', .* Did you mean 'customer'\?"
    ):
        Audience.from_table(campaign(), customer="custmer")


def test_customers_of_a_history_with_odd_columns_are_an_audience(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    half = pa.array([1.5, 2.5, None, 1.5], pa.float32()).cast(pa.float16())
    table = campaign(half=half, raw=pa.array([b"x"] * 4, pa.binary_view()))
    history = pairs(table, channel="channel", customer="customer")
    audience = Audience.of(history, table)
    assert audience.table["half"].to_pylist() == history.features["half"].to_pylist() == [1.5, 2.5, None, 1.5]
