"""Why no plan keeps the rules: which of them are in conflict, and by how much."""

from __future__ import annotations

import numpy as np

from .dual import Dual, Point
from .prices import Aim, everybody, find_prices, scale_of, sides_of
from .problem import Cells, Limits

VAGUE = "No plan of whole customers was found that keeps all rules; loosen one of them a little."


def explain(cells: Cells, limits: Limits, rng: np.random.Generator) -> str:
    """Return a sentence that names the rules in conflict and the shortfall.

    The objective is left out and every bound that an empty plan breaks may be missed, at a price of 1 for the whole
    of it. Prices of the others that are then positive name the rules that stand in the way.
    """
    scale = scale_of(cells, limits, rng)
    sides = sides_of(limits, scale.unit)
    needed = sides.sign * sides.bound < 0
    if not needed.any():
        return VAGUE
    cap = np.where(needed, 1.0 / np.where(needed, np.abs(sides.bound), 1.0), np.inf)
    stake = float((cap[needed] / sides.unit[needed]).max()) * scale.stake
    sides = sides._replace(unit=sides.unit * (stake / scale.stake), cap=cap)
    aim = Aim(sides, stake, 0.0)
    dual = everybody(cells, limits, aim)
    priced = find_prices(cells, dual, aim, rng)
    return VAGUE if priced is None else _sentence(dual, priced[0], limits)


def _sentence(dual: Dual, point: Point, limits: Limits) -> str:
    sides, at, gradient = dual.sides, point.at, point.gradient
    needed = np.isfinite(sides.cap)
    missing = np.where(needed, -gradient / sides.unit / np.abs(np.where(needed, sides.bound, 1.0)), 0.0)
    short = [int(s) for s in np.flatnonzero(missing > 1e-3)]
    active = at > 1e-3 * at.max(initial=0.0)
    others = [int(s) for s in np.flatnonzero(active & (missing <= 1e-3))]
    if not short:
        names = ", ".join(_bound(limits, sides.rule[s], sides.sign[s]) for s in np.flatnonzero(active))
        return f"The rules leave no room for a plan of whole customers: {names}. Loosen one of them a little."
    text = "; ".join(
        f"{_bound(limits, sides.rule[s], sides.sign[s])} falls {missing[s]:.1%} short" for s in short
    )
    within = ", ".join(_bound(limits, sides.rule[s], sides.sign[s]) for s in others)
    reason = f" within {within}" if within else " with the customers and actions it counts"
    return f"No plan keeps all rules: {text}{reason}. Lower the first or loosen the others."


def _bound(limits: Limits, r: int, sign: float) -> str:
    """Return a rule's bound in words."""
    bound = limits.upper[r] if sign > 0 else limits.lower[r]
    return f"{limits.names[r]!r} ({'at most' if sign > 0 else 'at least'} {bound:g})"
