"""An independent look at a plan: every rule and total added up again, slowly, from the inputs alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from uplift.findings import Finding

from .constraints import Rule
from .solution import Solution

CODE = "G16"
# Totals that a solution states must agree with ours up to this share of their absolute sum.
AGREE = 1e-9
ROI_NOISE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Contacts:
    """The contacts of a plan, one a row: who, what, how many customers, cost and margin each."""

    n: int
    rows: npt.NDArray[np.int64]
    action: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    cost: npt.NDArray[np.float64]
    margin: npt.NDArray[np.float64]

    def sum(self, of: str, counted: npt.NDArray[np.bool_] | slice = slice(None)) -> float:
        """Return the sum of a measure over some contacts, correctly rounded."""
        each = {"contacts": np.ones(len(self.rows)), "cost": self.cost, "margin": self.margin}[of]
        return math.fsum((self.weight * each)[counted])


def verify(  # noqa: PLR0913 - the problem as `optimize` states it, and what came of it
    action: npt.ArrayLike,
    values: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    budget: float | None = None,
    eligible: npt.ArrayLike | None = None,
    rules: Sequence[Rule] = (),
    min_roi: float | None = None,
    weights: npt.ArrayLike | None = None,
    solution: Solution | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong with a plan: one refusing G16 finding for each broken rule, or a single "ok".

    Shares no code with the optimiser. Sums are correctly rounded (math.fsum), and bounds are held without any
    tolerance, but for the minimum ROI, which is a difference of two sums and is held to 1e-12 of them.

    Args:
        action: (n,) column chosen for each customer, −1 for none.
        values: (n, k) expected incremental margin, in money.
        costs: (k,) or (n, k) cost of a contact, in money.
        budget: At most this is spent; None for no limit.
        eligible: (n, k) whether a customer may be given an action; None for always.
        rules: What else must hold.
        min_roi: Σ(value − cost) must be at least this times Σ cost; None for no minimum.
        weights: (n,) how many customers each row stands for; None for one each.
        solution: What the optimiser said, whose totals are compared; None for none.

    >>> verify([0, -1], [[5.0], [3.0]], [2.0], budget=1.0)[0].message
    'budget: 2 where at most 1 is allowed.'
    """
    margin = np.asarray(values, dtype=np.float64)
    chosen = np.asarray(action)
    if chosen.shape != (len(margin),) or chosen.dtype.kind not in "iu":
        return (
            _refuse(
                f"the plan has shape {chosen.shape} and type {chosen.dtype} for {len(margin)} customers."
            ),
        )
    if ((chosen < -1) | (chosen >= margin.shape[1])).any():
        return (_refuse(f"the plan names actions outside −1 to {margin.shape[1] - 1}."),)
    rows = np.flatnonzero(chosen >= 0)
    picked = chosen[rows].astype(np.int64)
    cost = np.broadcast_to(np.asarray(costs, dtype=np.float64), margin.shape)[rows, picked]
    weight = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)[rows]
    plan = _Contacts(len(margin), rows, picked, weight, cost, margin[rows, picked])
    allowed = np.ones(len(rows), dtype=np.bool_) if eligible is None else np.asarray(eligible)[rows, picked]
    all_rules = [
        Rule("budget", of="cost", at_most=math.inf if budget is None else budget, at_least=0.0),
        *rules,
    ]
    problems = [*_cells(plan, allowed), *_broken(plan, all_rules), *_roi(plan, min_roi)]
    if solution is not None:
        problems += _totals(plan, solution, chosen)
    if problems:
        return tuple(_refuse(message) for message in problems)
    return (Finding(CODE, "ok", "Every rule and total of the plan was added up again and holds.", 0.0, 0.0),)


def _refuse(message: str) -> Finding:
    return Finding(CODE, "refuse", message, next="Do not use this plan; please report how it was made.")


def _cells(plan: _Contacts, allowed: npt.NDArray[np.bool_]) -> Iterator[str]:
    """Yield what is wrong with single contacts."""
    barred = np.flatnonzero(~allowed)
    if len(barred):
        yield f"{len(barred)} contacts are not eligible, the first in row {plan.rows[barred[0]]}."
    money = np.isfinite(plan.margin) & np.isfinite(plan.cost) & (plan.cost >= 0)
    if not money.all():
        at = np.flatnonzero(~money)
        yield f"{len(at)} contacts have a value or cost that is no money, the first in row {plan.rows[at[0]]}."


def _broken(plan: _Contacts, rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the rules that are broken."""
    for rule in rules:
        counted = np.ones(len(plan.rows), dtype=np.bool_)
        if rule.actions is not None:
            counted &= np.isin(plan.action, rule.actions)
        if rule.customers is not None:
            counted &= rule.customers[plan.rows]
        used = plan.sum(rule.of, counted)
        if rule.at_most is not None and used > rule.at_most:
            yield f"{rule.name}: {used:.17g} where at most {rule.at_most:.17g} is allowed."
        if rule.at_least is not None and used < rule.at_least:
            yield f"{rule.name}: {used:.17g} where at least {rule.at_least:.17g} is needed."


def _roi(plan: _Contacts, min_roi: float | None) -> Iterator[str]:
    """Yield a message if the plan returns less than it must."""
    if min_roi is None:
        return
    margin, needed = plan.sum("margin"), (1.0 + min_roi) * plan.sum("cost")
    if margin - needed < -ROI_NOISE * (abs(needed) + math.fsum(np.abs(plan.weight * plan.margin))):
        yield f"minimum ROI: a margin of {margin:.17g} where {needed:.17g} is needed."


def _totals(plan: _Contacts, solution: Solution, chosen: npt.NDArray[np.int64]) -> Iterator[str]:
    """Yield the statements of a solution that the contacts do not bear out."""
    spend = plan.sum("cost")
    value = math.fsum([plan.sum("margin"), -spend])
    size = abs(spend) + math.fsum(np.abs(plan.weight * plan.margin))
    if not np.array_equal(solution.action, chosen):
        yield "the solution's actions are not those of the plan."
    for name, said, found in (("spend", solution.spend, spend), ("value", solution.value, value)):
        if abs(said - found) > AGREE * size:
            yield f"{name}: the solution says {said:.17g}, the contacts add up to {found:.17g}."
    if solution.upper_bound < value - AGREE * size:
        yield f"value: {value:.17g} is above the upper bound {solution.upper_bound:.17g}."
