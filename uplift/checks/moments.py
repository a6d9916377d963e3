"""Weighted balance of every feature between groups of rows, in one pass over each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import erfc

from ..history import Floats, History
from .arms import groups, repeated_clusters
from .features import Feature

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two sets of groups whose rows should be alike."""

    name: str
    left: tuple[int, ...]
    right: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """How far the features are from being alike.

    Attributes:
        columns: The m encoded columns, in words.
        features: (m,) the feature each of them comes from.
        contrasts: The c comparisons.
        smd: (m, c) standardised mean difference: of the weighted means, in standard deviations of all rows.
        p: (m, c) two-sided p-values, times the number m·c of tests (Bonferroni).
    """

    columns: tuple[str, ...]
    features: tuple[str, ...]
    contrasts: tuple[Contrast, ...]
    smd: Floats
    p: Floats


def balance(history: History, features: Sequence[Feature], contrasts: Sequence[Contrast]) -> Balance:
    """Return the balance of features between groups (arm + 1), each row weighted by 1/propensity.

    The error of a group's weighted mean is the larger of two: from the group's own squared deviations
    (summed by cluster where rows share one) and from the variance of all rows. Either alone has false alarms
    for a skewed feature in a thin arm, one in each direction.
    """
    group = groups(history)
    weights = 1 / history.propensity
    sums = _Sums.of(group, weights, len(history.actions) + 1, repeated_clusters(history))
    rows = np.bincount(group, minlength=len(history.actions) + 1)
    used = [pair for pair in contrasts if _rows(rows, pair.left) and _rows(rows, pair.right)]
    columns, names, means, variances = [], [], [], []
    for feature in features:
        for column, values in feature.columns():
            spread = values.std()
            if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
                continue
            total, squares = sums.of_column((values - values.mean()) / spread)
            columns.append(column)
            names.append(feature.name)
            means.append(total)
            variances.append(squares)
    shape = (len(columns), len(sums.weight))
    smd, p = _differences(np.reshape(means, shape), np.reshape(variances, shape), sums, used)
    return Balance(tuple(columns), tuple(names), tuple(used), smd, p)


def _rows(rows: Integers, members: tuple[int, ...]) -> int:
    return int(rows[list(members)].sum())


@dataclass(frozen=True, slots=True)
class _Sums:
    """What all columns share: each row's weight, group and unit (its cluster's rows of the same group)."""

    group: Integers
    weights: Floats
    unit: Integers | None
    unit_group: Integers
    weight: Floats
    weight_squares: Floats

    @classmethod
    def of(cls, group: Integers, weights: Floats, size: int, clusters: Integers | None) -> _Sums:
        """Sum the weights of each group, and their squares by unit."""
        unit: Integers | None = None
        unit_group, unit_weight = group, weights
        if clusters is not None:
            keys, unit = np.unique(clusters * size + group, return_inverse=True)
            unit_group = keys % size
            unit_weight = _sum_by(unit, weights)
        total = _sum_by(group, weights, size)
        squares = _sum_by(unit_group, np.square(unit_weight), size)
        return cls(group, weights, unit, unit_group, total, squares)

    def of_column(self, values: Floats) -> tuple[Floats, Floats]:
        """Return each group's Σ w·x, and Σ over its units of (Σ w·(x − mean))²."""
        size = len(self.weight)
        total = _sum_by(self.group, self.weights * values, size)
        mean = np.divide(total, self.weight, out=np.zeros(size), where=self.weight > 0)
        deviation = self.weights * (values - mean[self.group])
        if self.unit is not None:
            deviation = _sum_by(self.unit, deviation)
        return total, _sum_by(self.unit_group, np.square(deviation), size)


def _sum_by(key: Integers, values: Floats, size: int = 0) -> Floats:
    sums: Floats = np.bincount(key, weights=values, minlength=size).astype(np.float64, copy=False)
    return sums


def _differences(
    totals: Floats, squares: Floats, sums: _Sums, contrasts: Sequence[Contrast]
) -> tuple[Floats, Floats]:
    """Return (columns, contrasts) standardised differences of pooled weighted means, and their p-values."""
    sides = []
    for side in ("left", "right"):
        member = np.zeros((len(sums.weight), len(contrasts)))
        for number, contrast in enumerate(contrasts):
            member[list(getattr(contrast, side)), number] = 1.0
        weight = sums.weight @ member
        variance = np.maximum(squares @ member, sums.weight_squares @ member) / np.square(weight)
        sides.append((totals @ member / weight, variance))
    (left, left_variance), (right, right_variance) = sides
    smd = left - right
    z = np.abs(smd) / np.sqrt(left_variance + right_variance)
    p: Floats = np.minimum(1.0, erfc(z / np.sqrt(2)) * max(smd.size, 1))
    return smd, p
