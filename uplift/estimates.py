"""Estimate: a number with its standard error, interval and p value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
import numpy.typing as npt

from .errors import SettingError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and how sure it is.

    `float(estimate)` is the point, and numpy reads the point too (`np.isclose(estimate, 0.1)`), so that an
    estimate can be held against a number. `==` compares two estimates in every field.

    Attributes:
        point: The estimate, in the unit of what was estimated.
        se: Its standard error, same unit.
        lower: Lower end of the two-sided interval.
        upper: Upper end of the two-sided interval.
        level: Coverage of the interval, between 0 and 1.
        p: Two-sided p value of the hypothesis that the truth is 0.
        n: Number of rows it rests on; 0 where that says nothing.
        ess: Effective sample size (Σw)² / Σw² where rows were weighted, else None.
    """

    point: float
    se: float
    lower: float
    upper: float
    level: float
    p: float
    n: int
    ess: float | None = None

    @classmethod
    def normal(
        cls, point: float, se: float, *, level: float = 0.9, n: int = 0, ess: float | None = None
    ) -> Self:
        """Return the estimate with its normal interval, point ± z·se, and its normal p value.

        Raises:
            SettingError: The level is not between 0 and 1.

        >>> print(Estimate.normal(0.5, 0.1, level=0.95, n=1000))
        0.50, with 95% confidence between 0.30 and 0.70 (p < 0.001, 1,000 rows).
        """
        if not 0 < level < 1:
            raise SettingError(f"level is {level}; a share between 0 and 1 is needed, as in level=0.9.")
        point, se = float(point), float(se)
        half = NormalDist().inv_cdf(0.5 + level / 2) * se
        return cls(point, se, point - half, point + half, level, _two_sided_p(point, se), int(n), ess)

    @classmethod
    def from_influence(
        cls, point: float, influence: Floats, *, level: float = 0.9, ess: float | None = None
    ) -> Self:
        """Return the normal estimate whose se is the deviation of (n,) influence values, sd / √n.

        An influence value says how far the estimate moves, times n, per unit of weight added to its row. With
        fewer than two rows there is no standard error: it is infinite, and p is 1.

        References:
            Hampel, The influence curve and its role in robust estimation, 1974.
        """
        n = len(influence)
        se = float(influence.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
        return cls.normal(point, se, level=level, n=n, ess=ess)

    def __float__(self) -> float:
        return self.point

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Floats:
        return np.array(self.point, dtype=dtype)

    def __str__(self) -> str:
        point, lower, upper = (_shown(value, self.se) for value in (self.point, self.lower, self.upper))
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.3f}"
        rows = f", {self.n:,} rows" if self.n else ""
        weight = f", effectively {self.ess:,.0f}" if self.n and self.ess is not None else ""
        sure = f"{100 * self.level:.4g}% confidence"
        return f"{point}, with {sure} between {lower} and {upper} ({p}{rows}{weight})."


def _two_sided_p(point: float, se: float) -> float:
    """Return the p value of point / se under the standard normal, exact far out in the tails."""
    if se == 0:
        return float(point == 0)
    return math.erfc(abs(point / se) / math.sqrt(2))


def _shown(value: float, se: float) -> str:
    """Return a value with as many decimals as show two digits of its standard error."""
    if not (se > 0 and math.isfinite(se)):
        return f"{value:,.6g}"
    decimals = min(max(1 - math.floor(math.log10(se)), 0), 12)
    return f"{value:,.{decimals}f}"
