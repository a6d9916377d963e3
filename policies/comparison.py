"""What simpler policies would earn on the same held-out customers, at the same budget and within the same caps.

Simpler policies keep the plan's caps, so that they do not win by what the plan may not do. Floors and the minimum
ROI are the plan's alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uplift.engines import Engine
from uplift.estimates import Estimate

from .constraints import Rule
from .forecast import Choice, Floats, Ground, part, spending, totals, uses

IN_WORDS = {
    "plan": "this plan",
    "response_score": "likeliest buyers first, with the best action on average",
    "everybody": "the best action on average for everybody the budget reaches, drawn at random",
    "random": "random customers, random actions",
    "nobody": "no campaign",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One policy's held-out result over the plan's customers, in money."""

    policy: str
    spend: float
    contacts: int
    margin: Estimate
    profit: Estimate
    plan_minus_this: Estimate


def best_on_average(ground: Ground, fold: int) -> int:
    """Return the action with the best mean profit, as the other folds saw it."""
    rows = ground.rows(fold)
    profit = ground.effects.uniform[fold] - ground.costs[rows].mean(axis=0)
    return int(np.where(ground.terms.eligible[rows].any(axis=0), profit, -np.inf).argmax())


@dataclass(frozen=True, slots=True)
class Cap:
    """What each of m customers and k actions takes of something scarce, (m, k), and how much there is of it."""

    takes: Floats
    most: float


def caps(ground: Ground, rows: npt.NDArray[np.intp], budget: float) -> list[Cap]:
    """Return the caps that a policy must keep on some rows, scaled to their number; the budget is the last."""
    scale = ground.scale(rows)
    rules = [part(rule, rows, scale) for rule in ground.terms.rules]
    money = Rule("budget", of="cost", at_most=budget * scale)
    values, costs, weights = ground.values[rows], ground.costs[rows], ground.weights[rows, None]
    return [
        Cap(weights * uses(rule, values, costs), rule.at_most)
        for rule in (*rules, money)
        if rule.at_most is not None
    ]


def thinned(share: Floats, limits: list[Cap]) -> Floats:
    """Return each customer's share of each action, (m, k), made smaller at random until all caps are kept."""
    for cap in limits:
        used = float((share * cap.takes).sum())
        if used > cap.most:
            share = np.where(cap.takes != 0, share * (cap.most / used), share)
    return share


def response_score(ground: Ground, budget: float) -> Choice:
    """Return the peers' policy: the likeliest responders first until a cap is reached."""
    choice = np.zeros(ground.values.shape, np.float32)
    for fold in range(ground.folds):
        rows, action = ground.rows(fold), best_on_average(ground, fold)
        order = np.argsort(-ground.effects.response_score[rows], kind="stable")
        order = order[ground.terms.eligible[rows[order], action]]
        for cap in caps(ground, rows, budget):
            order = order[np.cumsum(cap.takes[order, action]) <= cap.most]
        choice[rows[order], action] = 1.0
    return choice


def everybody(ground: Ground, budget: float) -> Choice:
    """Return the policy of the best action on average for as many as the caps allow, drawn at random."""
    choice = np.zeros(ground.values.shape, np.float32)
    for fold in range(ground.folds):
        rows, action = ground.rows(fold), best_on_average(ground, fold)
        share = np.zeros_like(ground.costs[rows])
        share[:, action] = ground.terms.eligible[rows, action]
        choice[rows] = thinned(share, caps(ground, rows, budget))
    return choice


def random(ground: Ground, budget: float) -> Choice:
    """Return the policy of random customers, each with an action drawn from those allowed."""
    allowed = ground.terms.eligible
    share = allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
    choice = np.zeros(ground.values.shape, np.float32)
    for fold in range(ground.folds):
        rows = ground.rows(fold)
        choice[rows] = thinned(share[rows], caps(ground, rows, budget))
    return choice


def compare(
    ground: Ground, plan: Choice, spend: float, budget: float, *, level: float, engine: Engine
) -> list[Compared]:
    """Return the plan beside simpler policies, each with the interval of the plan's lead over it.

    Args:
        ground: The history's customers.
        plan: (n, k) the plan's own choice on them.
        spend: What the plan spends.
        budget: Money every policy may spend.
        level: Coverage of the intervals.
        engine: Where the policies are valued.
    """
    choices = {
        "plan": plan,
        "response_score": response_score(ground, budget),
        "everybody": everybody(ground, budget),
        "random": random(ground, budget),
        "nobody": np.zeros_like(plan),
    }

    def one(name: str) -> Compared:
        choice = choices[name]
        cost = spend if name == "plan" else spending(ground, choice)
        margin = totals(ground, choice, level=level)
        lead = totals(ground, plan, level=level, less=choice)
        return Compared(
            policy=name,
            spend=cost,
            contacts=_contacts(ground, choice),
            margin=margin,
            profit=moved(margin, -cost),
            plan_minus_this=moved(lead, cost - spend),
        )

    return engine.map(one, choices)


def moved(estimate: Estimate, amount: float) -> Estimate:
    """Return an estimate with a known amount added."""
    return Estimate.normal(estimate.point + amount, estimate.se, level=estimate.level, n=estimate.n)


def _contacts(ground: Ground, choice: Choice) -> int:
    share: Floats = choice.sum(axis=1)
    return round(float((ground.weights * share).sum() / ground.weights.sum()) * ground.customers)
