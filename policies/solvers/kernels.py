"""Passes over all customers at given prices: who is best off with what, and how that moves with the prices.

Customers lie in tiles: one segment and `width` customers a tile, action-major, so that the inner loops run over
neighbouring customers and vectorise. A cell that may not be chosen is not-a-number, which loses every comparison.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Options whose chance is below exp(-REACH) do not count.
REACH = 20.0


class Crowd(NamedTuple):
    """Customers in tiles.

    Attributes:
        values: (tiles, k, width) margin of each action, float32 or float64; not-a-number where masked.
        costs: (tiles, k, width) cost of each action, or (0, k, width) where a cost depends on the action only.
        cost: (k,) cost of each action, where it depends on the action only.
        weight: (tiles, width) how many customers each row stands for; 0 for padding.
        segment: (tiles,) segment of all customers of a tile.
        row: (tiles, width) row of the customer in the caller's arrays; −1 for padding.
    """

    values: npt.NDArray[Any]
    costs: npt.NDArray[Any]
    cost: Floats
    weight: Floats
    segment: Ints
    row: Ints


class Tariff(NamedTuple):
    """What prices make of an action: score = keep · value − charge · cost − toll; each (segments, k)."""

    keep: Floats
    charge: Floats
    toll: Floats


class Book(NamedTuple):
    """Which rules a chosen (segment, action) counts under, as compressed rows, and what each rule sums.

    Attributes:
        start: (segments · k + 1,) where the rules of each (segment, action) begin in `rule`.
        rule: rules, by (segment, action).
        theta: (rules, 3) what each rule sums: theta · (1, cost, value).
    """

    start: Ints
    rule: Ints
    theta: Floats


class Scratch(NamedTuple):
    """Room for one tile: best and second-best score, and the best action, of each customer."""

    best: Floats
    second: Floats
    action: Floats


@compiled
def cost_of(crowd: Crowd, tile: int, action: int, place: int) -> float:
    """Return what an action costs for one customer."""
    if crowd.costs.shape[0] == 0:
        return crowd.cost[action]  # type: ignore[no-any-return]
    return float(crowd.costs[tile, action, place])


@compiled
def score_tile(crowd: Crowd, tariff: Tariff, tile: int, scratch: Scratch) -> None:
    """Fill the scratch with each customer's two best scores; doing nothing scores 0 and is action −1."""
    # The ranking is written out twice because a call within the inner loops keeps them from vectorising.
    best, second, chosen = scratch
    width = best.shape[0]
    segment = crowd.segment[tile]
    for j in range(width):
        best[j] = 0.0
        second[j] = -np.inf
        chosen[j] = -1.0
    for a in range(crowd.values.shape[1]):
        keep = tariff.keep[segment, a]
        charge = tariff.charge[segment, a]
        toll = tariff.toll[segment, a]
        if crowd.costs.shape[0] == 0:
            toll += charge * crowd.cost[a]
            for j in range(width):
                score = keep * crowd.values[tile, a, j] - toll
                first = best[j]
                second[j] = first if score > first else (score if score > second[j] else second[j])
                chosen[j] = a if score > first else chosen[j]
                best[j] = score if score > first else first
        else:
            for j in range(width):
                score = keep * crowd.values[tile, a, j] - charge * crowd.costs[tile, a, j] - toll
                first = best[j]
                second[j] = first if score > first else (score if score > second[j] else second[j])
                chosen[j] = a if score > first else chosen[j]
                best[j] = score if score > first else first


@compiled
def soften(
    crowd: Crowd, tariff: Tariff, at: tuple[int, int], best: float, tau: float, chance: Floats
) -> float:
    """Fill `chance` with the logit choice probabilities of one customer; return tau · log of their normaliser."""
    tile, j = at
    segment = crowd.segment[tile]
    rest = math.exp(-best / tau)
    total = rest
    for a in range(crowd.values.shape[1]):
        value = float(crowd.values[tile, a, j])
        score = tariff.keep[segment, a] * value - tariff.charge[segment, a] * cost_of(crowd, tile, a, j)
        score -= tariff.toll[segment, a]
        chance[a] = math.exp((score - best) / tau) if score - best > -REACH * tau else 0.0
        total += chance[a]
    for a in range(chance.shape[0]):
        chance[a] /= total
    return tau * math.log(total)


