"""Campaign: a simulated history, an audience, and the truth about both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import SettingError
from ..history import Arm, Label
from .customers import Customers, Floats, draw_customers, feature_columns, ids, text
from .responses import COSTS, KINDS, Grid, Response, World, find_world

CONTROL = "none"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A simulated campaign.

    Attributes:
        world: The name of the world it was drawn from.
        actions: The k actions, channel by channel.
        history: One row a customer: features, channel ("none" for control), send_hour,
            assignment_probability, converted, margin (money), cost (money).
        audience: Other customers: features, email_consent, sms_consent.
        truth: customer_id and, per action label, the true effect on every audience customer's expected
            margin against no contact, in money, before cost.
        history_truth: The same for the history's customers, with their expected margin under "control".
        costs: Channel → cost of a contact, in money.
    """

    world: str
    actions: tuple[Arm, ...]
    history: pa.Table
    audience: pa.Table
    truth: pa.Table
    history_truth: pa.Table
    costs: dict[str, float]


def simulate(
    world: str = "rich",
    *,
    rows: int = 200_000,
    audience: int = 50_000,
    channels: Sequence[str] = KINDS,
    send_times: Sequence[Label] = (8, 12, 17, 20),
    control_share: float = 0.35,
    seed: int = 0,
) -> Campaign:
    """Return a randomised campaign whose true effects are known.

    Arms are given at random with unequal, logged probabilities. The true effect of an action on a customer is
    E[margin | customer, action] − E[margin | customer, control] given features *and* hidden variables, in
    closed form: no estimate from features can reach it fully.

    Args:
        world: One of `worlds()`.
        rows: Customers in the history.
        audience: Customers in the audience; none of them is in the history.
        channels: Their names; "email", "sms", "push" and "mail" have natures of their own, others borrow one.
        send_times: Hours of the day, or labels, which are spread over the day; empty for none.
        control_share: Share of the history that got nothing, above 0 and below 1.
        seed: The same seed gives the same bytes.

    Raises:
        SettingError: An unknown world, a size below 1, an empty or repeated channel, a share outside (0, 1).

    >>> campaign = simulate("null", rows=1000, audience=10, channels=["email"], send_times=[9, 18])
    >>> [arm.label for arm in campaign.actions], campaign.truth.column("email 9")[0].as_py()
    (['email 9', 'email 18'], 0.0)
    """
    nature = find_world(world)
    _check_sizes(rows, audience, control_share, seed)
    times = _alike(send_times)
    _check_labels(channels, times)
    actions, grid = _grid(channels, times)
    costs = _costs(channels, nature)
    past, future = np.random.default_rng(seed).spawn(2)
    history, history_truth = _history(past, rows, nature, (actions, grid, costs), control_share)
    table, truth = _audience(future, (rows, audience), nature, actions, grid)
    return Campaign(world, actions, history, table, truth, history_truth, costs)


def _check_sizes(rows: int, audience: int, control_share: float, seed: int) -> None:
    """Refuse numbers that cannot be."""
    if min(rows, audience) < 1:
        raise SettingError(
            f"{rows} rows and an audience of {audience} were asked for: give at least 1 of each."
        )
    if not 0.0 < control_share < 1.0:
        raise SettingError(f"The control share is {control_share}: it must lie between 0 and 1.")
    if seed < 0:
        raise SettingError(f"The seed is {seed}: it must be 0 or more.")


def _check_labels(channels: Sequence[str], send_times: Sequence[Label]) -> None:
    """Refuse channels and send times that would not make distinct actions."""
    if not channels or len(set(channels)) < len(channels) or CONTROL in channels:
        raise SettingError(
            f"The channels are {list(channels)}: give at least one, each once, none of them {CONTROL!r}."
        )
    if len(set(send_times)) < len(send_times):
        raise SettingError(f"The send times are {list(send_times)}: give each once.")
    if not all(isinstance(time, str) or 0 <= time < 24 for time in send_times):
        raise SettingError(f"The send times are {list(send_times)}: hours lie from 0 to below 24.")


def _alike(send_times: Sequence[Label]) -> list[Label]:
    """Return the send times as one type: text if any is, else floats if any is, else as they are."""
    for kind in (str, float):
        if any(isinstance(time, kind) for time in send_times):
            return [kind(time) for time in send_times]
    return list(send_times)


def _kind(channel: str, position: int) -> int:
    """Return which kind of channel this is; an unknown name borrows the nature of its position."""
    return KINDS.index(channel) if channel in KINDS else position % len(KINDS)


def _costs(channels: Sequence[str], world: World) -> dict[str, float]:
    """Return the cost of a contact by channel."""
    by_kind = COSTS | {"mail": world.mail_cost}
    return {name: by_kind[KINDS[_kind(name, place)]] for place, name in enumerate(channels)}


def _grid(channels: Sequence[str], send_times: Sequence[Label]) -> tuple[tuple[Arm, ...], Grid]:
    """Return the actions and their nature, channel by channel."""
    times: list[Label | None] = list(send_times) or [None]
    actions = tuple(Arm(channel, time) for channel in channels for time in times)
    kinds = np.array([_kind(name, place) for place, name in enumerate(channels)], dtype=np.int64)
    return actions, Grid(np.repeat(kinds, len(times)), np.tile(_hours(send_times), len(channels)))


