"""Always-valid inference: intervals and p-values that hold however often, and whenever, one looks."""

from __future__ import annotations

import math

from uplift.errors import SettingError
from uplift.estimates import Estimate

from .intervals import check_level


def confidence_sequence(
    point: float, se: float, n: float, *, planned: float = 5000, level: float = 0.95
) -> Estimate:
    """Return the interval of an asymptotic confidence sequence: all of its looks cover at once.

    With ρ² = (−2 ln α + ln(1 − 2 ln α)) / N*, the half-width at n rows is
    se · √n · √(2(nρ² + 1) / (nρ)² · ln(√(nρ² + 1) / α)), and p is the α at which it just reaches 0. It holds
    for averages of many independent rows; it is narrowest near N* rows, at about 1.5 × the fixed interval.

    Args:
        point: Any asymptotically normal estimate: a difference, a lift, an adjusted effect.
        se: Its standard error with the rows seen so far.
        n: Rows seen so far, all arms together.
        planned: N*, the rows at which the sequence is tuned to be narrowest.
        level: Chance that all intervals, over all looks, cover the truth; α = 1 − level.

    Raises:
        SettingError: A standard error, count or level out of range.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021), Time-uniform central limit theory.

    >>> e = confidence_sequence(0.5, 0.1, 5000)
    >>> round((e.upper - e.lower) / 2 / e.se, 5)
    3.03521
    """
    check_level(level)
    _need(
        math.isfinite(point) and 0 <= se < math.inf, f"The estimate is {point} ± {se}; both must be finite."
    )
    _need(
        0 < n < math.inf and 0 < planned < math.inf,
        f"n is {n} and planned is {planned}; both must be positive.",
    )
    growth = n * tuning(level, planned) ** 2
    # (half-width / se)² = 2(nρ² + 1) / (nρ²) · ln(√(nρ² + 1) / α)
    factor, log_root = 2 * (growth + 1) / growth, math.log1p(growth) / 2
    half = se * math.sqrt(factor * (log_root - math.log1p(-level)))
    p = _p(point, se, factor, log_root)
    return Estimate(point, se, point - half, point + half, level, p, round(n))


def tuning(level: float, planned: float) -> float:
    """Return ρ, which makes the sequence narrowest at `planned` rows."""
    log = -2 * math.log1p(-level)
    return math.sqrt((log + math.log1p(log)) / planned)


def _p(point: float, se: float, factor: float, log_root: float) -> float:
    if se == 0:
        return float(point == 0)
    return min(1.0, math.exp(log_root - (point / se) ** 2 / factor))


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise SettingError(message)
