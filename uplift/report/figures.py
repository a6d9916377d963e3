"""The figures of a report: what is drawn, in a wide and in a narrow form, with the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import titles
from .fields import Interval
from .summary import Summary
from .svg import draw
from .tables import Table, comparison_table, decile_table, effect_table, frontier_table
from .words import count, percent, policy_name

Spec = dict[str, object]
WIDE, NARROW = 690, 290
MOST_ACTIONS = 30
ACCENT, INK, PAPER, SOFT = "var(--accent)", "var(--ink)", "var(--paper)", "var(--soft)"


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its title, what a reader needs to read it, and the same numbers as a table."""

    title: str
    caption: str
    wide: str
    narrow: str
    table: Table


def _figure(*, title: str, caption: str, table: Table, spec: Callable[[int], Spec]) -> Figure:
    label = f"{title}. {caption}"
    wide = draw(spec(WIDE), label=label, kind="wide")
    narrow = draw(spec(NARROW), label=label, kind="narrow")
    return Figure(title, caption, wide, narrow, table)


def _axis(field: str, title: str, *, ticks: int = 6, zero: bool = True) -> Spec:
    axis = {"title": title, "format": ",f", "tickCount": ticks}
    return {"field": field, "type": "quantitative", "axis": axis, "scale": {"zero": zero}}


def _layer(rows: Sequence[Mapping[str, object]], mark: Spec, encoding: Mapping[str, object]) -> Spec:
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def _words(row: Mapping[str, object], mark: Spec, encoding: Mapping[str, object]) -> list[Spec]:
    """Return text on the drawing, with a rim in the colour of the paper so that lines do not cross it."""
    rim = {"type": "text", "fontSize": 12, "stroke": PAPER, "strokeWidth": 4, "color": PAPER, **mark}
    text = {"type": "text", "fontSize": 12, "color": INK, **mark}
    place = {**encoding, "text": {"field": "text"}}
    return [_layer([row], rim, place), _layer([row], text, place)]


def frontier_figure(summary: Summary) -> Figure:
    """Return profit by budget, with its interval, the plan's place on it, and break-even."""
    return _figure(
        title=titles.frontier_title(summary),
        caption=(
            f"Line: expected profit at each budget; band: its {percent(summary.level)} interval; "
            f"dot: this plan; dashed line: break-even. "
            f"n = {count(summary.audience)} customers in the audience."
        ),
        table=frontier_table(summary),
        spec=lambda width: _frontier_spec(summary, width),
    )