def _hours(send_times: Sequence[Label]) -> Floats:
    """Return the hour of the day of each send time: numbers as they are, labels spread from 8 to 20."""
    if not send_times:
        return np.array([12.0])
    if any(isinstance(time, str) for time in send_times):
        return np.linspace(8.0, 20.0, len(send_times))
    return np.array(send_times, dtype=np.float64)


def _history(
    rng: np.random.Generator,
    n: int,
    world: World,
    design: tuple[tuple[Arm, ...], Grid, dict[str, float]],
    control_share: float,
) -> tuple[pa.Table, pa.Table]:
    """Return the history and the truth about its customers."""
    actions, grid, costs = design
    people, blanks, assignment, outcomes = rng.spawn(4)
    customers = draw_customers(people, n)
    response = world.respond(customers, grid)
    shares = _shares(customers, world, len(actions), control_share)
    arm = _assign(assignment, shares)
    converted, margin = _outcomes(outcomes, response, arm, world)
    names = ids(0, n)
    columns = {
        "customer_id": names,
        **feature_columns(customers, blanks),
        **_arm_columns(arm, actions, costs),
        "assignment_probability": pa.array(shares[np.arange(n), arm]),
        "converted": pa.array(converted),
        "margin": pa.array(margin),
    }
    return pa.table(columns), _truth(names, response, actions, control=True)


def _audience(
    rng: np.random.Generator, sizes: tuple[int, int], world: World, actions: tuple[Arm, ...], grid: Grid
) -> tuple[pa.Table, pa.Table]:
    """Return the audience, whose ids follow the history's, and the truth about it."""
    rows, n = sizes
    people, blanks, consents = rng.spawn(3)
    customers = draw_customers(people, n, shifted=world.shifted)
    names = ids(rows, n)
    columns = {
        "customer_id": names,
        **feature_columns(customers, blanks),
        "email_consent": pa.array(consents.random(n) < 0.88, mask=consents.random(n) < 0.03),
        "sms_consent": pa.array(consents.random(n) < 0.55, mask=consents.random(n) < 0.06),
    }
    return pa.table(columns), _truth(names, world.respond(customers, grid), actions, control=False)


def _shares(customers: Customers, world: World, k: int, control_share: float) -> Floats:
    """Return (n, k + 1) probabilities of the arms, control first: unequal, and by tier in a tilted world."""
    weights = 1.0 + 0.25 * np.cos(1.7 * np.arange(k))
    shares = np.concatenate([[control_share], (1.0 - control_share) * weights / weights.sum()])
    if not world.tilted:
        return np.broadcast_to(shares, (len(customers), k + 1))
    # Better customers are contacted more often, and each tier has its favourite actions.
    tilt = np.ones((3, k + 1))
    tilt[:, 0] = (1.4, 1.0, 0.6)
    tilt[:, 1:] = 1.0 + 0.4 * np.sin(np.arange(k) + np.arange(3)[:, None])
    by_tier = shares * tilt
    tilted: Floats = (by_tier / by_tier.sum(axis=1, keepdims=True))[customers.tier]
    return tilted


def _assign(rng: np.random.Generator, shares: Floats) -> npt.NDArray[np.int64]:
    """Return (n,) columns of `shares`, drawn with those probabilities."""
    draws = rng.random(len(shares))[:, None]
    # Rounding may leave the last sum a hair below 1, so it takes no part.
    arm: npt.NDArray[np.int64] = (draws >= np.cumsum(shares[:, :-1], axis=1)).sum(axis=1)
    return arm


def _outcomes(
    rng: np.random.Generator, response: Response, arm: npt.NDArray[np.int64], world: World
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return (n,) whether each customer ordered, and the margin it left, in money rounded to cents."""
    n = len(arm)
    row = np.arange(n)
    shape = response.conversion.shape
    converted = rng.random(n) < response.conversion[row, arm]
    margin = np.broadcast_to(response.basket, shape)[row, arm] * world.noise(rng, n)
    back = rng.random(n) < np.broadcast_to(response.returned, shape)[:, 0]
    margin = np.where(back, -response.handling * margin, margin) * converted
    # Adding 0.0 turns −0.0 into 0.0, which a text file would show.
    return converted, np.round(margin, 2) + 0.0


def _arm_columns(
    arm: npt.NDArray[np.int64], actions: tuple[Arm, ...], costs: dict[str, float]
) -> dict[str, pa.Array]:
    """Return channel, send_hour (where there are send times) and cost of the arm each row was given."""
    columns = {"channel": text(arm, (CONTROL, *(action.channel for action in actions)))}
    if actions[0].send_time is not None:
        times = pa.array([None, *(action.send_time for action in actions)])
        columns["send_hour"] = times.take(pa.array(arm))
    columns["cost"] = pa.array(np.array([0.0, *(costs[action.channel] for action in actions)])[arm])
    return columns


def _truth(names: pa.Array, response: Response, actions: tuple[Arm, ...], *, control: bool) -> pa.Table:
    """Return customer_id, expected margin under "control" if wanted, and the effect of every action."""
    expected = np.asfortranarray(response.expected())
    columns = {"customer_id": names}
    if control:
        columns["control"] = pa.array(expected[:, 0])
    for place, action in enumerate(actions, start=1):
        columns[action.label] = pa.array(expected[:, place] - expected[:, 0])
    return pa.table(columns)
