"""Send times: labels keep their type, timestamps are binned by the clock of a time zone."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, SettingError
from uplift.history import SendTimeBins, checked_local_times
from uplift.intake.send_times import coded_send_times

BERLIN = "Europe/Berlin"
SPRING = datetime.datetime(2024, 3, 31, 2, 30)
AUTUMN = datetime.datetime(2024, 10, 27, 2, 30)
PLAIN = datetime.datetime(2024, 6, 1, 8, 0)


def labels(values: pa.Array, bins: SendTimeBins | None = None) -> list[object]:
    codes, found, _ = coded_send_times(values, "sent", bins, 1)
    return [None if code < 0 else found[code] for code in codes]


def test_a_local_time_that_does_not_exist_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r"2024-03-31 02:30:00 does not exist in Europe/Berlin.* in row 3 \("):
        checked_local_times(pa.array([PLAIN, None, SPRING]), BERLIN, first=1)


def test_a_local_time_that_happens_twice_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r"2024-10-27 02:30:00 happens twice in Europe/Berlin.* in row 3 \("):
        checked_local_times(pa.array([PLAIN, AUTUMN]), BERLIN, first=2)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_clear_local_times_become_the_moments_that_python_finds(unit: str) -> None:
    zone = zoneinfo.ZoneInfo(BERLIN)
    times = [PLAIN + datetime.timedelta(hours=hours) for hours in range(0, 2400, 7)]
    found = checked_local_times(pa.array(times, pa.timestamp(unit)), BERLIN)
    expected = [time.replace(tzinfo=zone).timestamp() for time in times]
    assert [time.timestamp() for time in found.to_pylist()] == expected


def test_every_time_of_a_clock_change_is_found() -> None:
    start = datetime.datetime(2024, 3, 31)
    minutes = [start + datetime.timedelta(minutes=minute) for minute in range(24 * 60)]
    with pytest.raises(DataError, match="rows 121, 122, 123, 124, 125 and 55 more"):
        checked_local_times(pa.array(minutes, pa.timestamp("s")), BERLIN)


def test_an_unknown_zone_is_refused_with_the_nearest() -> None:
    with pytest.raises(SettingError, match="Did you mean 'Europe/Berlin'"):
        checked_local_times(pa.array([PLAIN]), "Europe/Berln")
    with pytest.raises(SettingError, match="Did you mean 'Europe/Berlin'"):
        SendTimeBins((8, 12), "Europe/Berln")


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 24), min_size=2, max_size=8, unique=True).map(sorted), st.integers(0, 23))
def test_every_hour_of_the_day_falls_into_exactly_the_range_that_names_it(
    edges: list[int], hour: int
) -> None:
    if edges == [0, 24]:
        return
    bins = SendTimeBins(tuple(edges))
    (label,) = labels(pa.array([PLAIN.replace(hour=hour, minute=59)]), bins)
    start, end = (int(part) for part in str(label).split("-"))
    assert start in {edge % 24 for edge in edges}
    assert start <= hour < end if start < end else (hour >= start or hour < end)


def test_times_with_an_offset_are_read_by_the_clock_of_the_zone() -> None:
    moment = pa.array([datetime.datetime(2024, 6, 1, 6, 30, tzinfo=datetime.UTC), None])
    bins = SendTimeBins((8, 12, 18), BERLIN)
    assert labels(moment, bins) == ["08-12", None]
    with pytest.raises(SettingError, match="timezone"):
        labels(moment, SendTimeBins((8, 12, 18)))


def test_times_without_an_offset_are_checked_against_the_zone() -> None:
    values = pa.array([PLAIN, SPRING])
    assert labels(values, SendTimeBins((8, 12))) == ["08-12", "12-08"]
    with pytest.raises(DataError, match="does not exist"):
        labels(values, SendTimeBins((8, 12), BERLIN))


@pytest.mark.parametrize("edges", [(8,), (12, 8), (8, 8), (-1, 8), (8, 25), (0, 24), (8.5, 12)])
def test_edges_that_make_no_ranges_are_refused(edges: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match="at least two hours"):
        SendTimeBins(edges)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([8, 12]), [8, 12]),
        (pa.array([8.0, None, float("nan")]), [8, None, None]),
        (pa.array([8.5, 12.0]), [8.5, 12.0]),
        (pa.array(["Tue 18:00", " "]), ["Tue 18:00", None]),
        (pa.array([PLAIN]), ["2024-06-01 08:00:00"]),
        (pa.array([datetime.time(8, 30)], pa.time32("s")), ["08:30:00"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_labels_keep_their_type(values: pa.Array, expected: list[object]) -> None:
    found = labels(values)
    assert found == expected
    assert [type(label) for label in found] == [type(label) for label in expected]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_timestamps_without_ranges_are_refused_and_told_what_to_write(zone: str | None) -> None:
    moments = pa.array([0, None, 3600]).cast(pa.timestamp("s", zone))
    with pytest.raises(DataError, match=r"2 distinct timestamps.* uplift\.toml.*\[send_time\] edges = \["):
        labels(moments)
    assert len(labels(moments[:2])) == 2


@pytest.mark.parametrize("bins", [None, SendTimeBins((8, 12))])
def test_dates_have_no_hour_to_plan_with(bins: SendTimeBins | None) -> None:
    days = pa.array([1, 1, 2], pa.date32())
    with pytest.raises(DataError, match=r"2 distinct dates.* no hour .* timestamps with edges"):
        labels(days, bins)
    assert labels(days[:2]) == ["1970-01-02"] * 2


def test_too_many_times_are_refused_and_ranges_advised() -> None:
    times = pa.array(np.arange(49) * 60, pa.int32()).cast(pa.time32("s"))
    assert len(labels(times[:48])) == 48
    with pytest.raises(DataError, match=r"49 distinct values; at most 48 .*\[send_time\] edges"):
        labels(times)
    with pytest.raises(DataError, match="201 distinct values; at most 200"):
        labels(pa.array([f"{number}/3/2024 8:00" for number in range(201)]))


def test_bins_that_cannot_be_used_are_said() -> None:
    _, _, findings = coded_send_times(pa.array([8, 12]), "sent", SendTimeBins((8, 12)), 1)
    assert [finding.verdict for finding in findings] == ["warn"]


def test_true_and_false_are_no_send_times() -> None:
    with pytest.raises(DataError, match="holds bool"):
        labels(pa.array([True]))
