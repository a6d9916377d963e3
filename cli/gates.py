"""Gates: what the evidence supports, and how a command stops where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from uplift.findings import Finding

from .campaign import CURRENCY, unpriced
from .console import Console
from .project import Project

if TYPE_CHECKING:
    from uplift.history import History

EXIT_CODE = 3


def gates(project: Project, history: History, *, money: bool, seed: int) -> tuple[Finding, ...]:
    """Return what the gates say of a history.

    Args:
        project: Names the currency and the costs.
        history: The history to judge.
        money: Whether profit is claimed, so that costs are needed (G9).
        seed: Of the checks that draw.
    """
    from uplift.checks import check

    missing = unpriced(project, history) if money else ()
    nothing = bool(missing) and len(missing) == len({action.channel for action in history.actions})
    found = check(history, currency=project.currency or CURRENCY, costs_given=not nothing, seed=seed)
    return found if not missing else _with_costs_missing(found, missing, nothing=nothing)


def _with_costs_missing(
    found: tuple[Finding, ...], missing: tuple[str, ...], *, nothing: bool
) -> tuple[Finding, ...]:
    """Return the findings with what G9 says of channels without a cost: where some have one, a warning."""
    add = "Add " + " ".join(f'--cost "{label}=AMOUNT"' for label in missing) + "."
    message = f"No cost is given for {', '.join(missing)}"
    if not nothing:
        left_out = Finding("G9", "warn", f"{message}: left out of the plan.", float(len(missing)), 0.0, add)
        return (*found, left_out)
    return tuple(
        replace(finding, message=f"{message}.", next=add)
        if (finding.code, finding.verdict) == ("G9", "refuse")
        else finding
        for finding in found
    )


def reasons(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return one sentence for each finding that refuses, its code first."""
    return tuple(
        f"{finding.code}: {finding.message} {finding.next}".rstrip()
        for finding in findings
        if finding.verdict == "refuse"
    )


def stop_refused(console: Console, refused: Iterable[str]) -> None:
    """Print why gates refused and leave with their exit code; do nothing when none did."""
    lines = list(refused)
    for line in lines:
        console.refusal(line)
    if lines:
        click.get_current_context().exit(EXIT_CODE)
