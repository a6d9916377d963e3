"""Campaigns with effects that a small history shows beyond doubt, and with none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from policies.actions import Action
from policies.forecast import Ground
from policies.planner import Plan, plan
from policies.terms import Terms
from uplift.effects import Effects
from uplift.engines.local import LocalEngine
from uplift.estimator import estimate
from uplift.history import Audience, History, Roles, shared_features
from uplift.simulator import Campaign, simulate

Planned = Callable[..., Plan]

TIMES = (8, 18)
ROLES = Roles(
    outcome="margin",
    control="none",
    channel="channel",
    send_time="send_hour",
    customer="customer_id",
    probability="probability",
    response="converted",
)


def customers(rng: np.random.Generator, n: int, prefix: str) -> dict[str, object]:
    return {
        "customer_id": [f"{prefix}{number:05d}" for number in range(n)],
        "age": rng.integers(18, 80, n).astype(float),
        "loyalty": rng.random(n),
        "tier": rng.choice(["gold", "silver", "bronze"], n),
    }


def effects_of(table: pa.Table) -> np.ndarray:
    """E-mail wins the loyal and puts others off, text messages the young; the evening is better than the morning."""
    loyal, young = table["loyalty"].to_numpy() > 0.5, table["age"].to_numpy() < 40
    email, sms = np.where(loyal, 12.0, -4.0), np.where(young, 16.0, -6.0)
    return np.stack([0.6 * email, email, 0.6 * sms, sms], axis=1)


def shop_history(n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    table = pa.table(customers(rng, n, "h"))
    arm = rng.choice(5, n, p=[0.4, 0.15, 0.15, 0.15, 0.15]) - 1
    gain = np.where(arm < 0, 0.0, effects_of(table)[np.arange(n), arm])
    converted = rng.random(n) < 0.3 + gain / 40.0
    given = {
        "channel": np.array(["email", "email", "sms", "sms", "none"])[arm],
        "send_hour": pa.array([*TIMES, *TIMES, None]).take(pa.array(np.where(arm < 0, 4, arm))),
        "probability": np.where(arm < 0, 0.4, 0.15),
        "converted": converted,
        "margin": np.round(40.0 * converted * rng.gamma(4.0, 0.25, n), 2),
    }
    for name, column in given.items():
        table = table.append_column(name, pa.array(column))
    return table


def shop_audience(n: int, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    agreed = rng.random(n)
    return pa.table(
        {
            **customers(rng, n, "a"),
            "may_email": pa.array(agreed < 0.7, mask=agreed > 0.9),
            "postage": np.round(0.2 + rng.random(n), 2),
        }
    )


@pytest.fixture(scope="session")
def shop() -> SimpleNamespace:
    """A shop whose contacts matter a lot: effects, an audience of 1,500 and the truth about it (n, k)."""
    history = History.from_table(shop_history(8_000), ROLES)
    table = shop_audience(1_500)
    effects = estimate(history, seed=0, folds=3, engine=LocalEngine(1))
    audience = Audience.from_table(table, customer="customer_id")
    return SimpleNamespace(
        effects=effects,
        audience=audience,
        table=table,
        truth=effects_of(table),
        actions=(Action("email", cost=0.5), Action("sms", cost=2.0)),
        place={("email", 8): 0, ("email", 18): 1, ("sms", 8): 2, ("sms", 18): 3},
    )


@pytest.fixture(scope="session")
def planned(shop: SimpleNamespace) -> Planned:
    """Return a function that plans for the shop; settings given replace its own.

    Plans that were made with the same numbers and actions are not made again; tests must not change them.
    """
    made: dict[str, Plan] = {}

    def make(**settings: object) -> Plan:
        named = {
            "effects": shop.effects,
            "audience": shop.audience,
            "actions": shop.actions,
            "budget": 600.0,
            "engine": LocalEngine(1),
            **settings,
        }
        if not all(isinstance(value, (int, float, str, tuple, frozenset)) for value in settings.values()):
            return plan(**named)  # type: ignore[arg-type]
        key = repr(sorted((name, repr(value)) for name, value in settings.items()))
        if key not in made:
            made[key] = plan(**named)  # type: ignore[arg-type]
        return made[key]

    return make


@pytest.fixture(scope="session")
def usual(planned: Planned) -> Plan:
    """The shop's plan with nothing out of the ordinary."""
    return planned()


@pytest.fixture(scope="session")
def blurred(shop: SimpleNamespace) -> Effects:
    """The shop's effects, had its history shown that actions work but not for whom."""
    effects: Effects = shop.effects
    same = np.tile(effects.cate.mean(axis=0), (len(effects.cate), 1))
    return replace(effects, cate=same, response_evidence=np.zeros_like(effects.response_evidence))


@pytest.fixture(scope="session")
def ground(shop: SimpleNamespace) -> Ground:
    """The shop's history standing in for 1,000 customers, with the shop's prices and no other limits."""
    n = len(shop.effects.history)
    cost = np.tile([0.5, 0.5, 2.0, 2.0], (n, 1))
    return Ground(
        effects=shop.effects,
        values=shop.effects.cate.astype(np.float64),
        costs=cost,
        terms=Terms(cost, np.zeros(4), np.ones((n, 4), bool)),
        weights=np.ones(n),
        customers=1_000,
        alike=False,
        min_roi=None,
        seed=0,
    )


@pytest.fixture(scope="session")
def read() -> Callable[[Campaign], tuple[History, Audience]]:
    """Return a function that reads a simulated campaign's history and audience."""

    def campaign(drawn: Campaign) -> tuple[History, Audience]:
        roles = {name: getattr(ROLES, name) for name in Roles.__slots__}
        roles |= {"probability": "assignment_probability", "exclude": ("cost",)}
        history = History.from_table(drawn.history, Roles(**roles))
        audience = Audience.from_table(drawn.audience, customer="customer_id")
        return history.with_features(shared_features(history, audience)), audience

    return campaign


@pytest.fixture(scope="session")
def idle(read: Callable[[Campaign], tuple[History, Audience]]) -> SimpleNamespace:
    """A world in which nothing that is sent changes anything."""
    campaign = simulate(
        "null", rows=6_000, audience=1_000, channels=("email", "sms"), send_times=TIMES, seed=3
    )
    history, audience = read(campaign)
    effects = estimate(history, seed=0, folds=3, engine=LocalEngine(1))
    actions = tuple(Action(channel, cost=cost) for channel, cost in campaign.costs.items())
    return SimpleNamespace(effects=effects, audience=audience, actions=actions)
