"""Why each customer is or is not contacted, and with which probability they were given what they got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .summary import Facts

Floats = npt.NDArray[np.float64]


def reasons(facts: Facts) -> npt.NDArray[np.object_]:
    """Return a reason for every audience customer, (n,).

    "contacted"; "holdout"; "no_consent" (no action is allowed); "not_worth_it" (no action is worth its cost);
    "budget" (worth it, but not at the price of the budget); "capacity" (worth it even at that price, but a
    capacity or another rule is in the way).
    """
    net = np.where(facts.terms.eligible, facts.values - facts.costs, -np.inf)
    price = max((p.price for p in facts.solution.prices if p.rule == "budget"), default=0.0)
    at_price = np.where(facts.terms.eligible, facts.values - (1 + price) * facts.costs, -np.inf)
    found = np.full(len(net), "budget", dtype=object)
    if not facts.alike and len(facts.solution.prices) > 1:
        found[at_price.max(axis=1) > 1e-12] = "capacity"
    found[net.max(axis=1) <= 0] = "not_worth_it"
    found[~facts.terms.eligible.any(axis=1)] = "no_consent"
    held = np.ones(len(net), bool)
    held[facts.active] = False
    found[held] = "holdout"
    found[facts.action >= 0] = "contacted"
    return found


def probabilities(facts: Facts) -> Floats:
    """Return the probability that each customer was given what they got, (n,), over holdout and lots.

    A contacted customer was not held out, and where customers are alike also won the lot. A customer without a
    contact was held out, lost the lot, or had nothing worth giving.
    """
    kept = len(facts.active) / len(facts.action)
    chance = kept * facts.choice.astype(np.float64)
    if not facts.alike:
        chance = kept * _would(facts)
    contacted = facts.action >= 0
    rows = np.arange(len(contacted))
    given = chance[rows, np.maximum(facts.action, 0)]
    return np.where(contacted, given, np.clip(1 - chance.sum(axis=1), 0.0, 1.0))


def _would(facts: Facts) -> Floats:
    """Return the choice of every customer had nobody been held out: the held-out choose at the plan's prices."""
    chance: Floats = facts.choice.astype(np.float64)
    held = np.ones(len(facts.action), bool)
    held[facts.active] = False
    price = max((p.price for p in facts.solution.prices if p.rule == "budget"), default=0.0)
    net = np.where(facts.terms.eligible[held], facts.values[held] - (1 + price) * facts.costs[held], -np.inf)
    best = net.argmax(axis=1)
    worth = net[np.arange(len(best)), best] > 0
    chance[np.flatnonzero(held)[worth], best[worth]] = 1.0
    return chance
