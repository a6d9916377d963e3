"""From prices to a plan: settle the clear customers by their prices, the undecided ones by a search."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .branch import Task, branch
from .dual import Dual
from .exchange import Options
from .grain import grains, unusable
from .kernels import REACH, Floats, Ints, hard_pass
from .ledger import Account, account
from .problem import Actions, Cells
from .restricted import Relaxed, Restricted, Scope, relax, restrict
from .spread import spread

# Customers in the linear program: at first, and when its prices do not yet hold for everybody.
SIZES = (800, 2_000, 5_000)
# Cells up to which all options of everybody are in it.
FULL = 5_000
# Customers in the search, and times that it is kicked out of a plan that it cannot improve.
OPEN = 500
KICKS = 30
# Linear programs of the branch and bound: where all customers are in it; and where the gap is too large otherwise,
# at most and for how many columns in all.
NODES = 200
FEWER = 40
COLUMNS = 30_000
GAP = 3e-5
# In stakes: gains that are not worth an exchange; what breaking a rule at all costs in the search; how far a bound
# may be missed until the exact sum is taken, and how much less room is given where that sum refuses.
LEAST = 1e-4
FINE = 10.0
BLUR = 1e-10
STEP = 1e-5
RETRIES = 4
# Prices below this share of a typical one are rounding errors.
SLIGHT = 1e-9


class Plan(NamedTuple):
    """An integer plan: (n,) actions and what they add up to; one price a rule, and the dual's bound there."""

    action: Actions
    account: Account
    price: Floats
    bound: float


class Hard(NamedTuple):
    """What prices say: side prices, the dual there, everybody's best action and its lead over the next."""

    at: Floats
    bound: float
    action: Actions
    lead: Floats


class Spread(NamedTuple):
    """Undecided customers, in random order, and actions at which the rules are all but kept."""

    rows: Ints
    action: Actions

    def settle(self, hard: Hard, open_: int) -> Hard:
        """Return what prices say with these customers' actions, all but a few of them settled for good."""
        action, lead = hard.action.copy(), hard.lead.copy()
        action[self.rows] = self.action
        lead[self.rows[open_:]] = np.inf
        return hard._replace(action=action, lead=lead)


class Settled(NamedTuple):
    """A linear program over some customers: everybody's action before it, the problem, and its answer."""

    action: Actions
    problem: Restricted
    answer: Relaxed


