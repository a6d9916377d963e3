"""The problem in arrays: the customers' cells, and the limits that a plan must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .kernels import Book, Crowd, Floats, Ints, Tariff, fill_tiles

Mask = npt.NDArray[np.bool_]
Actions = npt.NDArray[np.int32]
WIDTH = 256


@dataclass(frozen=True, slots=True)
class Cells:
    """What each customer could be given.

    Attributes:
        values: (n, k) margins, as the caller gave them: float32 or float64, with whatever is in them.
        costs: (n, k) costs, or (1, k) where a cost depends on the action only.
        eligible: (n, k), or (0, 0) where every cell is.
        weights: (n,) how many customers each row stands for.
    """

    values: npt.NDArray[Any]
    costs: npt.NDArray[Any]
    eligible: Mask
    weights: Floats

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.values)

    @property
    def actions(self) -> int:
        """The number of actions."""
        return int(self.values.shape[1])

    def take(self, rows: Ints) -> tuple[Floats, Floats, Mask]:
        """Return values, costs and usable cells of some customers, each (m, k), masked cells 0."""
        values = self.values[rows].astype(np.float64)
        costs = np.broadcast_to(self.costs if len(self.costs) == 1 else self.costs[rows], values.shape)
        costs = costs.astype(np.float64)
        usable = np.isfinite(values) & np.isfinite(costs) & (costs >= 0)
        if len(self.eligible):
            usable &= self.eligible[rows]
        values[~usable] = 0.0
        costs[~usable] = 0.0
        return values, costs, usable


@dataclass(frozen=True, slots=True)
class Limits:
    """R rules: lower <= Σ weight · theta · (1, cost, value) over the cells that count <= upper.

    Attributes:
        names: What each is called.
        theta: (R, 3) what each sums.
        on_action: (R, k) which actions count.
        on_segment: (R, G) which segments count.
        segment: (n,) the segment of each customer: those that count under the same rules.
        lower: (R,) lower bounds, −inf for none.
        upper: (R,) upper bounds, inf for none.
        hits: (R, G · k) 1 where a segment's action counts under a rule.
    """

    names: tuple[str, ...]
    theta: Floats
    on_action: Mask
    on_segment: Mask
    segment: Ints
    lower: Floats
    upper: Floats
    hits: sparse.csr_array

    def __len__(self) -> int:
        """Return the number of rules."""
        return len(self.names)

    @property
    def shape(self) -> tuple[int, int]:
        """Segments and actions."""
        return self.on_segment.shape[1], self.on_action.shape[1]

    def counted(self, r: int, rows: Ints | slice = slice(None)) -> Mask:
        """Return (m, k): which cells of some customers count under a rule."""
        return np.asarray(self.on_segment[r][self.segment[rows]][:, None] & self.on_action[r])

    def usage(self, totals: Floats) -> Floats:
        """Return (R,) what each rule adds up to, from (G, k, 3) contacts, cost and value of the choices."""
        return np.asarray((self.hits @ totals.reshape(-1, 3) * self.theta).sum(axis=1))

    def tariff(self, price: Floats, *, stake: float = 1.0) -> Tariff:
        """Return what one price a rule makes of every action; a stake of 0 leaves the objective out."""
        sums = (self.hits.T @ (price[:, None] * self.theta)).T.reshape(3, *self.shape)
        toll, charge, keep = (np.ascontiguousarray(part) for part in sums)
        return Tariff(stake - keep, stake + charge, toll)

    def book(self) -> Book:
        """Return which rules each (segment, action) counts under."""
        hits = self.hits.tocsc()
        return Book(hits.indptr.astype(np.int64), hits.indices.astype(np.int64), self.theta)

    def coefficients(self, segment: Ints, action: npt.NDArray[Any], cost: Floats, value: Floats) -> Floats:
        """Return (R, m): what m choices, one a row, add to each rule, per customer."""
        each = self.theta @ np.stack([np.ones_like(cost), cost, value])
        return np.asarray(np.where(self.on_segment[:, segment] & self.on_action[:, action], each, 0.0))


def hits_of(on_segment: Mask, on_action: Mask) -> sparse.csr_array:
    """Return (R, G · k): 1 where a segment's action counts under a rule."""
    k = on_action.shape[1]
    cells = [
        (np.flatnonzero(segments)[:, None] * k + np.flatnonzero(actions)).ravel()
        for segments, actions in zip(on_segment, on_action, strict=True)
    ]
    start = np.concatenate([[0], np.cumsum([len(part) for part in cells])])
    index = np.concatenate(cells)
    shape = (len(on_action), on_segment.shape[1] * k)
    return sparse.csr_array((np.ones(len(index)), index, start), shape=shape)


