"""The summary of a plan: every number that is said anywhere, said once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from uplift.effects import Effects, Scores
from uplift.estimates import Estimate
from uplift.evaluation import describe, finite, place
from uplift.findings import Finding
from uplift.history import Audience

from .actions import Action
from .comparison import IN_WORDS, Compared
from .evidence import beats
from .forecast import Choice, Floats
from .money import apportion, cents, exact_sum
from .reasons import reasons
from .solution import Price, Solution
from .terms import Terms, match

if TYPE_CHECKING:
    from .request import Request


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One budget on the curve."""

    budget: float
    spend: float
    margin: Estimate
    marginal_roi: float


@dataclass(slots=True)
class Facts:
    """Everything a plan is told from."""

    effects: Effects
    audience: Audience
    actions: tuple[Action, ...]
    request: Request
    terms: Terms
    scores: Scores
    values: Floats
    costs: Floats
    active: npt.NDArray[np.intp]
    solution: Solution
    choice: Choice
    margin: Estimate
    spend: float
    ess: float
    shift_auc: float
    support: Finding
    verdict: Finding
    compared: list[Compared]
    curve: list[CurvePoint]
    personalised: bool = True
    findings: tuple[Finding, ...] = field(default=())

    @property
    def alike(self) -> bool:
        """Whether all customers were given the same effects."""
        return not self.personalised

    @property
    def action(self) -> npt.NDArray[np.int32]:
        """The action of every audience customer, −1 for none."""
        action = np.full(len(self.audience), -1, np.int32)
        action[self.active] = self.solution.action
        return action

    @property
    def cate(self) -> Floats:
        """The effects that were planned with, before any discount for risk, (n, k)."""
        if self.alike:
            return np.tile(self.effects.uniform.mean(axis=0), (len(self.values), 1))
        return self.scores.cate.astype(np.float64)

    @property
    def se(self) -> Floats:
        """The standard errors of these effects, (n, k); those of the average where all are alike."""
        if not self.alike:
            return self.scores.se.astype(np.float64)
        effects = self.effects
        error = effects.scores.std(axis=0) / np.sqrt(len(effects.scores))
        return np.broadcast_to(error, self.values.shape)

    @property
    def promised(self) -> float:
        """What the model says of its own plan: the sum of its effects over the contacts, in money."""
        rows = np.flatnonzero(self.action >= 0)
        return float(self.cate[rows, self.action[rows]].sum())

    @property
    def scale(self) -> float:
        """What per-customer effects are multiplied by, so that the plan's rows add up to its forecast.

        1 where the two do not have the same sign: multiplying would turn customers' order around.
        """
        ratio = cents(self.margin.point) / self.promised if self.promised > 0 else 1.0
        return ratio if ratio > 0 else 1.0

    @property
    def shift(self) -> float:
        """What is added to every contact's effect for what the scale cannot do."""
        contacts = int((self.solution.action >= 0).sum())
        return (cents(self.margin.point) - self.scale * self.promised) / contacts if contacts else 0.0

    @property
    def uplift(self) -> Floats:
        """The effects (n, k) as they are told: those of the contacts add up to the forecast."""
        return self.scale * self.cate + self.shift

    @property
    def beaten_by_everybody(self) -> bool:
        """Whether treating all alike earned more on held-out customers, beyond doubt.

        Where a floor or the minimum ROI holds the plan back, that says nothing: nobody else has to keep these.
        """
        if any(price.price < 0 for price in self.solution.prices):
            return False
        by_name = {item.policy: item for item in self.compared}
        return beats(by_name["everybody"], by_name["plan"])


def summarise(facts: Facts, refused: str | None) -> dict[str, Any]:
    """Return the contents of summary.json."""
    request, history = facts.request, facts.effects.history
    action = facts.action
    held = len(facts.audience) - len(facts.active)
    codes, counts = np.unique(reasons(facts).astype(str), return_counts=True)
    costs = np.array(
        [0.0 if item is None else item.cost for item in match(facts.effects.actions, facts.actions)]
    )
    return {
        "currency": request.currency,
        "budget": cents(request.budget),
        "spend": facts.spend,
        "contacts": int((action >= 0).sum()),
        "holdout": held,
        "audience": len(facts.audience),
        "forecast": _forecast(facts),
        "model_score": {
            "incremental_margin": cents(facts.promised),
            "ratio_to_forecast": finite(facts.promised / facts.margin.point) if facts.margin.point else None,
        },
        "comparison": [_compared(item, facts) for item in facts.compared],
        "optimality": {
            "value": facts.solution.value,
            "upper_bound": facts.solution.upper_bound,
            "gap": facts.solution.gap,
        },
        "prices": _prices(facts),
        "by_action": _by_action(facts),
        "frontier": [_point(point, facts.scale) for point in facts.curve],
        "personalised": facts.personalised,
        **describe(facts.effects, costs, level=request.level),
        "assumptions": _assumptions(facts),
        "reasons": {str(code): int(count) for code, count in zip(codes, counts, strict=True)},
        "findings": [finding.to_dict() for finding in facts.findings],
        "overrides": sorted(request.overrides),
        "refused": refused,
        "customers_numbered": history.roles.customer is None,
    }


def _bounded(estimate: Estimate, level: float) -> dict[str, Any]:
    return {
        "point": cents(estimate.point),
        "lower": cents(estimate.lower),
        "upper": cents(estimate.upper),
        "level": level,
    }


