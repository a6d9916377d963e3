"""Student's t and normal intervals, as `uplift.estimates.Estimate`."""

from __future__ import annotations

import math

from scipy import special

from uplift.errors import SettingError
from uplift.estimates import Estimate


def check_level(level: float) -> None:
    """Raise SettingError unless `level` can be the coverage of an interval."""
    if not 0 < level < 1:
        raise SettingError(f"level is {level}; it is the coverage of an interval, such as 0.95.")


def critical(level: float, df: float = math.inf) -> float:
    """Return the half-width of a two-sided interval in standard errors, by Student's t."""
    tail = (1 - level) / 2
    return -float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))


def two_sided_p(point: float, se: float, df: float = math.inf) -> float:
    """Return the two-sided p-value of point / se by Student's t; without error 1 if point is 0, else 0."""
    if se == 0:
        return float(point == 0)
    ratio = -abs(point / se)
    return 2 * float(special.ndtr(ratio) if math.isinf(df) else special.stdtr(df, ratio))


def by_t(point: float, se: float, df: float, *, n: int, level: float) -> Estimate:
    """Return the estimate with a symmetric interval and a p-value from Student's t."""
    half = critical(level, df) * se if se else 0.0
    return Estimate(point, se, point - half, point + half, level, two_sided_p(point, se, df), n)
