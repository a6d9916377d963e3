"""Explanation: why one customer got what the plan gave, from the plan's folder alone."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from uplift.errors import DataError, Refused, SettingError

from .gates import reasons

NOTHING = "no contact"
# How plans name their rules, and what such a rule adds up.
ENDINGS = {" capacity": "contacts", " maximum spend": "cost", " minimum spend": "cost"}


@dataclass(frozen=True, slots=True)
class Toll:
    """The price of one rule, as far as it falls on one action.

    Attributes:
        rule: The rule's name.
        amount: Price × what the action adds under the rule, in money.
    """

    rule: str
    amount: float


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing this customer could get.

    Attributes:
        action: Its label, or "no contact".
        value: Expected incremental margin, in money.
        cost: Of the contact, in money.
        tolls: What the binding rules charge for it.
    """

    action: str
    value: float
    cost: float
    tolls: tuple[Toll, ...] = ()

    @property
    def score(self) -> float:
        """What remains after the cost and the prices of all rules; the plan gives the offer with the most."""
        return self.value - self.cost - sum(toll.amount for toll in self.tolls)

    def unruled(self) -> float:
        """Return what would remain if there were no rules."""
        return self.value - self.cost

    @property
    def before_budget(self) -> float:
        """What remains before the price of the budget."""
        return self.score + sum(toll.amount for toll in self.tolls if toll.rule == "budget")

    def to_dict(self) -> dict[str, object]:
        """Return the offer as the object that --json prints."""
        return asdict(self) | {"score": self.score}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one customer got what the plan gave.

    Attributes:
        row: The customer's row of plan.parquet.
        currency: Of all money, three letters.
        offers: Everything this customer could get, the best score first.
        chosen: What the plan gave.
        runner_up: The best of the others.
        binding: The rule that charges most for what was chosen, or for what would be without rules.
        price_to_flip: The price of the budget at which another offer wins, None where no price does that.
        flips_to: That offer.
        notes: What else to know: that lots were drawn, or that costs of some actions are not known here.
    """

    row: Mapping[str, Any]
    currency: str
    offers: tuple[Offer, ...]
    chosen: Offer
    runner_up: Offer
    binding: Toll | None
    price_to_flip: float | None
    flips_to: str | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the explanation as the object that --json prints."""
        return {
            **self.row,
            "chosen": self.chosen.action,
            "runner_up": self.runner_up.to_dict(),
            "binding_rule": None if self.binding is None else asdict(self.binding),
            "price_to_flip": self.price_to_flip,
            "flips_to": self.flips_to,
            "notes": list(self.notes),
            "offers": [offer.to_dict() for offer in self.offers],
        }


def explain(folder: Path, customer: str) -> Explanation:
    """Return why a customer got what the plan gave.

    Args:
        folder: A plan's folder, as `uplift plan` wrote it.
        customer: The customer's id, as text.

    Raises:
        SettingError: The folder is not a plan, or holds a refusal.
        DataError: The plan has no such customer.
        Refused: A file is not as it was written (gate G16).
    """
    summary = _summary(folder)
    row = _row(folder / "plan.parquet", customer)
    offers = _offers(folder, summary, row)
    by_action = {offer.action: offer for offer in offers}
    chosen = by_action.get(_label(row), by_action[NOTHING])
    runner_up = next((offer for offer in offers if offer is not chosen), chosen)
    # Where something else than the prices decided (holdout, lots, consent), no price flips the choice.
    stands = chosen.score >= runner_up.score
    now = _budget_price(summary)
    price, flips_to = flip(chosen, offers, now) if stands else (None, None)
    return Explanation(
        row=row,
        currency=str(summary["currency"]),
        offers=offers,
        chosen=chosen,
        runner_up=runner_up,
        binding=_heaviest(chosen if chosen.action != NOTHING else max(offers, key=Offer.unruled)),
        price_to_flip=price,
        flips_to=flips_to,
        notes=_notes(summary, behind=not stands and row["reason"] == "contacted"),
    )


def _summary(folder: Path) -> dict[str, Any]:
    """Return the summary of a plan whose files are as they were written."""
    from uplift.tables.manifest import check_manifest, read_manifest

    # os.path takes a name that is too long for one that is not there.
    if not os.path.isfile(folder / "manifest.json") or read_manifest(folder).get("kind") != "plan":
        raise SettingError(
            f"{str(folder)!r} is not a plan: it has no manifest.json of one. Name the folder that uplift plan "
            "wrote."
        )
    damaged = reasons(check_manifest(folder))
    if damaged:
        raise Refused(" ".join(damaged))
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    if summary.get("refused"):
        raise SettingError(f"{str(folder)!r} holds no plan, because it was refused. {summary['refused']}")
    return summary