def _forecast(facts: Facts) -> dict[str, Any]:
    margin = _bounded(facts.margin, facts.request.level)
    profit = {name: cents(margin[name] - facts.spend) for name in ("point", "lower", "upper")}
    roi = {name: profit[name] / facts.spend if facts.spend else None for name in profit}
    return {
        "incremental_margin": margin,
        "profit": {**profit, "level": facts.request.level},
        "roi": {**roi, "level": facts.request.level},
        "method": "cross-fitted AIPW",
        "rows": len(facts.effects.history),
        "ess": round(facts.ess, 1),
        "folds": len(facts.effects.rules),
    }


def _compared(item: Compared, facts: Facts) -> dict[str, Any]:
    spend = cents(item.spend)
    margin = {name: cents(getattr(item.margin, name)) for name in ("point", "lower", "upper")}
    own = item.policy == "plan"
    return {
        "policy": item.policy,
        "in_words": IN_WORDS[item.policy],
        "spend": spend,
        "contacts": int((facts.action >= 0).sum()) if own else item.contacts,
        "incremental_margin": margin,
        "profit": {name: cents(amount - spend) for name, amount in margin.items()},
        "plan_minus_this": {
            name: cents(getattr(item.plan_minus_this, name)) for name in ("point", "lower", "upper")
        },
    }


def _prices(facts: Facts) -> list[dict[str, Any]]:
    """Return every rule's price, on the scale of the forecast."""
    held = any(price.binding for price in facts.solution.prices if price.rule != "budget")
    told = []
    for price in facts.solution.prices:
        amount = _scaled(price, facts.scale)
        words = _words(price, amount, held)
        told.append({"rule": price.rule, "price": amount, "binding": price.binding, "in_words": words})
    return told


def _scaled(price: Price, scale: float) -> float:
    if price.rule == "budget" and price.price > 0:
        return _marginal(price.price, scale)
    return scale * price.price


def _marginal(earned: float, scale: float) -> float:
    """Return what the next unit of money earns, on the scale of the forecast.

    A unit of cost that earns λ buys a margin of 1 + λ, and margin is what the scale applies to.
    """
    return max(scale * (1 + earned) - 1, 0.0) if np.isfinite(earned) and earned > 0 else 0.0


def _words(price: Price, amount: float, held: bool) -> str:
    if price.rule == "budget":
        return _budget_words(price, amount, held)
    if not price.binding or amount == 0:
        return f"{price.rule} is not in the way ({price.used:,.0f} of {price.bound:,.0f})"
    if price.rule == "minimum ROI":
        return (
            f"each unit of profit that the minimum ROI asks for beyond this plan's costs {abs(amount):,.2f}"
        )
    unit = "unit of money" if "spend" in price.rule else "contact"
    if amount > 0:
        return f"one more {unit} of {price.rule} returns {amount:,.2f} more profit"
    return f"the last {unit} that {price.rule} asks for costs {-amount:,.2f} of profit"


def _budget_words(price: Price, amount: float, held: bool) -> str:
    if price.bound == 0:
        return "a budget of 0 pays for no contact"
    if price.binding and amount > 0:
        return f"one more unit of budget returns {amount:,.2f} more profit"
    why = "the other rules hold the plan back" if held else "every contact worth its cost is paid for"
    return f"more budget would return nothing: {why}"


def _by_action(facts: Facts) -> list[dict[str, Any]]:
    """Return contacts, spend and margin of every action that is used, adding up to the totals."""
    single = facts.effects.history.roles.treatment is not None
    action = facts.action
    used = [a for a in range(len(facts.effects.actions)) if (action == a).any()]
    rows = [action == a for a in used]
    spend = apportion(
        facts.spend, [float(exact_sum(facts.costs[mine, a])) for mine, a in zip(rows, used, strict=True)]
    )
    told = facts.uplift
    margin = apportion(
        cents(facts.margin.point), [float(told[mine, a].sum()) for mine, a in zip(rows, used, strict=True)]
    )
    return [
        {
            **place(facts.effects.actions[a], single=single),
            "contacts": int(mine.sum()),
            "spend": money,
            "incremental_margin": gain,
        }
        for mine, a, money, gain in zip(rows, used, spend, margin, strict=True)
    ]


def _point(point: CurvePoint, scale: float) -> dict[str, Any]:
    spend, margin = cents(point.spend), cents(point.margin.point)
    profit = cents(margin - spend)
    return {
        "budget": point.budget,
        "spend": spend,
        "incremental_margin": margin,
        "profit": profit,
        "roi": profit / spend if spend else None,
        "marginal_roi": _marginal(point.marginal_roi, scale),
        "lower": cents(point.margin.lower - spend),
        "upper": cents(point.margin.upper - spend),
    }


def _assumptions(facts: Facts) -> dict[str, Any]:
    request, history = facts.request, facts.effects.history
    return {
        "margin": history.roles.margin,
        "outcome": history.roles.outcome,
        "horizon": "that of the history's outcome",
        "costs": {
            item.channel: f"column {item.cost_column}" if item.cost_column else item.cost
            for item in facts.actions
        },
        "response_costs": {item.channel: item.response_cost for item in facts.actions if item.response_cost},
        "holdout": request.holdout,
        "level": request.level,
        "min_roi": request.min_roi,
        "risk_aversion": request.risk_aversion,
        "probabilities": "known" if history.propensity_known else "overall shares",
        "audience": f"history reweighted (AUC {facts.shift_auc:.2f})"
        if facts.shift_auc > 0.52
        else "like the history",
        "seed": request.seed,
    }
