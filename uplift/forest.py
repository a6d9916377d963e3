"""Forest: boosted trees scored for all actions of a customer at once, by bit masks.

A tree with at most 64 leaves is a word with a bit a leaf. Every split on feature f clears, for the codes that go
right, the bits of the leaves to its left; the lowest bit that survives all features is the leaf reached
(QuickScorer: Lucchese et al., 2015). The features of the customer are combined once, and each action then costs
one AND, however many features there are: the customer's part of the work is shared by all actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lightgbm
import numba
import numpy as np
import numpy.typing as npt

from .encoder import CODES, Codes

FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
# Multiplying an isolated bit by this de Bruijn constant puts a different pattern into the top six bits for each.
DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
BLOCK = 512  # rows scored together: their masks stay in the first-level cache
MAX_LEAVES = 64
ACTION_CODES = 256  # codes an action feature can have: all that uint8 holds


@dataclass(frozen=True, slots=True)
class Forest:
    """Boosted trees over the codes of d customer features followed by q action features.

    Attributes:
        text: The model in LightGBM's own text format, which is what gets saved.
        features: (m,) customer feature of each mask table, tables of one tree together.
        starts: (trees + 1,) first mask table of each tree.
        masks: (m, 64) leaves that survive each code.
        actions: (trees, q, 256) the same for the action features; all ones where a tree has none.
        leaves: (trees, 64) value of each leaf, at its de Bruijn position.
    """

    text: str
    width: int
    features: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    masks: npt.NDArray[np.uint64]
    actions: npt.NDArray[np.uint64]
    leaves: npt.NDArray[np.float64]

    @classmethod
    def of(cls, booster: lightgbm.Booster, width: int, extra: int) -> Forest:
        """Compile a fitted booster: `width` features of the customer, then `extra` of the action."""
        return cls.from_text(booster.model_to_string(num_iteration=-1), width, extra)

    @classmethod
    def from_text(cls, text: str, width: int, extra: int) -> Forest:
        """Compile a model from LightGBM's text format."""
        features: list[int] = []
        starts = [0]
        masks: list[npt.NDArray[np.uint64]] = []
        actions: list[npt.NDArray[np.uint64]] = []
        leaves: list[npt.NDArray[np.float64]] = []
        for tree in _trees(text):
            tables = _tables(tree)
            for feature in sorted(f for f in tables if f < width):
                features.append(feature)
                masks.append(tables[feature][:CODES])
            starts.append(len(features))
            everything = np.full(ACTION_CODES, FULL)
            actions.append(np.stack([tables.get(width + j, everything) for j in range(max(extra, 1))]))
            leaves.append(_leaf_values(tree))
        return cls(
            text=text,
            width=width,
            features=np.asarray(features, np.int32),
            starts=np.asarray(starts, np.int32),
            masks=np.stack(masks) if masks else np.zeros((0, CODES), np.uint64),
            actions=np.stack(actions) if actions else np.zeros((0, max(extra, 1), ACTION_CODES), np.uint64),
            leaves=np.stack(leaves) if leaves else np.zeros((0, MAX_LEAVES)),
        )

    def score(self, codes: Codes, design: Codes) -> npt.NDArray[np.float32]:
        """Return the raw scores (n, k) of every customer under every action.

        Args:
            codes: (n, d) codes of the customers, column-major.
            design: (k, q) codes of the actions; (1, 0) for a model without action features.
        """
        out = np.zeros((len(codes), len(design)), np.float32)
        if len(self.leaves):
            combined = np.full((len(self.leaves), len(design)), FULL)
            for j in range(design.shape[1]):
                combined &= self.actions[:, j, :][:, design[:, j]]
            columns = np.asfortranarray(codes)
            _score(columns, self.features, self.starts, self.masks, combined, self.leaves, out)
        return out


@dataclass(frozen=True, slots=True)
class _Tree:
    feature: list[int]
    threshold: list[float]
    kind: list[int]
    left: list[int]
    right: list[int]
    value: list[float]
    boundaries: list[int]
    words: list[int]


