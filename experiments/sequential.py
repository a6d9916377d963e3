"""Group-sequential boundaries: what a test must reach at each look, so that looking often stays honest.

At look k a fraction t of the information is in and the score process B(t) = Z·√t has independent normal
increments. The chance of crossing for the first time at look k follows from integrating the density of B over
the region where the test went on: the recursion of Armitage, McPherson and Rowe (1969).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from uplift.errors import SettingError, did_you_mean

Floats = npt.NDArray[np.float64]
Spending = Literal["obrien-fleming", "pocock", "lan-demets-obf", "lan-demets-pocock"]

SHAPES: dict[str, float] = {"obrien-fleming": -0.5, "pocock": 0.0}
# Crossing probabilities below this drown in the rounding of the integral.
SMALLEST = 1e-13


@dataclass(frozen=True, slots=True)
class Boundaries:
    """What a test statistic must reach at each look; two-sided and symmetric.

    Attributes:
        spending: The name of the boundary.
        alpha: Two-sided error probability of the whole experiment.
        information: (K,) share of the information that is in at each look; the last is 1.
        z: (K,) stop at look k when |Z| ≥ z[k].
        p: (K,) the same as two-sided nominal p-values.
        alpha_spent: (K,) chance to have stopped by look k when there is no effect.
        power: The power that `inflation` and `expected_information` are stated for.
        inflation: Sample size of the sequential design ÷ that of one fixed look with the same power.
        expected_information: Mean share of the information at which the experiment ends, if the effect is the
            one it was powered for.
    """

    spending: str
    alpha: float
    information: tuple[float, ...]
    z: tuple[float, ...]
    p: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    power: float
    inflation: float
    expected_information: float

    def __str__(self) -> str:
        """Return the boundaries in one sentence."""
        limits = ", ".join(f"{z:.3f}" for z in self.z)
        return (
            f"Stop at the first of {len(self.z)} looks where |z| reaches {limits} ({self.spending}, "
            f"two-sided alpha {self.alpha:g}); the sample grows by {100 * abs(self.inflation - 1):.1f} % "
            f"for a power of {self.power:g}."
        )


def boundaries(
    looks: int | Sequence[float] = 5,
    spending: Spending = "obrien-fleming",
    *,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Boundaries:
    """Return two-sided group-sequential boundaries for z-statistics.

    "obrien-fleming" is c·√(1/t), "pocock" a constant c, with c such that the whole test has level alpha. The
    Lan-DeMets forms spend a = alpha / 2 on each side by itself: 2 − 2Φ(z₁₋ₐ/₂ / √t) ("lan-demets-obf") or
    a·ln(1 + (e − 1)t) ("lan-demets-pocock"). They stay valid when looks come at other times than planned, and
    spend less than alpha in all by the chance to cross both sides, about a millionth.

    Args:
        looks: Number of equally spaced looks, or the rising shares of information at each, ending in 1.
        spending: The boundary's name.
        alpha: Two-sided error probability of all looks together.
        power: Power for which the inflation of the sample size is stated.

    Raises:
        SettingError: An unknown name, or looks, alpha or power out of range.

    References:
        Armitage, McPherson & Rowe (1969); Pocock (1977); O'Brien & Fleming (1979); Lan & DeMets (1983);
        Jennison & Turnbull (2000), ch. 2, 7 and 19.

    >>> [round(z, 3) for z in boundaries(3, "pocock").z]
    [2.289, 2.289, 2.289]
    """
    times = _times(looks)
    _check(spending, alpha, power)
    z = _scaled(times, SHAPES[spending], alpha) if spending in SHAPES else _spent(times, spending, alpha)
    drift = _drift(times, z, power)
    fixed = -float(special.ndtri(alpha / 2)) + float(special.ndtri(power))
    stopping = crossing(times, z, drift)
    before_last = np.cumsum(stopping.sum(axis=1))[:-1]
    return Boundaries(
        spending=spending,
        alpha=alpha,
        information=tuple(times.tolist()),
        z=tuple(z.tolist()),
        p=tuple((2 * special.ndtr(-z)).tolist()),
        alpha_spent=tuple(np.cumsum(crossing(times, z).sum(axis=1)).tolist()),
        power=power,
        inflation=(drift / fixed) ** 2,
        expected_information=float(1 - (np.diff(times) * before_last).sum()),
    )


def crossing(information: npt.ArrayLike, z: npt.ArrayLike, drift: float = 0.0) -> Floats:
    """Return the chance of stopping for the first time at each look, above z and below −z.

    Args:
        information: (K,) rising shares of the information.
        z: (K,) boundaries.
        drift: Mean of Z when all the information is in: effect ÷ its final standard error; 0 = no effect.

    Returns:
        (K, 2) probabilities: Z ≥ z, Z ≤ −z.
    """
    path = _Path(drift)
    times, limits = np.asarray(information, dtype=float), np.asarray(z, dtype=float)
    return np.array([path.look(time, limit) for time, limit in zip(times, limits, strict=True)])


class _Path:
    """The density of B(t) among experiments that have gone on so far, carried from look to look.

    With `sides` of 1 only the upper boundary stops.
    """

    def __init__(self, drift: float = 0.0, sides: int = 2) -> None:
        self.drift = drift
        self.sides = sides
        self.time = 0.0
        self.nodes = np.zeros(1)
        self.mass = np.ones(1)

    def outside(self, time: float, z: float) -> tuple[float, float]:
        """Return the chances to cross z and −z at `time`, without going there."""
        step = math.sqrt(time - self.time)
        ahead = self.nodes + self.drift * (time - self.time)
        limit = z * math.sqrt(time)
        above = float(self.mass @ special.ndtr((ahead - limit) / step))
        below = float(self.mass @ special.ndtr((-limit - ahead) / step)) if self.sides == 2 else 0.0
        return above, below

    def look(self, time: float, z: float) -> tuple[float, float]:
        """Go to `time`, return the chances to cross z and −z there, and keep the density of the others."""
        crossed = self.outside(time, z)
        step = math.sqrt(time - self.time)
        nodes, weights = self.nodes_at(time, z, step)
        ahead = self.nodes + self.drift * (time - self.time)
        kernel = np.exp(-0.5 * ((nodes[:, None] - ahead) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        self.mass = weights * np.einsum("ij,j->i", kernel, self.mass)
        self.nodes, self.time = nodes, time
        return crossed

    def nodes_at(self, time: float, z: float, step: float) -> tuple[Floats, Floats]:
        """Return Gauss-Legendre nodes and weights over the part of the region that can hold any mass."""
        sd, center = math.sqrt(time), self.drift * time
        low, high = center - 9 * sd, min(z * sd, center + 9 * sd)
        low = max(low, -z * sd) if self.sides == 2 else low
        if high <= low:
            return np.zeros(1), np.zeros(1)
        # Normal kernels of width `step` need a few nodes each to be integrated to rounding error.
        count = int(np.clip(6 * (high - low) / step, 48, 1500))
        x, weights = special.roots_legendre(count)
        return low + (high - low) * (x + 1) / 2, weights * (high - low) / 2


def _scaled(times: Floats, exponent: float, alpha: float) -> Floats:
    shape = times**exponent

    def excess(scale: float) -> float:
        return float(crossing(times, scale * shape).sum()) - alpha

    one_look = -float(special.ndtri(alpha / 2))
    bonferroni = -float(special.ndtri(alpha / 2 / len(times)))
    if len(times) == 1:
        return one_look * shape
    scale = optimize.brentq(excess, one_look / shape.max(), bonferroni + 1e-9, xtol=1e-12)
    return float(scale) * shape


def _spent(times: Floats, spending: str, alpha: float) -> Floats:
    path, z = _Path(sides=1), []
    for time, share in zip(times, np.diff(_spend(times, spending, alpha), prepend=0.0), strict=True):
        z.append(_limit(path, time, share))
        path.look(time, z[-1])
    return np.array(z)


def _limit(path: _Path, time: float, share: float) -> float:
    marginal = -float(special.ndtri(share)) if share > 0 else math.inf
    if path.time == 0 or share < SMALLEST:  # exact at the first look, and an upper bound later
        return min(marginal, 38.0)
    return float(
        optimize.brentq(lambda z: path.outside(time, z)[0] - share, -10.0, marginal + 1e-9, xtol=1e-12)
    )


def _spend(times: Floats, spending: str, alpha: float) -> Floats:
    """Return the cumulative error that one side may have spent by each time."""
    if spending == "lan-demets-pocock":
        return np.asarray(alpha / 2 * np.log1p((math.e - 1) * times))
    return np.asarray(2 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(times)))


def _drift(times: Floats, z: Floats, power: float) -> float:
    """Return the drift at which the boundary on the effect's own side is crossed with this power."""

    def excess(drift: float) -> float:
        return float(crossing(times, z, drift)[:, 0].sum()) - power

    return float(optimize.brentq(excess, 0.0, z.max() + 10, xtol=1e-11))


