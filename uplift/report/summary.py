"""Summary: what summary.json says, as nouns with types. Pages, tables and sentences are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from ..findings import Finding, Verdict
from .fields import Fields, Interval, printable

LOUDEST_FIRST: tuple[Verdict, ...] = ("refuse", "overridden", "fallback", "warn", "ok")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the plan is expected to earn, measured on customers its rule never saw."""

    margin: Interval
    profit: Interval
    roi: Interval
    method: str
    rows: int
    ess: float | None
    folds: int


@dataclass(frozen=True, slots=True)
class Compared:
    """One policy beside the plan, at the plan's budget."""

    policy: str
    in_words: str
    spend: float
    contacts: int
    margin: Interval
    profit: Interval
    plan_minus_this: Interval


@dataclass(frozen=True, slots=True)
class RulePrice:
    """What one unit more of a rule's limit would earn."""

    rule: str
    price: float
    binding: bool
    in_words: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one action gets: contacts, money, and what it is expected to bring."""

    channel: str
    send_time: str | None
    contacts: int
    spend: float
    margin: float

    @property
    def label(self) -> str:
        """The action in words, as in "email at 12"."""
        return self.channel if self.send_time is None else f"{self.channel} at {self.send_time}"


@dataclass(frozen=True, slots=True)
class Point:
    """One budget of the budget → profit curve."""

    budget: float
    margin: float
    profit: Interval
    roi: float | None
    marginal_roi: float | None


@dataclass(frozen=True, slots=True)
class Decile:
    """Held-out customers of one tenth of the predictions: promised and observed money per customer."""

    decile: int
    n: int
    predicted: float
    observed: Interval


@dataclass(frozen=True, slots=True)
class AverageEffect:
    """The average effect of one action, money per customer."""

    label: str
    effect: Interval
    n: int
    buyers: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One learner that was tried, its weight in the effects, and its gain on held-out customers."""

    learner: str
    weight: float
    gain: float | None
    gain_se: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything a report says about one plan, or about one set of effects."""

    run: str
    currency: str
    budget: float | None
    spend: float
    contacts: int
    holdout: int
    audience: int
    level: float
    forecast: Forecast | None
    model_ratio: float | None
    comparison: tuple[Compared, ...]
    gap: float | None
    prices: tuple[RulePrice, ...]
    by_action: tuple[Share, ...]
    frontier: tuple[Point, ...]
    deciles: tuple[Decile, ...]
    calibration: Interval
    average_effects: tuple[AverageEffect, ...]
    candidates: tuple[Candidate, ...]
    response_model: Fields
    learner: str
    personalised: bool
    assumptions: Fields
    reasons: Fields
    findings: tuple[Finding, ...]
    overrides: tuple[str, ...]
    refused: str | None

    @property
    def budget_price(self) -> RulePrice | None:
        """The price of the budget, where the budget is among the rules."""
        return next((price for price in self.prices if price.rule == "budget"), None)


def read_summary(summary: Mapping[str, object]) -> Summary:
    """Return the summary as nouns; keys that are missing read as empty.

    Args:
        summary: The object in summary.json, or the part of it that an evaluation has.

    Raises:
        DataError: A value is not of the kind its key promises.
    """
    top = Fields(summary)
    forecast = _forecast(top.within("forecast")) if top.data.get("forecast") else None
    assumptions = top.within("assumptions")
    level = (forecast.margin.level if forecast else None) or assumptions.number("level") or 0.9
    return Summary(
        run=top.text("run"),
        currency=top.text("currency", "units of money"),
        budget=top.number("budget"),
        spend=top.amount("spend"),
        contacts=top.count("contacts"),
        holdout=top.count("holdout"),
        audience=top.count("audience"),
        level=level,
        forecast=forecast,
        model_ratio=top.within("model_score").number("ratio_to_forecast"),
        comparison=tuple(_compared(row) for row in top.rows("comparison")),
        gap=top.within("optimality").number("gap"),
        prices=tuple(_price(row) for row in top.rows("prices")),
        by_action=tuple(_share(row) for row in top.rows("by_action")),
        frontier=tuple(sorted((_point(row) for row in top.rows("frontier")), key=lambda p: p.budget)),
        deciles=tuple(_decile(row) for row in top.rows("deciles")),
        calibration=_calibration(top.within("calibration")),
        average_effects=tuple(_effect(row) for row in top.rows("average_effects")),
        candidates=tuple(_candidate(row) for row in top.rows("candidates")),
        response_model=top.within("response_model"),
        learner=top.text("learner"),
        personalised=top.flag("personalised", otherwise=True),
        assumptions=assumptions,
        reasons=top.within("reasons"),
        findings=read_findings(top.items("findings")),
        overrides=tuple(printable(str(code)) for code in top.items("overrides")),
        refused=top.text("refused") or None,
    )


def read_findings(findings: Iterable[object]) -> tuple[Finding, ...]:
    """Return findings, given as such or as the objects of summary.json, with the loudest first."""
    read = (item if isinstance(item, Finding) else _finding(item) for item in findings)
    return tuple(sorted(read, key=lambda finding: LOUDEST_FIRST.index(finding.verdict)))


def _finding(item: object) -> Finding:
    row = Fields({"finding": item}).within("finding")
    verdict = row.text("verdict")
    return Finding(
        code=row.text("code"),
        verdict=cast(Verdict, verdict) if verdict in get_args(Verdict) else "warn",
        message=row.text("message"),
        measured=row.number("measured"),
        threshold=row.number("threshold"),
        next=row.text("next"),
    )


def _forecast(row: Fields) -> Forecast:
    return Forecast(
        margin=row.interval("incremental_margin"),
        profit=row.interval("profit"),
        roi=row.interval("roi"),
        method=row.text("method"),
        rows=row.count("rows"),
        ess=row.number("ess"),
        folds=row.count("folds"),
    )


def _compared(row: Fields) -> Compared:
    return Compared(
        policy=row.text("policy"),
        in_words=row.text("in_words"),
        spend=row.amount("spend"),
        contacts=row.count("contacts"),
        margin=row.interval("incremental_margin"),
        profit=row.interval("profit"),
        plan_minus_this=row.interval("plan_minus_this"),
    )


def _price(row: Fields) -> RulePrice:
    return RulePrice(
        rule=row.text("rule"),
        price=row.amount("price"),
        binding=row.flag("binding", otherwise=False),
        in_words=row.text("in_words"),
    )


def _arm(row: Fields) -> tuple[str, str | None]:
    return row.text("channel") or row.text("arm"), row.text("send_time") or None


def _share(row: Fields) -> Share:
    channel, send_time = _arm(row)
    return Share(
        channel, send_time, row.count("contacts"), row.amount("spend"), row.amount("incremental_margin")
    )


def _point(row: Fields) -> Point:
    return Point(
        budget=row.amount("budget"),
        margin=row.amount("incremental_margin"),
        profit=Interval(row.number("profit"), row.number("lower"), row.number("upper")),
        roi=row.number("roi"),
        marginal_roi=row.number("marginal_roi"),
    )


def _decile(row: Fields) -> Decile:
    observed = Interval(row.number("observed"), row.number("lower"), row.number("upper"))
    return Decile(row.count("decile"), row.count("n"), row.amount("predicted"), observed)


def _calibration(row: Fields) -> Interval:
    return Interval(row.number("slope"), row.number("lower"), row.number("upper"))


def _effect(row: Fields) -> AverageEffect:
    channel, send_time = _arm(row)
    label = channel if send_time is None else f"{channel} at {send_time}"
    return AverageEffect(label, row.as_interval(), row.count("n"), row.count("buyers"))


def _candidate(row: Fields) -> Candidate:
    return Candidate(row.text("learner"), row.amount("weight"), row.number("gain"), row.number("gain_se"))
