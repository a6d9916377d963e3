"""Campaign histories whose design is known, and ways to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from uplift.history import Arm, History, Roles

HILLSTROM = Path(__file__).parents[4] / "shared" / "data" / "hillstrom" / "hillstrom.csv"
Build = Callable[..., History]


def _design(rng: np.random.Generator, x: np.ndarray, arms: int, dependent: bool) -> np.ndarray:
    probability = np.tile(np.r_[0.35, rng.dirichlet(np.full(arms, 8.0)) * 0.65], (len(x), 1))
    if dependent:
        probability *= np.exp(np.outer(x > 0, 0.6 * rng.normal(size=arms + 1)))
    return probability / probability.sum(axis=1, keepdims=True)


def build(
    n: int = 6_000,
    seed: int = 0,
    *,
    channels: tuple[str, ...] = ("email", "sms"),
    times: tuple[int, ...] = (8, 12, 18),
    dependent: bool = False,
    known: bool = True,
    rows_per_cluster: int = 1,
) -> History:
    """Return a randomised history; with several rows a cluster, whole clusters are assigned."""
    rng = np.random.default_rng(seed)
    units = n // rows_per_cluster
    cluster = np.repeat(np.arange(units), rows_per_cluster)
    x, spend = rng.normal(size=units), np.exp(1.5 * rng.normal(size=units))
    age = np.where(rng.random(units) < 0.1, np.nan, rng.integers(18, 90, units))
    tier = np.array(["gold", "silver", "bronze"])[rng.choice(3, units, p=[0.05, 0.25, 0.7])]
    actions = tuple(Arm(channel, time) for channel in channels for time in times)
    design = _design(rng, x, len(actions), dependent)
    group = (design.cumsum(axis=1) < rng.random((units, 1))).sum(axis=1).clip(0, len(actions))
    response = rng.random(n) < 1 / (1 + np.exp(1.5 - 0.5 * x[cluster]))
    propensity = design[np.arange(units), group][cluster]
    if not known:
        propensity = (np.bincount(group[cluster], minlength=len(actions) + 1) / n)[group[cluster]]
    features = {
        "x": pa.array(x[cluster]),
        "spend_before": pa.array(spend[cluster]),
        "age": pa.array(age[cluster], from_pandas=True),
        "tier": pa.array(tier[cluster]),
        "newsletter": pa.array((rng.random(units) < 0.4)[cluster]),
        "signup": pa.array((np.datetime64("2020-01-01") + rng.integers(0, 900, units))[cluster]),
    }
    return History(
        roles=Roles(outcome="margin", control="none", channel="channel", send_time="send_hour"),
        features=pa.table(features),
        customer=pa.array(cluster.astype(str)),
        actions=actions,
        arm=(group[cluster] - 1).astype(np.int32),
        outcome=np.where(response, rng.gamma(2.0, 20.0, n), 0.0),
        response=response,
        propensity=propensity,
        propensity_known=known,
        cluster=cluster,
    )


@pytest.fixture(scope="session")
def make() -> Build:
    return build


@pytest.fixture(scope="session")
def clean() -> History:
    return build()


@pytest.fixture(scope="session")
def hillstrom() -> Build:
    if not HILLSTROM.exists():
        pytest.skip(f"the Hillstrom data is not at {HILLSTROM}")
    frame = pd.read_csv(HILLSTROM)
    labels = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")

    def of(*exclude: str, known: bool = True) -> History:
        features = frame.drop(columns=["segment", "spend", *exclude])
        return History(
            roles=Roles(outcome="spend", control=labels[0], treatment="segment", exclude=exclude),
            features=pa.Table.from_pandas(features, preserve_index=False),
            customer=pa.array([str(row) for row in range(1, len(frame) + 1)]),
            actions=tuple(Arm(label) for label in labels[1:]),
            arm=(frame["segment"].map(labels.index).to_numpy() - 1).astype(np.int32),
            outcome=frame["spend"].to_numpy(dtype=float),
            response=frame["spend"].to_numpy() != 0,
            propensity=np.full(len(frame), 1 / 3),
            propensity_known=known,
            cluster=np.arange(len(frame)),
        )

    return of
