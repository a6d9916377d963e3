"""What a plan adds up to, correctly rounded, and which rules it breaks."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled
from .kernels import Floats, Ints
from .problem import Actions, Cells, Limits


class Account(NamedTuple):
    """What a plan adds up to; sums are those of exact arithmetic, rounded once.

    Attributes:
        value: Σ weight · value.
        spend: Σ weight · cost.
        used: (R,) what each rule sums to.
    """

    value: float
    spend: float
    used: Floats

    @property
    def profit(self) -> float:
        """Σ weight · (value − cost)."""
        return self.value - self.spend

    def excess(self, limits: Limits) -> Floats:
        """Return (R, 2) by how much upper and lower bounds are broken; 0 or less where they are kept."""
        return np.stack([self.used - limits.upper, limits.lower - self.used], axis=1)

    def keeps(self, limits: Limits) -> bool:
        """Return whether no rule is broken."""
        return bool((self.excess(limits) <= 0).all())


@compiled
def _add(total: Floats, place: int, term: float) -> None:
    """Add a term to a sum in two parts, of which the second holds what the first has rounded off."""
    old = total[place, 0]
    new = old + term
    part = new - old
    total[place, 0] = new
    total[place, 1] += (old - (new - part)) + (term - part)


@compiled
def _totals(
    cells: tuple[npt.NDArray[Any], npt.NDArray[Any], Floats], action: Actions, segment: Ints, totals: Floats
) -> None:
    """Fill (G, k, 3, 2) contacts, cost and value of the choices, each in two parts."""
    values, costs, weights = cells
    for row in range(values.shape[0]):
        a = action[row]
        if a >= 0:
            total = totals[segment[row], a]
            _add(total, 0, weights[row])
            _add(total, 1, weights[row] * costs[row if costs.shape[0] > 1 else 0, a])
            _add(total, 2, weights[row] * values[row, a])


def account(cells: Cells, limits: Limits, action: Actions) -> Account:
    """Return what a plan adds up to."""
    totals = np.zeros((*limits.shape, 3, 2))
    _totals((cells.values, cells.costs, cells.weights), action, limits.segment, totals)
    parts = totals.reshape(-1, 3, 2)
    counted = np.split(limits.hits.indices, limits.hits.indptr[1:-1])
    used = [_sum(parts[at], limits.theta[r]) for r, at in enumerate(counted)]
    return Account(_sum(parts, np.eye(3)[2]), _sum(parts, np.eye(3)[1]), np.array(used))


def _sum(parts: Floats, theta: Floats) -> float:
    """Return Σ theta · (contacts, cost, value) over cells, rounded once where theta picks one of them."""
    terms = (parts * theta[:, None])[:, theta != 0].ravel()
    return math.fsum(terms[terms != 0])
