"""`uplift evaluate`: how good the effects are."""

from __future__ import annotations

from typing import Any

import click

from ..campaign import Campaign, campaign_of, check_terms, read_inputs
from ..options import (
    Command,
    Common,
    common,
    flags,
    history_options,
    money_options,
    plan_options,
)
from ..project import Project
from ..projectfile import read_project
from ..work import described, estimated, judged, planned, refuse

OF_EFFECTS = ("learner", "deciles", "calibration", "average_effects", "candidates", "response_model")
OF_PLAN = ("currency", "budget", "deciles", "calibration", "comparison", "refused")


@click.command("evaluate", cls=Command, example="uplift evaluate -p demo")
@history_options
@money_options
@plan_options
@common
@flags
def command(shared: Common, values: dict[str, Any]) -> None:
    """Hold the effects against customers they were not learned from.

    Prints predicted against observed money by decile, the calibration, and what the plan would earn against
    the response score, everybody, random and nobody, at the same budget, with intervals.
    """
    project = read_project(shared.project).with_flags(values)
    result = _evaluated(shared, project, campaign_of(project, read_inputs(project)), values["override"])
    _print(shared, project, result)


def _evaluated(
    shared: Common, project: Project, campaign: Campaign, overrides: tuple[str, ...]
) -> dict[str, object]:
    """Return the evaluation; the comparison of policies needs a budget."""
    money = project.plan.budget is not None
    findings = judged(shared, project, campaign, money=money, overrides=overrides)
    check_terms(project, campaign, findings)
    refuse(shared, findings)
    with shared.console.progress() as progress:
        effects = estimated(shared, campaign, progress)
        report = described(project, effects)
        result = {name: report[name] for name in OF_EFFECTS if name in report}
        if money:
            plan = planned(
                shared, project, campaign, effects, findings=findings, overrides=overrides, progress=progress
            )
            result |= {name: plan.summary[name] for name in OF_PLAN if name in plan.summary}
    return result


def _print(shared: Common, project: Project, result: dict[str, object]) -> None:
    """Print the evaluation."""
    from uplift.report.terminal import render_evaluation

    console = shared.console
    console.data(result, render_evaluation(result, width=console.width, colour=console.colour))
    if "comparison" not in result:
        console.note("Add --budget AMOUNT to compare policies in money.")
    if result.get("refused"):
        console.note(f"A plan would be refused. {result['refused']}")
    console.next("uplift plan", *project.again(), "--budget AMOUNT")
