"""From a sample to everybody: prices that are good enough for a handful of customers to be left undecided."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .dual import Dual, Point, Sides, descend
from .kernels import Floats, Ints
from .problem import Cells, Limits, crowd_of

# Customers in the samples on which the prices are found before everybody is asked.
SAMPLES = (4_000, 50_000)
# Undecided customers that the finish can settle one by one.
FEW = 700
# Temperatures, in typical stakes: the first, one to reach in any case, the last, and what each is of the one before.
HOT = 0.3
WARM = 0.01
COLD = 1e-8
COOLING = 0.3
FAST = 0.03
# Newton steps at one temperature, and how near the minimum they end, on the way and at last.
STEPS = 12
LOOSE = 1e-4
EXACT = 1e-10


class Scale(NamedTuple):
    """Typical sizes, which make the solution independent of currency: a customer's stake, and a price of each rule."""

    stake: float
    unit: Floats


class Aim(NamedTuple):
    """What prices are sought for: the sides, a customer's typical stake, and whether the objective counts (1 or 0)."""

    sides: Sides
    stake: float
    objective: float = 1.0


def sides_of(limits: Limits, unit: Floats) -> Sides:
    """Return the finite bounds of all rules, without caps on their prices."""
    upper = np.flatnonzero(np.isfinite(limits.upper))
    lower = np.flatnonzero(np.isfinite(limits.lower))
    rule = np.concatenate([upper, lower])
    sign = np.concatenate([np.ones(len(upper)), -np.ones(len(lower))])
    bound = np.concatenate([limits.upper[upper], limits.lower[lower]])
    return Sides(rule, sign, bound, unit[rule], np.full(len(rule), np.inf))


def scale_of(cells: Cells, limits: Limits, deck: Deck) -> Scale:
    """Return typical sizes over a sample: mean best profit, and that over a rule's mean coefficient."""
    rows, _ = deck.draw(min(len(cells), SAMPLES[0]))
    values, costs, usable = cells.take(rows)
    profit = np.where(usable, values - costs, 0.0)
    stake = float(np.maximum(profit.max(axis=1), 0.0).mean()) or float(np.abs(profit).mean()) or 1.0
    sizes = np.stack([np.ones_like(costs), costs, values])
    unit = np.empty(len(limits))
    for r in range(len(limits)):
        each = np.abs(np.tensordot(limits.theta[r], sizes, axes=1))
        counted = usable & limits.counted(r, rows)
        typical = float(each[counted].mean()) if counted.any() else 0.0
        unit[r] = stake / typical if typical > 0 else stake
    return Scale(stake, unit)


class Deck(NamedTuple):
    """All customers in random order within their segments: (n,) rows, and each one's place within its segment."""

    segment: Ints
    rows: Ints
    rank: Ints

    @classmethod
    def shuffled(cls, segment: Ints, rng: np.random.Generator) -> Deck:
        """Return the customers shuffled."""
        rows = rng.permutation(len(segment))
        counts = np.bincount(segment)
        if len(counts) > 1:
            rows = rows[np.argsort(segment[rows], kind="stable")]
        return cls(segment, rows, np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts))

    def draw(self, size: int) -> tuple[Ints, Floats]:
        """Return about `size` customers drawn within each segment, in order, and how many each stands for."""
        counts = np.bincount(self.segment)
        least = max(1, min(200, size // len(counts)))
        share = np.ceil(counts * (size / len(self.segment))).astype(np.int64)
        wanted = np.minimum(counts, np.maximum(least, share))
        taken = self.rank < np.repeat(wanted, counts)
        rows = np.sort(self.rows[taken])
        return rows, (counts / np.maximum(wanted, 1))[self.segment[rows]]


def everybody(cells: Cells, limits: Limits, aim: Aim) -> Dual:
    """Return the dual over all customers."""
    n = len(cells)
    crowd = crowd_of(cells, limits.segment, np.arange(n), np.ones(n))
    return Dual(crowd, limits, limits.book(), aim.sides, aim.objective)


class Goal(NamedTuple):
    """How far to cool: down to this temperature, in typical stakes, or until no more than so many are undecided."""

    heat: float
    undecided: int


def find_prices(
    cells: Cells, dual: Dual, aim: Aim, deck: Deck, *, few: int = FEW
) -> tuple[Point, float] | None:
    """Return prices at which few customers are undecided and the rules are kept up to those few.

    Args:
        cells: What each customer could be given.
        dual: The dual over all of them.
        aim: What prices are sought for.
        deck: The customers, shuffled.
        few: Go on until no more customers than this are undecided.

    Returns:
        The last point of the descent, and the temperature there, in money; or None where the dual falls below what
        the worst plan is worth, which proves that no plan keeps the rules.
    """
    n, sides = len(cells), len(aim.sides.rule)
    start = Point(np.zeros(sides), 0.0, 0.0, np.zeros(sides), np.zeros((sides, sides)), n, 0.0)
    point, heat = start, HOT
    for size in (size for size in SAMPLES if 1.5 * size < n):
        rows, weight = deck.draw(size)
        part = replace(dual, crowd=crowd_of(cells, dual.limits.segment, rows, weight))
        found = cool(part, point, aim.stake, heat, Goal(60.0 / size, 0))
        if found is None:
            point, heat = start, HOT
            break
        point, heat = found
    found = cool(dual, point, aim.stake, heat, Goal(COLD, few))
    if found is None:
        return None
    tau = found[1] * aim.stake
    return descend(dual, found[0], tau, steps=STEPS, doubt=EXACT), tau


def cool(dual: Dual, point: Point, stake: float, heat: float, goal: Goal) -> tuple[Point, float] | None:
    """Follow the minimum as the temperature falls to a goal; return the last point and temperature.

    Once few customers change their minds from one temperature to the next, the minimum moves in proportion to the
    temperature, so each descent starts from where the line through the last two points leads. None where the dual
    falls below every plan's worth.
    """
    least = dual.least() if dual.stake else -np.inf
    heats, points = [heat], [descend(dual, point, heat * stake, steps=STEPS, doubt=LOOSE)]
    while heats[-1] > WARM or (heats[-1] > goal.heat and points[-1].undecided > goal.undecided):
        heat, now = heats[-1], points[-1]
        if now.exact < least - 1e-6 * abs(least):
            return None
        settled = len(points) > 1 and now.undecided > 0.9 * points[-2].undecided
        cooler = heat * (FAST if settled else COOLING)
        ahead = now.at
        if len(points) > 1:
            ahead = now.at + (now.at - points[-2].at) * (heat - cooler) / (heats[-2] - heat)
        start = now._replace(at=np.clip(ahead, 0.0, dual.sides.cap / dual.sides.unit))
        points.append(descend(dual, start, cooler * stake, steps=STEPS, doubt=LOOSE))
        heats.append(cooler)
    return points[-1], heats[-1]
