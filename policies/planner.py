"""From effects, actions and limits to a plan with an honest forecast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from uplift.effects import Effects, Scores
from uplift.engines import Engine
from uplift.engines.local import LocalEngine
from uplift.errors import Refused, SettingError
from uplift.estimates import Estimate
from uplift.findings import Finding
from uplift.history import Audience

from . import shift as shifts
from .actions import Action, Segment
from .comparison import compare, moved
from .constraints import Rule
from .evidence import profitable, ranking, shifted, simpler, supported, wins
from .forecast import Choice, Floats, Ground, choose, exchange, kinds, spending, totals
from .frontiers import frontier
from .money import cents, exact_sum
from .optimizer import optimize
from .request import Request
from .rows import costs_of, rows_of, values_of
from .solution import Solution
from .summary import CurvePoint, Facts, summarise
from .terms import Terms, lent, like_audience, stand_ins, terms
from .verifier import verify

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]
POINTS = 12


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets what, when and at which cost, with a forecast that held-out customers stand for.

    Attributes:
        rows: One row for every audience customer: customer_id, channel and send_time (or arm), cost, uplift,
            uplift_se, reason, probability. Empty where the plan was refused.
        values: customer_id and the expected incremental margin of every action, on the scale of `rows`; null where
            a customer may not be given it.
        costs: The same for expected costs, where these differ between customers; else None.
        summary: The contents of summary.json.
        refused: Why there is no plan, or None.
    """

    rows: pa.Table
    values: pa.Table
    summary: dict[str, Any] = field(repr=False)
    refused: str | None = None
    costs: pa.Table | None = None

    @property
    def forecast(self) -> dict[str, Any]:
        """The honest forecast: incremental margin, profit and ROI with their intervals."""
        return dict(self.summary["forecast"])

    @property
    def prices(self) -> list[dict[str, Any]]:
        """The price of every rule, the budget first."""
        return list(self.summary["prices"])

    @property
    def frontier(self) -> list[dict[str, Any]]:
        """Budget → margin, profit and ROI, on held-out customers."""
        return list(self.summary["frontier"])

    def to_pandas(self) -> pd.DataFrame:
        """Return `rows` as a pandas DataFrame."""
        frame: pd.DataFrame = self.rows.to_pandas()
        return frame

    def write(self, folder: Path) -> None:
        """Write the plan's files into an existing folder (all but the manifest)."""
        from .output import write_plan

        write_plan(self, folder)


