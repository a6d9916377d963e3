"""Arms: control and actions, and the arm and the probability of every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import DataError, did_you_mean
from ..findings import Finding
from ..roles import Arm, Label, Roles, SendTimeBins
from .amounts import Floats, probabilities
from .columns import Bools, column, labels, refuse_where
from .rows import first_row
from .send_times import Codes, coded_send_times, without

# More labels than this are names, ids or moments.
_MOST_LABELS = 500


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of a history.

    Attributes:
        actions: The k arms without control, by channel, then send time.
        arm: (n,) index into `actions`, −1 for control.
        label: (n,) the arm column as text.
        findings: What reading them found.
    """

    actions: tuple[Arm, ...]
    arm: npt.NDArray[np.int32]
    label: pa.StringArray
    findings: tuple[Finding, ...]


def read_arms(table: pa.Table, roles: Roles, bins: SendTimeBins | None = None) -> Arms:
    """Return the arms of a table.

    Raises:
        DataError: A label is missing, the control is misspelt, or send times cannot be labels.
        SettingError: The roles name no column of arms, or two; or send times need a time zone.
    """
    role = "channel" if roles.treatment is None else "treatment"
    text = labels(table, roles.arms, role)
    channels = text.dictionary_encode()
    names: list[str] = channels.dictionary.to_pylist()
    control = _control(names, roles, table)
    channel = channels.indices.to_numpy().astype(np.int64)
    is_control = channel == control
    times, slots, findings = _send_times(table, roles, bins, is_control)
    _check_whole_channels(table, roles, channel, times, is_control)
    codes = np.where(is_control, -1, channel * (len(slots) + 1) + times + 1)
    return Arms(*_sorted_arms(codes, names, slots), text, (*_variants(names, roles), *findings))


def read_propensity(
    table: pa.Table, roles: Roles, arm: npt.NDArray[np.int32]
) -> tuple[Floats, bool, tuple[Finding, ...]]:
    """Return (n,) the probability of each row's arm, whether it is known, and what to say about it.

    Without a column of probabilities the overall share of each arm stands in: right only where every customer
    had the same chances.

    Raises:
        DataError: A probability is missing or outside (0, 1].
    """
    if roles.probability is not None:
        return probabilities(table, roles.probability), True, ()
    shares = np.bincount(arm + 1) / len(arm)
    warning = Finding(
        "probability",
        "warn",
        "No assignment probabilities are given: the overall share of each arm is taken, "
        "as in a randomisation with the same chances for everybody.",
        next="Name the column of assignment probabilities if chances differed.",
    )
    return shares[arm + 1], False, (warning,)


def _control(names: list[str], roles: Roles, table: pa.Table) -> int:
    if len(names) > _MOST_LABELS:
        raise DataError(
            f"The column {roles.arms!r} has {len(names):,} distinct labels; at most {_MOST_LABELS} can be "
            "arms. Name the column that says which arm each row was given."
        )
    wanted = roles.control
    if wanted not in names and pa.types.is_boolean(table[roles.arms].type):
        wanted = wanted.lower()
    if wanted in names:
        return names.index(wanted)
    near = did_you_mean(roles.control, names) or did_you_mean(roles.control.lower(), names)
    if not near:
        # Not a slip of the pen: a history without control, which gate G1 refuses with what to do about it.
        return -1
    found = ", ".join(repr(name) for name in sorted(names)[:10])
    left = f" and {len(names) - 10} more" if len(names) > 10 else ""
    raise DataError(
        f"The control {roles.control!r} does not occur in {roles.arms!r}, which holds {found}{left}. "
        f"Name the label of the customers who got nothing.{near}"
    )


def _send_times(
    table: pa.Table, roles: Roles, bins: SendTimeBins | None, is_control: Bools
) -> tuple[Codes, list[Label], tuple[Finding, ...]]:
    if roles.send_time is None:
        return np.full(table.num_rows, -1), [], ()
    values = without(column(table, roles.send_time, "send time"), is_control)
    return coded_send_times(values, roles.send_time, bins, first_row(table))


def _check_whole_channels(
    table: pa.Table, roles: Roles, channel: Codes, times: Codes, is_control: Bools
) -> None:
    # A channel may have no send time at all (a letter), but not here one and there none.
    timed = np.bincount(channel, weights=times >= 0) > 0
    refuse_where(
        ~is_control & (times < 0) & timed[channel],
        table,
        f"The send time {roles.send_time!r} is missing",
        "Every contact of a channel with send times needs one.",
    )


def _sorted_arms(
    codes: Codes, names: list[str], slots: list[Label]
) -> tuple[tuple[Arm, ...], npt.NDArray[np.int32]]:
    width = len(slots) + 1
    used = np.flatnonzero(np.bincount(codes + 1, minlength=1)[1:])
    arms = [Arm(names[code // width], slots[code % width - 1] if code % width else None) for code in used]
    order = sorted(range(len(arms)), key=lambda i: _sort_key(arms[i]))
    place = np.full(len(names) * width + 1, -1, dtype=np.int32)
    place[used[order] + 1] = np.arange(len(arms), dtype=np.int32)
    return tuple(arms[i] for i in order), place[codes + 1]


def _sort_key(arm: Arm) -> tuple[str, float, str]:
    time = arm.send_time
    if time is None:
        return arm.channel, -np.inf, ""
    return (arm.channel, np.inf, time) if isinstance(time, str) else (arm.channel, float(time), "")


def _variants(names: list[str], roles: Roles) -> tuple[Finding, ...]:
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(name.strip().lower(), []).append(name)
    twins = [same for same in folded.values() if len(same) > 1]
    if not twins:
        return ()
    shown = "; ".join(", ".join(repr(name) for name in same) for same in twins[:3])
    return (
        Finding(
            "arms",
            "warn",
            f"Labels of {roles.arms!r} differ only by case or white space ({shown}); they are separate arms.",
            measured=float(len(twins)),
            next="Write every arm in one way if they were the same.",
        ),
    )
