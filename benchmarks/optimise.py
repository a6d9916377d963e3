"""The optimiser against HiGHS: seconds, memory, gap and violations by size.

    python benchmarks/optimise.py [--cells 20e6] [--highs-cells 0.3e6] [--costs-by-customer]

Each line is a run in a process of its own, so that memory is that run's. "over inputs" is the peak of resident
memory above what the inputs take. Compilation is left out: each process solves a small problem first.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import LinearConstraint, linprog, milp

sys.path.insert(0, str(Path(__file__).parents[1]))

from policies.constraints import Rule
from policies.frontiers import frontier
from policies.optimizer import optimize
from policies.verifier import verify

SIZES = ((10_000, 20), (30_000, 20), (100_000, 20), (1_000_000, 20), (1_000_000, 120), (10_000_000, 20))
PAGE = 4096


class Problem(NamedTuple):
    """Four channels × slots, with costs per contact; budgets, caps, slots, segments and a minimum spend."""

    values: npt.NDArray[np.float32]
    costs: npt.NDArray[np.float64]
    budget: float
    rules: list[Rule]


class Line(NamedTuple):
    """One run."""

    cpu: float
    wall: float
    memory: float
    gap: float
    violations: int


def problem(n: int, k: int, *, by_customer: bool) -> Problem:
    """Return a campaign of n customers and k actions with 27 rules and a budget."""
    rng = np.random.default_rng(0)
    channel = np.arange(k) % 4
    taste = rng.gamma(2.0, 0.5, (n, 1)).astype(np.float32)
    noise = (
        rng.standard_normal((n, k), dtype=np.float32)
        * np.array([0.35, 0.28, 0.42, 0.52], np.float32)[channel]
    )
    values = taste * (0.3 + 0.4 * rng.random(k, dtype=np.float32)) + noise
    segment = rng.integers(0, 3, n)
    costs = np.array([0.02, 0.01, 0.08, 0.6])[channel]
    if by_customer:
        costs = costs * (1.0 + 0.2 * rng.random((n, k), dtype=np.float32))
    return Problem(values, costs, 0.05 * n, list(rules(segment, channel)))


def rules(segment: npt.NDArray[np.int64], channel: npt.NDArray[np.int64]) -> Iterator[Rule]:
    """Yield the rules other than the budget."""
    n = len(segment)
    for j in range(4):
        mine = np.flatnonzero(channel == j).tolist()
        yield Rule(f"spend {j}", of="cost", actions=mine, at_most=[0.003, 0.002, 0.012, 0.05][j] * n)
        yield Rule(f"contacts {j}", actions=mine, at_most=float(int([0.3, 0.25, 0.2, 0.1][j] * n)))
    for a in range(15):
        yield Rule(f"slot {a}", actions=[a], at_most=float(n // 20))
    for g in range(3):
        yield Rule(f"segment {g}", customers=segment == g, at_least=float(n // 20), at_most=float(n // 4))
    yield Rule("minimum mail", of="cost", actions=np.flatnonzero(channel == 3).tolist(), at_least=0.03 * n)


def ours(task: Problem) -> tuple[float, int]:
    """Return the gap and the violations that the verifier finds."""
    solution = optimize(task.values, task.costs, budget=task.budget, rules=task.rules)
    STOP.set()
    findings = verify(
        solution.action, task.values, task.costs, budget=task.budget, rules=task.rules, solution=solution
    )
    return solution.gap, sum(finding.verdict != "ok" for finding in findings)


def budget_only(task: Problem) -> tuple[float, int]:
    """Return the gap and the violations with a budget alone."""
    solution = optimize(task.values, task.costs, budget=task.budget)
    STOP.set()
    findings = verify(solution.action, task.values, task.costs, budget=task.budget, solution=solution)
    return solution.gap, sum(finding.verdict != "ok" for finding in findings)


def whole_frontier(task: Problem) -> tuple[float, int]:
    """Return by how much the curve misses the upper bound at the budget, as a share."""
    curve = frontier(task.values, task.costs)
    STOP.set()
    at = frontier(task.values, task.costs, budgets=[task.budget])
    exact = optimize(task.values, task.costs, budget=task.budget).upper_bound
    assert (np.diff(curve.profit) >= 0).all()
    return abs(float(at.profit[0]) / exact - 1.0), 0


def system(task: Problem) -> tuple[npt.NDArray[np.float64], sparse.csr_array, npt.NDArray[np.float64]]:
    """Return gain, matrix and upper bounds of the program as HiGHS takes it."""
    n, k = task.values.shape
    costs = np.broadcast_to(task.costs, (n, k)).ravel()
    counted, top = [costs], [task.budget]
    for rule in task.rules:
        customers = np.ones(n, bool) if rule.customers is None else rule.customers
        row = np.outer(customers, np.isin(np.arange(k), rule.actions if rule.actions else range(k))).ravel()
        row = row * (costs if rule.of == "cost" else 1.0)
        for sign, bound in ((1.0, rule.at_most), (-1.0, rule.at_least)):
            if bound is not None:
                counted.append(sign * row)
                top.append(sign * bound)
    once = sparse.kron(sparse.eye_array(n), np.ones((1, k)))
    matrix = sparse.vstack([sparse.csr_array(np.array(counted)), once], format="csr")
    return (task.values - task.costs).ravel().astype(np.float64), matrix, np.concatenate([top, np.ones(n)])


def highs_linear(task: Problem) -> tuple[float, int]:
    """Solve the linear program only: customers may be split."""
    gain, matrix, top = system(task)
    result = linprog(-gain, A_ub=matrix, b_ub=top, bounds=(0, 1), method="highs")
    return 0.0 if result.status == 0 else np.nan, 0


def highs_integer(task: Problem) -> tuple[float, int]:
    """Solve the integer program, for two minutes at most."""
    gain, matrix, top = system(task)
    result = milp(
        -gain,
        integrality=np.ones(len(gain)),
        bounds=(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, top),
        options={"time_limit": 120.0},
    )
    return float(result.mip_gap) if result.x is not None else np.nan, 0


SOLVERS = {
    "ours, all rules": ours,
    "ours, budget only": budget_only,
    "ours, frontier": whole_frontier,
    "HiGHS linear": highs_linear,
    "HiGHS integer": highs_integer,
}
STOP = threading.Event()


def resident() -> float:
    """Return the resident memory of this process in GiB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 2**30