def _times(looks: int | Sequence[float]) -> Floats:
    if isinstance(looks, (int, np.integer)):
        if not 1 <= looks <= 500:
            raise SettingError(f"looks is {looks}; it is the number of looks, from 1 to 500.")
        return np.asarray(np.arange(1, looks + 1) / looks)
    times = np.asarray(looks, dtype=float)
    rising = times.ndim == 1 and times.size > 0 and times[0] > 0 and bool((np.diff(times) > 0).all())
    if not rising or not math.isclose(times[-1], 1.0, abs_tol=1e-9):
        raise SettingError(
            f"looks is {list(looks)}; give a number, or shares of information that rise from above 0 to 1."
        )
    return times


def _check(spending: str, alpha: float, power: float) -> None:
    known: dict[str, Callable[..., Floats]] = {name: _scaled for name in SHAPES}
    known |= {"lan-demets-obf": _spent, "lan-demets-pocock": _spent}
    if spending not in known:
        raise SettingError(
            f"spending is {spending!r}; it is one of {', '.join(known)}.{did_you_mean(spending, known)}"
        )
    if not 0 < alpha < 1:
        raise SettingError(f"alpha is {alpha}; it must lie between 0 and 1, such as 0.05.")
    if not alpha < power < 1:
        raise SettingError(f"power is {power}; it must lie between alpha and 1, such as 0.8.")