@dataclass(frozen=True, slots=True)
class Finish:
    """Turns prices into a plan.

    Attributes:
        cells: What each customer could be given.
        dual: The dual over all customers.
        rng: Breaks ties.
        stake: A customer's typical profit, in money.
        tau: The temperature at which the prices were found; infinite where all options are to be looked at.
    """

    cells: Cells
    dual: Dual
    rng: np.random.Generator
    stake: float
    tau: float

    def free(self) -> Plan | None:
        """Return the plan without any rule, if it keeps them all."""
        hard = self.decide(np.zeros(len(self.dual.sides.rule)))
        tied = np.flatnonzero((hard.lead <= 0) & (hard.action >= 0))
        self._draw(hard.action, tied)
        result = account(self.cells, self.dual.limits, hard.action)
        if not result.keeps(self.dual.limits):
            return None
        return Plan(hard.action, result, np.zeros(len(self.dual.limits)), hard.bound)

    def _draw(self, action: Actions, rows: Ints) -> None:
        """Give customers one of their equally good actions by lot."""
        values, costs, usable = self.cells.take(rows)
        profit = np.where(usable, values - costs, -np.inf)
        lot = np.where(profit == profit.max(axis=1, keepdims=True), self.rng.random(profit.shape), -1.0)
        action[rows] = lot.argmax(axis=1)

    def plan(self, at: Floats) -> Plan | None:
        """Return a plan that keeps all rules, or None where none was found."""
        best = self.decide(at)
        crowd = self.spread_out(best)
        for size in SIZES:
            settled = self.relaxed(crowd.settle(best, size // 2), size)
            best = min(best, self.decide(settled.answer.price), key=lambda hard: hard.bound)
            missing = best.bound - self.worth(settled)
            done = missing <= max(1e-8 * abs(best.bound), 1e-3 * self.stake)
            if done and settled.answer.broken.max(initial=0.0) <= 1e-9:
                break
        found = self.rounded(self.narrowed(settled, best), best)
        if found is None and (self.dual.sides.sign * self.dual.sides.bound >= 0).all():
            found = self.trimmed(crowd.settle(best, 0))
        price = self.dual.net(np.where(best.at > SLIGHT, best.at, 0.0))
        return None if found is None else Plan(*found, price, best.bound)

    def decide(self, at: Floats) -> Hard:
        """Return what side prices make everybody choose."""
        action, lead = np.empty(len(self.cells), dtype=np.int32), np.empty(len(self.cells))
        best = hard_pass(self.dual.crowd, self.dual.limits.tariff(self.dual.net(at)), action, lead)
        sides = self.dual.sides
        return Hard(at, float(at * sides.unit @ (sides.sign * sides.bound)) + best, action, lead)

    def spread_out(self, hard: Hard) -> Spread:
        """Spread undecided customers over their options, if they are too many for a linear program."""
        rows = self.rng.permutation(np.flatnonzero(hard.lead < REACH * self.tau))
        if len(rows) <= SIZES[0]:
            rows = rows[:0]
        return Spread(rows, spread(self.cells, self.dual.limits, rows, self.dual.net(hard.at), self.tau))

    def room(self, used: Floats) -> Floats:
        """Return (S,) how much of each side is left, in stakes."""
        sides = self.dual.sides
        return np.asarray(sides.sign * (sides.bound - used[sides.rule]) * (sides.unit / self.stake))

    def excess(self, result: Account) -> Floats:
        """Return (S,) by how much each side is broken; 0 or less where it is kept."""
        sides = self.dual.sides
        excess = result.excess(self.dual.limits)[sides.rule]
        return np.where(sides.sign > 0, excess[:, 0], excess[:, 1])

    def relaxed(self, hard: Hard, size: int) -> Settled:
        """Solve the linear program over the least decided customers."""
        size = min(size, len(self.cells))
        nearest = np.argpartition(hard.lead, size - 1)[:size]
        rows = self.rng.permutation(nearest)
        width = max(float(hard.lead[nearest].max()), REACH * self.tau)
        if self.cells.values.size <= FULL:
            width = math.inf
        problem = restrict(self.cells, self.dual, rows, hard.at, Scope(width, self.stake))
        action = hard.action.copy()
        action[rows] = -1
        room = self.room(account(self.cells, self.dual.limits, action).used)
        return Settled(action, problem, relax(problem, room, penalty(hard)))

    def worth(self, settled: Settled) -> float:
        """Return the value of the linear program's answer, everybody counted."""
        return (
            account(self.cells, self.dual.limits, settled.action).profit + settled.answer.worth * self.stake
        )

    def narrowed(self, settled: Settled, hard: Hard) -> Settled:
        """Keep open those whom the linear program splits and the least decided others; settle the rest."""
        problem, share = settled.problem, settled.answer.share
        split = problem.split(share)
        order = np.lexsort((hard.lead[problem.rows], ~split))
        open_ = np.sort(order[: max(OPEN, int(split.sum()))])
        action = settled.action.copy()
        action[problem.rows] = problem.chosen(share)
        part, columns = problem.of(open_)
        action[part.rows] = -1
        return Settled(action, part, settled.answer._replace(share=share[columns]))

    def rounded(self, settled: Settled, hard: Hard) -> tuple[Actions, Account] | None:
        """Return an integer plan near the linear program's answer."""
        fixed = account(self.cells, self.dual.limits, settled.action)
        sides = self.dual.sides
        spare = float(hard.at * sides.unit @ unusable(self.cells, self.dual.limits, sides))
        top = (hard.bound - fixed.profit - spare) / self.stake
        enough = GAP * abs(hard.bound) / self.stake
        kicks = self.rng.integers(0, 2, (KICKS, len(sides.rule))).astype(np.float64)
        options = self.options(settled.problem, hard)
        actions = np.append(settled.problem.action, np.full(len(settled.problem.rows), -1, dtype=np.int32))

        def choose(room: Floats, share: Floats) -> Actions | None:
            task = Task(settled.problem, options, room, kicks, LEAST)
            found = task.climbed(share, kicks, top - 10.0 * LEAST)
            if not (math.isfinite(self.tau) and math.isfinite(found[1])):
                found = branch(task, found, min(NODES, 5 * COLUMNS // len(options.gain)))
            elif top - found[1] > enough:
                found = branch(task, found, min(FEWER, COLUMNS // len(options.gain)))
            return actions[found[0]] if math.isfinite(found[1]) else None

        return self.kept(settled, fixed, choose, penalty(hard))

    def options(self, problem: Restricted, hard: Hard) -> Options:
        """Return the options for the search: those of the problem, then doing nothing."""
        m = len(problem.rows)
        return Options(
            np.append(problem.place, np.arange(m)),
            np.append(problem.gain, np.zeros(m)),
            np.vstack([problem.load, np.zeros((m, problem.load.shape[1]))]),
            hard.at,
            penalty(hard),
            FINE,
        )

    def kept(
        self,
        settled: Settled,
        fixed: Account,
        choose: Callable[[Floats, Floats], Actions | None],
        penalty: Floats,
    ) -> tuple[Actions, Account] | None:
        """Return what is chosen for the open customers, asked again with less room where a rule is broken.

        Args:
            settled: Everybody else's actions, and the linear program's answer.
            fixed: What everybody else adds up to.
            choose: Returns actions, from what is left of each side and the linear program's shares.
            penalty: What breaking a side costs the linear program.
        """
        sides, limits = self.dual.sides, self.dual.limits
        room = self.room(fixed.used) + BLUR
        # Where contacts come in whole steps, half a step less makes the linear program ask for a whole one less.
        step = np.maximum(0.5 * grains(self.cells, limits, sides) * sides.unit / self.stake, STEP)
        share = settled.answer.share
        for _ in range(RETRIES):
            choice = choose(room, share)
            if choice is None:
                return None
            action = settled.action.copy()
            action[settled.problem.rows] = choice
            result = account(self.cells, limits, action)
            if result.keeps(limits):
                return action, result
            over = self.excess(result)
            room = room - np.where(over > 0, over * sides.unit / self.stake + step, 0.0)
            share = relax(settled.problem, room, penalty).share
        return None

    def trimmed(self, hard: Hard) -> tuple[Actions, Account]:
        """Return what prices say less the contacts that break rules; only where an empty plan keeps all of them."""
        action = hard.action.copy()
        result = account(self.cells, self.dual.limits, action)
        for _ in range(3 * len(self.dual.sides.rule)):
            if result.keeps(self.dual.limits):
                return action, result
            over = self.excess(result)
            side = int((over * self.dual.sides.unit).argmax())
            action[self._offenders(action, hard.lead, side, float(over[side]))] = -1
            result = account(self.cells, self.dual.limits, action)
        action[:] = -1
        return action, account(self.cells, self.dual.limits, action)

    def _offenders(self, action: Actions, lead: Floats, side: int, over: float) -> Ints:
        """Return the least decided of those who take from a side, as many as break it."""
        rows = np.flatnonzero(action >= 0)
        rows = rows[np.lexsort((self.rng.random(len(rows)), lead[rows]))]
        value = self.cells.values[rows, action[rows]].astype(np.float64)
        cost = self.cells.costs[rows if len(self.cells.costs) > 1 else 0, action[rows]].astype(np.float64)
        limits, sides = self.dual.limits, self.dual.sides
        taken = limits.coefficients(limits.segment[rows], action[rows], cost, value)[sides.rule[side]]
        taken = taken * sides.sign[side] * self.cells.weights[rows]
        takers = np.flatnonzero(taken > 0)
        enough = int(np.searchsorted(np.cumsum(taken[takers]), over)) + 1
        return rows[takers[:enough]]


def penalty(hard: Hard) -> Floats:
    """Return (S,) what breaking a side costs, in units of its typical price: well above its price."""
    return 10.0 * (hard.at + 1.0)