def _frontier_spec(summary: Summary, width: int) -> Spec:
    rows = [
        {"budget": p.budget, "profit": p.profit.point, "lower": p.profit.lower, "upper": p.profit.upper}
        for p in summary.frontier
    ]
    x = _axis("budget", f"Budget ({summary.currency})", ticks=width // 75)
    band = [row for row in rows if row["lower"] is not None and row["upper"] is not None]
    area = {"x": x, "y": _axis("lower", f"Profit ({summary.currency})"), "y2": {"field": "upper"}}
    line = {"x": x, "y": _axis("profit", f"Profit ({summary.currency})")}
    return {
        "width": width,
        "height": 260,
        "layer": [
            _layer(band, {"type": "area", "color": ACCENT, "opacity": 0.2}, area),
            _layer([{}], {"type": "rule", "color": SOFT}, {"y": {"datum": 0}}),
            *_break_even_layers(summary, x),
            _layer(rows, {"type": "line", "color": ACCENT, "strokeWidth": 2.5}, line),
            *_here_layers(summary, line),
        ],
    }


def _side(budget: float, summary: Summary) -> Spec:
    """Return the side of a mark that has room for words."""
    right = budget > 0.55 * summary.frontier[-1].budget
    return {"align": "right" if right else "left", "dx": -8 if right else 8}


def _break_even_layers(summary: Summary, x: Spec) -> list[Spec]:
    edge = titles.break_even(summary.frontier)
    if edge is None:
        return []
    row = {"budget": edge, "text": "break-even"}
    rule = _layer([row], {"type": "rule", "color": SOFT, "strokeDash": [5, 4], "strokeWidth": 1.5}, {"x": x})
    mark = {**_side(edge, summary), "baseline": "bottom", "dy": -4}
    return [rule, *_words(row, mark, {"x": x, "y": {"datum": 0}})]


def _here_layers(summary: Summary, line: Mapping[str, object]) -> list[Spec]:
    if summary.forecast is None or summary.forecast.profit.point is None:
        return []
    row = {"budget": summary.spend, "profit": summary.forecast.profit.point, "text": "you are here"}
    dot = {"type": "point", "filled": True, "size": 110, "color": INK, "opacity": 1}
    return [_layer([row], dot, line), *_words(row, {**_side(summary.spend, summary), "dy": 18}, line)]


def decile_figure(summary: Summary) -> Figure:
    """Return observed against predicted money per customer, by tenth of the prediction."""
    n = sum(row.n for row in summary.deciles)
    return _figure(
        title=titles.decile_title(summary),
        caption=(
            f"Dot: a tenth of the held-out customers, 1 = predicted highest; bar: the "
            f"{percent(summary.level)} interval of what they showed; dashed line: as predicted. "
            f"n = {count(n)} customers."
        ),
        table=decile_table(summary),
        spec=lambda width: _decile_spec(summary, width),
    )


def _decile_spec(summary: Summary, width: int) -> Spec:
    rows: list[Spec] = [
        {
            "predicted": row.predicted,
            "observed": row.observed.point,
            "lower": row.observed.lower,
            "upper": row.observed.upper,
            "text": str(row.decile) if row.decile in (1, len(summary.deciles)) else "",
        }
        for row in summary.deciles
    ]
    unit = f"({summary.currency} per customer)"
    predicted = [row.predicted for row in summary.deciles]
    diagonal: list[Spec] = [
        {"predicted": edge, "observed": edge} for edge in (min(predicted), max(predicted))
    ]
    x = _axis("predicted", f"Predicted {unit}", ticks=width // 75, zero=False)
    y = _axis("observed", f"Observed {unit}")
    top = {**y, "field": "upper"}
    span = {"x": x, "y": {**y, "field": "lower"}, "y2": {"field": "upper"}}
    return {
        "width": width,
        "height": 260,
        "layer": [
            _layer([{}], {"type": "rule", "color": SOFT}, {"y": {"datum": 0}}),
            _layer(diagonal, {"type": "line", "color": SOFT, "strokeDash": [5, 4]}, {"x": x, "y": y}),
            _layer(rows, {"type": "rule", "color": ACCENT, "strokeWidth": 2}, span),
            _layer(
                rows,
                {"type": "point", "filled": True, "size": 60, "color": ACCENT, "opacity": 1},
                {"x": x, "y": y},
            ),
            *[layer for row in rows if row["text"] for layer in _words(row, {"dy": -10}, {"x": x, "y": top})],
        ],
    }


def _span(interval: Interval) -> Spec:
    return {"point": interval.point, "lower": interval.lower, "upper": interval.upper}


def _forest_spec(rows: Sequence[Spec], unit: str, width: int) -> Spec:
    """Return estimates with their intervals, one a line, against zero; a row marked `ours` stands out."""
    widest = 150 if width == NARROW else 280
    room = min(widest, 7 * max(len(str(row["name"])) for row in rows))
    labels = {"title": None, "labelLimit": widest, "labelColor": INK}
    y = {"field": "name", "type": "nominal", "sort": None, "axis": labels, "scale": {"padding": 0.4}}
    x = _axis("point", unit, ticks=max(4, (width - room) // 75))
    color = {"condition": {"test": "datum.ours", "value": ACCENT}, "value": SOFT}
    span = {"x": {**x, "field": "lower"}, "x2": {"field": "upper"}, "y": y, "color": color}
    point = {"type": "point", "filled": True, "size": 80, "opacity": 1}
    return {
        "width": width + 40 - room,
        "height": {"step": 30 if len(rows) < 10 else 22},
        "layer": [
            _layer([{}], {"type": "rule", "color": SOFT, "strokeDash": [5, 4]}, {"x": {"datum": 0}}),
            _layer(rows, {"type": "rule", "strokeWidth": 2.5}, span),
            _layer(rows, point, {"x": x, "y": y, "color": color}),
        ],
    }


def comparison_figure(summary: Summary) -> Figure:
    """Return the profit of the plan and of simpler policies, with intervals."""
    rows: list[Spec] = [
        {"name": policy_name(row.policy), "ours": row.policy == "plan", **_span(row.profit)}
        for row in summary.comparison
    ]
    held_out = f" n = {count(summary.forecast.rows)} held-out rows." if summary.forecast else ""
    return _figure(
        title=titles.comparison_title(summary),
        caption=(
            f"Dot: profit of each policy at the same budget; bar: its {percent(summary.level)} interval; "
            f"dashed line: nothing earned.{held_out}"
        ),
        table=comparison_table(summary),
        spec=lambda width: _forest_spec(rows, f"Profit ({summary.currency})", width),
    )


def effect_figure(summary: Summary) -> Figure:
    """Return the average effect of every action, with intervals."""
    ranked = sorted(summary.average_effects, key=lambda row: (-(row.effect.point or 0.0), row.label))
    rows: list[Spec] = [
        {
            "name": row.label,
            "ours": row.effect.lower is not None and row.effect.lower > 0,
            **_span(row.effect),
        }
        for row in ranked[:MOST_ACTIONS]
    ]
    n = sum(row.n for row in summary.average_effects)
    more = f" The {MOST_ACTIONS} largest are drawn; the table has all." if len(ranked) > MOST_ACTIONS else ""
    return _figure(
        title=titles.effect_title(summary),
        caption=(
            f"Dot: average effect on the margin of one customer; bar: its {percent(summary.level)} interval, "
            f"in colour where it lies above zero. n = {count(n)} customers who got one of the actions.{more}"
        ),
        table=effect_table(summary),
        spec=lambda width: _forest_spec(rows, f"Effect ({summary.currency} per customer)", width),
    )