def _trees(text: str) -> Iterator[_Tree]:
    for block in text.split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)

        def integers(name: str, fields: dict[str, str] = fields) -> list[int]:
            return [int(float(part)) for part in fields.get(name, "").split()]

        yield _Tree(
            feature=integers("split_feature"),
            threshold=[float(part) for part in fields.get("threshold", "").split()],
            kind=integers("decision_type"),
            left=integers("left_child"),
            right=integers("right_child"),
            value=[float(part) for part in fields["leaf_value"].split()],
            boundaries=integers("cat_boundaries"),
            words=integers("cat_threshold"),
        )


def _goes_left(tree: _Tree, node: int) -> npt.NDArray[np.bool_]:
    """Return, for every code, whether the split sends it left."""
    codes = np.arange(ACTION_CODES)
    if not tree.kind[node] & 1:
        return codes <= tree.threshold[node]
    category = int(tree.threshold[node])
    words = tree.words[tree.boundaries[category] : tree.boundaries[category + 1]]
    bits = [word >> bit & 1 for word in words for bit in range(32)]
    member = np.zeros(max(ACTION_CODES, len(bits)), bool)
    member[: len(bits)] = bits
    return member[:ACTION_CODES]


def _order(tree: _Tree) -> tuple[list[int], dict[int, tuple[int, int]]]:
    """Return the leaves from left to right, and for each split the range of leaves on its left."""
    leaves: list[int] = []
    spans: dict[int, tuple[int, int]] = {}

    def walk(node: int) -> None:
        if node < 0:
            leaves.append(~node)
            return
        start = len(leaves)
        walk(tree.left[node])
        spans[node] = (start, len(leaves))
        walk(tree.right[node])

    walk(0 if tree.feature else -1)
    return leaves, spans


def _tables(tree: _Tree) -> dict[int, npt.NDArray[np.uint64]]:
    """Return, for each feature the tree splits on, the leaves that survive each code."""
    _, spans = _order(tree)
    tables: dict[int, npt.NDArray[np.uint64]] = {}
    for node, (start, end) in spans.items():
        cleared = FULL ^ np.uint64((1 << end) - (1 << start))
        table = tables.setdefault(tree.feature[node], np.full(ACTION_CODES, FULL))
        table[~_goes_left(tree, node)] &= cleared
    return tables


def _leaf_values(tree: _Tree) -> npt.NDArray[np.float64]:
    leaves, _ = _order(tree)
    values = np.zeros(MAX_LEAVES)
    for bit, leaf in enumerate(leaves):
        place = (((1 << bit) * int(DE_BRUIJN)) & int(FULL)) >> 58
        values[place] = tree.value[leaf]
    return values


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _score(
    codes: Codes,
    features: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int32],
    masks: npt.NDArray[np.uint64],
    actions: npt.NDArray[np.uint64],
    leaves: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
) -> None:
    n, k = out.shape
    alive = np.empty(BLOCK, np.uint64)
    total = np.empty((k, BLOCK), np.float64)
    shift = np.uint64(58)
    one = np.uint64(1)
    for low in range(0, n, BLOCK):
        size = min(BLOCK, n - low)
        total[:, :size] = 0.0
        for tree in range(leaves.shape[0]):
            alive[:size] = FULL
            for table in range(starts[tree], starts[tree + 1]):
                column = codes[low : low + size, features[table]]
                mask = masks[table]
                for i in range(size):
                    alive[i] &= mask[column[i]]
            value = leaves[tree]
            for a in range(k):
                allowed = actions[tree, a]
                row = total[a]
                for i in range(size):
                    bits = alive[i] & allowed
                    lowest = bits & (~bits + one)
                    row[i] += value[(lowest * DE_BRUIJN) >> shift]
        for a in range(k):
            for i in range(size):
                out[low + i, a] = total[a, i]