def watch(peak: list[float]) -> None:
    """Note the highest resident memory until told to stop."""
    while not STOP.wait(0.005):
        peak[0] = max(peak[0], resident())


def run(name: str, size: tuple[int, int], by_customer: bool, lines: multiprocessing.Queue[Line]) -> None:
    """Put one run's line on the queue."""
    SOLVERS[name](problem(1_000, 20, by_customer=by_customer))
    STOP.clear()
    task = problem(*size, by_customer=by_customer)
    before = resident()
    peak = [before]
    watcher = threading.Thread(target=watch, args=(peak,))
    watcher.start()
    cpu, wall = time.process_time(), time.perf_counter()
    timed = threading.Thread(
        target=lambda: (STOP.wait(), times.append((time.process_time(), time.perf_counter())))
    )
    times: list[tuple[float, float]] = []
    timed.start()
    gap, violations = SOLVERS[name](task)
    STOP.set()
    timed.join()
    watcher.join()
    lines.put(Line(times[0][0] - cpu, times[0][1] - wall, peak[0] - before, gap, violations))


def main() -> None:
    """Print a line for each size and solver."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=float, default=20e6, help="largest customers × actions to run")
    parser.add_argument("--highs-cells", type=float, default=0.3e6, help="largest for HiGHS")
    parser.add_argument(
        "--costs-by-customer", action="store_true", help="a cost for each customer and action"
    )
    arguments = parser.parse_args()
    print(
        f"{'customers':>10} {'actions':>7}  {'solver':<18} {'CPU s':>8} {'wall s':>8} {'GiB':>6} {'gap':>9} broken"
    )
    for n, k in SIZES:
        for name in SOLVERS:
            if n * k > (arguments.highs_cells if name.startswith("HiGHS") else arguments.cells):
                continue
            lines: multiprocessing.Queue[Line] = multiprocessing.Queue()
            settings = (name, (n, k), arguments.costs_by_customer, lines)
            process = multiprocessing.Process(target=run, args=settings)
            process.start()
            process.join()
            line = lines.get(timeout=5.0)
            print(
                f"{n:>10,} {k:>7}  {name:<18} {line.cpu:>8.2f} {line.wall:>8.2f} {line.memory:>6.2f} "
                f"{line.gap:>9.1e} {line.violations:>6}",
                flush=True,
            )


if __name__ == "__main__":
    main()
