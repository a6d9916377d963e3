"""Why no plan keeps the rules: which of them are in conflict, and by how much."""

from __future__ import annotations

import numpy as np

from .dual import Dual, Point, Sides
from .prices import Aim, Deck, everybody, find_prices, scale_of, sides_of
from .problem import Cells, Limits

# A bound that is missed by less than this share is not worth a sentence; nor is a price below this share of the top.
SLIGHT = 1e-3
WHOLE = "No plan of whole customers was found that keeps all rules; loosen one of them a little."


def explain(cells: Cells, limits: Limits, rng: np.random.Generator) -> str:
    """Return a sentence that names the rules in conflict and the shortfall.

    The objective is left out, and every bound that an empty plan breaks may be missed, at a price of 1 for the
    whole of it (an elastic program). Others whose prices are then positive stand in the way.
    """
    deck = Deck.shuffled(limits.segment, rng)
    scale = scale_of(cells, limits, deck)
    sides = sides_of(limits, scale.unit)
    needed = sides.sign * sides.bound < 0
    if not needed.any():
        return WHOLE
    cap = np.where(needed, 1.0 / np.where(needed, np.abs(sides.bound), 1.0), np.inf)
    stake = float((cap[needed] / sides.unit[needed]).max()) * scale.stake
    aim = Aim(sides._replace(unit=sides.unit * (stake / scale.stake), cap=cap), stake, 0.0)
    dual = everybody(cells, limits, aim)
    priced = find_prices(cells, dual, aim, deck, few=0)
    return WHOLE if priced is None else _sentence(dual, priced[0])


def _sentence(dual: Dual, point: Point) -> str:
    """Return what falls short, and within what."""
    sides = dual.sides
    needed = np.isfinite(sides.cap)
    missing = np.where(needed, -point.gradient / sides.unit / np.where(needed, np.abs(sides.bound), 1.0), 0.0)
    short = missing > SLIGHT
    if not short.any():
        return WHOLE
    tight = (point.at > SLIGHT * point.at.max()) & ~short
    what = "; ".join(f"{_words(dual, sides, s)} falls {missing[s]:.1%} short" for s in np.flatnonzero(short))
    within = ", ".join(_words(dual, sides, s) for s in np.flatnonzero(tight))
    where = f"within {within}" if within else "with the customers and actions that it counts"
    return (
        f"No plan keeps all rules: {what} {where}. Lower what is asked for, or loosen what stands in its way."
    )


def _words(dual: Dual, sides: Sides, s: np.intp) -> str:
    """Return a side in words, as in "'sms capacity' (at most 10000)"."""
    kind = "at most" if sides.sign[s] > 0 else "at least"
    return f"{dual.limits.names[sides.rule[s]]!r} ({kind} {sides.bound[s]:g})"
