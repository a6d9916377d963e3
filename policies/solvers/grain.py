"""What whole customers cannot use: the part of a bound beyond the last multiple of what contacts take of it."""

from __future__ import annotations

import math

import numpy as np

from .dual import Sides
from .kernels import Floats
from .problem import Cells, Limits

# Money is looked at in millionths.
UNIT = 1e-6


def unusable(cells: Cells, limits: Limits, sides: Sides) -> Floats:
    """Return (S,) how far each bound is from the last one that whole contacts can reach; 0 where that is not known."""
    grain = grains(cells, limits, sides)
    steps = np.divide(sides.bound, grain, out=np.zeros_like(grain), where=grain > 0)
    whole = np.where(sides.sign > 0, np.floor(steps + 1e-9), np.ceil(steps - 1e-9))
    return np.asarray(np.maximum(sides.sign * (steps - whole) * grain, 0.0))


def grains(cells: Cells, limits: Limits, sides: Sides) -> Floats:
    """Return (S,) what every contact that counts under a side takes a multiple of; 0 where that is not known."""
    if (cells.weights != np.rint(cells.weights)).any():
        return np.zeros(len(sides.rule))
    return np.array([_grain(cells, limits, int(r)) for r in sides.rule])


def _grain(cells: Cells, limits: Limits, r: int) -> float:
    """Return what every contact under a rule takes a multiple of, or 0 where there is no such thing."""
    if limits.theta[r].tolist() == [1.0, 0.0, 0.0]:
        return 1.0
    if limits.theta[r].tolist() != [0.0, 1.0, 0.0] or len(cells.costs) != 1:
        return 0.0
    costs = cells.costs[0, limits.on_action[r]].astype(np.float64)
    costs = costs[np.isfinite(costs) & (costs > 0)] / UNIT
    if not len(costs) or (np.abs(costs - np.rint(costs)) > 1e-6).any() or costs.max() > 1e15:
        return 0.0
    return math.gcd(*(int(cost) for cost in np.rint(costs))) * UNIT
