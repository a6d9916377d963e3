"""`uplift plan`: who gets what and when, with an honest forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from uplift.errors import Refused, SettingError

from ..campaign import Input, campaign_of, check_terms, read_inputs
from ..gates import reasons, stop_refused
from ..options import (
    Command,
    Common,
    common,
    flags,
    history_options,
    money_options,
    output_options,
    plan_options,
)
from ..project import Project
from ..projectfile import read_project
from ..runs import fingerprints, named_inputs, run_name, settings_of
from ..version import version
from ..work import NO_BUDGET, estimated, judged, planned

if TYPE_CHECKING:
    from uplift.findings import Finding

EXAMPLE = "uplift plan -p demo --budget 1000 --out demo/plan"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the command: what goes in, and what it is called."""

    shared: Common
    project: Project
    inputs: dict[str, Input]
    settings: dict[str, object]
    overrides: tuple[str, ...]
    run: str


@click.command("plan", cls=Command, example=EXAMPLE)
@history_options
@money_options
@plan_options
@output_options()
@common
@flags
def command(shared: Common, values: dict[str, Any]) -> None:
    """Choose one action at most for every customer, within a budget.

    Writes plan.parquet and plan.csv (a row for every customer), summary.json, report.html and manifest.json
    into --out, or into plans/RUN in the project. The forecast comes from held-out customers, never from the
    model's own score. Exit code 3 when the evidence does not support a plan: summary.json holds the reason.
    """
    from uplift.tables.staging import staged

    project = read_project(shared.project).with_flags(values)
    if project.plan.budget is None:
        raise click.UsageError(NO_BUDGET, click.get_current_context())
    job = _job(shared, project, values["override"])
    out = values["out"] or _own_place(job, replace=values["yes"])
    with staged(out, overwrite=values["yes"]) as folder:
        summary = _write(job, folder)
    _print(job, summary, out)


def _job(shared: Common, project: Project, overrides: tuple[str, ...]) -> Job:
    """Read the inputs and name the run after them."""
    inputs, settings = read_inputs(project), settings_of(project, overrides)
    run = run_name(fingerprints(inputs), settings, seed=shared.seed, version=version())
    return Job(shared, project, inputs, settings, overrides, run)


def _own_place(job: Job, *, replace: bool) -> Path:
    """Return plans/RUN in the project's folder."""
    out = job.project.folder / "plans" / job.run
    if out.exists() and not replace:
        raise SettingError(
            f"This very plan (same inputs, settings, seed and version) is already in {out}. "
            "Add --yes to make it again."
        )
    return out


def _write(job: Job, folder: Path) -> dict[str, Any]:
    """Plan and write all files into a folder; return the summary, refused or not."""
    from uplift.tables.manifest import write_manifest

    try:
        summary: dict[str, Any] = _planned(job, folder)
    except Refused as refusal:
        summary = _without_plan(job, folder, str(refusal))
    write_manifest(
        folder, inputs=named_inputs(job.inputs), settings=job.settings, seed=job.shared.seed, kind="plan"
    )
    return summary


def _planned(job: Job, folder: Path) -> dict[str, Any]:
    """Judge, estimate, plan and write; return the summary."""
    shared, project = job.shared, job.project
    campaign = campaign_of(project, job.inputs)
    findings = judged(shared, project, campaign, money=True, overrides=job.overrides)
    check_terms(project, campaign, findings)
    refused = reasons(findings)
    if refused:
        return _without_plan(job, folder, " ".join(refused), findings)
    with shared.console.progress() as progress:
        effects = estimated(shared, campaign, progress)
        plan = planned(
            shared, project, campaign, effects, findings=findings, overrides=job.overrides, progress=progress
        )
    named = replace(plan, summary={**plan.summary, "run": job.run})
    named.write(folder)
    return dict(named.summary)


def _without_plan(job: Job, folder: Path, reason: str, findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    """Write and return the summary of a plan that was refused before effects were learned."""
    from uplift.report import render_page
    from uplift.tables.writers import write_json

    summary: dict[str, Any] = {
        "run": job.run,
        "currency": job.settings["currency"],
        "budget": job.project.plan.budget,
        "findings": [finding.to_dict() for finding in findings],
        "overrides": sorted(job.overrides),
        "refused": reason,
    }
    write_json(summary, folder / "summary.json")
    (folder / "report.html").write_text(render_page(summary), encoding="utf-8", newline="\n")
    return summary


def _print(job: Job, summary: dict[str, Any], out: Path) -> None:
    """Print the plan in words, or why there is none."""
    from uplift.report import render_terminal

    console = job.shared.console
    console.data(summary, render_terminal(summary, width=console.width, colour=console.colour))
    if summary.get("refused"):
        console.note(f"The reason is also in {out / 'summary.json'}.")
        stop_refused(console, [summary["refused"]])
    console.note(f"Wrote {out}: plan.csv, summary.json, report.html.")
    console.next("uplift explain", out, "CUSTOMER")
