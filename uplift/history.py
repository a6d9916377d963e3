"""History and Audience: tables whose columns have roles, checked once, at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .errors import DataError
from .findings import Finding
from .intake.audiences import last_rows, plain_table, read_audience
from .intake.columns import check_unique, missing_column
from .intake.features import as_in_history, shared
from .intake.histories import read_history
from .intake.send_times import checked_local_times
from .roles import Arm, Label, RoleNames, Roles, SendTimeBins

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

__all__ = [
    "Arm",
    "Audience",
    "Floats",
    "History",
    "Label",
    "Roles",
    "SendTimeBins",
    "checked_local_times",
    "shared_features",
]


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
        response: (n,) whether the customer responded: the response column, or outcome ≠ 0 without one.
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

    @classmethod
    def from_table(
        cls,
        table: pa.Table,
        roles: Roles,
        *,
        findings: Iterable[Finding] = (),
        send_time_bins: SendTimeBins | None = None,
    ) -> History:
        """Return the history that a table holds, every role checked.

        Args:
            table: One row for every customer and assignment.
            roles: What its columns mean.
            findings: What reading the file found; kept in front of what is found here.
            send_time_bins: How timestamps of sending become labels.

        Raises:
            DataError: The table does not hold what its roles promise; rows and columns are named.
            SettingError: The roles contradict one another.
        """
        fields = read_history(table, roles, send_time_bins)
        fields["findings"] = (*findings, *fields["findings"])
        return cls(roles=roles, **fields)

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame,
        *,
        send_time_bins: SendTimeBins | None = None,
        **roles: Unpack[RoleNames],
    ) -> History:
        """Return the history that a data frame holds; its index is ignored.

        Args:
            frame: One row for every customer and assignment.
            send_time_bins: How timestamps of sending become labels.
            **roles: The fields of `Roles`: outcome and control, treatment or channel, and any others.

        Raises:
            DataError: The frame does not hold what its roles promise.
            SettingError: The roles contradict one another.

        >>> import pandas as pd
        >>> frame = pd.DataFrame({"arm": ["none", "email"], "spend": [0.0, 12.5]})
        >>> history = History.from_pandas(frame, treatment="arm", control="none", outcome="spend", margin=0.4)
        >>> history.actions, history.outcome.tolist()
        ((Arm(channel='email', send_time=None),), [0.0, 5.0])
        """
        return cls.from_table(_table(frame), Roles.of(roles), send_time_bins=send_time_bins)

    def with_features(self, names: Sequence[str]) -> History:
        """Return the same history with only the named features, in that order.

        Raises:
            DataError: One of them is not a feature of this history.
        """
        known = self.features.column_names
        for name in names:
            if name not in known:
                raise DataError(missing_column(name, known, "asked for as a feature"))
        return replace(self, features=self.features.select(list(names)))


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

    @classmethod
    def from_table(
        cls, table: pa.Table, *, customer: str | None = None, findings: Iterable[Finding] = ()
    ) -> Audience:
        """Return the audience that a table holds.

        Args:
            table: One row per customer.
            customer: The column of ids; without one, rows are numbered from 1.
            findings: What reading the file found; kept in front of what is found here.

        Raises:
            DataError: An id is missing or occurs twice; the rows are named.
        """
        ids, plain, found = read_audience(table, customer)
        return cls(ids, plain, (*findings, *found))

    @classmethod
    def from_pandas(cls, frame: pd.DataFrame, *, customer: str | None = None) -> Audience:
        """Return the audience that a data frame holds; its index is ignored.

        Raises:
            DataError: An id is missing or occurs twice.

        >>> import pandas as pd
        >>> Audience.from_pandas(pd.DataFrame({"id": ["007", "8"]}), customer="id").customer.to_pylist()
        ['007', '8']
        """
        return cls.from_table(_table(frame), customer=customer)

    @classmethod
    def like(cls, given: Audience | pa.Table | pd.DataFrame, history: History) -> Audience:
        """Return whatever stands for an audience as one; ids are in the column that held them in the history.

        Columns that are missing for everybody, and 1/0 for true/false, take the type they have in the history.

        Args:
            given: An audience, a table or a data frame.
            history: The history whose customer column, if the table has it too, holds the ids.

        Raises:
            DataError: An id is missing or occurs twice.
        """
        if isinstance(given, Audience):
            audience = given
        else:
            table = given if isinstance(given, pa.Table) else _table(given)
            role = history.roles.customer
            audience = cls.from_table(table, customer=role if role in table.column_names else None)
        alike, found = as_in_history(history.features, audience.table)
        said = tuple(finding for finding in found if finding not in audience.findings)
        return replace(audience, table=alike, findings=(*audience.findings, *said)) if found else audience

    @classmethod
    def of(cls, history: History, table: pa.Table | None = None) -> Audience:
        """Return the customers of a history, each with the last of their rows.

        Args:
            history: The history.
            table: The table it was read from, to keep the columns that are no features (consent, costs).

        Raises:
            DataError: The table has another number of rows than the history.
        """
        source = history.features if table is None else plain_table(table)
        if source.num_rows != len(history):
            raise DataError(
                f"The table has {source.num_rows:,} rows and the history {len(history):,}. "
                "Give the table that the history was read from."
            )
        rows = last_rows(history.customer)
        who = (
            "rows of the history, numbered from 1,"
            if history.roles.customer is None
            else "customers of the history"
        )
        said = Finding("audience", "ok", f"The {len(rows):,} {who} are the audience.")
        return cls(history.customer.take(pa.array(rows)), source.take(pa.array(rows)), (said,))


def shared_features(history: History, audience: Audience) -> tuple[str, ...]:
    """Return the features of the history that the audience has too, in the history's order.

    Whole numbers and decimals are one kind; dates, times, text and true/false are others. What is missing for
    everybody is of any kind.

    Raises:
        DataError: A column has one kind of value here and another there; both are named.
    """
    return shared(history.features, Audience.like(audience, history).table)


def _table(frame: pd.DataFrame) -> pa.Table:
    check_unique([str(name) for name in frame.columns])
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"The data frame cannot be read as a table: {error}. Give every column one type."
        ) from error
