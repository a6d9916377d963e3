"""`uplift check`: the evidence gates."""

from __future__ import annotations

from typing import Any

import click

from ..campaign import campaign_of, check_terms, read_inputs
from ..console import Console
from ..gates import reasons, stop_refused
from ..options import Command, Common, common, flags, history_options, money_options
from ..projectfile import read_project
from ..work import judged


@click.command("check", cls=Command, example="uplift check -p demo")
@history_options
@money_options
@common
@flags
def command(shared: Common, values: dict[str, Any]) -> None:
    """Say what a history can and cannot support.

    Every gate prints what it measured, its threshold and the next step. Exit code 3 when one refuses and no
    --override names it.
    """
    project = read_project(shared.project).with_flags(values)
    campaign = campaign_of(project, read_inputs(project))
    overrides = frozenset(values["override"])
    findings = judged(shared, project, campaign, money=True, overrides=overrides)
    check_terms(project, campaign, findings)
    refused = reasons(findings)
    _print(shared.console, findings, refused, overrides)
    stop_refused(shared.console, refused)
    shared.console.next("uplift fit", *project.again())


def _print(
    console: Console, findings: tuple[Any, ...], refused: tuple[str, ...], overrides: frozenset[str]
) -> None:
    """Print the findings."""
    from uplift.report.terminal import render_findings

    values = {
        "findings": [finding.to_dict() for finding in findings],
        "overrides": sorted(overrides),
        "refused": "; ".join(refused) or None,
    }
    console.data(values, render_findings(findings, width=console.width, colour=console.colour))