def plan(  # noqa: PLR0913 - what is asked for, by name
    effects: Effects,
    audience: Audience | pa.Table | pd.DataFrame,
    actions: Sequence[Action] | Mapping[str, float],
    *,
    budget: float,
    constraints: Sequence[Segment | Rule] = (),
    holdout: float = 0.05,
    min_roi: float = 0.0,
    level: float = 0.9,
    risk_aversion: float = 0.0,
    seed: int = 0,
    overrides: frozenset[str] = frozenset(),
    findings: tuple[Finding, ...] = (),
    currency: str = "USD",
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan that earns the most incremental profit, and what it can honestly be expected to earn.

    Args:
        effects: Cross-fitted effects of the actions.
        audience: The customers to plan for, with the features that the effects were learned from; a table or data
            frame has its ids in the column that held them in the history.
        actions: What each channel costs and may be used for, or just channel → cost of a contact; an arm without one
            is not planned.
        budget: Money that contacts and expected response costs may add up to.
        constraints: Floors and caps for segments, or ready rules over (audience customers, effects.actions).
        holdout: Share of customers kept out at random, so that the campaign can be read out.
        min_roi: Least profit per money spent.
        level: Coverage of all intervals (two-sided).
        risk_aversion: Plan on value − risk_aversion · se.
        seed: Decides the holdout and breaks ties.
        overrides: Codes of gates that may not refuse ("G8").
        findings: What the gates on the history found; kept in the summary.
        currency: Label of all money.
        engine: Where the work runs.
        progress: Called with a step in words, tasks done and tasks in all.

    Raises:
        SettingError: A setting is out of range, or names what is not there.
        DataError: The audience lacks a column.
        Infeasible: No plan keeps all rules.
    """
    request = Request(budget, constraints, holdout, min_roi, level, risk_aversion, seed, overrides, currency)
    request.check()
    audience = Audience.like(audience, effects.history)
    priced = (
        [Action(channel, cost=cost) for channel, cost in actions.items()]
        if isinstance(actions, Mapping)
        else actions
    )
    if len(audience) == round(len(audience) * holdout):
        raise SettingError(
            f"A holdout of {holdout} keeps all {len(audience)} customers out; hold out fewer, or plan for more."
        )
    with threadpool_limits(limits=1):
        return _Planning(
            effects, audience, tuple(priced), request, engine or LocalEngine(), progress or _silent
        ).run(findings)


@dataclass(frozen=True, slots=True)
class _Solved:
    """The plan for the audience, before it is valued."""

    values: Floats
    costs: Floats
    active: npt.NDArray[np.intp]
    terms: Terms
    solution: Solution
    choice: Choice


@dataclass(frozen=True, slots=True)
class _Planning:
    """One run of `plan`, step by step."""

    effects: Effects
    audience: Audience
    actions: tuple[Action, ...]
    request: Request
    engine: Engine
    progress: Progress

    def run(self, findings: tuple[Finding, ...]) -> Plan:
        """Return the plan."""
        request, effects = self.request, self.effects
        self.progress("scoring the audience", 0, 1)
        offered = terms(self.audience.table, effects.actions, self.actions, request.constraints)
        scores = effects.score_all(self.audience, engine=self.engine)
        shift = self._shift()
        rank = ranking(effects, request.level).override(request.overrides)
        alike = rank.verdict == "fallback"
        facts = self._facts(offered, scores, shift, alike=alike)
        beaten: tuple[Finding, ...] = ()
        if not alike and facts.beaten_by_everybody:
            alike, beaten = True, (simpler(facts.compared),)
            facts = self._facts(offered, scores, shift, alike=True)
        found = (
            *findings,
            shifted(shift),
            rank,
            *beaten,
            facts.support,
            facts.verdict,
            *wins(facts.compared, alike=alike),
        )
        facts.findings = tuple(finding.override(request.overrides) for finding in found)
        facts.personalised = not alike
        return self._finish(facts)

    def _shift(self) -> shifts.Shift:
        history = self.effects.history
        if self.audience.table.equals(history.features):
            return shifts.none(len(history))
        encoder = self.effects.encoder
        return shifts.shift(
            encoder.transform(history.features),
            encoder.transform(self.audience.table),
            tuple(encoder.categories),
            seed=self.request.seed,
        )

    def _facts(self, offered: Terms, scores: Scores, shift: shifts.Shift, *, alike: bool) -> Facts:
        """Plan, value the rule on held-out customers and compare it."""
        request = self.request
        ground = self._ground(scores, shift, alike=alike)
        self.progress("choosing for the audience", 0, 1)
        solved = self._solve(offered, scores, alike=alike)
        self.progress("valuing on held-out customers", 0, 1)
        contacts = int((solved.solution.action >= 0).sum())
        choice = choose(ground, request.budget, self.engine)
        if contacts == 0:  # the folds' rules may differ, but it is this plan that is forecast
            choice = np.zeros_like(choice)
        margin = totals(ground, choice, level=request.level)
        spend = cents(exact_sum(_chosen(solved.costs[solved.active], solved.solution.action)))
        support, ess = supported(ground, choice, contacts)
        profit = moved(margin, -spend)
        compared = compare(ground, choice, spend, request.budget, level=request.level, engine=self.engine)
        return Facts(
            effects=self.effects,
            audience=self.audience,
            actions=self.actions,
            request=request,
            terms=offered,
            scores=scores,
            values=solved.values,
            costs=solved.costs,
            active=solved.active,
            solution=solved.solution,
            choice=solved.choice,
            margin=margin,
            spend=spend,
            ess=ess,
            shift_auc=shift.auc,
            support=support,
            verdict=profitable(profit, ground, contacts),
            compared=compared,
            curve=self._curve(ground, solved, (spend, margin)),
        )

    def _planning_values(self, cate: npt.NDArray[np.floating], se: npt.NDArray[np.floating]) -> Floats:
        values = cate.astype(np.float64)
        if self.request.risk_aversion:
            values -= self.request.risk_aversion * se
        return values

    def _alike(self, uniform: Floats) -> Floats:
        """Return what is planned with where all have the same effects: (…, k), less their error for the risk averse."""
        scores = self.effects.scores
        return np.asarray(uniform - self.request.risk_aversion * scores.std(axis=0) / np.sqrt(len(scores)))

    def _solve(self, offered: Terms, scores: Scores, *, alike: bool) -> _Solved:
        request = self.request
        values = self._planning_values(scores.cate, scores.se)
        if alike:
            values = np.tile(self._alike(self.effects.uniform.mean(axis=0)), (len(self.audience), 1))
        costs = offered.cost(scores.response)
        active = np.sort(self._active())
        rules = [lent(rule, active) for rule in offered.rules]
        problem: dict[str, Any] = {
            "budget": request.budget,
            "eligible": offered.eligible[active],
            "rules": rules,
            "min_roi": request.min_roi or None,
        }
        solution = optimize(values[active], costs[active], seed=request.seed, **problem)
        broken = [
            finding
            for finding in verify(
                solution.action, values[active], costs[active], solution=solution, **problem
            )
            if finding.verdict == "refuse"
        ]
        if broken:
            raise Refused("G16: the plan does not pass its verifier: " + "; ".join(f.message for f in broken))
        choice = np.zeros(values.shape, np.float32)
        contacted = np.flatnonzero(solution.action >= 0)
        choice[active[contacted], solution.action[contacted]] = 1.0
        if alike:
            everyone = np.arange(len(values))
            choice = exchange(
                choice, kinds(offered, costs, everyone), np.isin(everyone, active).astype(float)
            )
        return _Solved(values, costs, active, offered, solution, choice)

    def _active(self) -> npt.NDArray[np.intp]:
        """Return the customers that are not held out."""
        customers = len(self.audience)
        held = round(customers * self.request.holdout)
        return np.random.default_rng(self.request.seed).permutation(customers)[held:]

    def _ground(self, scores: Scores, shift: shifts.Shift, *, alike: bool) -> Ground:
        """Return the history's customers under the audience's terms."""
        effects, request = self.effects, self.request
        history = effects.history
        customer = stand_ins(len(history), len(self.audience), request.seed)
        table = like_audience(history.features, self.audience.table, customer)
        limits = [lent(limit, customer) for limit in request.constraints]
        there = terms(table, effects.actions, self.actions, limits)
        values = self._planning_values(effects.cate, effects.se)
        if alike:
            values = self._alike(effects.uniform)[effects.fold]
        # What responses are expected to cost on the history: the held-out response score, action by action alike.
        ratio = scores.response.mean(axis=0) / max(float(scores.response_score.mean()), 1e-12)
        chance = np.minimum(effects.response_score[:, None] * ratio, 1.0)
        return Ground(
            effects=effects,
            values=values,
            costs=there.cost(chance),
            terms=there,
            weights=shift.weights,
            customers=len(self.audience) - round(len(self.audience) * request.holdout),
            alike=alike,
            min_roi=request.min_roi or None,
            seed=request.seed,
        )

    def _curve(self, ground: Ground, solved: _Solved, plan: tuple[float, Estimate]) -> list[CurvePoint]:
        """Return budget → margin on held-out customers, at budgets up to what is worth spending.

        Args:
            ground: The history's customers.
            solved: The plan for the audience.
            plan: What it spends, and its margin.
        """
        request = self.request
        whole = frontier(
            solved.values[solved.active],
            solved.costs[solved.active],
            eligible=solved.terms.eligible[solved.active],
        )
        most = max(float(whole.spend[-1]), 1e-9)
        steps = {cents(most * share) for share in np.linspace(0, 1, POINTS) ** 1.5}
        # A budget far beyond what is worth spending would flatten the curve: there the plan stands at its spend.
        own = cents(request.budget) if request.budget <= most * 1.5 else plan[0]
        budgets = sorted({*steps, own})
        at = frontier(
            solved.values[solved.active],
            solved.costs[solved.active],
            budgets=budgets,
            eligible=solved.terms.eligible[solved.active],
        )
        points: list[CurvePoint] = []
        for place, budget in enumerate(budgets):
            self.progress("drawing the budget curve", place, len(budgets))
            spend, value = plan
            if budget != own:
                choice = choose(ground, budget, self.engine)
                # Not the spend on the curve of the audience, which knows of no other limit than the budget.
                spend = min(spending(ground, choice), budget)
                value = totals(ground, choice, level=request.level)
            points.append(CurvePoint(budget, spend, value, float(at.marginal_roi[place])))
        return points

    def _finish(self, facts: Facts) -> Plan:
        refused = [f"{f.code}: {f.message} {f.next}".strip() for f in facts.findings if f.verdict == "refuse"]
        summary = summarise(facts, " ".join(refused) or None)
        empty = pa.table({"customer_id": pa.array([], pa.string())})
        if refused:
            return Plan(empty, empty, summary, " ".join(refused))
        return Plan(rows_of(facts), values_of(facts), summary, costs=costs_of(facts))


def _chosen(matrix: npt.NDArray[np.floating], action: npt.NDArray[np.int32]) -> Floats:
    """Return the chosen cell of every row that has one."""
    rows = np.flatnonzero(action >= 0)
    return matrix[rows, action[rows]].astype(np.float64)
