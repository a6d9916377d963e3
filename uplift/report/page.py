"""The page: one HTML file that needs no network, begins with the answer and shows what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from ..findings import Finding, Verdict
from . import figures, tables, titles, words
from .figures import Figure
from .grid import Grid, action_grid
from .summary import Summary, read_summary
from .tables import Table

_LOUD: frozenset[Verdict] = frozenset({"refuse", "overridden", "fallback"})
_STATUS: Mapping[Verdict, str] = {
    "refuse": "Refused",
    "overridden": "Overridden",
    "fallback": "Simpler claim",
    "warn": "Warning",
    "ok": "Passed",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page.

    Attributes:
        id: Its anchor.
        heading: Its topic.
        finding: What it found, in words; empty where the figure's title says it.
        figure: A drawing, with its own title and table.
        grid: Channels and send times, with the table of the same numbers.
        tables: Tables that stand open.
        checks: Findings, the loudest first.
        notes: Sentences below.
    """

    id: str
    heading: str
    finding: str = ""
    figure: Figure | None = None
    grid: Grid | None = None
    tables: tuple[Table, ...] = ()
    checks: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def render_page(summary: Mapping[str, object]) -> str:
    """Return the report of a plan as one self-contained HTML file.

    The page loads nothing and runs nothing: styles and drawings are inside. The same summary gives the same
    bytes.

    Args:
        summary: The object that summary.json holds.

    Raises:
        DataError: A value in the summary is not of the kind its key promises.
    """
    plan = read_summary(summary)
    return _template().render(
        answer=words.answer(plan),
        plan=plan,
        loud=[finding for finding in plan.findings if finding.verdict in _LOUD],
        facts=_facts(plan),
        sections=[section for make in _SECTIONS if (section := make(plan)) is not None],
        style=Markup(_package_text("page.css")),
        words=words,
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawing"] = Markup  # our own SVG: its texts were escaped when it was written
    environment.filters["status"] = lambda finding: _STATUS[finding.verdict]
    return environment.from_string(_package_text("page.html.j2"))


def _package_text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _facts(plan: Summary) -> tuple[tuple[str, str, str], ...]:
    """Return the key figures: name, value, and what stands below it."""
    people = (
        ("Contacts", words.count(plan.contacts), f"of {words.count(plan.audience)} customers"),
        ("Held out", words.count(plan.holdout), "at random, to measure the campaign"),
    )
    forecast = plan.forecast
    if forecast is None:
        return people
    level = f"{words.percent(plan.level)}: "
    returns = words.between(forecast.roi, words.ratio)
    return (
        (
            f"Incremental margin, {plan.currency}",
            words.money(forecast.margin.point),
            level + words.between(forecast.margin),
        ),
        (
            f"Profit after cost, {plan.currency}",
            words.money(forecast.profit.point),
            level + words.between(forecast.profit),
        ),
        ("ROI", words.roi(forecast.roi.point), level + returns if returns else "at zero cost"),
        *people,
    )


def _frontier(plan: Summary) -> Section | None:
    if len(plan.frontier) < 2:
        return None
    return Section("budget", "Budget and profit", figure=figures.frontier_figure(plan))


def _deciles(plan: Summary) -> Section | None:
    if not plan.deciles:
        return None
    return Section("predictions", "Predicted against observed", figure=figures.decile_figure(plan))


def _comparison(plan: Summary) -> Section | None:
    if not plan.comparison:
        return None
    return Section("comparison", "Compared in money", figure=figures.comparison_figure(plan))


def _actions(plan: Summary) -> Section | None:
    if not plan.by_action:
        return None
    return Section(
        "actions",
        "What goes where and when",
        titles.action_title(plan),
        grid=action_grid(plan),
        tables=(tables.action_table(plan),),
    )


def _prices(plan: Summary) -> Section | None:
    if not plan.prices:
        return None
    return Section(
        "prices",
        "Rules and their prices",
        titles.price_title(plan),
        tables=(tables.price_table(plan),),
        notes=_said(words.optimality(plan.gap)),
    )


def _effects(plan: Summary) -> Section | None:
    if not plan.average_effects:
        return None
    return Section("effects", "Average effect of each action", figure=figures.effect_figure(plan))


def _checks(plan: Summary) -> Section | None:
    if not plan.findings:
        return None
    return Section(
        "checks",
        "Health and gates",
        titles.finding_title(plan.findings),
        checks=plan.findings,
        notes=_said(words.overridden(plan)),
    )


def _assumptions(plan: Summary) -> Section | None:
    if not plan.assumptions.data:
        return None
    return Section("assumptions", "Assumptions", tables=(tables.assumption_table(plan),))


def _reasons(plan: Summary) -> Section | None:
    if not plan.reasons.data:
        return None
    return Section(
        "reasons",
        "Why customers were not contacted",
        titles.reason_title(plan),
        tables=(tables.reason_table(plan),),
    )


def _method(plan: Summary) -> Section | None:
    notes = _said(
        f"Learner: {plan.learner}." if plan.learner else "",
        f"Forecast: {words.evidence(plan)}." if plan.forecast else "",
        words.model_score(plan),
        words.response_sentence(plan.response_model),
    )
    tried = (tables.candidate_table(plan),) if plan.candidates else ()
    return Section("method", "Learner and model score", tables=tried, notes=notes) if notes or tried else None


def _said(*sentences: str) -> tuple[str, ...]:
    return tuple(sentence.replace("..", ".") for sentence in sentences if sentence)


_SECTIONS: Iterable[Callable[[Summary], Section | None]] = (
    _frontier,
    _deciles,
    _comparison,
    _actions,
    _prices,
    _effects,
    _checks,
    _assumptions,
    _reasons,
    _method,
)
