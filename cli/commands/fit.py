"""`uplift fit`: the response baseline and the effects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..campaign import campaign_of, read_inputs
from ..options import Command, Common, common, flags, history_options, money_options, output_options
from ..project import Project
from ..projectfile import read_project
from ..runs import named_inputs, settings_of
from ..work import described, estimated, judged, refuse

SHOWN = ("learner", "candidates", "average_effects", "response_model")


@click.command("fit", cls=Command, example="uplift fit -p demo")
@history_options
@money_options
@output_options()
@common
@flags
def command(shared: Common, values: dict[str, Any]) -> None:
    """Learn responses and effects, chosen on held-out customers.

    Prints the candidates, every action's average effect with its interval, and how good the response model
    is. With --out DIR, effects.json holds the same.
    """
    project = read_project(shared.project).with_flags(values)
    inputs = read_inputs(project)
    campaign = campaign_of(project, inputs)
    findings = judged(shared, project, campaign, money=False, overrides=values["override"])
    refuse(shared, findings)
    with shared.console.progress() as progress:
        report = described(project, estimated(shared, campaign, progress))
    if values["out"]:
        _write(
            values, report, named_inputs(inputs), settings_of(project, values["override"]), seed=shared.seed
        )
    _print(shared, project, {name: report[name] for name in SHOWN if name in report})


def _write(
    values: Mapping[str, Any],
    report: Mapping[str, object],
    inputs: Mapping[str, Path | str],
    settings: Mapping[str, object],
    *,
    seed: int,
) -> None:
    """Write effects.json and its manifest."""
    from uplift.tables.manifest import write_manifest
    from uplift.tables.staging import staged
    from uplift.tables.writers import write_json

    with staged(values["out"], overwrite=values["yes"]) as folder:
        write_json(report, folder / "effects.json")
        write_manifest(folder, inputs=inputs, settings=settings, seed=seed, kind="effects")


def _print(shared: Common, project: Project, report: Mapping[str, object]) -> None:
    """Print what was learned."""
    from uplift.report.terminal import render_evaluation

    console = shared.console
    console.data(report, render_evaluation(report, width=console.width, colour=console.colour))
    console.next("uplift evaluate", *project.again())
