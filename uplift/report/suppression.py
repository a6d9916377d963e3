"""Hide small cells of a breakdown, so that no customer can be singled out by subtraction from the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """One count of a breakdown: as it may be printed, and whether what hangs on it must be hidden too."""

    text: str
    hidden: bool


def suppress(counts: Sequence[int]) -> tuple[Cell, ...]:
    """Return the counts as they may be printed beside their total.

    A count of 1 to 49 is printed as "<50". While all that is hidden adds up to less than 50, as a single
    small cell does, the smallest cell still shown is hidden as well, because the total minus the rest would
    give it away. A count of 0 is nobody, and is shown.

    >>> [cell.text for cell in suppress([4000, 12, 300, 0])]
    ['4,000', '<50', 'hidden', '0']
    """
    hidden = {i for i, count in enumerate(counts) if 0 < count < SMALLEST_SHOWN}
    shown = sorted((i for i, count in enumerate(counts) if count >= SMALLEST_SHOWN), key=lambda i: counts[i])
    for i in shown:
        if not hidden or sum(counts[j] for j in hidden) >= SMALLEST_SHOWN:
            break
        hidden.add(i)
    return tuple(Cell(_text(count, hidden=i in hidden), i in hidden) for i, count in enumerate(counts))


def _text(count: int, *, hidden: bool) -> str:
    if not hidden:
        return f"{count:,}"
    return f"<{SMALLEST_SHOWN}" if count < SMALLEST_SHOWN else "hidden"
