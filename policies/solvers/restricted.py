"""The problem for a few customers, everybody else being settled: a linear program, then an integer one, in HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from .dual import Sides
from .kernels import Floats, Ints
from .problem import Actions, Cells, Limits
from .spread import scores


@dataclass(frozen=True, slots=True)
class Restricted:
    """The options of a few customers, one a column.

    Attributes:
        rows: (m,) the customers.
        place: (columns,) which of the customers each column belongs to.
        action: (columns,) what it gives.
        gain: (columns,) weight · (value − cost).
        load: (columns, R) what it adds to each rule.
    """

    rows: Ints
    place: Ints
    action: Actions
    gain: Floats
    load: Floats

    def chosen(self, share: Floats) -> Actions:
        """Return (m,) the action whose share is 1, −1 where none is."""
        action = np.full(len(self.rows), -1, dtype=np.int32)
        taken = share > 0.5
        action[self.place[taken]] = self.action[taken]
        return action

    def narrowed(self, keep: Ints) -> tuple[Restricted, Ints]:
        """Return the same for some of the customers, given by their places, and which columns that leaves."""
        place = np.full(len(self.rows), -1)
        place[keep] = np.arange(len(keep))
        columns = np.flatnonzero(place[self.place] >= 0)
        part = (place[self.place[columns]], self.action[columns], self.gain[columns], self.load[columns])
        return Restricted(self.rows[keep], *part), columns


class Relaxed(NamedTuple):
    """The linear program's answer: shares of the columns, a price a side, and by how much sides stay broken."""

    share: Floats
    price: Floats
    broken: Floats


def restrict(cells: Cells, limits: Limits, rows: Ints, price: Floats, width: float) -> Restricted:
    """Return the options of some customers that lose at most `width` against their best at these prices."""
    score = scores(cells, limits, rows, price)
    values, costs, usable = cells.take(rows)
    near = score >= score.max(axis=1, initial=0.0)[:, None] - width
    place, action = np.nonzero(near & usable)
    cost, value = costs[place, action], values[place, action]
    weight = cells.weights[rows[place]]
    load = weight * limits.coefficients(limits.segment[rows[place]], action, cost, value)
    return Restricted(rows, place, action.astype(np.int32), weight * (value - cost), load.T)


def _matrix(problem: Restricted, sides: Sides) -> sparse.csr_array:
    """Return the rows of all sides, scaled to typical prices, then one row a customer: at most one option."""
    loads = (problem.load[:, sides.rule] * (sides.sign * sides.unit)).T
    columns = np.arange(len(problem.place))
    shape = (len(problem.rows), len(columns))
    once = sparse.csr_array((np.ones(len(columns)), (problem.place, columns)), shape=shape)
    return sparse.vstack([sparse.csr_array(loads), once], format="csr")


def relax(problem: Restricted, sides: Sides, room: Floats, penalty: Floats) -> Relaxed:
    """Solve the linear program, in which a side may be broken at a penalty.

    Args:
        problem: The customers' options.
        sides: The rules' sides.
        room: (S,) how much of each side's bound is left, negative where more is needed.
        penalty: (S,) price of breaking a side, in units of `Sides.unit`.
    """
    count = len(sides.rule)
    matrix = _matrix(problem, sides)
    slack = sparse.csr_array(
        (-np.ones(count), (np.arange(count), np.arange(count))), shape=(matrix.shape[0], count)
    )
    result = linprog(
        np.concatenate([-problem.gain, penalty]),
        A_ub=sparse.hstack([matrix, slack], format="csr"),
        b_ub=np.concatenate([room * sides.unit, np.ones(len(problem.rows))]),
        bounds=(0, None),
        method="highs-ds",
    )
    columns = len(problem.place)
    return Relaxed(result.x[:columns], -result.ineqlin.marginals[:count], result.x[columns:])


def settle(problem: Restricted, sides: Sides, room: Floats, *, slip: float, nodes: int) -> Actions | None:
    """Solve the integer program; return (m,) actions, or None where HiGHS finds none that keep the rules.

    Args:
        problem: The customers' options.
        sides: The rules' sides.
        room: (S,) how much of each side's bound is left, negative where more is needed.
        slip: Stop when no better answer by more than this can exist, in money.
        nodes: Stop after this many nodes.
    """
    matrix = _matrix(problem, sides)
    top = np.concatenate([room * sides.unit, np.ones(len(problem.rows))])
    if len(problem.gain) == 0:  # HiGHS takes no problem without columns
        return problem.chosen(problem.gain) if (top >= 0).all() else None
    size = float(np.abs(problem.gain).sum()) or 1.0
    result = milp(
        -problem.gain,
        integrality=np.ones(len(problem.gain)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, top),
        options={"mip_rel_gap": slip / size, "node_limit": nodes, "presolve": False},
    )
    return None if result.x is None else problem.chosen(result.x)
