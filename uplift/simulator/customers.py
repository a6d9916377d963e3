"""Simulated customers: the features a company would know, and the hidden variables that it would not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TIERS = ("bronze", "silver", "gold")
REGIONS = ("north", "north east", "east", "south east", "south", "south west", "west", "north west")
REGION_SHARES = (0.22, 0.08, 0.12, 0.15, 0.17, 0.06, 0.13, 0.07)
DEVICES = ("ios", "android", "desktop")
LAST_DAY = np.datetime64("2025-03-01")
# Multiplying by a power of 3 permutes the residues modulo 10⁹: ids look random and never repeat.
ID_STEP, ID_RANGE = 3**18, 10**9


@dataclass(frozen=True, slots=True)
class Customers:
    """n customers, complete: what is missing in their table is known here.

    Attributes:
        recency: (n,) days since the last order.
        frequency: (n,) orders in two years.
        monetary: (n,) money spent in two years; heavy-tailed, correlated with frequency.
        age: (n,) years.
        tenure: (n,) months since the first order.
        email_rate: (n,) share of e-mails opened.
        app_sessions: (n,) app sessions in a month.
        tier: (n,) index into TIERS.
        region: (n,) index into REGIONS.
        device: (n,) index into DEVICES.
        newsletter: (n,) whether the customer takes the newsletter.
        discount: (n,) share of orders at a discount.
        fashion: (n,) share of spend on fashion.
        home: (n,) share of spend on the home.
        seen_hour: (n,) mean hour of past visits, a noisy sight of `hour`.
        hour: (n,) hidden: the hour at which the customer reads.
        taste: (n,) hidden: standard normal, moves the baseline.
        pull: (n,) hidden: standard normal, moves every effect.
        affinity: (n, 4) hidden: standard normal, moves the effects of one kind of channel each.
    """

    recency: Ints
    frequency: Ints
    monetary: Floats
    age: Ints
    tenure: Ints
    email_rate: Floats
    app_sessions: Ints
    tier: Ints
    region: Ints
    device: Ints
    newsletter: Bools
    discount: Floats
    fashion: Floats
    home: Floats
    seen_hour: Floats
    hour: Floats
    taste: Floats
    pull: Floats
    affinity: Floats

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.recency)


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + e⁻ˣ)."""
    result: Floats = 1.0 / (1.0 + np.exp(-x))
    return result


def draw_customers(rng: np.random.Generator, n: int, *, shifted: bool = False) -> Customers:
    """Draw n customers.

    Args:
        rng: Where the randomness comes from.
        n: How many.
        shifted: Draw from another population: younger, newer, less loyal, more often in the app.
    """
    move = 1.0 if shifted else 0.0
    loyalty = rng.standard_normal(n) - 0.6 * move
    mail_mind, app_mind = rng.standard_normal(n), rng.standard_normal(n) + 0.4 * move
    age = np.clip(44 - 7 * move + 14 * rng.standard_normal(n), 18, 90)
    frequency = rng.poisson(np.exp(1.0 + 0.6 * loyalty))
    monetary = (frequency + 0.6) * np.exp(3.1 + 0.25 * loyalty + 0.55 * rng.standard_normal(n))
    hour = _draw_hours(rng, n, age)
    baskets = rng.standard_gamma(np.array([[1.2, 0.9, 1.0]]), size=(n, 3))
    baskets /= baskets.sum(axis=1, keepdims=True)
    return Customers(
        recency=1 + np.minimum(rng.exponential(90 * np.exp(-0.4 * loyalty)), 729).astype(np.int64),
        frequency=frequency,
        monetary=np.round(monetary, 2),
        age=age.astype(np.int64),
        tenure=rng.gamma(2.0, 14 * np.exp(0.25 * loyalty - 0.3 * move)).astype(np.int64),
        email_rate=np.round(sigmoid(-0.9 + 1.0 * mail_mind + 0.3 * loyalty), 3),
        app_sessions=rng.poisson(np.exp(0.5 + 0.8 * app_mind - 0.02 * (age - 44))),
        tier=np.searchsorted([90.0, 260.0], monetary * np.exp(0.3 * rng.standard_normal(n))),
        region=rng.choice(len(REGIONS), n, p=REGION_SHARES),
        device=np.where(rng.random(n) < sigmoid(0.6 + app_mind), rng.integers(0, 2, n), 2),
        newsletter=rng.random(n) < sigmoid(0.4 + 0.9 * mail_mind),
        discount=np.round(sigmoid(-0.7 + 1.1 * rng.standard_normal(n)), 2),
        fashion=np.round(baskets[:, 0], 3),
        home=np.round(baskets[:, 1], 3),
        seen_hour=_see_hours(rng, hour),
        hour=hour,
        taste=rng.standard_normal(n),
        pull=rng.standard_normal(n),
        affinity=rng.standard_normal((n, 4)),
    )


def _draw_hours(rng: np.random.Generator, n: int, age: Floats) -> Floats:
    """Return the hours at which customers read: morning, midday or evening, older people earlier."""
    late = rng.random(n) + 0.006 * (44 - age)
    part = np.searchsorted([0.3, 0.55], late)
    hours = np.array([8.0, 12.8, 19.0])[part] + np.array([1.2, 1.3, 1.8])[part] * rng.standard_normal(n)
    clipped: Floats = np.clip(hours, 5.0, 23.5)
    return clipped


def _see_hours(rng: np.random.Generator, hour: Floats) -> Floats:
    """Return the mean hours of past visits, which tell the hidden hour with some noise."""
    seen: Floats = np.clip(hour + 1.2 * rng.standard_normal(len(hour)), 0.0, 23.9)
    return seen.round(1)


def feature_columns(customers: Customers, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return the columns that a company would have of these customers: mixed types, some values missing."""
    n = len(customers)
    days = (30.4 * customers.tenure + 31 * rng.random(n)).astype("timedelta64[D]")
    return {
        "recency": pa.array(customers.recency),
        "frequency": pa.array(customers.frequency),
        "monetary": pa.array(customers.monetary),
        "age": pa.array(customers.age, mask=rng.random(n) < 0.09),
        "tenure_months": pa.array(customers.tenure),
        "email_open_rate": pa.array(customers.email_rate),
        "app_sessions": pa.array(customers.app_sessions),
        "tier": text(customers.tier, TIERS),
        "region": text(customers.region, REGIONS),
        "device": text(customers.device, DEVICES, missing=rng.random(n) < 0.06),
        "newsletter": pa.array(customers.newsletter),
        "signup_date": pa.array(LAST_DAY - days),
        "preferred_hour": pa.array(customers.seen_hour, mask=rng.random(n) < 0.12),
        "discount_share": pa.array(customers.discount),
        "fashion_share": pa.array(customers.fashion),
        "home_share": pa.array(customers.home),
    }


def text(index: npt.NDArray[np.integer], names: tuple[str, ...], missing: Bools | None = None) -> pa.Array:
    """Return a text column from indices into names; null where missing."""
    codes = pa.array(index.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).cast(pa.string())


def ids(first: int, n: int) -> pa.StringArray:
    """Return n unique nine-digit ids as text, leading zeros included; consecutive calls do not overlap."""
    numbers = (np.arange(first + 1, first + n + 1, dtype=np.int64) * ID_STEP) % ID_RANGE
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
