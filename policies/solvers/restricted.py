"""The problem for a few customers, everybody else being settled, and its linear program in HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from .dual import Dual
from .kernels import Floats, Ints
from .problem import Actions, Cells, Mask
from .spread import scores


@dataclass(frozen=True, slots=True)
class Restricted:
    """The options of a few customers, one a column; doing nothing is always allowed and has none.

    Attributes:
        rows: (m,) the customers.
        place: (columns,) which of the customers each column belongs to.
        action: (columns,) what it gives.
        gain: (columns,) weight · (value − cost), in stakes.
        load: (columns, S) what it takes of each side's room, in stakes at the side's typical price.
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

    def split(self, share: Floats) -> Mask:
        """Return (m,) whether the shares divide a customer."""
        split = np.zeros(len(self.rows), dtype=np.bool_)
        split[self.place[(share > 1e-9) & (share < 1.0 - 1e-9)]] = True
        return split

    def of(self, keep: Ints) -> tuple[Restricted, Ints]:
        """Return the same for some of the customers, given by their places, and which columns that leaves."""
        place = np.full(len(self.rows), -1)
        place[keep] = np.arange(len(keep))
        columns = np.flatnonzero(place[self.place] >= 0)
        part = (place[self.place[columns]], self.action[columns], self.gain[columns], self.load[columns])
        return Restricted(self.rows[keep], *part), columns

    def matrix(self) -> sparse.csc_array:
        """Return what the columns take of each side, then a row a customer: at most one option."""
        columns = np.arange(len(self.place))
        shape = (len(self.rows), len(columns))
        once = sparse.csr_array((np.ones(len(columns)), (self.place, columns)), shape=shape)
        return sparse.vstack([sparse.csr_array(self.load.T), once], format="csc")


class Relaxed(NamedTuple):
    """The linear program's answer.

    Attributes:
        worth: What the shares gain.
        share: (columns,) how much of each option is taken.
        price: (S,) price of each side, in units of its typical price.
        broken: (S,) by how much each side is broken.
    """

    worth: float
    share: Floats
    price: Floats
    broken: Floats


class Scope(NamedTuple):
    """Which options are looked at: those that lose at most `width` of money; and the stake that money is counted in."""

    width: float
    stake: float


def restrict(cells: Cells, dual: Dual, rows: Ints, at: Floats, scope: Scope) -> Restricted:
    """Return the options of some customers, at side prices `at`."""
    sides, limits = dual.sides, dual.limits
    score = scores(cells, limits, rows, dual.net(at))
    near = score >= score.max(axis=1, initial=0.0)[:, None] - scope.width
    values, costs, usable = cells.take(rows)
    place, action = np.nonzero(near & usable)
    cost, value, weight = costs[place, action], values[place, action], cells.weights[rows[place]]
    load = weight * limits.coefficients(limits.segment[rows[place]], action, cost, value)
    load = np.ascontiguousarray(load[sides.rule].T * (sides.sign * sides.unit / scope.stake))
    return Restricted(rows, place, action.astype(np.int32), weight * (value - cost) / scope.stake, load)


def relax(problem: Restricted, room: Floats, penalty: Floats) -> Relaxed:
    """Solve the linear program, in which a side may be broken at a penalty.

    Args:
        problem: The customers' options.
        room: (S,) how much of each side's bound is left, negative where more is needed, in stakes.
        penalty: (S,) price of breaking a side, in units of its typical price.
    """
    count, columns = len(room), len(problem.place)
    matrix = problem.matrix()
    slack = sparse.csr_array(
        (-np.ones(count), (np.arange(count), np.arange(count))), shape=(matrix.shape[0], count)
    )
    result = linprog(
        np.concatenate([-problem.gain, penalty]),
        A_ub=sparse.hstack([matrix, slack], format="csc"),
        b_ub=np.concatenate([room, np.ones(len(problem.rows))]),
        bounds=(0, None),
        method="highs-ds",
    )
    share = result.x[:columns]
    return Relaxed(float(problem.gain @ share), share, -result.ineqlin.marginals[:count], result.x[columns:])
