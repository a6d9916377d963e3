"""The rows of a plan: one for every customer of the audience."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from uplift.effects import Effects

from .reasons import probabilities, reasons

if TYPE_CHECKING:
    from .summary import Facts

Floats = npt.NDArray[np.float64]


def rows_of(facts: Facts) -> pa.Table:
    """Return plan.parquet: who gets what, when, at which cost, for what it is expected to bring, and why."""
    effects, history, action = facts.effects, facts.effects.history, facts.action
    contacted = action >= 0
    single = history.roles.treatment is not None
    labels = np.array([*(arm.channel for arm in effects.actions), history.roles.control], dtype=object)
    columns: dict[str, pa.Array] = {"customer_id": facts.audience.customer}
    columns["arm" if single else "channel"] = pa.array(labels[action], pa.string())
    if not single:
        columns["send_time"] = _times(effects, action)
    amounts = {
        "cost": facts.costs,
        "uplift": facts.uplift,
        "uplift_se": abs(facts.scale) * facts.se,
    }
    for name, matrix in amounts.items():
        columns[name] = pa.array(np.where(contacted, _given(matrix, action), 0.0))
    columns["reason"] = pa.array(reasons(facts), pa.string())
    columns["probability"] = pa.array(probabilities(facts))
    return pa.table(columns)


def values_of(facts: Facts) -> pa.Table:
    """Return what every action is expected to bring in from every customer, on the scale of the plan."""
    return _by_action(facts, facts.uplift)


def costs_of(facts: Facts) -> pa.Table | None:
    """Return what every action is expected to cost for every customer; None where that is one number an action."""
    if not any(action.cost_column or action.response_cost for action in facts.actions):
        return None
    return _by_action(facts, facts.costs)


def _by_action(facts: Facts, matrix: Floats) -> pa.Table:
    """Return a column an action, null where a customer may not be given it."""
    columns: dict[str, Any] = {"customer_id": facts.audience.customer}
    for a, arm in enumerate(facts.effects.actions):
        allowed = facts.terms.eligible[:, a]
        columns[arm.label] = pa.array(matrix[:, a].astype(np.float32), mask=~allowed)
    return pa.table(columns)


def _given(matrix: npt.NDArray[np.floating], action: npt.NDArray[np.int32]) -> Floats:
    """Return the cell of every row's action; of the first where there is none."""
    return matrix[np.arange(len(matrix)), np.maximum(action, 0)].astype(np.float64)


def _times(effects: Effects, action: npt.NDArray[np.int32]) -> pa.Array:
    """Return the send time of every row, null where nothing is sent, in the type it has in the history."""
    times = [arm.send_time for arm in effects.actions]
    return pa.array([*times, None]).take(pa.array(np.where(action >= 0, action, len(times))))
