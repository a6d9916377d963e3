"""The tables of a report as text, made once for the terminal and the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .fields import Interval, printable
from .summary import Decile, RulePrice, Share, Summary
from .suppression import SMALLEST_SHOWN, Cell, suppress
from .words import (
    between,
    count,
    estimate,
    money,
    per_customer,
    percent,
    policy_in_words,
    policy_name,
    price,
    ratio,
    reason_in_words,
    roi,
    setting,
)

Row = tuple[str, ...]
NOTE_HIDDEN = (
    f"Counts under {SMALLEST_SHOWN} customers are not shown; a further one is hidden where the total would "
    "give it away."
)


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table of text.

    Attributes:
        title: What the table holds, with its unit.
        head: The names of its columns.
        rows: Its cells; a line break parts an estimate from its interval.
        total: A last row that adds up, if there is one.
        note: What a reader must know to read it right.
        texts: How many of the first columns hold words; the others hold numbers.
    """

    title: str
    head: Row
    rows: tuple[Row, ...]
    total: Row | None = None
    note: str = ""
    texts: int = 1


def forecast_table(summary: Summary) -> Table | None:
    """Return margin, profit and ROI, each with its interval."""
    forecast = summary.forecast
    if forecast is None:
        return None
    return Table(
        f"Forecast, {summary.currency}",
        ("", "Expected", f"{percent(summary.level)} interval"),
        (
            ("Incremental margin", money(forecast.margin.point), between(forecast.margin)),
            ("Profit after cost", money(forecast.profit.point), between(forecast.profit)),
            ("ROI (profit / cost)", roi(forecast.roi.point), between(forecast.roi, ratio)),
        ),
    )


def comparison_table(summary: Summary, *, brief: bool = False) -> Table:
    """Return the plan beside simpler policies; brief leaves out what does not fit on a narrow screen."""
    name: Callable[..., str] = (lambda row: policy_name(row.policy)) if brief else policy_in_words
    rows = tuple(
        (
            name(row),
            money(row.spend),
            *(() if brief else (count(row.contacts), estimate(row.margin))),
            estimate(row.profit),
            "" if row.policy == "plan" else estimate(row.plan_minus_this),
        )
        for row in summary.comparison
    )
    middle = () if brief else ("Contacts", "Incremental margin")
    head = ("Policy", "Spend", *middle, "Profit", "Plan minus this")
    return Table(
        f"Compared at the same budget, {summary.currency}",
        head,
        rows,
        note=f"Below each estimate: its {percent(summary.level)} interval.",
    )


def _hidden_as(cell: Cell, text: str) -> str:
    return "hidden" if cell.hidden else text


def action_table(summary: Summary, *, top: int | None = None) -> Table:
    """Return contacts, spend and incremental margin of every action, the largest margin first."""
    cells = suppress([row.contacts for row in summary.by_action])
    ranked = sorted(
        zip(summary.by_action, cells, strict=True),
        key=lambda pair: (pair[1].hidden, -pair[0].margin, pair[0].label),
    )
    rows = tuple(_action_row(row, cell) for row, cell in ranked[:top])
    left = len(ranked) - len(rows)
    notes = [
        f"{left} more actions are in report.html." if left else "",
        NOTE_HIDDEN if any(cell.hidden for cell in cells) else "",
    ]
    return Table(
        f"What goes where and when, {summary.currency}",
        ("Action", "Contacts", "Spend", "Incremental margin"),
        rows,
        total=_action_total(summary.by_action),
        note=" ".join(note for note in notes if note),
    )


def _action_row(row: Share, cell: Cell) -> Row:
    return (row.label, cell.text, _hidden_as(cell, money(row.spend)), _hidden_as(cell, money(row.margin)))


def _action_total(rows: Iterable[Share]) -> Row:
    rows = tuple(rows)
    contacts = sum(row.contacts for row in rows)
    return (
        "Total",
        count(contacts),
        money(math.fsum(row.spend for row in rows)),
        money(math.fsum(row.margin for row in rows)),
    )


def ranked_prices(summary: Summary) -> list[RulePrice]:
    """Return the rules that bind, the dearest first, and then those that do not."""
    return sorted(summary.prices, key=lambda rule: (not rule.binding, -abs(rule.price)))


