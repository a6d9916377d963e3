"""The honest value of a planning rule: learned without a fold, valued on that fold's outcomes.

A plan's own score is not a forecast: it was chosen because it looked good. What is valued here is the *rule* that
makes the plan (effects, prices, limits). On each fold of the history the rule is rebuilt from the other folds,
solved for that fold's customers under the same limits scaled to their number, and valued by their AIPW scores,

    value = N · Σ_i w_i Σ_a π_a(x_i) Γ_ia / Σ_i w_i,

with N the customers the plan may contact, w the density ratio between audience and history, π the rule's choice
and Γ the scores of `uplift.aggregation.aipw`. Unbiased for the value of the fold's rule whenever the assignment
probabilities are right (Athey and Wager, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from uplift.effects import Effects
from uplift.engines import Engine
from uplift.estimates import Estimate
from uplift.evaluation import cluster_mean

from .constraints import Rule
from .optimizer import optimize
from .solution import Infeasible, Solution
from .terms import Terms

Floats = npt.NDArray[np.float64]
Choice = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ground:
    """The history's customers standing in for the audience's.

    Attributes:
        effects: Cross-fitted effects with their held-out scores.
        values: (n, k) what the rule plans with: held-out effects, or those of the rule for all alike.
        costs: (n, k) expected cost of each action.
        terms: Consent and rules, over the history's rows.
        weights: (n,) density ratio, mean 1.
        customers: N, the customers that the plan may contact.
        alike: Whether the rule gives all customers the same effects, so that those with equal costs and consent
            are exchangeable.
        min_roi: The least return asked for, or None.
        seed: Breaks ties.
    """

    effects: Effects
    values: Floats
    costs: Floats
    terms: Terms
    weights: Floats
    customers: int
    alike: bool
    min_roi: float | None
    seed: int

    def rows(self, fold: int) -> npt.NDArray[np.intp]:
        """Return the rows of a fold."""
        return np.flatnonzero(self.effects.fold == fold)

    def scale(self, rows: npt.NDArray[np.intp]) -> float:
        """Return how many audience customers one (weighted) row of these stands for, inverted."""
        return float(self.weights[rows].sum()) / self.customers

    @property
    def folds(self) -> int:
        """The number of folds."""
        return len(self.effects.rules)


def part(rule: Rule, rows: npt.NDArray[np.intp], scale: float) -> Rule:
    """Return a rule for some rows, its bounds scaled to their number."""
    return replace(
        rule,
        customers=None if rule.customers is None else rule.customers[rows],
        at_most=None if rule.at_most is None else rule.at_most * scale,
        at_least=None if rule.at_least is None else rule.at_least * scale,
    )


def uses(rule: Rule, values: Floats, costs: Floats) -> Floats:
    """Return what each action for each customer adds to what a rule sums up, (m, k)."""
    each = {"contacts": np.ones_like(costs), "cost": costs, "margin": values}[rule.of]
    counted = (
        np.ones(each.shape, bool) if rule.actions is None else np.isin(np.arange(each.shape[1]), rule.actions)
    )
    if rule.customers is not None:
        counted = counted & rule.customers[:, None]
    return np.where(counted, each, 0.0)


def solve_fold(ground: Ground, fold: int, budget: float | None) -> Solution:
    """Return the solution of the rule on one fold, limits scaled to the fold's customers.

    Floors that the budget cannot pay, or that a fold's customers happen not to be able to meet, are left out there.
    """
    rows = ground.rows(fold)
    scale = ground.scale(rows)
    rules = [part(rule, rows, scale) for rule in ground.terms.rules]
    caps_only = [replace(rule, at_least=None) for rule in rules if rule.at_most is not None]
    floors = [rule.at_least for rule in rules if rule.of == "cost" and rule.at_least is not None]
    if budget is not None and max(floors, default=0.0) > budget * scale:
        rules = caps_only

    def solve(rules: list[Rule]) -> Solution:
        return optimize(
            ground.values[rows],
            ground.costs[rows],
            budget=None if budget is None else budget * scale,
            eligible=ground.terms.eligible[rows],
            rules=rules,
            min_roi=ground.min_roi,
            weights=ground.weights[rows],
            seed=ground.seed + fold,
        )

    try:
        return solve(rules)
    except Infeasible:
        return solve(caps_only)


def choose(ground: Ground, budget: float | None, engine: Engine) -> Choice:
    """Return the rule's choice on every row of the history, (n, k): the probability of each action."""
    choice = np.zeros(ground.values.shape, np.float32)

    def one(fold: int) -> None:
        rows = ground.rows(fold)
        action = solve_fold(ground, fold, budget).action
        contacted = np.flatnonzero(action >= 0)
        choice[rows[contacted], action[contacted]] = 1.0
        if ground.alike:
            choice[rows] = exchange(
                choice[rows], kinds(ground.terms, ground.costs, rows), ground.weights[rows]
            )

    engine.map(one, range(ground.folds))
    return choice


