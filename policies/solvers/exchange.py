"""Local search for an integer plan: exchanges of one or two customers' options, and kicks to start again from.

The merit of a plan is its gain less a penalty on broken sides that exceeds their prices, so that the same search
first mends a rounded plan and then improves it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compiled import compiled
from .kernels import Floats, Ints

# More slack than any customers can take; pairs of moves that a search may look at.
FAR = 1e30
WORK = 20_000_000


class Options(NamedTuple):
    """What each of m customers could be given, nothing included.

    Attributes:
        place: (options,) whose option it is, from 0 to m − 1.
        gain: (options,) what it earns, in money.
        load: (options, S) what it takes of each side's slack.
        price: (S,) money that a unit of each side is worth.
        penalty: (S,) money lost per unit that a side is broken by.
        fine: Money lost for each side that is broken at all, so that none is broken just a little.
    """

    place: Ints
    gain: Floats
    load: Floats
    price: Floats
    penalty: Floats
    fine: float


@compiled
def broken(slack: Floats, penalty: Floats, fine: float) -> float:
    """Return what the broken sides cost."""
    total = 0.0
    for s in range(slack.shape[0]):
        if slack[s] < 0.0:
            total += fine - penalty[s] * slack[s]
    return total


@compiled
def _partner(moves: Options, i: int, left: Floats, now: float, best: float) -> tuple[int, float, int]:
    """Return the later move that goes best with move i, their merit if above `best`, and how many were looked at."""
    place, gain, load, _, penalty, fine = moves
    partner, work = -1, 0
    for j in range(i + 1, len(gain)):
        merit = gain[i] + gain[j] + now
        if merit <= best:
            break
        work += 1
        for s in range(len(left)):
            after = left[s] - load[j, s]
            if after < 0.0:
                merit += penalty[s] * after - fine
                if merit <= best:
                    break
        if merit > best and place[j] != place[i]:
            partner, best = j, merit
    return partner, best, work


@compiled
def best_pair(moves: Options, slack: Floats, least: float) -> tuple[int, int, int]:
    """Return the two moves of different customers, or one and −1, that add most merit; −1, −1 if none adds `least`.

    The third number is how many pairs were looked at.

    Args:
        moves: Changes of the customers' options, in falling order of gain.
        slack: (S,) what is left of each side.
        least: In money.
    """
    now = broken(slack, moves.penalty, moves.fine)
    best, first, second, work = least, -1, -1, 0
    for i in range(len(moves.gain)):
        if moves.gain[i] + max(moves.gain[0], 0.0) + now <= best:
            break
        left = slack - moves.load[i]
        alone = moves.gain[i] + now - broken(left, moves.penalty, moves.fine)
        if alone > best:
            best, first, second = alone, i, -1
        partner, merit, looked = _partner(moves, i, left, now, best)
        work += looked
        if partner >= 0:
            best, first, second = merit, i, partner
    return first, second, work


def ascend(options: Options, current: Ints, slack: Floats, least: float, work: int) -> tuple[float, int]:
    """Make the best exchanges until none adds `least`; changes `current` and `slack`.

    Args:
        options: What the customers could be given.
        current: (m,) the option of each now.
        slack: (S,) what is left of each side.
        least: In money.
        work: Pairs that may be looked at before it stops.

    Returns:
        The merit reached, and the work that is left.
    """
    place, gain, load = options.place, options.gain, options.load
    while work > 0:
        step = gain - gain[current][place]
        order = np.argsort(-step)
        order = order[current[place[order]] != order]
        moved = load[order] - load[current[place[order]]]
        moves = options._replace(place=place[order], gain=step[order], load=moved)
        i, j, pairs = best_pair(moves, slack, least)
        work -= pairs + len(order)
        if i < 0:
            break
        for move in (i, j) if j >= 0 else (i,):
            slack -= moved[move]
            current[place[order[move]]] = order[move]
    return float(gain[current].sum()) - broken(slack, options.penalty, options.fine), work


def without(options: Options, relaxed: Floats) -> Options:
    """Return the options with some sides taken at their price rather than as a limit."""
    gain = options.gain - options.load @ (options.price * relaxed)
    return options._replace(gain=gain, penalty=options.penalty * (1.0 - relaxed))


def search(
    options: Options, start: Ints, slack: Floats, kicks: Floats, *, goal: float, least: float
) -> tuple[Ints, float]:
    """Ascend from a start, then from kicked copies of the best plan found; return it and its merit.

    A kick lets go of some sides, ascends, and takes them up again: a way out of a plan that no exchange of two can
    improve.

    Args:
        options: What the customers could be given.
        start: (m,) an option of each.
        slack: (S,) what is left of each side at the start.
        kicks: (kicks, S) 1 for the sides that are let go of, else 0.
        goal: Stop at this merit, in money.
        least: Exchanges that add less, in money, are left.
    """
    best, best_slack = start.copy(), slack.copy()
    merit, work = ascend(options, best, best_slack, least, WORK)
    for kick in kicks:
        if merit >= goal or work <= 0:
            break
        current = best.copy()
        _, work = ascend(without(options, kick), current, best_slack + FAR * kick, least, work)
        moved = np.flatnonzero(current != best)
        left = best_slack - (options.load[current[moved]] - options.load[best[moved]]).sum(axis=0)
        found, work = ascend(options, current, left, least, work)
        if found > merit:
            best, best_slack, merit = current, left, found
    return best, merit
