"""Branch and bound over a few customers, with the local search for its incumbents.

Land & Doig (1960), best bound first. A customer whom the linear program splits is given the option with the largest
share in one branch and denied it in the other. Options whose reduced cost exceeds what is left to gain are dropped.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from .exchange import Options, search
from .kernels import Floats, Ints
from .problem import Mask
from .restricted import Restricted

# Kicks of the search at a node.
KICKS = 2


class Node(NamedTuple):
    """What is left to decide: ordered by the bound, the best first."""

    bound: float
    number: int
    must: Ints
    may: Mask


@dataclass(frozen=True, slots=True)
class Task:
    """What branch and bound is asked.

    Attributes:
        problem: The customers' options.
        options: The same for the search, doing nothing included.
        room: (S,) what is left of each side, in stakes.
        kicks: (kicks, S) for the search.
        least: Improvements of less than this, in stakes, are left.
    """

    problem: Restricted
    options: Options
    room: Floats
    kicks: Floats
    least: float

    def climbed(self, share: Floats, kicks: Floats, goal: float) -> tuple[Ints, float]:
        """Return what a search makes of shares, and what it gains; −inf where it breaks a side."""
        start = self.likeliest(share)
        slack = self.room - self.options.load[start].sum(axis=0)
        chosen, _ = search(self.options, start, slack, kicks, goal=goal, least=self.least)
        kept = (self.room - self.options.load[chosen].sum(axis=0) >= 0).all()
        return chosen, float(self.options.gain[chosen].sum()) if kept else -np.inf

    def likeliest(self, share: Floats) -> Ints:
        """Return each customer's option with the largest share, doing nothing included."""
        m = len(self.problem.rows)
        nothing = 1.0 - np.bincount(self.problem.place, weights=share, minlength=m)
        order = np.argsort(np.append(share, nothing), kind="stable")
        start = np.empty(m, dtype=np.int64)
        start[self.options.place[order]] = order
        return start

    def linear(self, node: Node) -> tuple[float, Floats, Floats] | None:
        """Return a node's bound, shares and reduced costs, or None where no shares keep the sides."""
        columns = np.flatnonzero(node.may)
        if not len(columns):
            return (0.0, np.zeros(len(node.may)), np.zeros(len(node.may))) if (self.room >= 0).all() else None
        low = np.zeros(len(node.may))
        low[node.must] = 1.0
        result = linprog(
            -self.problem.gain[columns],
            A_ub=self.problem.matrix()[:, columns],
            b_ub=np.concatenate([self.room, np.ones(len(self.problem.rows))]),
            bounds=np.stack([low[columns], np.ones(len(columns))], axis=1),
            method="highs-ds",
            options={"presolve": False},
        )
        if result.x is None:
            return None
        share, reduced = np.zeros(len(low)), np.zeros(len(low))
        share[columns], reduced[columns] = result.x, result.lower.marginals
        return float(-result.fun), share, reduced


def branch(task: Task, start: tuple[Ints, float], nodes: int) -> tuple[Ints, float]:
    """Return the best options found, and what they gain: better than the start by `task.least`, or the start.

    Args:
        task: The problem.
        start: Options of each customer, and what they gain; −inf where they break a side.
        nodes: At most this many linear programs.
    """
    best = start
    may = np.ones(len(task.problem.place), dtype=np.bool_)
    heap = [Node(-np.inf, 0, np.zeros(0, dtype=np.int64), may)]
    for number in range(nodes):
        if not heap or -heap[0].bound <= best[1] + task.least:
            break
        node = heapq.heappop(heap)
        answer = task.linear(node)
        if answer is None or answer[0] <= best[1] + task.least:
            continue
        bound, share, reduced = answer
        found = task.climbed(share, task.kicks[:KICKS], bound)
        best = max(best, found, key=lambda plan: plan[1])
        split = np.flatnonzero(task.problem.split(share))
        if not len(split):
            continue
        may = node.may & ~((reduced > bound - best[1] - task.least) & (share < 1e-9))
        column = _divide(task, share, split)
        without = may.copy()
        without[column] = False
        heapq.heappush(heap, Node(-bound, 2 * number + 1, np.append(node.must, column), may))
        heapq.heappush(heap, Node(-bound, 2 * number + 2, node.must, without))
    return best


def _divide(task: Task, share: Floats, split: Ints) -> int:
    """Return the largest option of the customer who is furthest from having one option whole."""
    top = np.zeros(len(task.problem.rows))
    np.maximum.at(top, task.problem.place, share)
    nothing = 1.0 - np.bincount(task.problem.place, weights=share, minlength=len(top))
    place = int(split[np.maximum(top, nothing)[split].argmin()])
    mine = np.flatnonzero(task.problem.place == place)
    return int(mine[share[mine].argmax()])
