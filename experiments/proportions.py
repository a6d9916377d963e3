"""Shares of customers: Wilson's interval of one, Newcombe's interval of a difference, and its z-test."""

from __future__ import annotations

import math
from typing import Literal

from uplift.errors import DataError, SettingError
from uplift.estimates import Estimate

from .intervals import check_level, critical, two_sided_p

Interval = Literal["newcombe", "wald", "continuity"]


def wilson(successes: int, n: int, *, level: float = 0.95) -> Estimate:
    """Return a share with Wilson's score interval, which keeps its coverage for rare responses.

    Its p-value is exact: one response rules out a share of 0.

    Args:
        successes: Customers who responded.
        n: Customers.
        level: Coverage of the interval.

    Raises:
        DataError: Counts that are no counts.

    References:
        Wilson (1927); Newcombe (1998a), method 3.

    >>> e = wilson(81, 263)
    >>> round(e.lower, 5), round(e.upper, 5)
    (0.25529, 0.36621)
    """
    check_level(level)
    _check_counts(successes, n)
    share = successes / n
    z2 = critical(level) ** 2
    center = (successes + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (n * share * (1 - share) + z2 / 4)) / (n + z2)
    lower = 0.0 if successes == 0 else center - half
    upper = 1.0 if successes == n else center + half
    return Estimate(share, math.sqrt(share * (1 - share) / n), lower, upper, level, float(successes == 0), n)


def compare_shares(
    treated: tuple[int, int],
    control: tuple[int, int],
    *,
    level: float = 0.95,
    interval: Interval = "newcombe",
) -> Estimate:
    """Return treated − control share, with the p-value of the pooled z-test (R's prop.test).

    Args:
        treated: Customers who responded, and customers, among the treated.
        control: The same of control.
        level: Coverage of the interval.
        interval: "newcombe" (hybrid of Wilson's score limits), "wald" (prop.test without correction), or
            "continuity" (prop.test's default: Yates' correction of both the interval and the p-value).

    Raises:
        DataError: Counts that are no counts.
        SettingError: An unknown interval.

    References:
        Newcombe (1998b), method 10; Yates (1934).

    >>> e = compare_shares((56, 70), (48, 80))
    >>> round(e.lower, 4), round(e.upper, 4)
    (0.0524, 0.3339)
    """
    if interval not in ("newcombe", "wald", "continuity"):
        raise SettingError(f"interval is {interval!r}; it is newcombe, wald or continuity.")
    one, two = wilson(*treated, level=level), wilson(*control, level=level)
    point = one.point - two.point
    se = math.hypot(one.se, two.se)
    lower, upper = _newcombe(one, two) if interval == "newcombe" else _wald(one, two, se, interval)
    p = _pooled_p(treated, control, correct=interval == "continuity")
    return Estimate(point, se, lower, upper, level, p, one.n + two.n)


def _newcombe(one: Estimate, two: Estimate) -> tuple[float, float]:
    point = one.point - two.point
    below = math.hypot(one.point - one.lower, two.upper - two.point)
    above = math.hypot(one.upper - one.point, two.point - two.lower)
    return point - below, point + above


def _wald(one: Estimate, two: Estimate, se: float, interval: str) -> tuple[float, float]:
    point = one.point - two.point
    half = critical(one.level) * se
    if interval == "continuity":
        half += min(abs(point), (1 / one.n + 1 / two.n) / 2)
    return max(point - half, -1.0), min(point + half, 1.0)


def _pooled_p(treated: tuple[int, int], control: tuple[int, int], *, correct: bool) -> float:
    rows: float = 1 / treated[1] + 1 / control[1]
    pooled = (treated[0] + control[0]) / (treated[1] + control[1])
    point = abs(treated[0] / treated[1] - control[0] / control[1])
    if correct:
        point -= min(point, rows / 2)
    return two_sided_p(point, math.sqrt(pooled * (1 - pooled) * rows))


def _check_counts(successes: int, n: int) -> None:
    if not (n > 0 and 0 <= successes <= n):
        raise DataError(
            f"Found {successes} responders among {n} customers; the first must lie in 0 to the second."
        )
