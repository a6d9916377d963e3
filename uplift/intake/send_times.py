"""Turn a send-time column into a few labels: hours stay hours, text stays text, timestamps are binned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError, SettingError
from ..findings import Finding
from ..roles import Label, SendTimeBins, check_timezone
from .columns import Bools, is_whole
from .rows import rows_where

Codes = npt.NDArray[np.int64]

# A day of half hours; more distinct times of day than this are moments, not slots.
_MOST_TIMES = 48
# A week of hours, with room; more labels than this are a sign of a wrong column.
_MOST_LABELS = 200


def coded_send_times(
    values: pa.Array, name: str, bins: SendTimeBins | None, first: int
) -> tuple[Codes, list[Label], tuple[Finding, ...]]:
    """Return each row's code, −1 where there is none; the labels they point to; and what to say about it.

    Args:
        values: (n,) the send-time column, null where it does not matter.
        name: Its name, for messages.
        bins: How timestamps become labels, or None.
        first: The number of the first row in the user's file.

    Raises:
        DataError: There are too many distinct times, or local times that do not exist, or no times at all; or
            timestamps or dates without bins.
        SettingError: Times carry an offset and no time zone says whose clock counts.
    """
    if pa.types.is_timestamp(values.type) and bins is not None:
        return *_binned(values, bins, first), ()
    _check_slots(values, name)
    codes, labels = _distinct(values, name)
    unused = Finding(
        "send_time",
        "warn",
        f"The send time {name!r} holds {values.type}, not timestamps; the edges of [send_time] are not used.",
        next="Remove [send_time] from the project file, or name a column of timestamps.",
    )
    return codes, labels, (unused,) if bins is not None else ()


def checked_local_times(values: pa.Array, timezone: str, *, first: int = 1) -> pa.Array:
    """Return local times as moments of a time zone.

    Args:
        values: (n,) timestamps without offset, as read off a clock in that zone.
        timezone: Its name, as in "Europe/Berlin".
        first: The number of the first row in the user's file, for messages.

    Raises:
        DataError: A time does not exist there, or happens twice (clocks were changed), or has an offset.
        SettingError: There is no such zone.

    >>> june = pa.array([1717228800]).cast(pa.timestamp("s"))
    >>> checked_local_times(june, "Europe/Berlin").type
    TimestampType(timestamp[s, tz=Europe/Berlin])
    """
    check_timezone(timezone)
    if values.type.tz is not None:
        raise DataError("The times carry an offset already; local times without one were expected.")
    early, late = (
        pc.assume_timezone(values, timezone, ambiguous=side, nonexistent=side)
        for side in ("earliest", "latest")
    )
    unclear = pc.fill_null(pc.not_equal(early, late), False)
    if pc.any(unclear).as_py():
        absent = pc.fill_null(pc.not_equal(pc.local_timestamp(early), values), False)
        raise DataError(_clock_change(values, absent, unclear, timezone, first))
    return early


def _clock_change(values: pa.Array, absent: pa.Array, unclear: pa.Array, timezone: str, first: int) -> str:
    gap = bool(pc.any(absent).as_py())
    rows = absent if gap else unclear
    shown = values.filter(rows)[0].as_py()
    what = "does not exist" if gap else "happens twice"
    return (
        f"The local time {shown} {what} in {timezone}, where clocks were changed, "
        f"in {rows_where(rows, first)}. Give times with their offset, as in 2024-03-31T03:30+02:00."
    )


def _binned(values: pa.Array, bins: SendTimeBins, first: int) -> tuple[Codes, list[Label]]:
    if values.type.tz is not None:
        if bins.timezone is None:
            raise SettingError(
                "The send times carry an offset, so the hour of the day needs a clock. "
                'Set timezone in [send_time], as in timezone = "Europe/Berlin".'
            )
        local = pc.local_timestamp(pc.cast(values, pa.timestamp(values.type.unit, bins.timezone)))
    else:
        local = values
        if bins.timezone is not None:
            checked_local_times(values, bins.timezone, first=first)
    hours = pc.fill_null(pc.hour(local), -1).to_numpy()
    codes = np.searchsorted(np.array(bins.starts()), hours, side="right") - 1
    # Hours before the first edge belong to the range that wraps around midnight.
    codes[codes < 0] = len(bins.starts()) - 1
    return np.where(hours < 0, -1, codes).astype(np.int64), list(bins.labels())


def _check_slots(values: pa.Array, name: str) -> None:
    """Refuse several moments as send times: each would become an arm that no plan can use again."""
    kinds = {"timestamps": pa.types.is_timestamp(values.type), "dates": pa.types.is_date(values.type)}
    kind = next((kind for kind, holds in kinds.items() if holds), None)
    count = pc.count_distinct(values).as_py() if kind else 0
    if count > 1:
        then = _RANGES if kind == "timestamps" else _NO_HOURS
        raise DataError(f"The send time {name!r} holds {count:,} distinct {kind}, not slots. {then}")


def _distinct(values: pa.Array, name: str) -> tuple[Codes, list[Label]]:
    encoded = _as_labels(values, name).dictionary_encode()
    found = encoded.dictionary.to_pylist()
    moments = pa.types.is_temporal(values.type)
    most = _MOST_TIMES if moments else _MOST_LABELS
    if len(found) > most:
        raise DataError(
            f"The send time {name!r} has {len(found):,} distinct values; at most {most} can be planned with. "
            + _BIN_THEM
        )
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    return codes.astype(np.int64), [str(label) if moments else label for label in found]


_BIN_THEM = (
    "Give an hour, a slot's name, or timestamps with ranges of hours in uplift.toml, "
    'as in [send_time] edges = [8, 12, 18] and timezone = "Europe/Berlin".'
)


_RANGES = (
    "Write ranges of hours of the day into uplift.toml, "
    'as in [send_time] edges = [8, 12, 18] and timezone = "Europe/Berlin".'
)
_NO_HOURS = (
    "Dates have no hour to plan with: leave send_time out of uplift.toml and --send-time out of the command, or "
    "name a column of hours, of slots' names, or of timestamps with edges = [8, 12, 18] under [send_time]."
)


def _as_labels(values: pa.Array, name: str) -> pa.Array:
    kind = values.type
    if pa.types.is_string(kind):
        blank = pc.equal(pc.utf8_trim_whitespace(values), "")
        return pc.if_else(blank, pa.scalar(None, pa.string()), values)
    if pa.types.is_decimal(kind):
        return _as_labels(pc.cast(values, pa.float64()), name)
    if pa.types.is_floating(kind):
        numbers = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
        return pc.cast(numbers, pa.int64()) if is_whole(numbers) else pc.cast(numbers, pa.float64())
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return values
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return pc.cast(_to_the_second(values), pa.string())
    raise DataError(f"The send time {name!r} holds {kind}. Give hours, names of slots or timestamps.")


def _to_the_second(values: pa.Array) -> pa.Array:
    if not pa.types.is_timestamp(values.type):
        return values
    try:
        return pc.cast(values, pa.timestamp("s", values.type.tz))
    except pa.ArrowInvalid:
        return values


def without(values: pa.Array, rows: Bools) -> pa.Array:
    """Return values with the given rows set to null, because their send time does not matter."""
    return pc.if_else(pa.array(rows), pa.scalar(None, values.type), values)
