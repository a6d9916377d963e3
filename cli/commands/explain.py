"""`uplift explain`: why this customer got this."""

from __future__ import annotations

from pathlib import Path

import click

from ..explanation import Explanation, explain
from ..options import Command, Common, common

EXAMPLE = "uplift explain demo/plan 823740978"


@click.command("explain", cls=Command, example=EXAMPLE)
@click.argument("plan", type=click.Path(path_type=Path))
@click.argument("customer")
@common
def command(shared: Common, plan: Path, customer: str) -> None:
    """Say why a customer got what the plan gave.

    Prints what was chosen, the runner-up, the rule that binds, and the price of the budget at which the
    choice flips; all of it from the plan's folder.
    """
    found = explain(plan, customer)
    shared.console.data(found.to_dict(), _in_words(found))
    shared.console.next("uplift explain", plan, "OTHER_CUSTOMER")


def _in_words(found: Explanation) -> str:
    """Return the explanation as lines for people."""
    from uplift.report.words import per_customer, reason_in_words

    lines = [
        f"{found.row['customer_id']}: {found.chosen.action} ({reason_in_words(found.row['reason'])}).",
        "",
        f"{'':<24}{'margin':>10}{'cost':>10}{'rules':>10}{'left':>10}",
    ]
    for offer in found.offers[:5]:
        charged = sum(toll.amount for toll in offer.tolls)
        numbers = (offer.value, offer.cost, charged, offer.score)
        mark = "*" if offer is found.chosen else " "
        lines.append(f"{mark} {offer.action:<22}" + "".join(f"{per_customer(x):>10}" for x in numbers))
    lines.append(f"in {found.currency}; rules: what their prices charge; the plan takes what leaves the most")
    return "\n".join([*lines, "", *_sentences(found)])


def _sentences(found: Explanation) -> list[str]:
    """Return the runner-up, the binding rule and what would flip the choice."""
    from uplift.report.words import per_customer

    lines = [_runner_up(found)]
    if found.binding is None:
        lines.append("No rule binds this choice.")
    else:
        amount = per_customer(found.binding.amount)
        lines.append(f"Binding rule: {found.binding.rule}, which charges {amount} {found.currency}.")
    if found.price_to_flip is not None:
        price = per_customer(found.price_to_flip)
        lines.append(f"Flips to {found.flips_to} when the next unit of budget earns {price}.")
    return [*lines, *found.notes]


def _runner_up(found: Explanation) -> str:
    """Return how far the runner-up is behind, or that it would have won but for the reason given."""
    from uplift.report.words import per_customer

    lead = found.chosen.score - found.runner_up.score
    if lead >= 0.0:
        return f"Runner-up: {found.runner_up.action}, {per_customer(lead)} {found.currency} behind."
    return f"But for that: {found.runner_up.action}, which would leave {per_customer(-lead)} {found.currency} more."
