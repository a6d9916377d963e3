"""The door: what callers hand in becomes cells and limits, or is refused with a sentence."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from uplift.errors import DataError, SettingError
from uplift.findings import Finding

from ..constraints import Rule
from .kernels import Floats, Ints
from .problem import Cells, Limits, Mask, hits_of, segments

BUDGET = "budget"
RETURN = "minimum ROI"
# What each measure sums: theta · (1, cost, value).
THETA = {"contacts": (1.0, 0.0, 0.0), "cost": (0.0, 1.0, 0.0), "margin": (0.0, 0.0, 1.0)}
NOBODY = np.empty((0, 0), dtype=np.bool_)


def cells_of(values: object, costs: object, eligible: object, weights: object) -> Cells:
    """Return checked arrays.

    Raises:
        DataError: A shape, a type or a weight is not what it should be.
    """
    margins = _numbers("values", values)
    if margins.ndim != 2 or margins.shape[1] == 0:
        raise DataError(
            f"`values` has shape {margins.shape}; it must be (customers, actions) with one action or more."
        )
    n, k = margins.shape
    charges = _numbers("costs", costs)
    if charges.shape not in ((k,), (n, k)):
        raise DataError(
            f"`costs` has shape {charges.shape}; with `values` {(n, k)} it must be {(k,)} or {(n, k)}."
        )
    return Cells(margins, _shared(charges.reshape(-1, k)), _eligible(eligible, (n, k)), _weights(weights, n))


def _shared(costs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return costs as one row where all customers' are the same."""
    same = len(costs) > 1 and bool((costs[-1] == costs[0]).all()) and bool((costs == costs[0]).all())
    return costs[:1].copy() if same else costs


def _numbers(name: str, given: object) -> npt.NDArray[Any]:
    """Return an array of float32 or float64 in C order that kernels may be given."""
    array = np.asarray(given)
    if array.dtype.kind == "O":
        array = _floats(name, array)
    if array.dtype.kind not in "fiub":
        raise DataError(f"`{name}` holds {array.dtype}; it must hold numbers.")
    kind = np.float32 if array.dtype == np.float32 else np.float64
    return np.require(array, dtype=kind, requirements=["C", "W"])


def _floats(name: str, array: npt.NDArray[Any]) -> Floats:
    """Return numbers of Python, such as Decimal, as float64."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"`{name}` holds something that is no number; fill what is missing with nan."
        ) from None


def _eligible(given: object, shape: tuple[int, int]) -> Mask:
    if given is None:
        return NOBODY
    mask = np.asarray(given)
    if mask.shape != shape or mask.dtype != np.bool_:
        raise DataError(
            f"`eligible` has type {mask.dtype} and shape {mask.shape}; it must be True or False, shape {shape}."
        )
    return np.require(mask, requirements=["C", "W"])


def _weights(given: object, n: int) -> Floats:
    if given is None:
        return np.ones(n)
    weights = _numbers("weights", given).astype(np.float64)
    if weights.shape != (n,):
        raise DataError(f"`weights` has shape {weights.shape}; it must be {(n,)}.")
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        raise DataError(
            f"`weights` has {int(bad.sum())} entries that are negative or not finite, the first in row "
            f"{int(bad.argmax())}; every weight must be 0 or more."
        )
    return weights


def masked(cells: Cells) -> tuple[Finding, ...]:
    """Return a finding that counts the cells which no customer is given because a number in them is no money."""
    values = cells.values.size - int(np.count_nonzero(np.isfinite(cells.values)))
    costs = cells.costs.size - int(np.count_nonzero((cells.costs >= 0) & (cells.costs < np.inf)))
    if values + costs == 0:
        return ()
    return (
        Finding(
            code="cells",
            verdict="warn",
            message=f"{values:,} values are not finite and {costs:,} costs are negative or not finite; "
            "nobody is given those.",
            measured=float(values + costs),
            threshold=0.0,
            next="Find out where they come from, or drop those actions.",
        ),
    )


def limits_of(
    shape: tuple[int, int], budget: float | None, rules: Sequence[Rule], min_roi: float | None
) -> Limits:
    """Return the limits: the budget first, then the rules in order, then the minimum ROI where there is one.

    Raises:
        SettingError: A bound is not a number, or a rule names actions or customers that are not there.
    """
    n, k = shape
    rules = tuple(rules)
    for rule in rules:
        _check_rule(rule, n, k)
    lines = [Rule(BUDGET, of="cost", at_most=0.0), *rules]
    theta = [THETA[rule.of] for rule in lines]
    upper = [_budget(budget), *(math.inf if rule.at_most is None else rule.at_most for rule in rules)]
    if min_roi is not None:
        lines.append(Rule(RETURN, of="margin", at_least=0.0))
        theta.append((0.0, -(1.0 + _roi(min_roi)), 1.0))
        upper.append(math.inf)
    lower = [-math.inf if rule.at_least is None else rule.at_least for rule in lines]
    segment, on_segment = _segments(lines, n)
    on_action = np.array(
        [np.isin(np.arange(k), range(k) if line.actions is None else line.actions) for line in lines]
    )
    return Limits(
        names=tuple(line.name for line in lines),
        theta=np.array(theta),
        on_action=on_action,
        on_segment=on_segment,
        segment=segment,
        lower=np.array(lower),
        upper=np.array(upper),
        hits=hits_of(on_segment, on_action),
    )


def _segments(lines: Sequence[Rule], n: int) -> tuple[Ints, Mask]:
    """Return the segment of each customer, and which segments each line covers: (n,) and (lines, G)."""
    masks = {id(line.customers): line.customers for line in lines if line.customers is not None}
    segment, cover = segments(list(masks.values()), n)
    row = {key: at for at, key in enumerate(masks)}
    everywhere = np.ones(cover.shape[1], dtype=np.bool_)
    return segment, np.array(
        [everywhere if line.customers is None else cover[row[id(line.customers)]] for line in lines]
    )


def _check_rule(rule: object, n: int, k: int) -> None:
    if not isinstance(rule, Rule):
        raise SettingError(f"`rules` holds a {type(rule).__name__}; each must be a Rule.")
    if rule.actions is not None and max(rule.actions) >= k:
        raise SettingError(
            f"Rule {rule.name!r} names action {max(rule.actions)}; `values` has {k} columns, counted from 0."
        )
    if rule.customers is not None and len(rule.customers) != n:
        raise SettingError(
            f"Rule {rule.name!r} has a mask of {len(rule.customers)} customers; `values` has {n} rows."
        )


def _budget(budget: float | None) -> float:
    if budget is None:
        return math.inf
    if not budget >= 0:
        raise SettingError(f"The budget is {budget}; it must be 0 or more, or None for no limit.")
    return float(budget)


def _roi(min_roi: float) -> float:
    if not math.isfinite(min_roi):
        raise SettingError(f"min_roi is {min_roi}; it must be a finite number, or None for no minimum.")
    return float(min_roi)


def generator(seed: int) -> np.random.Generator:
    """Return a generator of lots.

    Raises:
        SettingError: The seed is no whole number of 0 or more.
    """
    try:
        return np.random.default_rng(operator.index(seed))
    except (TypeError, ValueError):
        raise SettingError(f"The seed is {seed!r}; it must be a whole number of 0 or more.") from None
