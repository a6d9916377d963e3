"""Arms: control, actions, and the arm of every row."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, Finding
from uplift.history import Arm, History, Roles, SendTimeBins

PAIRS = Roles(outcome="margin", control="none", channel="channel", send_time="hour")


def warned(findings: tuple[Finding, ...], code: str) -> list[str]:
    return [found.message for found in findings if found.code == code and found.verdict == "warn"]


def test_actions_are_sorted_and_rows_point_to_them(campaign: Callable[..., pa.Table]) -> None:
    history = History.from_table(campaign(), PAIRS)
    assert history.actions == (Arm("email", 8), Arm("sms", 8), Arm("sms", 12))
    assert history.arm.tolist() == [-1, 2, 0, 1]
    assert history.arm.dtype == np.int32
    assert [type(action.send_time) for action in history.actions] == [int, int, int]


def test_the_send_time_of_control_does_not_matter(campaign: Callable[..., pa.Table]) -> None:
    for hour in (None, 8.0, 99.0):
        history = History.from_table(campaign(hour=[hour, 12.0, 8.0, 8.0]), PAIRS)
        assert history.actions == (Arm("email", 8), Arm("sms", 8), Arm("sms", 12))


def test_a_channel_may_have_no_send_time_but_not_here_and_there(campaign: Callable[..., pa.Table]) -> None:
    table = campaign(channel=["none", "mail", "email", "mail"], hour=[None, None, 8, None])
    assert History.from_table(table, PAIRS).actions == (Arm("email", 8), Arm("mail", None))
    with pytest.raises(DataError, match="send time 'hour' is missing in row 2"):
        History.from_table(campaign(hour=[None, None, 8, 8]), PAIRS)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 23)), min_size=1, max_size=30))
def test_every_row_points_to_its_own_arm_whatever_the_order(rows: list[tuple[str, int]]) -> None:
    channel, hour = zip(*[("none", 0), *rows], strict=True)
    table = pa.table({"channel": channel, "hour": hour, "margin": [0.0] * len(hour)})
    history = History.from_table(table, PAIRS)
    assert list(history.actions) == [Arm(*row) for row in sorted(set(rows))]
    assert [history.actions[i] for i in history.arm[1:]] == [Arm(*row) for row in rows]


@pytest.mark.parametrize(
    ("labels", "control", "arm"),
    [
        ([0, 1], 0, "1"),
        ([0.0, 1.0], "0", "1"),
        ([False, True], False, "true"),
        (["A", "B"], "A", "B"),
        ([Decimal(0), Decimal(1)], "0", "1"),
    ],
)
def test_control_is_found_by_its_label_as_text(labels: list[object], control: str | int, arm: str) -> None:
    frame = pd.DataFrame({"arm": labels, "margin": [1.0, 2.0]})
    history = History.from_pandas(frame, treatment="arm", control=control, outcome="margin")
    assert history.arm.tolist() == [-1, 0]
    assert history.actions == (Arm(arm),)


def test_a_control_that_does_not_occur_is_refused_with_the_labels_found(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    with pytest.raises(DataError) as caught:
        pairs(campaign(), channel="channel", control="None")
    message = str(caught.value)
    assert "'email', 'none', 'sms'" in message
    assert message.endswith("Did you mean 'none'?")


@pytest.mark.parametrize("missing", [None, "", " "])
def test_a_missing_arm_is_refused_and_not_taken_for_control(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], missing: str | None
) -> None:
    with pytest.raises(DataError, match="'channel' is missing in row 3"):
        pairs(campaign(channel=["none", "sms", missing, "sms"]), channel="channel")


def test_labels_that_differ_only_by_case_are_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign(channel=["none", "sms", "SMS", "sms "]), channel="channel")
    assert len(history.actions) == 3
    assert "'sms', 'SMS', 'sms '" in warned(history.findings, "arms")[0]


def test_a_column_of_ids_is_no_column_of_arms(pairs: Callable[..., History]) -> None:
    table = pa.table({"id": [str(number) for number in range(501)], "margin": [0.0] * 501})
    with pytest.raises(DataError, match="501 distinct labels"):
        pairs(table, treatment="id", control="0")


def test_timestamps_become_slots_of_the_day(campaign: Callable[..., pa.Table]) -> None:
    hours = [None, datetime.datetime(2024, 6, 1, 8, 59), datetime.datetime(2024, 6, 2, 23, 0), None]
    table = campaign(channel=["none", "sms", "sms", "none"], hour=hours)
    history = History.from_table(table, PAIRS, send_time_bins=SendTimeBins((8, 12, 18)))
    assert history.actions == (Arm("sms", "08-12"), Arm("sms", "18-08"))