def segments(masks: Sequence[Mask], n: int) -> tuple[Ints, Mask]:
    """Return the segment of each customer, and which segments each mask covers: (n,) and (masks, G)."""
    code = np.zeros(n, dtype=np.int64)
    cover = np.zeros((0, 1), dtype=np.bool_)
    for mask in masks:
        code = 2 * code + mask
        kinds = np.flatnonzero(np.bincount(code))
        cover = np.vstack([cover[:, kinds // 2], kinds % 2 == 1])
        code = _renumbered(code, kinds)
    return code, cover


def _renumbered(code: Ints, kinds: Ints) -> Ints:
    """Return the place of each code among the kinds that occur."""
    place = np.zeros(int(kinds[-1]) + 1, dtype=np.int64)
    place[kinds] = np.arange(len(kinds))
    return place[code]


def crowd_of(cells: Cells, segment: Ints, rows: Ints, scale: Floats) -> Crowd:
    """Return some customers in tiles.

    Args:
        cells: What each customer could be given.
        segment: (n,) segment of each customer.
        rows: (m,) the customers that are wanted.
        scale: (m,) each of them stands for this many like it.
    """
    order = rows
    sizes = np.array([len(rows)])
    if segment.max(initial=0) > 0:
        by_segment = np.argsort(segment[rows], kind="stable")
        order, scale = rows[by_segment], scale[by_segment]
        sizes = np.bincount(segment[rows])
    width = _width(sizes)
    place = _places(sizes, width)
    tiles = int(-(-sizes // width).sum())
    row = np.full(tiles * width, -1, dtype=np.int64)
    row[place] = order
    weight = np.zeros(tiles * width)
    weight[place] = cells.weights[order] * scale
    return _filled(cells, row, weight, np.repeat(np.arange(len(sizes)), -(-sizes // width)))


def _width(sizes: Ints) -> int:
    """Return a tile width that wastes at most a quarter of the places."""
    width = WIDTH
    while width > 1 and (-(-sizes // width) * width).sum() > 1.25 * sizes.sum() + WIDTH:
        width //= 2
    return width


def _places(sizes: Ints, width: int) -> Ints | slice:
    """Return the place of each customer, where every segment starts a tile of its own."""
    if len(sizes) == 1:
        return slice(0, int(sizes[0]))
    padded = -(-sizes // width) * width
    shift = np.concatenate([[0], np.cumsum(padded - sizes)[:-1]])
    return np.asarray(np.arange(sizes.sum()) + np.repeat(shift, sizes))


def _plain(cost: npt.NDArray[Any]) -> Floats:
    """Return costs as float64, 0 where an action is masked for everybody because of its cost."""
    return np.where(np.isfinite(cost) & (cost >= 0), cost, 0.0).astype(np.float64)


def _filled(cells: Cells, row: Ints, weight: Floats, segment: Ints) -> Crowd:
    """Allocate the tiles and copy the customers into them."""
    tiles = len(segment)
    width = len(row) // tiles if tiles else WIDTH
    shared = len(cells.costs) == 1
    narrow = cells.values.dtype == np.float32 and (shared or cells.costs.dtype == np.float32)
    kind = np.float32 if narrow else np.float64
    crowd = Crowd(
        values=np.empty((tiles, cells.actions, width), dtype=kind),
        costs=np.empty((0 if shared else tiles, cells.actions, width), dtype=kind),
        cost=_plain(cells.costs[0]) if shared else np.zeros(cells.actions),
        weight=weight.reshape(tiles, width),
        segment=segment.astype(np.int64),
        row=row.reshape(tiles, width),
    )
    fill_tiles(cells.values, cells.costs, cells.eligible, row, crowd)
    return crowd
