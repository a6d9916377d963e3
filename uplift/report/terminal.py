"""The terminal: the answer, what it rests on, and what to watch, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Literal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from ..findings import Finding, Verdict
from . import tables, titles, words
from .summary import Summary, read_findings, read_summary
from .tables import Table

TOP = 8
# Stands for the space of "90 %" while lines are broken: rich breaks at every kind of space.
_GLUE = "\ue000"
_SPARKS = "▁▂▃▄▅▆▇█"
_SHOWN: dict[Verdict, tuple[str, str]] = {
    "refuse": ("REFUSED", "bold red"),
    "overridden": ("OVERRIDDEN", "bold red"),
    "fallback": ("SIMPLER CLAIM", "bold yellow"),
    "warn": ("WARNING", "yellow"),
    "ok": ("ok", "green"),
}


def render_terminal(summary: Mapping[str, object], *, width: int = 80, colour: bool = False) -> str:
    """Return the summary of a plan as text for a terminal.

    Args:
        summary: The object that summary.json holds.
        width: Columns; longer lines are wrapped, never cut.
        colour: Whether to write ANSI colours.

    Raises:
        DataError: A value in the summary is not of the kind its key promises.
    """
    plan = read_summary(summary)
    loud = [finding for finding in plan.findings if finding.verdict != "ok"]
    parts: list[RenderableType] = [_text(words.answer(plan), "bold red" if plan.refused else "bold")]
    parts += [_text(line, "bold red") for line in (words.caveat(plan), words.overridden(plan)) if line]
    parts += _findings(loud)
    parts += _forecast(plan)
    if plan.comparison:
        parts += _table(tables.comparison_table(plan, brief=True), titles.comparison_title(plan))
    if plan.by_action:
        parts += _table(tables.action_table(plan, top=TOP), titles.action_title(plan))
    parts += _prices(plan)
    parts += _sparkline(plan)
    if plan.reasons.data:
        parts += _table(tables.reason_table(plan), titles.reason_title(plan))
    parts += _assumptions(plan)
    return _write(parts, width, colour=colour)


def render_findings(
    findings: Iterable[Finding | Mapping[str, object]], *, width: int = 80, colour: bool = False
) -> str:
    """Return the results of checks as text for a terminal, the loudest first.

    Args:
        findings: Findings, or the objects that summary.json holds for them.
        width: Columns; longer lines are wrapped, never cut.
        colour: Whether to write ANSI colours.

    >>> print(render_findings([Finding("G1", "ok", "There is a control and one action.")]), end="")
    The one check passed.
    <BLANKLINE>
    ok G1: There is a control and one action.
    """
    read = read_findings(findings)
    return _write([_text(f"{titles.finding_title(read)}.", "bold"), *_findings(read)], width, colour=colour)


def render_evaluation(evaluation: Mapping[str, object], *, width: int = 80, colour: bool = False) -> str:
    """Return how good the effects are as text for a terminal.

    Args:
        evaluation: An object with any of the keys deciles, calibration, comparison, average_effects,
            candidates, response_model, learner, findings, currency and assumptions, as in summary.json.
        width: Columns; longer lines are wrapped, never cut.
        colour: Whether to write ANSI colours.

    Raises:
        DataError: A value is not of the kind its key promises.
    """
    found = read_summary(evaluation)
    parts: list[RenderableType] = _findings(
        [finding for finding in found.findings if finding.verdict != "ok"]
    )
    if found.learner:
        parts.append(_text(f"Learner: {found.learner.rstrip('.')}."))
    if found.candidates:
        parts += _table(tables.candidate_table(found))
    if found.deciles:
        parts += _table(tables.decile_table(found), titles.decile_title(found))
    if found.comparison:
        parts += _table(tables.comparison_table(found, brief=True), titles.comparison_title(found))
    if found.average_effects:
        parts += _table(tables.effect_table(found), titles.effect_title(found))
    if sentence := words.response_sentence(found.response_model):
        parts.append(_text(sentence))
    return _write(parts, width, colour=colour)


def _text(text: str, style: str = "") -> Text:
    return Text(text.replace(" %", f"{_GLUE}%"), style)


def _write(parts: Sequence[RenderableType], width: int, *, colour: bool) -> str:
    stream = StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        # Nothing in the caller's environment may change what is written.
        _environ={},
    )
    for part in parts:
        console.print(part)
        console.print()
    lines = [line.rstrip() for line in stream.getvalue().split("\n")]
    text = "\n".join(line for line, after in zip(lines, [*lines[1:], ""], strict=True) if line or after)
    return f"{text.strip()}\n".replace(_GLUE, " ")


def _findings(findings: Iterable[Finding]) -> list[RenderableType]:
    return [_finding(finding) for finding in findings]


def _finding(finding: Finding) -> RenderableType:
    shown, style = _SHOWN[finding.verdict]
    text = _text(f"{shown} {finding.code}", style)
    text.append(f": {finding.message}", "not bold default" if finding.verdict == "ok" else "default")
    if limits := words.measured(finding.measured, finding.threshold):
        text.append(f" ({limits})", "default")
    if not finding.next or finding.verdict == "ok":
        return text
    return Group(text, Padding(_text(f"Next: {finding.next}"), (0, 0, 0, 2)))


def _table(table: Table, title: str = "") -> list[RenderableType]:
    drawn = RichTable(
        box=box.SIMPLE_HEAD, show_footer=table.total is not None, pad_edge=False, padding=(0, 1)
    )
    total = table.total or ("",) * len(table.head)
    for i, (name, footer) in enumerate(zip(table.head, total, strict=True)):
        side: Literal["left", "right"] = "left" if i < table.texts else "right"
        drawn.add_column(_text(name), _text(footer), justify=side, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(_text(cell) for cell in row))
    heading = _text(f"{title}." if title else table.title, "bold")
    return [Group(heading, drawn, *([_text(table.note, "dim")] if table.note else []))]


def _forecast(plan: Summary) -> list[RenderableType]:
    table = tables.forecast_table(plan)
    if table is None:
        return []
    score = _text(words.model_score(plan))
    return [*_table(table, f"{table.title}: {words.evidence(plan)}"), *([score] if score.plain else [])]


def _prices(plan: Summary) -> list[RenderableType]:
    binding = [rule for rule in tables.ranked_prices(plan) if rule.binding]
    if not plan.prices:
        return []
    lines = [f"- {rule.in_words or words.binds(rule)}" for rule in binding[:TOP]]
    more = len(binding) - TOP
    lines += [f"- {more} more are in report.html"] if more > 0 else []
    return [_text("\n".join([f"{titles.price_title(plan)}.", *lines]))]


def _sparkline(plan: Summary) -> list[RenderableType]:
    if len(plan.frontier) < 2:
        return []
    profits = [point.profit.point or 0.0 for point in plan.frontier]
    low, high = min(profits), max(profits)
    steps = [round((profit - low) / (high - low) * 7) if high > low else 0 for profit in profits]
    best = plan.frontier[profits.index(high)]
    spark = "".join(_SPARKS[step] for step in steps)
    last = words.money(plan.frontier[-1].budget)
    ends = f"Profit at budgets from {words.money(plan.frontier[0].budget)} to {last}: {spark}"
    peak = f"Most profit: {words.money(high)} at {words.money(best.budget)}. {titles.frontier_title(plan)}."
    return [_text(f"{ends}\n{peak}")]


def _assumptions(plan: Summary) -> list[RenderableType]:
    if not plan.assumptions.data:
        return []
    said = "; ".join(f"{name} {value}" for name, value in tables.assumption_table(plan).rows)
    return [_text(f"Assumed: {said}.")]
