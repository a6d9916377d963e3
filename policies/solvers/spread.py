"""Spread customers who are undecided in bulk (identical customers, actions of equal effect) over their options.

At a low temperature the logit choice probabilities keep the rules to within Newton's tolerance. Error diffusion turns
them into choices: each customer, in random order, gets the option that is furthest behind its expected count, so
that every count is off by a few customers at most, and everybody has the same chances.
"""

from __future__ import annotations

import math

import numpy as np

from .compiled import compiled
from .kernels import Floats, Ints
from .problem import Actions, Cells, Limits

BLOCK = 65_536


@compiled
def _spread(score: Floats, weight: Floats, segment: Ints, tau: float, owed: Floats, action: Actions) -> None:
    """Fill the actions of some customers from their scores (−inf where masked); owed is (G, k + 1), none last."""
    k = score.shape[1]
    chance = np.empty(k + 1)
    for i in range(score.shape[0]):
        best = max(0.0, score[i].max())
        chance[k] = math.exp(-best / tau)
        for a in range(k):
            chance[a] = math.exp((score[i, a] - best) / tau)
        chance /= chance.sum()
        debt = owed[segment[i]]
        pick, most = -1, -np.inf
        for a in range(k + 1):
            debt[a] += weight[i] * chance[a]
            if chance[a] > 1e-4 and debt[a] > most:
                pick, most = a, debt[a]
        debt[pick] -= weight[i]
        action[i] = pick if pick < k else -1


def spread(cells: Cells, limits: Limits, rows: Ints, price: Floats, tau: float) -> Actions:
    """Return (m,) actions of undecided customers, in the order given, at one price a rule."""
    owed = np.zeros((limits.shape[0], cells.actions + 1))
    action = np.empty(len(rows), dtype=np.int32)
    for first in range(0, len(rows), BLOCK):
        part = rows[first : first + BLOCK]
        score = scores(cells, limits, part, price)
        _spread(score, cells.weights[part], limits.segment[part], tau, owed, action[first : first + BLOCK])
    return action


def scores(cells: Cells, limits: Limits, rows: Ints, price: Floats) -> Floats:
    """Return (m, k): what each action is worth to some customers at one price a rule; −inf where masked."""
    values, costs, usable = cells.take(rows)
    tariff = limits.tariff(price)
    segment = limits.segment[rows]
    score = tariff.keep[segment] * values - tariff.charge[segment] * costs - tariff.toll[segment]
    return np.where(usable, score, -np.inf)