def kinds(terms: Terms, costs: Floats, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return a number for each row, equal where costs, consent and rules are the same."""
    columns = [costs[rows], terms.eligible[rows]]
    columns += [rule.customers[rows][:, None] for rule in terms.rules if rule.customers is not None]
    table = np.ascontiguousarray(np.hstack(columns).astype(np.float64))
    keys = table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1]


def exchange(choice: Choice, kind: npt.NDArray[np.intp], weights: Floats) -> Choice:
    """Return each row's probability of each action when rows of a kind draw lots among themselves.

    Rows of weight 0 draw no lots, but have the chances of their kind; 0 where all of the kind are such.
    """
    total = np.maximum(np.bincount(kind, weights=weights), 1e-300)
    shares = np.stack(
        [np.bincount(kind, weights=weights * choice[:, a]) / total for a in range(choice.shape[1])], axis=1
    )
    return shares[kind].astype(np.float32)


def totals(ground: Ground, choice: Choice, *, level: float, less: Choice | None = None) -> Estimate:
    """Return the expected total incremental margin of a choice over the plan's customers, in money.

    The variance is the sum of four:

    - that of the rows' scores, robust to several rows a customer;
    - what the folds' values differ by beyond that (DerSimonian and Laird, 1986);
    - that of the rule itself: the plan's rule is one more draw beside the folds' K, whose expected values, free of
      outcomes' noise, have variance S²; it differs from their mean by S² (1 + 1/K);
    - that of who happens to be among the plan's N customers, which is what counts in a small audience.

    Args:
        ground: The history's customers.
        choice: (n, k) probability of each action.
        level: Coverage of the two-sided interval.
        less: A second choice to subtract, for the interval of a difference.
    """
    part = choice if less is None else choice - less
    rows = (part * ground.effects.scores).sum(axis=1)
    predicted = (part * ground.effects.cate).sum(axis=1)
    expected = part @ ground.effects.scores.mean(axis=0) if ground.alike else predicted
    mean = cluster_mean(rows, ground.effects.history.cluster, weights=ground.weights, level=level)
    drawn = float(np.cov(predicted, aweights=ground.weights, ddof=0)) / ground.customers
    variance = mean.se**2 + _between_folds(ground, rows) ** 2 + _between_rules(ground, expected) + drawn
    se = float(np.sqrt(variance)) * ground.customers
    return Estimate.normal(mean.point * ground.customers, se, level=level, n=len(rows))


def _between_rules(ground: Ground, expected: Floats) -> float:
    """Return the variance between the plan's rule and the mean of the folds' rules, per customer squared."""
    folds = [ground.rows(fold) for fold in range(ground.folds)]
    values = [float(np.average(expected[rows], weights=ground.weights[rows])) for rows in folds]
    return float(np.var(values, ddof=1)) * (1 + 1 / ground.folds)


def _between_folds(ground: Ground, rows: Floats) -> float:
    """Return the standard error that differences between the folds' rules add to the mean over folds."""
    points, variances = [], []
    for fold in range(ground.folds):
        mine = ground.rows(fold)
        part = cluster_mean(rows[mine], ground.effects.history.cluster[mine], weights=ground.weights[mine])
        points.append(part.point)
        variances.append(part.se**2)
    if min(variances) <= 0:
        return 0.0
    precision = 1 / np.array(variances)
    mean = float((precision * points).sum() / precision.sum())
    excess = float((precision * (np.array(points) - mean) ** 2).sum()) - (len(points) - 1)
    scale = float(precision.sum() - (precision**2).sum() / precision.sum())
    return float(np.sqrt(max(0.0, excess / scale) / len(points)))


def spending(ground: Ground, choice: Choice) -> float:
    """Return the expected cost of a choice over the plan's customers, in money."""
    cost = (choice * ground.costs).sum(axis=1)
    return float((ground.weights * cost).sum() / ground.weights.sum()) * ground.customers


def support(ground: Ground, choice: Choice) -> tuple[float, int]:
    """Return the effective sample size of the rows given what the choice gives, and their number.

    With ω_i = w_i π(A_i) / p_i for rows that were given what the rule chooses: (Σω)² / Σω² (Kish, 1965).
    """
    arm = ground.effects.history.arm
    treated = np.flatnonzero(arm >= 0)
    matched = choice[treated, arm[treated]].astype(np.float64)
    weight = ground.weights[treated] * matched / ground.effects.history.propensity[treated]
    total = float((weight**2).sum())
    return (float(weight.sum() ** 2) / total if total > 0 else 0.0), int((weight > 0).sum())
