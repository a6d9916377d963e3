"""From prices to a plan: settle the clear customers by their prices and the undecided ones in HiGHS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .dual import Dual
from .kernels import REACH, Floats, Ints, hard_pass
from .ledger import Account, account
from .prices import Priced
from .problem import Actions, Cells
from .restricted import Relaxed, Restricted, relax, restrict, settle

# Customers in a linear program, and in the first integer one.
MANY = 1_500
TINY = 80


class Plan(NamedTuple):
    """An integer plan: (n,) actions and what they add up to; one price a rule, and the dual's bound there."""

    action: Actions
    account: Account
    price: Floats
    bound: float


class Hard(NamedTuple):
    """What prices say: side prices, the dual there, everybody's best action and its lead over the next best."""

    at: Floats
    bound: float
    action: Actions
    lead: Floats


class Settled(NamedTuple):
    """A linear program over some customers: everybody's action before it, the problem, and its answer."""

    action: Actions
    problem: Restricted
    answer: Relaxed


@dataclass(frozen=True, slots=True)
class Finish:
    """Turns prices into a plan."""

    cells: Cells
    dual: Dual
    rng: np.random.Generator
    stake: float
    tau: float
    slip: float = 0.05

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
        settled = None
        for size in (MANY // 3, MANY, 2 * MANY):
            settled = self.relaxed(best, size)
            there = self.decide(settled.answer.price)
            done = there.bound - self.worth(settled) <= 1e-8 * abs(there.bound)
            best = min(best, there, key=lambda hard: hard.bound)
            if done and settled.answer.broken.max(initial=0.0) <= 1e-9:
                break
        found = self.rounded(settled, best) if settled is not None else None
        return None if found is None else Plan(*found, self.dual.net(best.at), best.bound)

    def decide(self, at: Floats) -> Hard:
        """Return what side prices make everybody choose."""
        action, lead = np.empty(len(self.cells), dtype=np.int32), np.empty(len(self.cells))
        best = hard_pass(self.dual.crowd, self.dual.limits.tariff(self.dual.net(at)), action, lead)
        sides = self.dual.sides
        return Hard(at, float(at * sides.unit @ (sides.sign * sides.bound)) + best, action, lead)

    def room(self, action: Actions) -> Floats:
        """Return (S,) how much of each side is left."""
        used = account(self.cells, self.dual.limits, action).used
        sides = self.dual.sides
        return np.asarray(sides.sign * (sides.bound - used[sides.rule]))

    def relaxed(self, hard: Hard, size: int) -> Settled:
        """Solve the linear program over the least decided customers."""
        size = min(size, len(self.cells))
        nearest = np.argpartition(hard.lead, size - 1)[:size]
        rows = self.rng.permutation(nearest)
        width = max(float(hard.lead[nearest].max()), REACH * self.tau)
        problem = restrict(self.cells, self.dual.limits, rows, self.dual.net(hard.at), width)
        action = hard.action.copy()
        action[rows] = -1
        penalty = 10.0 * (hard.at + 1.0)
        return Settled(action, problem, relax(problem, self.dual.sides, self.room(action), penalty))

    def worth(self, settled: Settled) -> float:
        """Return the value of the linear program's answer, everybody counted."""
        fixed = account(self.cells, self.dual.limits, settled.action).profit
        return fixed + float(settled.problem.gain @ settled.answer.share)

    def rounded(self, settled: Settled, hard: Hard) -> tuple[Actions, Account] | None:
        """Return an integer plan near the linear program's answer."""
        problem, share = settled.problem, settled.answer.share
        lead = problem.lead(self.dual.net(hard.at))
        torn = np.unique(problem.place[(share > 1e-9) & (share < 1 - 1e-9)])
        lead[torn] = -1.0
        order = np.argsort(lead, kind="stable")
        action = settled.action.copy()
        action[problem.rows] = problem.chosen(share)
        size = TINY
        if self.slip == 0:
            size = len(order)
        while True:
            keep = order[: max(size, len(torn))]
            found = self.integer(action, problem.narrowed(keep))
            if found is not None or len(keep) == len(order):
                return found
            size *= 4

    def integer(self, action: Actions, part: Restricted) -> tuple[Actions, Account] | None:
        """Return the plan with some customers settled in integers, if it keeps all rules."""
        limits, sides = self.dual.limits, self.dual.sides
        action = action.copy()
        action[part.rows] = -1
        room = self.room(action)
        for _ in range(4):
            choice = settle(part, sides, room, slip=self.slip * self.stake, nodes=500)
            if choice is None:
                return None
            action[part.rows] = choice
            result = account(self.cells, limits, action)
            excess = result.excess(limits)
            if (excess <= 0).all():
                return action, result
            over = np.where(sides.sign > 0, excess[sides.rule, 0], excess[sides.rule, 1])
            room = room - np.where(over > 0, 2 * over + 3e-6 / sides.unit, 0.0)
        return None
