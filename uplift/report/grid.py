"""The grid of what goes where and when: channels across, send times down, shaded by margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .summary import Share, Summary
from .suppression import Cell, suppress
from .words import count, money


@dataclass(frozen=True, slots=True)
class GridCell:
    """One channel at one send time.

    Attributes:
        lines: Contacts, spend and incremental margin as text; one line where they are not shown.
        heat: Its incremental margin as a share of the largest, 0 to 1; 0 where it is not shown.
    """

    lines: tuple[str, ...]
    heat: float = 0.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Channels across, send times down, with the totals of the channels whose every cell is shown."""

    channels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]
    totals: tuple[GridCell, ...]


def action_grid(summary: Summary) -> Grid | None:
    """Return the grid, or None where the actions have no send time."""
    shares = summary.by_action
    times = _in_order({share.send_time for share in shares if share.send_time is not None})
    if not times:
        return None
    channels = tuple(dict.fromkeys(share.channel for share in shares))
    cells = dict(
        zip(
            ((share.channel, share.send_time) for share in shares),
            zip(shares, suppress([share.contacts for share in shares]), strict=True),
            strict=True,
        )
    )
    most = max((share.margin for share in shares), default=0.0)
    rows = tuple(
        (time, tuple(_cell(cells.get((channel, time)), most) for channel in channels)) for time in times
    )
    return Grid(
        channels, rows, tuple(_total([cells[key] for key in cells if key[0] == name]) for name in channels)
    )


def _in_order(times: set[str]) -> list[str]:
    def place(time: str) -> tuple[bool, float, str]:
        try:
            return (False, float(time), time)
        except ValueError:
            return (True, 0.0, time)

    return sorted(times, key=place)


def _lines(contacts: int, spend: float, margin: float) -> tuple[str, ...]:
    return (count(contacts), money(spend), money(margin))


def _cell(found: tuple[Share, Cell] | None, most: float) -> GridCell:
    if found is None:
        return GridCell(("–",))
    share, cell = found
    if cell.hidden or not share.contacts:
        return GridCell((cell.text,))
    heat = max(0.0, share.margin / most) if most > 0 else 0.0
    return GridCell(_lines(share.contacts, share.spend, share.margin), round(heat, 2))


def _total(found: Sequence[tuple[Share, Cell]]) -> GridCell:
    # A channel's total would give away a hidden cell of that channel.
    if any(cell.hidden for _, cell in found):
        return GridCell(("hidden",))
    shares = [share for share, _ in found]
    return GridCell(
        _lines(
            sum(share.contacts for share in shares),
            sum(share.spend for share in shares),
            sum(share.margin for share in shares),
        )
    )
