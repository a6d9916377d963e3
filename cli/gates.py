"""Gates: what the evidence supports, and how a command stops where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .campaign import CURRENCY, unpriced
from .console import Console
from .project import Project

if TYPE_CHECKING:
    from uplift.findings import Finding
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
    from uplift.findings import Finding

    missing = unpriced(project, history) if money else ()
    nothing = len(missing) == len({action.channel for action in history.actions})
    found = check(history, currency=project.currency or CURRENCY, costs_given=not (missing and nothing), seed=seed)
    if not missing:
        return found
    add = "Add " + " ".join(f'--cost "{label}=AMOUNT"' for label in missing) + "."
    names = ", ".join(missing)
    if nothing:
        return tuple(
            replace(finding, message=f"No cost is given for {names}.", next=add)
            if finding.code == "G9" and finding.verdict == "refuse"
            else finding
            for finding in found
        )
    left_out = f"No cost is given for {names}: left out of the plan."
    return (*found, Finding("G9", "warn", left_out, float(len(missing)), 0.0, add))


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
