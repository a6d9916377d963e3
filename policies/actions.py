"""Action and Segment: what can be planned, at which price, within which limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from uplift.errors import SettingError
from uplift.history import Label

AMOUNTS = ("cost", "response_cost", "min_spend", "max_spend")


@dataclass(frozen=True, slots=True)
class Action:
    """What one channel (or one arm) costs and may be used for; holds for all its send times.

    Attributes:
        channel: The channel's label, or the arm's where the history has one column of arms.
        cost: Money per contact.
        cost_column: Audience column that holds the money per contact instead.
        response_cost: Money paid only when the customer responds (a coupon).
        capacity: At most this many contacts over all send times.
        send_time_capacity: At most this many contacts at one send time.
        min_spend: At least this much money on the channel.
        max_spend: At most this much money on the channel.
        consent: Audience column; false or missing means never by this channel.

    Raises:
        SettingError: An amount of money is negative or not a number.
    """

    channel: str
    cost: float = 0.0
    cost_column: str | None = None
    response_cost: float = 0.0
    capacity: int | None = None
    send_time_capacity: Mapping[Label, int] = field(default_factory=dict)
    min_spend: float = 0.0
    max_spend: float | None = None
    consent: str | None = None

    def __post_init__(self) -> None:
        for name in AMOUNTS:
            amount = getattr(self, name)
            if amount is not None and not (math.isfinite(amount) and amount >= 0):
                raise SettingError(
                    f"{self.channel!r} has {name} = {amount}; an amount of 0 or more is needed."
                )


@dataclass(frozen=True, slots=True)
class Segment:
    """Customers selected by a condition, with the number of contacts they must or may get.

    Attributes:
        where: A SQL condition over the audience's columns, as in "tier = 'gold'".
        min_contacts: At least this many of them are contacted.
        max_contacts: At most this many of them are contacted.
    """

    where: str
    min_contacts: int | None = None
    max_contacts: int | None = None
