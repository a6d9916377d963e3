"""From a table and its roles to the fields of a History."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from ..findings import Finding
from ..roles import Arm, Roles, SendTimeBins
from .amounts import Floats, numbers
from .arms import Arms, read_arms, read_propensity
from .columns import Bools, check_table, column, empty_cells, flags, ids, label_text, plain, refuse_where
from .features import read_features


class HistoryFields(TypedDict):
    """The fields of a History but for its roles."""

    features: pa.Table
    customer: pa.StringArray
    actions: tuple[Arm, ...]
    arm: npt.NDArray[np.int32]
    outcome: Floats
    response: Bools
    propensity: Floats
    propensity_known: bool
    cluster: npt.NDArray[np.int64]
    findings: tuple[Finding, ...]
    extra: dict[str, pa.Array]


def read_history(table: pa.Table, roles: Roles, bins: SendTimeBins | None = None) -> HistoryFields:
    """Return the checked fields of a history.

    Args:
        table: One row for every customer and assignment.
        roles: What its columns mean.
        bins: How timestamps of sending become labels.

    Raises:
        DataError: The table does not hold what its roles promise.
        SettingError: The roles contradict one another.
    """
    check_table(table)
    margin = roles.checked_margin()
    _check_roles(table, roles)
    arms = read_arms(table, roles, bins)
    outcome = numbers(table, roles.outcome, "outcome")
    propensity, known, about_chances = read_propensity(table, roles, arms.arm)
    customer, about_ids = read_customers(table, roles.customer)
    features, about_features = read_features(table, roles)
    return {
        "features": features,
        "customer": customer,
        "actions": arms.actions,
        "arm": arms.arm,
        "outcome": outcome * margin,
        "response": outcome != 0 if roles.response is None else flags(table, roles.response, "response"),
        "propensity": propensity,
        "propensity_known": known,
        "cluster": _clusters(table, roles, customer),
        "findings": (
            *about_ids,
            *_repeats(table, roles, customer),
            *arms.findings,
            *about_chances,
            *about_features,
        ),
        "extra": _extra(table, roles, arms),
    }


def read_customers(table: pa.Table, name: str | None) -> tuple[pa.StringArray, tuple[Finding, ...]]:
    """Return (n,) ids as text: the customer column, or row numbers from 1 where there is none.

    Raises:
        DataError: An id is missing, or the column cannot hold ids.
    """
    if name is not None:
        return ids(table, name, "customer")
    numbered = pc.cast(pa.array(np.arange(1, table.num_rows + 1)), pa.string())
    warning = Finding(
        "ids",
        "warn",
        "No customer column is named: rows are numbered from 1, and every row counts as one customer.",
        next="Name the column of customer ids if there is one.",
    )
    return numbered, (warning,)


def _check_roles(table: pa.Table, roles: Roles) -> None:
    for role, name in roles.columns().items():
        column(table, name, role.replace("_", " "))


def _clusters(table: pa.Table, roles: Roles, customer: pa.StringArray) -> npt.NDArray[np.int64]:
    if roles.cluster is None:
        values = customer
    else:
        cells = column(table, roles.cluster, "cluster")
        refuse_where(
            empty_cells(cells), table, f"The cluster {roles.cluster!r} is missing", "Every row needs one."
        )
        values = label_text(cells, roles.cluster, "cluster")
    codes: npt.NDArray[np.int64] = values.dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes


def _repeats(table: pa.Table, roles: Roles, customer: pa.StringArray) -> tuple[Finding, ...]:
    """Say how many rows repeat another one exactly; without ids they may well be different customers."""
    if roles.customer is not None and pc.count_distinct(customer).as_py() == len(customer):
        return ()
    repeats = table.num_rows - _distinct_rows(table)
    if repeats == 0:
        return ()
    why = "there is no customer column to tell them apart"
    then = "Name the column of customer ids if there is one."
    if roles.customer is not None:
        why = f"the same {roles.customer!r} may have been contacted twice"
        then = "Remove them if the same file was loaded twice."
    return (
        Finding(
            "rows",
            "warn",
            f"{repeats:,} rows repeat an earlier row exactly; they are kept, as {why}.",
            measured=float(repeats),
            next=then,
        ),
    )


def _distinct_rows(table: pa.Table) -> int:
    keys = {
        field.name: plain(table[field.name]) for field in table.schema if not pa.types.is_null(field.type)
    }
    if any(pa.types.is_nested(values.type) for values in keys.values()):
        return len(table)
    return int(pa.table(keys).group_by(list(keys)).aggregate([([], "count_all")]).num_rows)


def _extra(table: pa.Table, roles: Roles, arms: Arms) -> dict[str, pa.Array]:
    extra: dict[str, pa.Array] = {"channel" if roles.treatment is None else "treatment": arms.label}
    for role in ("assigned_at", "outcome_at"):
        name = roles.columns().get(role)
        if name is not None:
            extra[role] = _dates(column(table, name, role), name, role)
    return extra


def _dates(values: pa.Array, name: str, role: str) -> pa.Array:
    kind = values.type
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind) or values.null_count == len(values)):
        raise DataError(
            f"The {role.replace('_', ' ')} {name!r} holds {kind}; dates or timestamps are needed, "
            "as in 2024-03-31 or 2024-03-31T08:00."
        )
    return values
