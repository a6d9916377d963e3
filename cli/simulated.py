"""A simulated campaign as a project folder: its tables, its uplift.toml and a README."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .project import FILE

if TYPE_CHECKING:
    from uplift.simulator import Campaign

HEAD = """\
# A simulated campaign (world {world!r}). Every setting: uplift plan --help, and docs.
currency = "USD"

[history]
path = "history.parquet"
customer = "customer_id"
channel = "channel"
send_time = "send_hour"
control = "none"
probability = "assignment_probability"
outcome = "margin"
response = "converted"
exclude = ["cost"]

[audience]
path = "audience.parquet"

[money]
margin = 1.0                       # the outcome is contribution margin already

"""
TAIL = """\
[plan]
budget = {budget}
holdout = 0.05                     # kept out at random, so that the campaign can be measured
"""
README = """\
A simulated campaign: who was given what at random, with which probability, and what came of it.

history.parquet   one row per customer of the campaign: features, channel, send_hour, margin
audience.parquet  the customers to plan for
truth.parquet     the true effect of every action on every customer of the audience; no command reads it
uplift.toml       what the columns mean, what a contact costs, the budget

Run:  uplift check -p {folder}
      uplift plan -p {folder} --budget {budget}
"""


def write_campaign(campaign: Campaign, folder: Path) -> None:
    """Write the campaign's tables and its uplift.toml into an existing folder."""
    from uplift.tables.writers import write_parquet

    for name in ("history", "audience", "truth"):
        write_parquet(getattr(campaign, name), folder / f"{name}.parquet")
    (folder / FILE).write_text(project_text(campaign), encoding="utf-8")


def write_readme(campaign: Campaign, folder: Path, *, called: str) -> None:
    """Write what the files are and which commands to run, for the folder it will be called."""
    text = README.format(folder=called, budget=budget_for(campaign))
    (folder / "README.txt").write_text(text, encoding="utf-8")


def project_text(campaign: Campaign) -> str:
    """Return the uplift.toml of a simulated campaign."""
    columns = campaign.audience.column_names
    actions = [_action(name, cost, columns) for name, cost in campaign.costs.items()]
    return (
        HEAD.format(world=campaign.world)
        + "\n".join(actions)
        + "\n"
        + TAIL.format(budget=budget_for(campaign))
    )


def budget_for(campaign: Campaign) -> int:
    """Return a budget that binds: five cents a customer of the audience."""
    return max(1, len(campaign.audience) // 20)


def _action(channel: str, cost: float, columns: list[str]) -> str:
    """Return the [actions.channel] table; with a consent column where the audience has one."""
    consent = f"{channel}_consent"
    name = channel if re.fullmatch("[A-Za-z0-9_-]+", channel) else json.dumps(channel)
    return f"[actions.{name}]\ncost = {cost}\n" + (f'consent = "{consent}"\n' if consent in columns else "")


def written(campaign: Campaign, extra: Mapping[str, object]) -> dict[str, object]:
    """Return what was written, as the object that --json prints."""
    return {
        "world": campaign.world,
        "rows": len(campaign.history),
        "audience": len(campaign.audience),
        "actions": [arm.label for arm in campaign.actions],
        "costs": campaign.costs,
        **extra,
    }
