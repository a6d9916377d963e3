"""G2: are the arms as large as the assignment probabilities say?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincc

from ..findings import Finding, Verdict
from ..history import Floats, History
from .arms import constant_shares, group_names, group_rows, groups, repeated_clusters
from .srm import srm
from .words import p_in_words

REFUSE_BELOW = 0.001
WARN_BELOW = 0.01
# Fewer expected rows than this and neither test's p-value means what it says.
MIN_EXPECTED = 8.0


def check_split(history: History) -> tuple[Finding, ...]:
    """Return gate G2: sample ratio mismatch (SRM) against the designed probabilities.

    Constant probabilities: chi-square. Probabilities that differ between rows, or rows that share a cluster:
    for each arm Σ 1{A=a}/p is n on average; its p-value is that of a scaled Poisson variable with the same
    mean and variance (normal for all but thin arms), times the number of arms tested.
    """
    if not history.propensity_known:
        return (_nothing_designed("no probabilities were given"),)
    if np.count_nonzero(group_rows(history)) < 2:
        return (_nothing_designed("there is one arm only"),)
    shares, clusters = constant_shares(history), repeated_clusters(history)
    if shares is not None and clusters is None:
        return (_by_shares(history, shares),)
    return (_by_weights(history, clusters),)


def _nothing_designed(why: str) -> Finding:
    return Finding(
        code="G2",
        verdict="ok",
        message=f"There is no designed split to hold the arms' sizes against: {why}.",
        next="Give the designed probabilities with --probability to have the split tested.",
    )


def _by_shares(history: History, shares: Floats) -> Finding:
    """Test the arms' rows against constant shares; thin arms are pooled until 8 rows are expected."""
    rows = group_rows(history)
    present = np.flatnonzero(shares > 0)
    expected = len(history) * shares[present] / shares[present].sum()
    cells = _cells(expected)
    if cells.max() == 0:
        return _too_thin(len(history))
    result = srm(
        np.bincount(cells, weights=rows[present]).tolist(), np.bincount(cells, weights=expected).tolist()
    )
    worst = int(np.argmax(np.abs(rows[present] - expected) / np.sqrt(expected)))
    arm = _arm_in_words(history, int(present[worst]), rows[present[worst]], expected[worst])
    return _judge(result.p, f"chi-square {result.statistic:.2f} over {cells.max() + 1} arms", arm)


def _cells(expected: Floats) -> npt.NDArray[np.int64]:
    """Return the cell of each arm: its own, but the thinnest share one until it expects 8."""
    order = np.argsort(expected, kind="stable")
    ascending = expected[order]
    thin = ascending < MIN_EXPECTED
    # The arm that lifts the pool over the line belongs to the pool as well.
    pooled = int((thin | (np.cumsum(ascending) - ascending < MIN_EXPECTED)).sum()) if thin.any() else 1
    cells = np.empty(len(expected), dtype=np.int64)
    cells[order] = np.maximum(np.arange(len(expected)) - pooled + 1, 0)
    return cells


def _by_weights(history: History, clusters: npt.NDArray[np.int64] | None) -> Finding:
    """Test Σ 1{A=a}/p = n for each arm that expects 8 rows (effective, by cluster) or more."""
    group, n = groups(history), len(history)
    weight = 1 / history.propensity
    unit = np.arange(n) if clusters is None else clusters
    unit_squares = float(np.square(np.bincount(unit)).sum())
    tested: list[tuple[float, str]] = []
    for number, rows in enumerate(group_rows(history).tolist()):
        inside = group == number
        total = float(weight[inside].sum())
        squares = float(np.square(np.bincount(unit[inside], weights=weight[inside])).sum())
        if not rows or n * total / squares < MIN_EXPECTED:
            continue
        # n·squares/total estimates Σ (unit's rows)²/p over all units from those in the arm.
        variance = n * squares / total - unit_squares
        words = _arm_in_words(history, number, rows, n * rows / total)
        tested.append((_tail(total, n, variance), words))
    if not tested:
        return _too_thin(n)
    worst, arm = min(tested)
    return _judge(min(1.0, worst * len(tested)), f"weighted counts of {len(tested)} arms, Bonferroni", arm)


def _tail(total: float, n: int, variance: float) -> float:
    """Return the two-sided p-value of a sum with mean n, as that of a scaled Poisson variable."""
    if variance <= 1e-9 * n:
        return 1.0 if abs(total - n) <= 1e-6 * n else 0.0
    scale = variance / n
    count, mean = total / scale, n / scale
    return min(1.0, 2 * min(float(gammainc(count, mean)), float(gammaincc(count + 1, mean))))


def _arm_in_words(history: History, number: int, rows: float, expected: float) -> str:
    return f"{group_names(history)[number]!r} has {rows:,.0f} rows where {expected:,.0f} were expected"


def _too_thin(n: int) -> Finding:
    return Finding(
        code="G2",
        verdict="warn",
        measured=float(n),
        threshold=2 * MIN_EXPECTED,
        message=f"The {n:,} rows are too few to test the split: {MIN_EXPECTED:.0f} are needed in each of "
        "two arms.",
        next="Add more of the campaign's rows.",
    )


def _judge(p: float, test: str, arm: str) -> Finding:
    verdict: Verdict = "refuse" if p < REFUSE_BELOW else "warn" if p < WARN_BELOW else "ok"
    how = "is as designed" if verdict == "ok" else "is not the designed one"
    return Finding(
        code="G2",
        verdict=verdict,
        measured=p,
        threshold=REFUSE_BELOW if verdict == "refuse" else WARN_BELOW,
        message=f"The split {how} ({test}, {p_in_words(p)}); the arm furthest off, {arm}.",
        next=""
        if verdict == "ok"
        else "Find the rows that are missing or doubled (filters after assignment, bots, lost logs), or "
        "correct rounded or wrong probabilities.",
    )
