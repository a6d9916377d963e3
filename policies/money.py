"""Money at the edges: cents that add up."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt

CENT = Decimal("0.01")


def cents(amount: float | Decimal) -> float:
    """Return an amount rounded to cents (half to even), as the nearest float.

    >>> cents(2.675), cents(-0.001)
    (2.68, 0.0)
    """
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(float(amount)))
    rounded = exact.quantize(CENT, ROUND_HALF_EVEN)
    return float(rounded) + 0.0


def exact_sum(amounts: npt.NDArray[np.float64]) -> Decimal:
    """Return the sum of amounts as the decimals they print as, without rounding on the way."""
    values, counts = np.unique(amounts, return_counts=True)
    return sum(
        (Decimal(repr(float(value))) * int(count) for value, count in zip(values, counts, strict=True)),
        Decimal(0),
    )


def apportion(total: float, parts: Sequence[float]) -> list[float]:
    """Return parts rounded to cents so that they add up to a total that is in cents already.

    The cents that plain rounding leaves over go to the parts that were rounded furthest down (largest remainder).

    >>> apportion(1.0, [1 / 3, 1 / 3, 1 / 3])
    [0.34, 0.33, 0.33]
    """
    whole = [int(np.floor(part * 100)) for part in parts]
    missing = round(total * 100) - sum(whole)
    order = sorted(range(len(parts)), key=lambda i: (whole[i] - parts[i] * 100, i))
    for step in range(abs(missing) if parts else 0):
        whole[order[step % len(parts)]] += 1 if missing > 0 else -1
    return [cents / 100 for cents in whole]