def price_table(summary: Summary) -> Table:
    """Return every rule with its price, the dearest first."""
    return Table(
        f"Rules and their prices, {summary.currency} per unit of the rule's limit",
        ("Rule", "In words", "At its limit", "Price"),
        tuple(
            (p.rule, p.in_words, "yes" if p.binding else "no", price(p.price)) for p in ranked_prices(summary)
        ),
        texts=3,
    )


def frontier_table(summary: Summary) -> Table:
    """Return the budget → profit curve."""
    return Table(
        f"Budget and profit, {summary.currency}",
        (
            "Budget",
            "Incremental margin",
            "Profit",
            f"{percent(summary.level)} interval of profit",
            "ROI",
            "Marginal ROI",
        ),
        tuple(
            (
                money(point.budget),
                money(point.margin),
                money(point.profit.point),
                between(point.profit),
                roi(point.roi),
                ratio(point.marginal_roi),
            )
            for point in summary.frontier
        ),
        texts=0,
    )


def decile_table(summary: Summary) -> Table:
    """Return predicted against observed money per customer, by tenth of the prediction."""
    cells = suppress([row.n for row in summary.deciles])
    return Table(
        f"Held-out customers by predicted effect, {summary.currency} per customer",
        ("Decile", "Customers", "Predicted", "Observed", f"{percent(summary.level)} interval"),
        tuple(_decile_row(row, cell) for row, cell in zip(summary.deciles, cells, strict=True)),
        note="Decile 1 holds the customers with the highest predictions.",
    )


def _decile_row(row: Decile, cell: Cell) -> Row:
    observed = row.observed
    numbers = (per_customer(row.predicted), per_customer(observed.point), between(observed, per_customer))
    return (str(row.decile), cell.text, *numbers)


def effect_table(summary: Summary, *, top: int | None = None) -> Table:
    """Return the average effect of every action, the largest first."""
    rows = summary.average_effects
    customers = suppress([row.n for row in rows])
    buyers = suppress([row.buyers for row in rows])
    ranked = sorted(range(len(rows)), key=lambda i: (-(rows[i].effect.point or 0.0), rows[i].label))
    written = tuple(
        (
            rows[i].label,
            customers[i].text,
            buyers[i].text,
            per_customer(rows[i].effect.point),
            between(rows[i].effect, per_customer),
        )
        for i in ranked[:top]
    )
    hidden = any(cell.hidden for cell in (*customers, *buyers))
    return Table(
        f"Average effect of each action, {summary.currency} per customer",
        ("Action", "Customers", "Buyers", "Effect", f"{percent(summary.level)} interval"),
        written,
        note=NOTE_HIDDEN if hidden else "",
    )


def candidate_table(summary: Summary) -> Table:
    """Return the learners that were tried, and what each gained on held-out customers."""
    return Table(
        "Learners tried, judged on held-out customers",
        ("Learner", "Weight", "Gain", "Standard error"),
        tuple(
            (row.learner, percent(row.weight), per_customer(row.gain), per_customer(row.gain_se))
            for row in summary.candidates
        ),
    )


def reason_table(summary: Summary) -> Table:
    """Return how many customers got nothing, by reason."""
    # The contacted and the held out are told elsewhere: hiding either of them here would hide nothing.
    left = {
        key: summary.reasons.count(key) for key in summary.reasons.data if key not in ("contacted", "holdout")
    }
    cells = suppress(list(left.values()))
    rows = [(reason_in_words(key), cell.text) for key, cell in zip(left, cells, strict=True)]
    told = [
        (reason_in_words(key), count(summary.reasons.count(key)))
        for key in ("contacted", "holdout")
        if key in summary.reasons.data
    ]
    total = sum(summary.reasons.count(key) for key in summary.reasons.data)
    return Table(
        "What becomes of every customer of the audience",
        ("Reason", "Customers"),
        (*told, *rows),
        total=("Total", count(total)),
        note=NOTE_HIDDEN if any(cell.hidden for cell in cells) else "",
    )


def assumption_table(summary: Summary) -> Table:
    """Return what the plan takes as given."""
    rows = tuple(
        (printable(key).replace("_", " "), setting(value)) for key, value in summary.assumptions.data.items()
    )
    return Table("Taken as given", ("Assumption", "Value"), rows, texts=2)


def calibration_line(slope: Interval) -> str:
    """Return the calibration slope as one line."""
    span = between(slope, ratio)
    return f"Calibration slope {ratio(slope.point)}" + (f" ({span})" if span else "")
