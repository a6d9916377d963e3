"""The titles of figures and tables: each states what the numbers found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..findings import Finding
from .summary import Compared, Point, Summary
from .suppression import suppress
from .words import between, count, in_text, money, next_unit, per_customer, percent, price, ratio, rival


def break_even(frontier: Sequence[Point]) -> float | None:
    """Return the budget on the curve beyond which the next unit of money no longer earns itself back.

    None where every budget that was looked at is below it.
    """
    for before, point in pairwise(frontier):
        if point.marginal_roi is not None and point.marginal_roi <= 0:
            # The curve turns somewhere between the two.
            return max(before, point, key=lambda p: p.profit.point or 0.0).budget
    return None


def frontier_title(summary: Summary) -> str:
    """Return where the budget → profit curve stops rising, or that it still rises."""
    edge = break_even(summary.frontier)
    budget = summary.budget_price
    here = f"; here it returns {price(budget.price)}" if budget and budget.binding else ""
    unit = next_unit(summary.currency)
    if edge is not None:
        return f"Beyond about {money(edge)} {summary.currency} {unit} no longer earns itself back{here}"
    last = summary.frontier[-1].budget
    return f"Profit still rises at {money(last)} {summary.currency}, the largest budget looked at{here}"


def decile_title(summary: Summary) -> str:
    """Return whether held-out customers did what the predictions promised."""
    slope = summary.calibration
    if slope.point is None:
        return "What was predicted and what held-out customers then showed, tenth by tenth"
    shown = f"held-out customers showed {in_text(slope, summary.level, ratio)} for every 1.00 predicted"
    if slope.lower is None or slope.upper is None:
        return f"On average {shown}"
    if slope.lower > 1:
        return f"The predictions promise too little: {shown}"
    if slope.upper < 1:
        return f"The predictions promise too much: {shown}"
    if slope.lower <= 0:
        return f"The ranking is not proven: {shown}"
    return f"The predictions hold: {shown}"


def comparison_title(summary: Summary) -> str:
    """Return whether the plan beats the best of the simpler policies."""
    rivals = [row for row in summary.comparison if row.policy != "plan" and row.profit.point is not None]
    if not rivals:
        return "No simpler policy could be compared"
    best = max(rivals, key=lambda row: row.profit.point or 0.0)
    return _against(best, summary)


def _against(best: Compared, summary: Summary) -> str:
    difference = best.plan_minus_this
    name = rival(best.policy)
    lower, upper = difference.lower, difference.upper
    if lower is None or upper is None or difference.point is None:
        return f"The best of the simpler policies is {name}, with a profit of {money(best.profit.point)}"
    span = f"({percent(summary.level)}: {between(difference)})"
    if lower > 0:
        return f"The plan earns {money(difference.point)} more than {name}, the best simpler policy {span}"
    if upper < 0:
        return f"The plan earns {money(-difference.point)} less than {name} {span}"
    return f"The plan is not proven to beat {name}: the difference is {in_text(difference, summary.level)}"


def action_title(summary: Summary) -> str:
    """Return which action is expected to bring most."""
    cells = suppress([row.contacts for row in summary.by_action])
    used = [row for row in summary.by_action if row.contacts]
    if not used:
        return "Nobody is contacted"
    shown = [
        row for row, cell in zip(summary.by_action, cells, strict=True) if row.contacts and not cell.hidden
    ]
    if not shown:
        return f"{len(used)} actions are used, each for too few customers to be shown"
    best = max(shown, key=lambda row: row.margin)
    brings = f"{money(best.margin)} {summary.currency} of incremental margin"
    if len(used) == 1:
        return f"Everybody who is contacted gets {best.label}, which is expected to bring {brings}"
    return f"{len(used)} actions are used; {best.label} is expected to bring most, {brings}"


def price_title(summary: Summary) -> str:
    """Return how many rules hold the plan back."""
    binding = sum(rule.binding for rule in summary.prices)
    rules = len(summary.prices)
    if rules == 1:
        return (
            f"The one rule, {summary.prices[0].rule}, {'holds' if binding else 'does not hold'} the plan back"
        )
    return f"{binding or 'None'} of {rules} rules {'hold' if binding > 1 else 'holds'} the plan back"


def effect_title(summary: Summary) -> str:
    """Return how many actions work on average, and which works best."""
    rows = summary.average_effects
    proven = sum(row.effect.lower is not None and row.effect.lower > 0 for row in rows)
    best = max(rows, key=lambda row: row.effect.point or 0.0)
    effect = in_text(best.effect, summary.level, per_customer)
    return f"{proven} of {len(rows)} actions work on average; {best.label} most, with {effect} per customer"


def finding_title(findings: Sequence[Finding]) -> str:
    """Return how many checks need attention."""
    loud = sum(finding.verdict != "ok" for finding in findings)
    if len(findings) == 1:
        return "The one check needs attention" if loud else "The one check passed"
    if not loud:
        return f"All {len(findings)} checks passed"
    return f"{loud} of {len(findings)} checks {'needs' if loud == 1 else 'need'} attention"


def reason_title(summary: Summary) -> str:
    """Return how many customers are left alone."""
    left = summary.audience - summary.contacts
    return f"{count(left)} of {count(summary.audience)} customers are not contacted"
