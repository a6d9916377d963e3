"""Was every outcome measured after its assignment?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..findings import Finding
from ..history import History


def check_dates(history: History) -> tuple[Finding, ...]:
    """Return what gate G4 finds in `extra["assigned_at"]` and `extra["outcome_at"]`, if both are there.

    Where one of them is a date without a time, days are compared; rows without a date are passed over.
    """
    if "assigned_at" not in history.extra or "outcome_at" not in history.extra:
        return ()
    try:
        assigned, outcome = _comparable(history.extra["assigned_at"], history.extra["outcome_at"])
    except pa.ArrowInvalid as error:
        return (_unreadable(str(error).splitlines()[0]),)
    early = np.flatnonzero(pc.fill_null(pc.less(outcome, assigned), False).to_numpy(zero_copy_only=False))
    return (_early(history, assigned, outcome, early),) if len(early) else ()


def _comparable(first: pa.Array, second: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return both as timestamps in UTC, or both as days where one has no time."""
    pair = [_read(values) for values in (first, second)]
    zones = {getattr(values.type, "tz", None) is not None for values in pair}
    if any(pa.types.is_date(values.type) for values in pair):
        return pair[0].cast(pa.date32(), safe=False), pair[1].cast(pa.date32(), safe=False)
    if len(zones) > 1:
        raise pa.ArrowInvalid("one of them has a time zone and the other has none")
    unit = pa.timestamp("us") if zones == {False} else pa.timestamp("us", "UTC")
    return pair[0].cast(unit, safe=False), pair[1].cast(unit, safe=False)


def _read(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_temporal(whole.type):
        return whole
    if not (pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type)):
        raise pa.ArrowInvalid(f"{whole.type} is not a date")
    try:
        return whole.cast(pa.date32())
    except pa.ArrowInvalid:
        return whole.cast(pa.timestamp("us"))


def _unreadable(why: str) -> Finding:
    return Finding(
        code="G4",
        verdict="warn",
        message=f"Dates of assignment and outcome could not be compared: {why}.",
        next="Give both as ISO dates or timestamps of the same kind.",
    )


def _early(history: History, assigned: pa.Array, outcome: pa.Array, rows: np.ndarray) -> Finding:
    first = "; ".join(f"row {row + 1}: {outcome[int(row)]} before {assigned[int(row)]}" for row in rows[:3])
    return Finding(
        code="G4",
        verdict="refuse",
        measured=float(len(rows)),
        threshold=0.0,
        message=f"{len(rows):,} of {len(history):,} outcomes are dated before their assignment ({first}).",
        next="Take only what happened after the assignment into the outcome, or correct the dates.",
    )
