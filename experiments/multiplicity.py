"""Several p-values at once: Holm's and Benjamini-Hochberg's adjustments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from uplift.errors import DataError

Floats = npt.NDArray[np.float64]


def holm(p: npt.ArrayLike) -> Floats:
    """Return p-values that, held against alpha, keep the chance of any false finding below alpha.

    The i-th smallest of m is multiplied by m − i + 1, made to rise, and capped at 1. It holds under any
    dependence.

    Args:
        p: (m,) p-values.

    Raises:
        DataError: A value outside [0, 1].

    References:
        Holm (1979).

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = len(values) - np.arange(len(values))
    return _in_place(order, np.minimum(np.maximum.accumulate(values[order] * steps), 1.0))


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Return p-values that, held against q, keep the expected share of false findings below q.

    The i-th smallest of m is multiplied by m / i and made to fall from the largest down. Valid when the
    tests are independent or positively dependent, as arms against a shared control are.

    Args:
        p: (m,) p-values.

    Raises:
        DataError: A value outside [0, 1].

    References:
        Benjamini & Hochberg (1995).

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = len(values) / np.arange(1, len(values) + 1)
    falling = np.minimum.accumulate((values[order] * steps)[::-1])[::-1]
    return _in_place(order, np.minimum(falling, 1.0))


def _checked(p: npt.ArrayLike) -> Floats:
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or not bool(((values >= 0) & (values <= 1)).all()):
        raise DataError(f"Found {values.tolist()}; adjusting needs a list of p-values between 0 and 1.")
    return values


def _in_place(order: npt.NDArray[np.intp], sorted_values: Floats) -> Floats:
    out = np.empty_like(sorted_values)
    out[order] = sorted_values
    return out
