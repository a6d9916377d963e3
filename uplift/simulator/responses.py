"""The worlds: how customers respond to arms, in closed form, each built differently from the others.

A world gives every customer a conversion probability and a mean basket under every arm. What an arm is worth
is then known exactly: conversion × basket, less what returns cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import SettingError, did_you_mean
from .customers import Customers, Floats, Ints, sigmoid

KINDS = ("email", "sms", "push", "mail")
COSTS = {"email": 0.02, "sms": 0.08, "push": 0.01, "mail": 0.60}


@dataclass(frozen=True, slots=True)
class Grid:
    """The k actions: channel by channel, send time by send time.

    Attributes:
        kind: (k,) index into KINDS: which channel's nature the action has.
        hour: (k,) hour of the day; noon where there are no send times.
    """

    kind: Ints
    hour: Floats


@dataclass(frozen=True, slots=True)
class Response:
    """What n customers would do under k + 1 arms; column 0 is control.

    Attributes:
        conversion: (n, k + 1) probability of an order.
        basket: (n, k + 1) or (n, 1) mean margin of an order that is kept, in money.
        returned: (n, 1) probability that an order is sent back.
        handling: What an order sent back costs, as a share of its margin.
    """

    conversion: Floats
    basket: Floats
    returned: Floats | float = 0.0
    handling: float = 0.0

    def expected(self) -> Floats:
        """Return the (n, k + 1) expected margin in money."""
        kept = 1.0 - self.returned * (1.0 + self.handling)
        result: Floats = self.conversion * (self.basket * kept)
        return result


@dataclass(frozen=True, slots=True)
class World:
    """One way in which customers respond.

    Attributes:
        respond: Customers and actions → Response.
        noise: Draws n multiples of the mean basket, with mean 1.
        tilted: Whether the probability of an arm depends on the customer's tier.
        shifted: Whether the audience is another population than the history's.
        mail_cost: What a letter costs, in money.
    """

    respond: Callable[[Customers, Grid], Response]
    noise: Callable[[np.random.Generator, int], Floats]
    tilted: bool = False
    shifted: bool = False
    mail_cost: float = COSTS["mail"]


def worlds() -> tuple[str, ...]:
    """Return the names of the worlds that `simulate` knows.

    >>> worlds()[:3]
    ('rich', 'steps', 'costly')
    """
    return tuple(WORLDS)


def find_world(name: str) -> World:
    """Return the world of that name.

    Raises:
        SettingError: There is none.
    """
    if name not in WORLDS:
        known = ", ".join(WORLDS)
        raise SettingError(f"There is no world {name!r}; there are {known}.{did_you_mean(name, WORLDS)}")
    return WORLDS[name]


def lognormal_noise(rng: np.random.Generator, n: int) -> Floats:
    """Return lognormal multiples with mean 1; three in a thousand are bulk orders, twelve times as large."""
    sigma, bulk, times = 0.8, 0.003, 12.0
    size = np.where(rng.random(n) < bulk, times, 1.0) / (1.0 + bulk * (times - 1.0))
    multiples: Floats = size * np.exp(sigma * rng.standard_normal(n) - 0.5 * sigma**2)
    return multiples


def gamma_noise(rng: np.random.Generator, n: int) -> Floats:
    """Return gamma multiples with mean 1 and a coefficient of variation of 1.1."""
    shape = 1.0 / 1.1**2
    multiples: Floats = rng.standard_gamma(shape, n) / shape
    return multiples


def _base(c: Customers) -> Floats:
    """Return (n,) log-odds of an order without any contact."""
    base: Floats = (
        -3.25
        + 0.30 * (np.log1p(c.frequency) - 1.3)
        - 0.25 * (np.log(c.recency) - 4.0)
        + 0.20 * (c.tier - 0.8)
        + 0.25 * (c.discount - 0.35)
        + 0.15 * np.cos(0.8 * c.region)
        + 0.35 * c.taste
    )
    return base


def _basket(c: Customers) -> Floats:
    """Return (n, 1) mean margin of an order, in money."""
    log_mean = (
        3.5
        + 0.18 * (np.log(c.monetary + 5.0) - 4.3)
        + 0.12 * c.tier
        - 0.30 * (c.discount - 0.35)
        + 0.25 * (c.home - 0.3)
        + 0.12 * c.affinity[:, 0]
    )
    return np.exp(log_mean)[:, None]


def _appeal(c: Customers) -> Floats:
    """Return (n, 4) how much each kind of channel suits a customer, each about standard normal."""
    email = (c.email_rate - 0.33) / 0.19
    sms = (40 - c.age) / 14 + 0.4 * (c.device != 2)
    push = (np.log1p(c.app_sessions) - 1.0) / 0.7
    mail = 0.7 * (c.age - 44) / 14 + 0.7 * (np.log1p(c.tenure) - 3.0) + 0.4 * (c.tier - 0.8)
    known = np.stack([email, sms, push, mail], axis=1)
    appeal: Floats = np.clip(known, -2.5, 2.5) + 0.45 * c.affinity
    return appeal


def _nearness(c: Customers, grid: Grid, width: float) -> Floats:
    """Return (n, k) in 0..1: how near, around the clock, an action's hour is to the customer's."""
    gap = np.abs(c.hour[:, None] - grid.hour[None, :])
    gap = np.minimum(gap, 24.0 - gap)
    near: Floats = np.exp(-0.5 * (gap / width) ** 2)
    return near


def _with_control(control: Floats, actions: Floats) -> Floats:
    """Return (n, k + 1): control's column before those of the actions."""
    return np.concatenate([control[:, None], actions], axis=1)


