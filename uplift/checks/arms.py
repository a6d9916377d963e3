"""G1: is there a control, something to compare with it, and a probability for every assignment?

Also what all gates ask of the arms: their names, their sizes, their designed shares. In here a *group* is
`arm + 1`: 0 is control, 1..k are the actions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..findings import Finding
from ..history import Floats, History

# Designed shares may be rounded; more than this and they are not the shares of one design.
SUM_TOLERANCE = 0.02
CONSTANT_TOLERANCE = 1e-6


def group_names(history: History) -> tuple[str, ...]:
    """Return the (k + 1) labels of the groups, control first."""
    return (history.roles.control, *(action.label for action in history.actions))


def groups(history: History) -> npt.NDArray[np.int64]:
    """Return (n,) the group of each row: 0 for control, a + 1 for action a."""
    return history.arm.astype(np.int64) + 1


def group_rows(history: History) -> npt.NDArray[np.int64]:
    """Return (k + 1,) the number of rows in each group, control first."""
    return np.bincount(groups(history), minlength=len(history.actions) + 1)


def constant_shares(history: History) -> Floats | None:
    """Return (k + 1,) the probability of each group, or None where it differs between a group's rows.

    A group without rows has the share 0.
    """
    shares = np.zeros(len(history.actions) + 1)
    group = groups(history)
    for number in range(len(shares)):
        given = history.propensity[group == number]
        if not len(given):
            continue
        low, high = given.min(), given.max()
        if high - low > CONSTANT_TOLERANCE * high:
            return None
        shares[number] = given.mean()
    return shares


def repeated_clusters(history: History) -> npt.NDArray[np.int64] | None:
    """Return (n,) dense cluster numbers, or None where every row is a cluster of its own."""
    numbers, dense = np.unique(history.cluster, return_inverse=True)
    return None if len(numbers) == len(history) else dense.astype(np.int64)


def check_arms(history: History) -> tuple[Finding, ...]:
    """Return gate G1: control rows, at least one action, and probabilities that one design can have."""
    rows = group_rows(history)
    if rows[0] == 0:
        return (_no_control(history, rows),)
    if rows[1:].sum() == 0:
        return (_no_action(history, rows),)
    return (_check_probabilities(history, rows),)


def _no_control(history: History, rows: npt.NDArray[np.int64]) -> Finding:
    return Finding(
        code="G1",
        verdict="refuse",
        measured=0.0,
        threshold=1.0,
        message=f"None of the {len(history):,} rows was given the control {history.roles.control!r}; without "
        f"customers who were left alone nothing can be compared with the {len(rows) - 1} actions.",
        next="Name the right control label with --control, or add the customers who were held out.",
    )


def _no_action(history: History, rows: npt.NDArray[np.int64]) -> Finding:
    return Finding(
        code="G1",
        verdict="refuse",
        measured=1.0,
        threshold=2.0,
        message=f"All {rows[0]:,} rows are control ({history.roles.control!r}): there is one arm only.",
        next="Add the customers who were contacted, or name the right control label with --control.",
    )


def _check_probabilities(history: History, rows: npt.NDArray[np.int64]) -> Finding:
    bad = np.flatnonzero(~((history.propensity > 0) & (history.propensity <= 1)))
    if len(bad):
        return _impossible(history, bad)
    if not history.propensity_known:
        return Finding(
            code="G1",
            verdict="warn",
            message="No assignment probabilities were given; the arms' overall shares are taken as those "
            "of a uniform randomisation, which G3 holds against the features.",
            next="Name the column of logged probabilities with --probability if the assignment was not "
            "uniform.",
        )
    shares = constant_shares(history)
    total = 1.0 if shares is None else float(shares.sum())
    if abs(total - 1) > SUM_TOLERANCE:
        return _not_one_design(history, total)
    return Finding(
        code="G1",
        verdict="ok",
        measured=float(rows[0]),
        threshold=1.0,
        message=f"{rows[0]:,} control rows, {np.count_nonzero(rows[1:])} actions with {rows[1:].sum():,} "
        "rows, and a known probability for each.",
    )


def _impossible(history: History, bad: npt.NDArray[np.int64]) -> Finding:
    first = ", ".join(f"{row + 1} ({history.propensity[row]:g})" for row in bad[:3])
    return Finding(
        code="G1",
        verdict="refuse",
        measured=float(len(bad)),
        threshold=0.0,
        message=f"{len(bad):,} rows have an assignment probability outside (0, 1]: rows {first}.",
        next="Log the probability with which each row was given the arm it got, as a number above 0 and up "
        "to 1.",
    )


def _not_one_design(history: History, total: float) -> Finding:
    return Finding(
        code="G1",
        verdict="refuse",
        measured=total,
        threshold=1 + SUM_TOLERANCE if total > 1 else 1 - SUM_TOLERANCE,
        message=f"The arms' assignment probabilities add up to {total:.3f} over {len(history.actions) + 1} "
        "arms where those of one design add up to 1.",
        next="Give in --probability the probability of the arm that each row got (control rows: that of "
        "control).",
    )
