"""The gates a plan must pass beside those of its history: support, a profit that holds up, ranking, shift."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from uplift.effects import Effects
from uplift.estimates import Estimate
from uplift.evaluation import heterogeneity, response_heterogeneity
from uplift.findings import Finding

from .comparison import Compared
from .forecast import Choice, Ground, support
from .shift import Shift

LEAST_ESS = 200
LEAST_SHARE = 0.05
MATERIAL = 0.01  # leads smaller than this share of the plan's profit are nobody's concern
FAR, NEAR = 0.9, 0.7


def shifted(shift: Shift) -> Finding:
    """Return G13: how far the audience can be told apart from the history's customers."""
    message = f"A classifier tells audience from history with an AUC of {shift.auc:.2f}."
    if shift.auc > FAR:
        return Finding(
            "G13",
            "refuse",
            message,
            shift.auc,
            FAR,
            "Plan for customers like those of the history, or test on these.",
        )
    if shift.auc > NEAR:
        return Finding(
            "G13",
            "warn",
            message,
            shift.auc,
            NEAR,
            "The history was reweighted; a test on this audience is worth more.",
        )
    return Finding("G13", "ok", message, shift.auc, NEAR)


def ranking(effects: Effects, level: float) -> Finding:
    """Return G10: whether held-out customers differ the way the effects say they do.

    Two slopes are looked at, on money and on responses, each at a level that keeps the two together at `level`.
    """
    both = 1 - (1 - level) / 2
    money, response = heterogeneity(effects, both), response_heterogeneity(effects, both)
    best = max(money, response, key=lambda slope: slope.lower)
    measured = best.lower if np.isfinite(best.lower) else 0.0
    words = (
        f"Of the predicted differences between customers, held-out customers showed {_share(money)} in money"
        f" and {_share(response)} in responses."
    )
    if best.lower > 0:
        return Finding("G10", "ok", words, measured, 0.0)
    return Finding(
        "G10",
        "fallback",
        f"{words} That is no support for choosing who is contacted by predicted effect:"
        " everybody is treated as having the average effect.",
        measured,
        0.0,
        "Collect more history for a personalised plan, or --override G10.",
    )


def _share(slope: Estimate) -> str:
    if not np.isfinite(slope.se):
        return "none (none were predicted)"
    return f"{slope.point:.0%} ({slope.level:.0%}: {slope.lower:.0%} to {slope.upper:.0%})"


def _money(amount: Estimate) -> str:
    return f"{amount.point:,.2f} ({amount.level:.0%}: {amount.lower:,.2f} to {amount.upper:,.2f})"


def supported(ground: Ground, choice: Choice, contacts: int) -> tuple[Finding, float]:
    """Return G7 and the effective sample size: whether the history gave enough customers what the plan gives."""
    ess, rows = support(ground, choice)
    floor = max(LEAST_ESS, LEAST_SHARE * rows)
    words = (
        f"{rows:,} customers of the history were given what the plan would give them,"
        f" worth {ess:,.0f} of equal weight."
    )
    if contacts and ess < floor:
        finding = Finding(
            "G7",
            "refuse",
            words,
            ess,
            floor,
            "Plan fewer or better-tested actions, or randomise them to more customers first.",
        )
        return finding, ess
    return Finding("G7", "ok", words, ess, floor), ess


def profitable(profit: Estimate, ground: Ground, contacts: int) -> Finding:
    """Return G8: whether the forecast's lower bound of profit is above zero."""
    if contacts == 0:
        return Finding("G8", "ok", "The plan contacts nobody: no action is worth its cost.", 0.0, 0.0)
    words = f"The forecast of profit is {_money(profit)}."
    if profit.lower > 0:
        return Finding("G8", "ok", words, profit.lower, 0.0)
    size = _test_size(profit, ground, contacts)
    return Finding(
        "G8",
        "refuse",
        f"{words} A profit is not supported by this history.",
        profit.lower,
        0.0,
        f"Run this test instead: the plan's contacts against no contact, {size:,} customers in each arm.",
    )


def _test_size(profit: Estimate, ground: Ground, contacts: int) -> int:
    """Return customers per arm that tell the plan's margin per contact from its cost (5 % two-sided, power 80 %).

    The difference to be seen is the forecast profit per contact, or half the margin's own error where that is less.
    """
    seen = max(abs(profit.point), profit.se / 2) / contacts
    history = ground.effects.history
    spread = float(np.std(history.outcome))
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    return int(np.ceil(2 * (z * spread / max(seen, 1e-12)) ** 2))


def beats(other: Compared, plan: Compared) -> bool:
    """Return whether a simpler policy earned materially more than the plan, beyond doubt."""
    lead = other.plan_minus_this
    return lead.upper < 0 and -lead.point > MATERIAL * abs(plan.profit.point)


def simpler(compared: list[Compared]) -> Finding:
    """Return why everybody is treated alike: the best action on average earned more than choosing by effect."""
    lead = next(item for item in compared if item.policy == "everybody").plan_minus_this
    return Finding(
        "comparison",
        "fallback",
        f"Choosing by predicted effect leads the best action on average by {_money(lead)} on held-out customers:"
        " everybody is treated as having the average effect.",
        lead.upper,
        0.0,
        "Collect more history for a personalised plan.",
    )


def wins(compared: list[Compared], *, alike: bool) -> list[Finding]:
    """Return a finding for every simpler policy that the plan cannot be told from, or that beats it.

    A plan that treats all customers alike is itself the policy of the best action on average.
    """
    findings: list[Finding] = []
    plan = next(item for item in compared if item.policy == "plan")
    for other in compared:
        if other.policy in ("plan", "nobody") or (alike and other.policy == "everybody"):
            continue
        lead = other.plan_minus_this
        name = other.policy.replace("_", " ")
        words = f"The plan's lead over {name!r} is {_money(lead)}."
        if beats(other, plan):
            findings.append(
                Finding("comparison", "warn", f"{words} The simpler policy earned more.", lead.upper, 0.0)
            )
        elif lead.lower <= 0 <= lead.upper:
            findings.append(
                Finding(
                    "comparison", "warn", f"{words} The history cannot tell the two apart.", lead.lower, 0.0
                )
            )
    return findings