@compiled
def add_curvature(
    crowd: Crowd,
    book: Book,
    at: tuple[int, int],
    chance: Floats,
    moments: Floats,
    outer: Floats,
    mean: Floats,
) -> None:
    """Add one undecided customer to the second moments by (segment, action) and to the outer product of means."""
    tile, j = at
    k = chance.shape[0]
    segment = crowd.segment[tile]
    weight = crowd.weight[tile, j]
    mean[:] = 0.0
    for a in range(k):
        if chance[a] == 0.0:
            continue
        cost = cost_of(crowd, tile, a, j)
        value = float(crowd.values[tile, a, j])
        share = weight * chance[a]
        cell = moments[segment, a]
        cell[0] += share
        cell[1] += share * cost
        cell[2] += share * value
        cell[3] += share * cost * cost
        cell[4] += share * cost * value
        cell[5] += share * value * value
        for at_rule in range(book.start[segment * k + a], book.start[segment * k + a + 1]):
            r = book.rule[at_rule]
            mean[r] += chance[a] * (book.theta[r, 0] + book.theta[r, 1] * cost + book.theta[r, 2] * value)
    for r in range(mean.shape[0]):
        if mean[r] != 0.0:
            for q in range(r + 1):
                outer[r, q] += weight * mean[r] * mean[q]


@compiled
def soft_pass(
    crowd: Crowd, tariff: Tariff, book: Book, tau: float, tables: tuple[Floats, Floats, Floats]
) -> tuple[float, float, int, float]:
    """Add up what all customers choose at a tariff, smoothed at temperature tau.

    Args:
        crowd: The customers.
        tariff: What the prices make of every action.
        book: Which rules each choice counts under.
        tau: Temperature of the smoothing, in money.
        tables: Filled, from zero: (segments, k, 3) contacts, cost and value of the choices; (segments, k, 6)
            second moments of the undecided; (rules, rules) lower triangle of the outer products of their means.

    Returns:
        Σ weight · best score; the same with the soft maximum tau · log Σ exp(score / tau) in place of the best;
        how many rows are undecided, and their weight.
    """
    totals, moments, outer = tables
    width = crowd.weight.shape[1]
    scratch = Scratch(np.empty(width), np.empty(width), np.empty(width))
    chance = np.empty(crowd.values.shape[1])
    mean = np.empty(outer.shape[0])
    exact = 0.0
    soft = 0.0
    undecided = 0
    torn = 0.0
    for tile in range(crowd.values.shape[0]):
        score_tile(crowd, tariff, tile, scratch)
        segment = crowd.segment[tile]
        here = 0.0
        for j in range(width):
            weight = crowd.weight[tile, j]
            best = scratch.best[j]
            here += weight * best
            if weight == 0.0:
                continue
            if best - scratch.second[j] < REACH * tau:
                undecided += 1
                torn += weight
                soft += weight * soften(crowd, tariff, (tile, j), best, tau, chance)
                add_curvature(crowd, book, (tile, j), chance, moments, outer, mean)
            elif scratch.action[j] >= 0:
                a = int(scratch.action[j])
                cell = totals[segment, a]
                cell[0] += weight
                cell[1] += weight * cost_of(crowd, tile, a, j)
                cell[2] += weight * crowd.values[tile, a, j]
        exact += here
    totals += moments[:, :, :3]
    return exact, exact + soft, undecided, torn


@compiled
def hard_pass(crowd: Crowd, tariff: Tariff, action: npt.NDArray[np.int32], lead: Floats) -> float:
    """Write every customer's best action, and how far it leads the next best, to the caller's rows.

    Returns:
        Σ weight · best score.
    """
    width = crowd.weight.shape[1]
    scratch = Scratch(np.empty(width), np.empty(width), np.empty(width))
    exact = 0.0
    for tile in range(crowd.values.shape[0]):
        score_tile(crowd, tariff, tile, scratch)
        here = 0.0
        for j in range(width):
            row = crowd.row[tile, j]
            here += crowd.weight[tile, j] * scratch.best[j]
            if row >= 0:
                action[row] = int(scratch.action[j])
                lead[row] = scratch.best[j] - scratch.second[j]
        exact += here
    return exact


@compiled
def is_money(value: float, cost: float) -> bool:
    """Return whether both are finite and the cost is not negative."""
    return abs(value) < np.inf and 0.0 <= cost < np.inf


@compiled
def fill_tiles(
    values: npt.NDArray[Any],
    costs: npt.NDArray[Any],
    eligible: npt.NDArray[np.bool_],
    order: Ints,
    crowd: Crowd,
) -> None:
    """Copy rows of the caller's arrays into tiles; what is not finite, not eligible or of negative cost is masked.

    Args:
        values: (n, k) margins.
        costs: (n, k) costs, or (1, k) where they depend on the action only.
        eligible: (n, k), or (0, 0) where every cell is.
        order: (tiles · width,) row for each place; −1 for padding.
        crowd: Its values and costs are filled.
    """
    tiles, k, width = crowd.values.shape
    shared, open_to_all = crowd.costs.shape[0] == 0, eligible.shape[0] == 0
    for tile in range(tiles):
        for j in range(width):
            row = order[tile * width + j]
            for a in range(k):
                value, cost = values[row, a], costs[0 if shared else row, a]
                usable = row >= 0 and is_money(value, cost) and (open_to_all or eligible[row, a])
                crowd.values[tile, a, j] = value if usable else np.nan
                if not shared:
                    crowd.costs[tile, a, j] = cost if usable else 0.0
