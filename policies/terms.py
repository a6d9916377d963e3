"""Terms: what may be given to whom, at which cost, within which limits — as arrays over customers and actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from uplift.errors import DataError, SettingError, did_you_mean
from uplift.history import Arm

from .actions import Action, Segment
from .constraints import Rule

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Limit = TypeVar("Limit", Segment, Rule, Segment | Rule)


@dataclass(frozen=True, slots=True)
class Terms:
    """The money and the limits of a plan for n customers and k actions.

    Attributes:
        contact: (n, k) money per contact.
        response: (k,) money paid when a contacted customer responds.
        eligible: (n, k) whether consent allows the action.
        rules: The bounds beside the budget.
    """

    contact: Floats
    response: Floats
    eligible: Bools
    rules: tuple[Rule, ...] = field(default=())

    def cost(self, probability: npt.NDArray[np.floating]) -> Floats:
        """Return the expected cost (n, k) in money, given P(response) of every customer and action.

        Rounded to a millionth of the currency, so that sums of costs are exact decimals.
        """
        if not self.response.any():
            return self.contact
        return np.round(self.contact + self.response * np.asarray(probability, np.float64), 6)


def match(arms: Sequence[Arm], actions: Sequence[Action]) -> list[Action | None]:
    """Return the action that each arm falls under; None for an arm that has no price and so cannot be planned.

    Raises:
        SettingError: There are two actions for one channel, or one for a channel that the history lacks.
    """
    known = {action.channel: action for action in actions}
    if len(known) < len(actions):
        twice = sorted(
            {action.channel for action in actions if [a.channel for a in actions].count(action.channel) > 1}
        )
        raise SettingError(
            f"There are two or more actions for {', '.join(map(repr, twice))}; give each channel once."
        )
    for action in actions:
        if not any(named(arm, action.channel) for arm in arms):
            channels = sorted({arm.channel for arm in arms} | {arm.label for arm in arms})
            hint = did_you_mean(action.channel, channels)
            raise SettingError(
                f"There is no channel {action.channel!r} in the history; it has {channels}.{hint}"
            )
    return [known.get(arm.label) or known.get(arm.channel) for arm in arms]


def named(arm: Arm, name: str) -> bool:
    """Return whether a name means this arm: its channel, or its full label."""
    return name in (arm.channel, arm.label)


def terms(
    table: pa.Table, arms: Sequence[Arm], actions: Sequence[Action], segments: Sequence[Segment | Rule] = ()
) -> Terms:
    """Work out costs, consent and rules for the customers of a table.

    Args:
        table: The audience: n rows with the columns that consent, costs and segments refer to.
        arms: The k arms that can be planned.
        actions: What each channel costs and may be used for; arms without one are not planned.
        segments: Floors and caps for parts of the audience, or ready rules.

    Raises:
        SettingError: An action names an unknown channel, a segment's condition cannot be evaluated, or a rule's
            mask is of another number of customers.
        DataError: A cost or consent column is missing or holds something else.
    """
    chosen = match(arms, actions)
    contact = np.zeros((table.num_rows, len(arms)))
    eligible = np.zeros((table.num_rows, len(arms)), bool)
    for a, action in enumerate(chosen):
        if action is None:
            continue
        eligible[:, a] = True
        contact[:, a] = action.cost if action.cost_column is None else _costs(table, action.cost_column)
        if action.consent is not None:
            eligible[:, a] = _consent(table, action.consent)
    response = np.array([0.0 if action is None else action.response_cost for action in chosen])
    rules = [*_caps(arms, actions), *(_segment(table, segment) for segment in segments)]
    return Terms(contact, response, eligible, tuple(rules))


def _column(table: pa.Table, name: str, role: str) -> pa.Array:
    if name not in table.column_names:
        raise DataError(
            f"The audience has no column {name!r}, named as {role}.{did_you_mean(name, table.column_names)}"
        )
    return table[name].combine_chunks()


def _costs(table: pa.Table, name: str) -> Floats:
    column = _column(table, name, "cost")
    if not (
        pa.types.is_integer(column.type)
        or pa.types.is_floating(column.type)
        or pa.types.is_decimal(column.type)
    ):
        raise DataError(f"Cost column {name!r} holds {column.type}; numbers are needed.")
    costs: Floats = pc.fill_null(pc.cast(column, pa.float64(), safe=False), float("nan")).to_numpy(
        zero_copy_only=False
    )
    bad = np.flatnonzero(~(costs >= 0) | ~np.isfinite(costs))
    if len(bad):
        rows = ", ".join(str(row + 1) for row in bad[:3])
        raise DataError(
            f"Cost column {name!r} is missing, negative or not a number in {len(bad)} rows (first: {rows});"
            " give every customer a cost of 0 or more."
        )
    return costs


def _consent(table: pa.Table, name: str) -> Bools:
    column = _column(table, name, "consent")
    if pa.types.is_integer(column.type) and set(pc.unique(column.drop_null()).to_pylist()) <= {0, 1}:
        column = pc.cast(column, pa.bool_())
    if not pa.types.is_boolean(column.type):
        raise DataError(f"Consent column {name!r} holds {column.type}; true, false or missing are needed.")
    allowed: Bools = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return allowed


def _caps(arms: Sequence[Arm], actions: Sequence[Action]) -> list[Rule]:
    rules: list[Rule] = []
    for action in actions:
        columns = [a for a, arm in enumerate(arms) if named(arm, action.channel)]
        name = action.channel
        if action.capacity is not None:
            rules.append(
                Rule(name=f"{name} capacity", of="contacts", actions=columns, at_most=action.capacity)
            )
        for time, capacity in action.send_time_capacity.items():
            at = [a for a in columns if str(arms[a].send_time) == str(time)]
            if not at:
                times = sorted(str(arms[a].send_time) for a in columns)
                raise SettingError(f"{name!r} has no send time {time!r} in the history; it has {times}.")
            rules.append(Rule(name=f"{name} {time} capacity", of="contacts", actions=at, at_most=capacity))
        if action.max_spend is not None:
            rules.append(
                Rule(name=f"{name} maximum spend", of="cost", actions=columns, at_most=action.max_spend)
            )
        if action.min_spend:
            rules.append(
                Rule(name=f"{name} minimum spend", of="cost", actions=columns, at_least=action.min_spend)
            )
    return rules


def _segment(table: pa.Table, segment: Segment | Rule) -> Rule:
    if isinstance(segment, Rule):
        if segment.customers is not None and len(segment.customers) != table.num_rows:
            raise SettingError(
                f"Rule {segment.name!r} has a mask of {len(segment.customers):,} customers; the audience has"
                f" {table.num_rows:,}."
            )
        return segment
    mask = where(table, segment.where)
    return Rule(
        name=f"segment {segment.where}",
        of="contacts",
        customers=mask,
        at_most=segment.max_contacts,
        at_least=segment.min_contacts,
    )


def where(table: pa.Table, condition: str) -> Bools:
    """Return the rows (n,) for which a SQL condition is true; missing counts as not.

    Raises:
        SettingError: The condition cannot be evaluated over the table's columns.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("audience", table)
        try:
            result = connection.sql(f"SELECT ({condition}) AS hit FROM audience")
            hits = result.to_arrow_table()["hit"].combine_chunks()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise SettingError(
                f"The segment condition {condition!r} cannot be evaluated: {reason}"
            ) from error
    if not pa.types.is_boolean(hits.type) or len(hits) != table.num_rows:
        kind = hits.type if len(hits) == table.num_rows else f"one value for {table.num_rows:,} customers"
        raise SettingError(
            f"The segment condition {condition!r} is {kind}; it must be true or false for each customer."
        )
    mask: Bools = pc.fill_null(hits, False).to_numpy(zero_copy_only=False)
    return mask


def stand_ins(history: int, audience: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the audience customer, drawn at random, that each row of a history stands for, (history,)."""
    return np.random.default_rng(seed).integers(0, audience, history)


def like_audience(history: pa.Table, audience: pa.Table, customer: npt.NDArray[np.int64]) -> pa.Table:
    """Return the history's rows with the audience's columns, for valuing a plan's terms on the history.

    Columns that the history lacks (consent, costs, segments) are those of the customers that its rows stand for,
    together: they are taken as independent of the effects.
    """
    drawn = audience.take(customer)
    for name in audience.column_names:
        if name in history.column_names:
            place = drawn.column_names.index(name)
            drawn = drawn.set_column(place, name, history[name])
    return drawn


def lent(limit: Limit, customer: npt.NDArray[np.int64]) -> Limit:
    """Return a limit on audience customers as one on rows that stand for them, each for the customer given."""
    if isinstance(limit, Segment) or limit.customers is None:
        return limit
    return replace(limit, customers=limit.customers[customer])
