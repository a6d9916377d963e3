"""Sums that add: count, mean and co-moments by arm, and the delta method on what they hold.

They are all that has to leave a warehouse or a worker: the moments of two parts, added, are the moments of
the whole. Values are centred before they are squared, so that an outcome of 1e9 ± 1 keeps its variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from .errors import DataError

Floats = npt.NDArray[np.float64]
CHUNK = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The count, means and centred cross-products of d columns over some rows.

    Attributes:
        count: Number of rows.
        mean: (d,) mean of each column; 0 where there are no rows.
        cross: (d, d) Σ (x − mean)(x − mean)ᵀ.
    """

    count: int
    mean: Floats
    cross: Floats

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Moments:
        """Return the moments of rows.

        Args:
            values: (n,) one column or (n, d) columns; finite.

        Raises:
            DataError: A value is missing or infinite; the message counts the rows.

        >>> m = Moments.of([1.0, 2.0, 3.0]) + Moments.of([10.0])
        >>> m.count, m.mean.tolist(), m.variance.round(6).tolist()
        (4, [4.0], [16.666667])
        """
        table = np.asarray(values, dtype=float)
        table = table[:, None] if table.ndim == 1 else table
        bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
        if len(bad):
            raise DataError(
                f"Found {len(bad):,} rows with missing or infinite values (the first is row {bad[0]}); "
                "moments need numbers: drop or fill them first."
            )
        starts = range(0, len(table), CHUNK)
        return reduce(
            add, (_chunk(table[start : start + CHUNK]) for start in starts), cls.none(table.shape[1])
        )

    @classmethod
    def none(cls, columns: int) -> Moments:
        """Return the moments of no rows: what changes nothing when added."""
        return cls(0, np.zeros(columns), np.zeros((columns, columns)))

    @classmethod
    def from_sums(cls, count: int, sums: npt.ArrayLike, products: npt.ArrayLike) -> Moments:
        """Return the moments from raw sums, as a SQL query gives them.

        Raw sums of squares lose digits when the mean is large against the spread; prefer `of` where there are
        rows.

        Args:
            count: Number of rows.
            sums: (d,) Σ x, or a number.
            products: (d, d) Σ x xᵀ, or a number.
        """
        total = np.atleast_1d(np.asarray(sums, dtype=float))
        square = np.atleast_2d(np.asarray(products, dtype=float))
        if count < 1 or square.shape != (len(total), len(total)):
            raise DataError(
                f"Found {count} rows, {total.shape} sums and {square.shape} products; moments need at least "
                "one row, (d,) sums and (d, d) products."
            )
        return cls(count, total / count, square - np.outer(total, total) / count)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of the rows of both (Chan, Golub & LeVeque 1983)."""
        if not (self.count and other.count):
            return other if other.count else self
        count = self.count + other.count
        gap = other.mean - self.mean
        share = other.count / count
        cross = self.cross + other.cross + np.outer(gap, gap) * (self.count * share)
        return Moments(count, self.mean + gap * share, cross)

    @property
    def covariance(self) -> Floats:
        """(d, d) sample covariance, divided by count − 1; nan below two rows."""
        return self.cross / (self.count - 1) if self.count > 1 else np.full_like(self.cross, np.nan)

    @property
    def variance(self) -> Floats:
        """(d,) sample variance of each column, divided by count − 1; nan below two rows."""
        return np.diagonal(self.covariance).copy()

    @property
    def mean_variance(self) -> Floats:
        """(d,) squared standard error of each column's mean for independent rows."""
        return self.variance / self.count if self.count else np.full_like(self.mean, np.nan)

    def columns(self, chosen: Sequence[int]) -> Moments:
        """Return the moments of some of the columns."""
        picked = np.asarray(chosen, dtype=int)
        return Moments(self.count, self.mean[picked], self.cross[np.ix_(picked, picked)])


def moments_by_arm(values: npt.ArrayLike, arm: npt.NDArray[np.integer], actions: int) -> dict[int, Moments]:
    """Return the moments of each arm: −1 for control, 0 to `actions` − 1.

    Args:
        values: (n,) or (n, d) finite columns.
        arm: (n,) index of each row's arm.
        actions: Number k of arms beside control; those without rows have a count of 0.
    """
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    return {index: Moments.of(table[arm == index]) for index in range(-1, actions)}


def relative_change(
    treated: float, control: float, covariance: tuple[float, float, float]
) -> tuple[float, float] | None:
    """Return treated / control − 1 and its standard error by the delta method, or None without meaning.

    se² = (Var t − 2 (t/c) Cov + (t/c)² Var c) / c². A change relative to a control mean of zero or less is
    not defined.

    Args:
        treated: Mean of the treated.
        control: Mean of control.
        covariance: Var t, Var c and Cov(t, c) of the two means.

    References:
        Deng, Knoblich & Lu (2018), Applying the delta method in metric analytics.

    >>> relative_change(1.2, 1.0, (0.01, 0.01, 0.0))
    (0.19999999999999996, 0.15620499351813308)
    """
    if control <= 0:
        return None
    ratio = treated / control
    var_treated, var_control, both = covariance
    variance = var_treated - 2 * ratio * both + ratio**2 * var_control
    return ratio - 1, float(np.sqrt(max(variance, 0.0))) / control


def _chunk(rows: Floats) -> Moments:
    # The mean of a column near 1e9 is itself rounded, so the mean of the residuals corrects it. einsum rather
    # than a matrix product: its order of summation does not depend on the number of threads.
    columns = np.ascontiguousarray(rows.T)
    mean = columns.mean(axis=1)
    centred = columns - mean[:, None]
    rest = centred.mean(axis=1)
    cross = np.einsum("in,jn->ij", centred, centred) - np.outer(rest, rest) * len(rows)
    return Moments(len(rows), mean + rest, cross)
