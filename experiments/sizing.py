"""How many customers an experiment needs, what it can detect, and how likely it is to see it.

Two arms are compared: control with n customers and treated with `ratio` × n. Proportions (a share of
customers who respond) use the normal approximation, means the noncentral t distribution. All three functions
solve the same equation for another unknown, so that each inverts the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

from scipy import optimize, special

from uplift.errors import SettingError, did_you_mean

Metric = Literal["proportion", "mean"]
Method = Literal["pooled", "unpooled", "arcsine", "continuity", "t", "z"]
Power = Callable[[float, float], float]

METHODS: dict[str, tuple[str, ...]] = {
    "proportion": ("pooled", "unpooled", "arcsine", "continuity"),
    "mean": ("t", "z"),
}


class Refinements(TypedDict, total=False):
    """What the three functions also take.

    Attributes:
        method: For proportions "pooled" (default: variance under no effect from the pooled share, as R's
            power.prop.test), "unpooled", "arcsine" (Cohen's h, as pwr.2p.test) or "continuity" (pooled, with
            Fleiss' correction); for means "t" (default, noncentral t with a common sd) or "z".
        sides: 2 (default) or 1.
        comparisons: Number of treated arms or metrics that share `alpha` (Bonferroni); default 1.
        design_effect: Variance inflation by clusters, 1 + (m − 1) × ICC for clusters of m; default 1.
        r_squared: Share of the outcome's variance that pre-period covariates explain (CUPED); default 0.
    """

    method: Method | None
    sides: int
    comparisons: int
    design_effect: float
    r_squared: float


@dataclass(frozen=True, slots=True)
class _Case:
    """The checked settings of one two-arm comparison."""

    metric: str
    baseline: float | None
    sd: float | None
    alpha: float
    ratio: float
    method: Method | None = None
    sides: int = 2
    comparisons: int = 1
    design_effect: float = 1.0
    r_squared: float = 0.0

    def __post_init__(self) -> None:
        _check_method(self.metric, self.method)
        _check_scale(self.metric, self.baseline, self.sd)
        _need(0 < self.alpha < 1, f"alpha is {self.alpha}; it must lie between 0 and 1, such as 0.05.")
        _need(
            0 < self.ratio < math.inf,
            f"ratio is {self.ratio}; it is treated ÷ control customers and must be positive.",
        )
        _need(self.sides in (1, 2), f"sides is {self.sides}; a test has 1 or 2.")
        _need(self.comparisons >= 1, f"comparisons is {self.comparisons}; at least 1 is made.")
        _need(
            0 < self.design_effect < math.inf,
            f"design_effect is {self.design_effect}; it must be positive, 1 without clusters.",
        )
        _need(
            0 <= self.r_squared < 1,
            f"r_squared is {self.r_squared}; it is a share of variance, from 0 to below 1.",
        )

    @property
    def variance_factor(self) -> float:
        """What clusters and covariates do to the variance of the difference."""
        return self.design_effect * (1 - self.r_squared)

    @property
    def tail(self) -> float:
        """The probability in the tail that counts as an effect, after sides and comparisons."""
        return self.alpha / self.comparisons / self.sides

    def power(self) -> Power:
        """Return the function (n, effect) → power of this comparison."""
        kind = self.method or METHODS[self.metric][0]
        functions: dict[str, Callable[[_Case, float, float], float]] = {
            "pooled": _pooled_power,
            "unpooled": _unpooled_power,
            "arcsine": _arcsine_power,
            "continuity": _continuity_power,
            "t": _t_power,
            "z": _z_power,
        }
        chosen = functions[kind]
        return lambda n, effect: chosen(self, n, effect)


def sample_size(
    effect: float,
    *,
    metric: Metric = "proportion",
    baseline: float | None = None,
    sd: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    ratio: float = 1.0,
    **refinements: Unpack[Refinements],
) -> float:
    """Return the customers per arm with which an effect is found with the power asked for.

    n solves power(n) = `power`. It is not rounded; round up. With a `ratio` other than 1 it is the size of
    control, and treated has `ratio` × n.

    Args:
        effect: Absolute difference, treated − control, in the unit of the metric (0.01 = one point).
        metric: "proportion" (needs `baseline`) or "mean" (needs `sd`).
        baseline: Control's share of responders, between 0 and 1.
        sd: Standard deviation of the outcome per customer.
        power: Probability of a significant result if the effect is true.
        alpha: Probability of a significant result if there is none, for both sides together.
        ratio: Treated ÷ control customers.
        **refinements: Method, sides, comparisons, design effect, CUPED: see `Refinements`.

    Raises:
        SettingError: A setting is outside its range or missing.

    References:
        Fleiss, Levin & Paik (2003), ch. 4; Cohen (1988), ch. 2 and 6; Deng et al. (2013) for CUPED.

    >>> round(sample_size(0.01, baseline=0.05), 2)
    8157.73
    >>> round(sample_size(0.3, metric="mean", sd=10.0), 1)
    17442.9
    """
    case = _Case(metric, baseline, sd, alpha, ratio, **refinements)
    _check_effect(case, effect)
    _check_power(case, power)
    value = case.power()
    low = _smallest_n(case)
    if value(low, effect) >= power:
        return low
    high = 2 * low
    while value(high, effect) < power:
        high *= 2
        _need(high < 1e15, f"An effect of {effect} is too small to be found by any experiment.")
    return _root(lambda n: value(n, effect) - power, low, high)


def power(
    n: float,
    effect: float,
    *,
    metric: Metric = "proportion",
    baseline: float | None = None,
    sd: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    **refinements: Unpack[Refinements],
) -> float:
    """Return the probability that a test with n customers in control finds a true effect significant.

    For shares ("pooled", "unpooled", "continuity") only significance in the direction of the effect counts,
    as in R's power.prop.test; "arcsine", "t" and "z" add the other tail of a two-sided test, which is
    negligible beyond a power of a half.

    Args:
        n: Customers in control; treated has `ratio` × n.
        effect: Absolute difference, treated − control, in the unit of the metric.
        metric: "proportion" (needs `baseline`) or "mean" (needs `sd`).
        baseline: Control's share of responders, between 0 and 1.
        sd: Standard deviation of the outcome per customer.
        alpha: Probability of a significant result if there is none, for both sides together.
        ratio: Treated ÷ control customers.
        **refinements: Method, sides, comparisons, design effect, CUPED: see `Refinements`.

    Raises:
        SettingError: A setting is outside its range or missing.

    >>> round(power(8157.73, 0.01, baseline=0.05), 4)
    0.8
    """
    case = _Case(metric, baseline, sd, alpha, ratio, **refinements)
    _check_effect(case, effect)
    _check_n(case, n)
    return case.power()(n, effect)


def mde(
    n: float,
    *,
    metric: Metric = "proportion",
    baseline: float | None = None,
    sd: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    ratio: float = 1.0,
    **refinements: Unpack[Refinements],
) -> float:
    """Return the minimum detectable effect (MDE): the smallest increase found with the power asked for.

    Args:
        n: Customers in control; treated has `ratio` × n.
        metric: "proportion" (needs `baseline`) or "mean" (needs `sd`).
        baseline: Control's share of responders, between 0 and 1.
        sd: Standard deviation of the outcome per customer.
        power: Probability of a significant result if the effect is true.
        alpha: Probability of a significant result if there is none, for both sides together.
        ratio: Treated ÷ control customers.
        **refinements: Method, sides, comparisons, design effect, CUPED: see `Refinements`.

    Raises:
        SettingError: A setting is outside its range or missing, or no increase can be found with so few.

    >>> round(mde(8157.73, baseline=0.05), 4)
    0.01
    """
    case = _Case(metric, baseline, sd, alpha, ratio, **refinements)
    _check_power(case, power)
    _check_n(case, n)
    value = case.power()
    high = _largest_effect(case, n)
    _need(
        value(n, high) > power,
        f"With {n:g} customers in control no increase is found with a power of {power}: use more customers.",
    )
    # The power rises with the effect, and at no effect it is at most alpha.
    return _root(lambda effect: value(n, effect) - power, 0.0, high)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    # Relative accuracy: an effect can be a millionth, a sample a billion.
    return float(optimize.brentq(function, low, high, xtol=1e-13 * high, rtol=1e-13, maxiter=500))


def _upper_z(probability: float) -> float:
    return -float(special.ndtri(probability))


def _tails(case: _Case, noncentrality: float) -> float:
    """Power of a normal test whose statistic has this mean and variance 1, both tails where there are two."""
    critical = _upper_z(case.tail)
    far = special.ndtr(-critical - noncentrality) if case.sides == 2 else 0.0
    return float(special.ndtr(noncentrality - critical) + far)


def _shares(case: _Case, effect: float) -> tuple[float, float]:
    control = case.baseline if case.baseline is not None else math.nan
    return control, control + effect


def _share_power(case: _Case, n: float, effect: float, *, pooled: bool) -> float:
    control, treated = _shares(case, effect)
    apart = control * (1 - control) + treated * (1 - treated) / case.ratio
    common = (control + case.ratio * treated) / (1 + case.ratio)
    under_none = common * (1 - common) * (1 + 1 / case.ratio) if pooled else apart
    signal = abs(effect) * math.sqrt(n / case.variance_factor)
    return float(special.ndtr((signal - _upper_z(case.tail) * math.sqrt(under_none)) / math.sqrt(apart)))


def _pooled_power(case: _Case, n: float, effect: float) -> float:
    return _share_power(case, n, effect, pooled=True)


def _unpooled_power(case: _Case, n: float, effect: float) -> float:
    return _share_power(case, n, effect, pooled=False)


def _continuity_power(case: _Case, n: float, effect: float) -> float:
    # Fleiss: n = m/4 · (1 + √(1 + 4c/m))², solved for the uncorrected m.
    correction = (1 + case.ratio) / (2 * case.ratio * abs(effect)) if effect else math.inf
    root = math.sqrt(n) - correction / math.sqrt(n)
    return _pooled_power(case, root**2, effect) if root > 0 else 0.0


def _arcsine_power(case: _Case, n: float, effect: float) -> float:
    control, treated = _shares(case, effect)
    h = 2 * abs(math.asin(math.sqrt(treated)) - math.asin(math.sqrt(control)))
    return _tails(case, h * math.sqrt(n * case.ratio / (1 + case.ratio) / case.variance_factor))


def _mean_noncentrality(case: _Case, n: float, effect: float) -> float:
    sd = (case.sd or math.nan) * math.sqrt(case.variance_factor)
    return abs(effect) / sd * math.sqrt(n * case.ratio / (1 + case.ratio))


def _z_power(case: _Case, n: float, effect: float) -> float:
    return _tails(case, _mean_noncentrality(case, n, effect))


def _t_power(case: _Case, n: float, effect: float) -> float:
    df = n * (1 + case.ratio) - 2
    center = _mean_noncentrality(case, n, effect)
    critical = -float(special.stdtrit(df, case.tail))
    near = 1 - special.nctdtr(df, center, critical)
    if math.isnan(near):  # the series underflows, and only where the power is 1 to the last digit
        return 1.0
    two_tails = case.sides == 2 and center < 8  # beyond that the far tail is below 1e-15
    far = special.nctdtr(df, center, -critical) if two_tails else 0.0
    return float(near + far)


def _smallest_n(case: _Case) -> float:
    """The smallest control group for which the test exists: more than 0, or 2 rows beyond the parameters."""
    return (2 + 1e-3) / (1 + case.ratio) if case.metric == "mean" and case.method != "z" else 1e-9


def _largest_effect(case: _Case, n: float) -> float:
    if case.baseline is not None and case.metric == "proportion":
        return (1 - case.baseline) * (1 - 1e-12)
    value = case.power()
    high = (case.sd or math.nan) * 10 / math.sqrt(n)
    while value(n, high) < 1 - 1e-12 and high < 1e300:
        high *= 4
    return high


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise SettingError(message)


def _check_method(metric: str, method: str | None) -> None:
    _need(
        metric in METHODS,
        f'metric is {metric!r}; it is "proportion" or "mean".{did_you_mean(metric, METHODS)}',
    )
    known = METHODS[metric]
    _need(
        method is None or method in known,
        f"method is {method!r}; for a {metric} it is one of {', '.join(known)}.",
    )


def _check_scale(metric: str, baseline: float | None, sd: float | None) -> None:
    if metric == "mean":
        _need(
            sd is not None and 0 < sd < math.inf,
            f"sd is {sd}; a mean needs the positive standard deviation of its outcome.",
        )
    else:
        _need(
            baseline is not None and 0 < baseline < 1,
            f"baseline is {baseline}; a proportion needs control's share of responders, between 0 and 1.",
        )


def _check_effect(case: _Case, effect: float) -> None:
    _need(
        math.isfinite(effect) and effect != 0,
        f"effect is {effect}; give the absolute difference to be found, not 0.",
    )
    if case.metric == "proportion":
        control, treated = _shares(case, effect)
        _need(
            0 < treated < 1,
            f"A baseline of {control} and an effect of {effect} make a share of {treated:g}; it must lie "
            "between 0 and 1. The effect is absolute: 0.01 is one percentage point.",
        )


def _check_power(case: _Case, power: float) -> None:
    _need(
        case.tail * case.sides < power < 1,
        f"power is {power}; it must lie between alpha and 1, such as 0.8.",
    )


def _check_n(case: _Case, n: float) -> None:
    _need(
        math.isfinite(n) and n >= _smallest_n(case),
        f"n is {n}; it is the number of customers in control and a comparison needs at least 2.",
    )