def _log_odds(c: Customers, grid: Grid, base: Floats) -> Floats:
    """Return (n, k + 1) conversion where effects add up on the log-odds: feature × channel × hour."""
    strength = np.array([0.16, 0.24, 0.08, 0.46])
    spread = np.array([0.22, 0.26, 0.18, 0.34])
    lift = strength + spread * _appeal(c) + 0.10 * c.pull[:, None]
    lift = lift[:, grid.kind] + 0.40 * (_nearness(c, grid, 3.0) - 0.5)
    return sigmoid(_with_control(base, base[:, None] + lift))


def _rich(c: Customers, grid: Grid) -> Response:
    """Effects add up on the log-odds of conversion, and hours matter smoothly."""
    return Response(_log_odds(c, grid, _base(c)), _basket(c))


def _few_buyers(c: Customers, grid: Grid) -> Response:
    """The same with one order in two thousand customers: nothing can be learned of it."""
    return Response(_log_odds(c, grid, _base(c) - 4.6), _basket(c))


def _steps(c: Customers, grid: Grid) -> Response:
    """Effects are steps in the probability itself; contacts change the basket; orders come back."""
    reachable = c.pull > -0.7
    email = np.where((c.email_rate > 0.35) & (c.recency < 120), 0.014, 0.001)
    sms = np.where((c.age < 38) & (c.device != 2), 0.020, np.where(c.age > 60, -0.004, 0.003))
    push = np.where(c.app_sessions >= 4, 0.011, -0.001)
    mail = np.where((c.tenure > 30) & (c.home > 0.3), 0.042, 0.006)
    step = np.stack([email, sms, push, mail], axis=1) * reachable[:, None]
    awake = _nearness(c, grid, 3.0) > 0.5
    control = 0.6 * sigmoid(_base(c)) + 0.008 + 0.02 * (c.frequency > 4)
    conversion = control[:, None] + step[:, grid.kind] * np.where(awake, 1.5, 0.5)
    factor = np.stack(
        [
            np.where(c.discount > 0.5, 0.93, 1.03),
            np.full(len(c), 0.97),
            np.where(c.newsletter, 1.04, 1.0),
            np.where(c.tier == 2, 1.15, 1.0),
        ],
        axis=1,
    )
    basket = _basket(c)
    return Response(
        np.clip(_with_control(control, conversion), 0.001, 0.9),
        np.concatenate([basket, basket * factor[:, grid.kind]], axis=1),
        returned=(0.03 + 0.15 * c.fashion)[:, None],
        handling=0.25,
    )


def _costly(c: Customers, grid: Grid) -> Response:
    """A contact is a second chance to order; letters make strong ones at a price, the others next to none."""
    control = sigmoid(_base(c))
    scale = np.array([0.0010, 0.0014, 0.0008, 0.030])
    growth = np.array([0.4, 0.4, 0.4, 0.7])
    chance = scale * np.exp(growth * _appeal(c) + 0.1 * c.pull[:, None] - 0.3)
    chance = chance[:, grid.kind] * (0.8 + 0.4 * _nearness(c, grid, 4.0))
    conversion = 1.0 - (1.0 - control[:, None]) * (1.0 - np.minimum(chance, 0.5))
    return Response(_with_control(control, conversion), _basket(c))


def _average(c: Customers, grid: Grid) -> Response:
    """Every action changes everybody's expected margin by the same money."""
    control, basket = sigmoid(_base(c)), _basket(c)
    late = 0.5 + 0.5 * np.cos((grid.hour - 17.0) / 24.0 * 2.0 * np.pi)
    gain = np.array([0.006, 0.009, 0.003, 0.024])[grid.kind] * (0.6 + 0.8 * late)
    conversion = control[:, None] + gain
    return Response(
        _with_control(control, conversion),
        np.concatenate([basket, (control[:, None] * basket + 40.0 * gain) / conversion], axis=1),
    )


def _null(c: Customers, grid: Grid) -> Response:
    """Nothing that is sent changes anything."""
    conversion = np.broadcast_to(sigmoid(_base(c))[:, None], (len(c), len(grid.kind) + 1))
    return Response(conversion, _basket(c))


def _sleeping_dogs(c: Customers, grid: Grid) -> Response:
    """Contacts multiply the chance of an order; frequent buyers at full price buy less when contacted."""
    control = sigmoid(_base(c))
    dogs = (c.frequency >= 3) & (c.discount < 0.4) & ~c.newsletter
    multiple = np.array([0.12, 0.20, 0.08, 0.45]) * np.exp(0.45 * _appeal(c) + 0.2 * c.pull[:, None])
    wake = np.array([-0.22, -0.35, -0.28, -0.10]) * (1.0 + 0.2 * np.tanh(c.pull))[:, None]
    change = np.where(dogs[:, None], wake, np.minimum(multiple, 3.0))
    change = change[:, grid.kind] * (0.7 + 0.6 * _nearness(c, grid, 3.5))
    conversion = np.clip(control[:, None] * (1.0 + change), 0.0, 0.95)
    return Response(_with_control(control, conversion), _basket(c))


WORLDS: dict[str, World] = {
    "rich": World(_rich, lognormal_noise),
    "steps": World(_steps, gamma_noise, tilted=True),
    "costly": World(_costly, lognormal_noise, mail_cost=1.20),
    "average": World(_average, lognormal_noise),
    "null": World(_null, lognormal_noise),
    "sleeping_dogs": World(_sleeping_dogs, gamma_noise),
    "few_buyers": World(_few_buyers, lognormal_noise),
    "shift": World(_rich, lognormal_noise, shifted=True),
}
