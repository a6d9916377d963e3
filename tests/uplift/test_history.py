"""History: from tables, files and data frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from uplift import DataError, Finding
from uplift.history import Audience, History, Roles
from uplift.tables import read_table

HILLSTROM = Path(__file__).parents[2].joinpath("../shared/data/hillstrom/hillstrom.csv")


def warned(findings: tuple[Finding, ...], code: str) -> list[str]:
    return [found.message for found in findings if found.code == code and found.verdict == "warn"]


def test_without_ids_rows_are_numbered_from_1_and_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(), channel="channel")
    assert history.customer.to_pylist() == ["1", "2", "3", "4"]
    assert "numbered from 1" in warned(history.findings, "ids")[0]


def test_hillstrom_keeps_its_repeated_rows_and_says_so() -> None:
    if not HILLSTROM.exists():
        pytest.skip(f"{HILLSTROM.name} is not here")
    table, findings = read_table(HILLSTROM)
    roles = Roles("spend", "No E-Mail", treatment="segment", exclude=("visit", "conversion"), margin=0.4)
    history = History.from_table(table, roles, findings=findings)
    assert len(history) == 64_000
    assert warned(history.findings, "rows")[0].startswith("6,562 rows repeat an earlier row exactly")
    assert [action.label for action in history.actions] == ["Mens E-Mail", "Womens E-Mail"]
    assert np.bincount(history.arm + 1).tolist() == [21_306, 21_307, 21_387]
    assert history.outcome.sum() == pytest.approx(0.4 * pd.read_csv(HILLSTROM)["spend"].sum())
    assert history.response.sum() == 578


def test_repeated_rows_of_a_customer_are_said_and_different_ones_are_not(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    once = campaign()
    twice = pa.concat_tables([once, once.slice(1, 1)])
    said = pairs(twice, channel="channel", customer="customer")
    assert warned(said.findings, "rows")[0].startswith("1 rows repeat")
    again = campaign(customer=["a", "a", "b", "b"])
    assert not warned(pairs(again, channel="channel", customer="customer").findings, "rows")


def test_a_frame_and_a_table_give_the_same_history(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    frame = campaign().to_pandas()
    frame["tier"] = frame["tier"].astype("category")
    frame.index = pd.Index([9, 7, 7, 3])
    one = pairs(campaign(), channel="channel", send_time="hour", exclude=("p",))
    two = History.from_pandas(
        frame, outcome="margin", control="none", channel="channel", send_time="hour", exclude="p"
    )
    assert two.actions == one.actions
    assert two.roles == one.roles
    np.testing.assert_array_equal(two.arm, one.arm)
    assert two.features["tier"].to_pylist() == one.features["tier"].to_pylist()
    assert two.features.column_names == one.features.column_names


def test_a_frame_of_mixed_types_or_twin_columns_is_refused() -> None:
    mixed = pd.DataFrame({"arm": ["none", "a"], "margin": [1.0, 2.0], "odd": [1, "x"]})
    with pytest.raises(DataError, match="odd"):
        History.from_pandas(mixed, treatment="arm", control="none", outcome="margin")
    twins = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="more than one column named 'a'"):
        Audience.from_pandas(twins)


def test_the_index_that_pandas_left_in_a_file_is_no_feature(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    table = campaign(__index_level_0__=[5, 6, 7, 8])
    history = pairs(table, channel="channel", customer="customer")
    assert "__index_level_0__" not in history.features.column_names
    assert "row index" in warned(history.findings, "features")[0]


def test_two_hundred_thousand_rows_of_twenty_columns_are_read_in_a_second() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=n) for i in range(12)}
    columns |= {f"c{i}": rng.choice(["gold", "silver", "bronze"], n) for i in range(4)}
    columns |= {"channel": rng.choice(["none", "sms"], n), "margin": rng.random(n)}
    columns["hour"] = rng.integers(0, 24, n)
    columns["customer"] = np.char.zfill(np.arange(n).astype(str), 8)
    table = pa.table(columns)
    start = time.process_time()
    History.from_table(
        table, Roles("margin", "none", channel="channel", send_time="hour", customer="customer")
    )
    assert time.process_time() - start < 2.0
