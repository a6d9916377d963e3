"""Roles: every column of a history is what its role promises."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from uplift import DataError, Finding, SettingError
from uplift.history import History, Roles
from uplift.tables import read_table


def warned(findings: tuple[Finding, ...], code: str) -> list[str]:
    return [found.message for found in findings if found.code == code and found.verdict == "warn"]


def test_a_missing_column_is_refused_whatever_its_role(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    for role in ("treatment", "outcome", "customer", "probability", "response", "cluster", "outcome_at"):
        with pytest.raises(DataError, match=f"no column 'magin', named as {role.replace('_', ' ')}"):
            pairs(campaign(), **{"treatment": "channel", role: "magin"})
    with pytest.raises(DataError, match=r"'teir', named to be excluded\. Did you mean 'tier'"):
        pairs(campaign(), channel="channel", exclude=("teir",))


def test_roles_that_contradict_one_another_are_refused(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    with pytest.raises(SettingError, match="No column of arms"):
        pairs(campaign())
    with pytest.raises(SettingError, match="Both treatment and channel"):
        pairs(campaign(), treatment="channel", channel="channel")
    with pytest.raises(SettingError, match="Both treatment and channel or send time"):
        pairs(campaign(), treatment="channel", send_time="hour")


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_that_is_no_share_is_refused(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], margin: float
) -> None:
    with pytest.raises(SettingError, match="margin"):
        pairs(campaign(), channel="channel", margin=margin)


def test_outcome_is_margin_and_response_is_any_outcome(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(), channel="channel", margin=0.5)
    assert history.outcome.tolist() == [0.0, 0.75, 0.0, -1.0]
    assert history.response.tolist() == [False, True, False, True]


@pytest.mark.parametrize("column", [[True, False, True, False], [1, 0, 1, 0], ["yes", "No", "TRUE", "0"]])
def test_response_is_read_strictly(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], column: list[object]
) -> None:
    history = pairs(campaign(bought=column), channel="channel", response="bought")
    assert history.response.tolist() == [True, False, True, False]


@pytest.mark.parametrize("bad", [2, "maybe", "t", None])
def test_a_response_that_is_neither_yes_nor_no_is_refused(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], bad: object
) -> None:
    column = pa.array([None if bad is None else str(bad), "1", "0", "1"])
    with pytest.raises(DataError, match=r"'bought' (is missing|holds '.*') in row 1"):
        pairs(campaign(bought=column), channel="channel", response="bought")


def test_known_probabilities_are_used_and_missing_ones_refused(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(), channel="channel", probability="p")
    assert history.propensity.tolist() == [0.4, 0.2, 0.2, 0.2]
    assert history.propensity_known
    with pytest.raises(DataError, match="probability 'p' is missing in row 1"):
        pairs(campaign(p=[None, 0.2, 0.2, 0.2]), channel="channel", probability="p")


def test_without_probabilities_the_shares_stand_in_and_are_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(), channel="channel")
    assert history.propensity.tolist() == [0.25, 0.5, 0.25, 0.5]
    assert not history.propensity_known
    assert "overall share" in warned(history.findings, "probability")[0]


def test_clusters_are_households_then_customers_then_rows(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    table = campaign(customer=["a", "b", "a", "c"], home=[3.0, 3.0, 4.0, 4.0])
    assert pairs(table, channel="channel").cluster.tolist() == [0, 1, 2, 3]
    assert pairs(table, channel="channel", customer="customer").cluster.tolist() == [0, 1, 0, 2]
    by_home = pairs(table, channel="channel", customer="customer", cluster="home")
    assert by_home.cluster.tolist() == [0, 0, 1, 1]
    assert by_home.cluster.dtype == np.int64
    with pytest.raises(DataError, match="cluster 'home' is missing in row 2"):
        pairs(campaign(home=[1, None, 2, 2]), channel="channel", cluster="home")


def test_dates_and_the_arm_as_text_are_kept_for_the_checks(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    day = pa.array([datetime.date(2024, 1, 1)] * 4)
    history = pairs(campaign(sent=day), channel="channel", assigned_at="sent")
    assert history.extra["assigned_at"].equals(day)
    assert history.extra["channel"].to_pylist() == ["none", "sms", "email", "sms"]
    with pytest.raises(DataError, match="dates or timestamps are needed"):
        pairs(campaign(), channel="channel", assigned_at="tier")


def test_rows_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text("channel,margin\nnone,0\nsms,NaN\n")
    table, findings = read_table(tmp_path / "h.csv")
    with pytest.raises(DataError, match=r"'NaN', not plain numbers, in row 3 \(the header is row 1\)"):
        History.from_table(table, Roles("margin", "none", channel="channel"), findings=findings)


def test_a_table_without_rows_or_with_twin_columns_is_refused(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    with pytest.raises(DataError, match="no rows"):
        pairs(campaign().slice(0, 0), channel="channel")
    with pytest.raises(DataError, match="more than one column named 'age'"):
        pairs(campaign().append_column("age", pa.array([1, 2, 3, 4])), channel="channel")
