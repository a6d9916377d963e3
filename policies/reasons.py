"""Why each customer is or is not contacted, and with which probability they were given what they got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .constraints import Rule
from .forecast import kinds, uses

if TYPE_CHECKING:
    from .solution import Price
    from .summary import Facts

Floats = npt.NDArray[np.float64]


def reasons(facts: Facts) -> npt.NDArray[np.object_]:
    """Return a reason for every audience customer, (n,).

    "contacted"; "holdout"; "no_consent" (no action is allowed); "not_worth_it" (no action is worth its cost);
    "budget" (worth it, but not at the price of the budget); "capacity" (worth it even at that price, but a
    capacity or another rule is in the way).
    """
    net = np.where(facts.terms.eligible, facts.values - facts.costs, -np.inf)
    at_price = net - _charged(facts, _budget(facts), facts.solution.prices[0])
    found = np.full(len(net), "budget", dtype=object)
    if len(facts.solution.prices) > 1:
        # Prices are exact up to rounding only; who is worth nothing but the rounding is not wanted at them.
        found[at_price.max(axis=1) > 1e-6 * np.abs(facts.values).max()] = "capacity"
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
    chance = kept * _would(facts)
    contacted = facts.action >= 0
    rows = np.arange(len(contacted))
    given = chance[rows, np.maximum(facts.action, 0)]
    return np.where(contacted, given, np.clip(1 - chance.sum(axis=1), 0.0, 1.0))


def _would(facts: Facts) -> Floats:
    """Return the choice of every customer had nobody been held out.

    The held-out choose at the plan's prices; where customers are alike, they have the chances of their kind.
    """
    chance: Floats = facts.choice.astype(np.float64)
    held = np.ones(len(facts.action), bool)
    held[facts.active] = False
    if facts.alike:
        kind = kinds(facts.terms, facts.costs, np.arange(len(held)))
        held &= ~np.isin(kind, kind[facts.active])
    net = _at_prices(facts)[held]
    best = net.argmax(axis=1)
    worth = net[np.arange(len(best)), best] > 0
    chance[np.flatnonzero(held)[worth], best[worth]] = 1.0
    return chance


def _at_prices(facts: Facts) -> Floats:
    """Return the profit of each action for each customer, (n, k), less the prices of what it uses up."""
    net = np.where(facts.terms.eligible, facts.values - facts.costs, -np.inf)
    rules, prices = [_budget(facts), *facts.terms.rules], facts.solution.prices
    for rule, price in zip(rules, prices[: len(rules)], strict=True):
        net -= _charged(facts, rule, price)
    for price in prices[len(rules) :]:
        net -= price.price * (facts.values - (1 + facts.request.min_roi) * facts.costs)
    return net


def _budget(facts: Facts) -> Rule:
    return Rule("budget", of="cost", at_most=facts.request.budget)


def _charged(facts: Facts, rule: Rule, price: Price) -> Floats:
    """Return what a rule's price makes of each action for each customer; infinite where its bound of 0 forbids it."""
    taken = uses(rule, facts.values, facts.costs)
    return np.where(taken > 0, np.inf, 0.0) if rule.at_most == 0 else price.price * taken
