"""Roles, arms and send-time bins: what the columns of a campaign history mean."""

from __future__ import annotations

import itertools
import math
import zoneinfo
from dataclasses import dataclass
from typing import Required, TypedDict

from .errors import SettingError, did_you_mean

Label = str | int | float

_SINGLE = (
    "outcome",
    "treatment",
    "channel",
    "send_time",
    "customer",
    "probability",
    "response",
    "cluster",
    "assigned_at",
    "outcome_at",
)


class RoleNames(TypedDict, total=False):
    """The keyword arguments of `History.from_pandas`: the fields of `Roles`, with looser types."""

    outcome: Required[str]
    control: Required[str | int | bool]
    treatment: str | None
    channel: str | None
    send_time: str | None
    customer: str | None
    probability: str | None
    response: str | None
    cluster: str | None
    assigned_at: str | None
    outcome_at: str | None
    exclude: tuple[str, ...] | list[str] | str
    margin: float


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column of a campaign history plays which part.

    Either `treatment` names one column of arms, or `channel` with an optional `send_time` makes arms.
    """

    outcome: str
    control: str
    treatment: str | None = None
    channel: str | None = None
    send_time: str | None = None
    customer: str | None = None
    probability: str | None = None
    response: str | None = None
    cluster: str | None = None
    assigned_at: str | None = None
    outcome_at: str | None = None
    exclude: tuple[str, ...] = ()
    margin: float = 1.0

    @classmethod
    def of(cls, names: RoleNames) -> Roles:
        """Return the roles for keyword arguments as a notebook gives them.

        >>> Roles.of({"outcome": "spend", "control": 0, "treatment": "arm", "exclude": "visit"}).exclude
        ('visit',)
        """
        given = cls(**{**names, "control": str(names["control"])})  # type: ignore[arg-type]
        exclude = (given.exclude,) if isinstance(given.exclude, str) else tuple(given.exclude)
        return cls(**{**{name: getattr(given, name) for name in cls.__slots__}, "exclude": exclude})

    def columns(self) -> dict[str, str]:
        """Return role → column for every single-column role that is set."""
        return {name: value for name in _SINGLE if (value := getattr(self, name)) is not None}

    @property
    def arms(self) -> str:
        """The column that says who was control: `treatment`, or else `channel`.

        Raises:
            SettingError: Neither is set, or both are, or a send time stands without a channel.
        """
        if self.treatment is not None and (self.channel is not None or self.send_time is not None):
            raise SettingError(
                "Both treatment and channel or send time are set. Name one column of arms as treatment, "
                "or a channel with an optional send time."
            )
        column = self.treatment if self.treatment is not None else self.channel
        if column is None:
            raise SettingError(
                "No column of arms is named. Set treatment to one column of arms, "
                "or channel with an optional send time."
            )
        return column

    def checked_margin(self) -> float:
        """Return `margin`, which must be a positive, finite number.

        Raises:
            SettingError: It is not.
        """
        if not (math.isfinite(self.margin) and self.margin > 0):
            raise SettingError(
                f"The margin is {self.margin}; it must be a positive share of the outcome. "
                "Use 1 where the outcome is margin already."
            )
        return float(self.margin)


@dataclass(frozen=True, slots=True)
class Arm:
    """What a customer can be given: a channel at a send time, or just a label.

    With a single column of arms (`Roles.treatment`), `channel` holds the arm's label and `send_time` is None.
    """

    channel: str
    send_time: Label | None = None

    @property
    def label(self) -> str:
        """The arm's name in words, as in "email 8"."""
        return self.channel if self.send_time is None else f"{self.channel} {self.send_time}"


@dataclass(frozen=True, slots=True)
class SendTimeBins:
    """How timestamps become send-time labels: ranges of the local hour of the day.

    The ranges run from each edge to the next and wrap around midnight, so that every hour has one.

    Attributes:
        edges: Hours of the day (0–24), increasing, at least two.
        timezone: The zone whose clock counts, as in "Europe/Berlin". Without one, timestamps must be local
            times already; with one, those with an offset are converted and those without are checked.

    >>> SendTimeBins((8, 12, 18)).labels()
    ('08-12', '12-18', '18-08')
    """

    edges: tuple[int, ...]
    timezone: str | None = None

    def __post_init__(self) -> None:
        edges = self.edges
        hours = all(isinstance(edge, int) and 0 <= edge <= 24 for edge in edges)
        rising = all(low < high for low, high in itertools.pairwise(edges))
        if not hours or not rising or len(self.starts()) < 2:
            raise SettingError(
                f"The send-time edges are {list(edges)}; they must be at least two hours of the day "
                "between 0 and 24, in increasing order, as in [8, 12, 18]."
            )
        if self.timezone is not None:
            check_timezone(self.timezone)

    def starts(self) -> tuple[int, ...]:
        """Return the hour at which each range begins, in increasing order."""
        return tuple(sorted({edge % 24 for edge in self.edges}))

    def labels(self) -> tuple[str, ...]:
        """Return the label of each range, in the order of `starts`."""
        starts = self.starts()
        ends = (*starts[1:], starts[0] or 24)
        return tuple(f"{start:02d}-{end:02d}" for start, end in zip(starts, ends, strict=True))


def check_timezone(timezone: str) -> None:
    """Check that a time zone is known.

    Raises:
        SettingError: It is not.
    """
    known = zoneinfo.available_timezones()
    if timezone not in known:
        raise SettingError(
            f"There is no time zone {timezone!r}; a name such as 'Europe/Berlin' is needed."
            f"{did_you_mean(timezone, known)}"
        )
