"""History and Audience: tables whose columns have roles, checked once, at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .findings import Finding

Floats = npt.NDArray[np.float64]
Label = str | int | float


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column of a campaign history plays which part.

    Either `treatment` names one column of arms, or `channel` with an optional `send_time` makes arms of pairs.
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

    def columns(self) -> dict[str, str]:
        """Return role → column for every single-column role that is set."""
        names = (
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
        return {name: value for name in names if (value := getattr(self, name)) is not None}


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
class History:
    """A campaign history: who was given what, with which probability, and what came of it.

    Attributes:
        roles: The roles its columns were given.
        features: A table of n rows that holds the feature columns only.
        customer: (n,) ids as text, exactly as given (row numbers where there was no customer column).
        actions: The k arms without control, in a fixed order (by channel, then send time).
        arm: (n,) index into `actions` of the arm each row was assigned, −1 for control.
        outcome: (n,) contribution margin in money: the outcome column × `roles.margin`.
        response: (n,) whether the customer responded: the response column, or outcome ≠ 0 where there is none.
        propensity: (n,) probability with which each row was given the arm it got.
        propensity_known: False where the arms' overall shares stand in for known probabilities.
        cluster: (n,) number of the customer or household that each row belongs to.
        findings: What reading the table found, warnings included.
    """

    roles: Roles
    features: pa.Table
    customer: pa.StringArray
    actions: tuple[Arm, ...]
    arm: npt.NDArray[np.int32]
    outcome: Floats
    response: npt.NDArray[np.bool_]
    propensity: Floats
    propensity_known: bool
    cluster: npt.NDArray[np.int64]
    findings: tuple[Finding, ...] = ()
    # Other columns that some checks need (dates, the arm column as text), by role.
    extra: Mapping[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.outcome)


@dataclass(frozen=True, slots=True)
class Audience:
    """The customers a plan is made for.

    Attributes:
        customer: (n,) ids as text, exactly as given, unique.
        table: All columns of the audience: features, and what consent, costs and segments refer to.
        findings: What reading the table found, warnings included.
    """

    customer: pa.StringArray
    table: pa.Table
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.customer)