def _row(path: Path, customer: str) -> dict[str, Any]:
    """Return one customer's row of a table."""
    import pyarrow.parquet as pq

    if not path.is_file():
        raise SettingError(f"{str(path.parent)!r} has no {path.name}. Make the plan again.")
    rows = pq.read_table(path, filters=[("customer_id", "==", customer)]).to_pylist()
    if not rows:
        raise DataError(
            f"The plan has no customer {customer!r}. Ids are text and must be exactly as in the audience."
        )
    row: dict[str, Any] = rows[0]
    return row


def _label(row: Mapping[str, Any]) -> str:
    """Return the label of what the plan gave, "no contact" where it gave nothing."""
    if row["reason"] != "contacted":
        return NOTHING
    channel = str(row["channel"] if "channel" in row else row["arm"])
    send_time = row.get("send_time")
    return channel if send_time is None else f"{channel} {send_time}"


def _offers(folder: Path, summary: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[Offer, ...]:
    """Return what this customer could get, with its tolls, the best score first; on a tie what was given."""
    customer, given = row["customer_id"], _label(row)
    costs: dict[str, Any] = dict(summary["assumptions"]["costs"])
    if (folder / "costs.parquet").is_file():
        costs |= _row(folder / "costs.parquet", customer)
    offers = [Offer(NOTHING, 0.0, 0.0)]
    for label, value in _row(folder / "values.parquet", customer).items():
        cost = row["cost"] if label == given else _cost(label, costs)
        if label != "customer_id" and _known(value) and _known(cost):
            offers.append(Offer(label, value, cost, _tolls(label, value, cost, summary)))
    return tuple(sorted(offers, key=lambda offer: (-offer.score, offer.action != given)))


def _known(value: object) -> bool:
    """Return whether this is a number: an action without a value was not on offer."""
    return isinstance(value, int | float) and math.isfinite(value)


def _cost(label: str, costs: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a column's name where costs vary
    """Return the contact cost of an action from those of the channels: "email 8" costs what "email" does."""
    for name in sorted(costs, key=len, reverse=True):
        if label == name or label.startswith(f"{name} "):
            return costs[name]
    return 0.0


def _notes(summary: Mapping[str, Any], *, behind: bool) -> tuple[str, ...]:
    """Return what else there is to know; `behind` where another offer leaves more than what was given."""
    assumed, personalised = summary["assumptions"], summary.get("personalised", True)
    others = [
        price["rule"] for price in summary["prices"] if price["price"] and limited(price["rule"])[0] is None
    ]
    notes = {
        f"Not in these numbers: what the prices of {', '.join(others)} charge.": others,
        "Customers are taken alike in this plan: who is contacted was drawn by lot.": not personalised,
        "The choice was made before margins were scaled to the forecast, which decides close calls.": behind
        and personalised,
        "Costs of what was not chosen leave out what responses may cost.": assumed.get("response_costs"),
    }
    return tuple(note for note, holds in notes.items() if holds)


def _tolls(label: str, value: float, cost: float, summary: Mapping[str, Any]) -> tuple[Toll, ...]:
    """Return what the priced rules charge for an action: price × what it adds under the rule."""
    adds = {"contacts": 1.0, "cost": cost, "margin": value}
    found = []
    for price in summary.get("prices", ()):
        measure, name = limited(price["rule"])
        if price["price"] and measure and (name is None or label == name or label.startswith(f"{name} ")):
            found.append(Toll(price["rule"], price["price"] * adds[measure]))
    return tuple(found)


def limited(rule: str) -> tuple[str | None, str | None]:
    """Return what a rule adds up, and the channel or action it is about (None for all), from its name.

    >>> limited("sms 12 capacity"), limited("mail maximum spend"), limited("budget")
    (('contacts', 'sms 12'), ('cost', 'mail'), ('cost', None))
    """
    if rule == "budget":
        return "cost", None
    for ending, measure in ENDINGS.items():
        if rule.endswith(ending) and not rule.startswith("segment "):
            return measure, rule.removesuffix(ending)
    return None, None


def _budget_price(summary: Mapping[str, Any]) -> float:
    """Return what one more unit of budget would earn."""
    return next((price["price"] for price in summary.get("prices", ()) if price["rule"] == "budget"), 0.0)


def _heaviest(offer: Offer) -> Toll | None:
    """Return the rule that charges most for an offer."""
    return max(offer.tolls, key=lambda toll: abs(toll.amount), default=None)


def flip(chosen: Offer, offers: Sequence[Offer], now: float) -> tuple[float | None, str | None]:
    """Return the nearest price of the budget at which another offer beats the chosen one, and that offer.

    Both scores are straight lines in the price, before_budget − price × cost; they cross once.
    """
    crossings = [
        ((chosen.before_budget - other.before_budget) / (chosen.cost - other.cost), other.action)
        for other in offers
        if other is not chosen and other.cost != chosen.cost
    ]
    reachable = [(price, action) for price, action in crossings if price >= 0.0]
    return min(reachable, key=lambda crossing: abs(crossing[0] - now), default=(None, None))
