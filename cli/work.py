"""The long steps that commands share: judge, estimate, plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from uplift.errors import Refused, SettingError

from .campaign import CURRENCY, Campaign
from .console import Progress
from .gates import gates, reasons
from .options import Common
from .project import FILE, Project

if TYPE_CHECKING:
    from policies.planner import Plan
    from uplift.effects import Effects
    from uplift.findings import Finding

NO_BUDGET = f"No budget is named. Add --budget AMOUNT, or budget = … under [plan] in {FILE}."


def judged(
    shared: Common, project: Project, campaign: Campaign, *, money: bool, overrides: Iterable[str]
) -> tuple[Finding, ...]:
    """Return what reading and the gates found, overrides applied."""
    history, codes = campaign.history, frozenset(overrides)
    shared.console.detail(
        f"{len(history):,} rows with {len(history.actions)} actions and {history.features.num_columns} features; "
        f"{len(campaign.audience):,} customers to plan for."
    )
    found = gates(project, history, money=money, seed=shared.seed)
    return tuple(finding.override(codes) for finding in (*campaign.findings, *found))


def refuse(shared: Common, findings: tuple[Finding, ...]) -> None:
    """Stop where a finding refuses; print the warnings where none does.

    Raises:
        Refused: With every reason.
    """
    refused = reasons(findings)
    if refused:
        raise Refused(" ".join(refused))
    shared.console.warnings(findings)


def estimated(shared: Common, campaign: Campaign, progress: Progress) -> Effects:
    """Return the effects of every action, learned from the campaign's history."""
    from uplift import estimate
    from uplift.engines.local import LocalEngine

    return estimate(campaign.history, seed=shared.seed, engine=LocalEngine(shared.threads), progress=progress)


def described(project: Project, effects: Effects) -> dict[str, Any]:
    """Return how good effects are on held-out customers, as plain data."""
    from uplift.evaluation import describe

    return describe(effects, level=project.plan.level)


def planned(
    shared: Common,
    project: Project,
    campaign: Campaign,
    effects: Effects,
    *,
    findings: tuple[Finding, ...],
    overrides: Iterable[str],
    progress: Progress,
) -> Plan:
    """Return the plan for the campaign's audience."""
    from policies import plan
    from uplift.engines.local import LocalEngine

    settings = project.plan
    return plan(
        effects,
        campaign.audience,
        project.actions,
        budget=needed_budget(project),
        constraints=project.segments,
        holdout=settings.holdout,
        min_roi=settings.min_roi,
        level=settings.level,
        risk_aversion=settings.risk_aversion,
        seed=shared.seed,
        overrides=frozenset(overrides),
        findings=findings,
        currency=project.currency or CURRENCY,
        engine=LocalEngine(shared.threads),
        progress=progress,
    )


def needed_budget(project: Project) -> float:
    """Return the budget.

    Raises:
        SettingError: Neither a flag nor the project file names one.
    """
    if project.plan.budget is None:
        raise SettingError(NO_BUDGET)
    return project.plan.budget
