"""`uplift init`: a project that runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from uplift.errors import SettingError

from ..options import Command, Common, common
from ..simulated import budget_for, write_campaign, write_readme, written

if TYPE_CHECKING:
    from uplift.simulator import Campaign

# Few enough rows to plan in seconds, few enough actions that they support a personalised plan.
ROWS, AUDIENCE = 100_000, 20_000
CHANNELS, HOURS = ("email", "sms", "mail"), (8, 18)
# In the order they are put in place: uplift.toml goes last and makes the folder a project.
FILES = ("README.txt", "history.parquet", "audience.parquet", "truth.parquet", "uplift.toml")


@click.command("init", cls=Command, example="uplift init demo")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--yes", is_flag=True, help="Replace files of the same names.")
@common
def command(shared: Common, folder: Path, yes: bool) -> None:
    """Write a project that runs: uplift.toml and a simulated campaign.

    The campaign's true effects are known (truth.parquet), so that a plan can be held against the truth. When
    you have seen it work, put your own files and columns into uplift.toml. Without DIR it is written here.
    """
    _check(folder, replace=yes)
    try:
        campaign = _write(folder, seed=shared.seed)
    except OSError as error:
        raise SettingError(f"Could not write {folder}: {error.strerror}. Name another folder.") from error
    values = written(campaign, {"folder": str(folder), "files": FILES})
    shared.console.data(values, f"Wrote {', '.join(FILES)} to {folder}.")
    shared.console.next("uplift plan -p", folder, "--budget", budget_for(campaign))


def _check(folder: Path, *, replace: bool) -> None:
    """Refuse to overwrite what is there."""
    there = [file for file in FILES if (folder / file).exists()]
    if there and not replace:
        raise SettingError(
            f"{folder} already holds {', '.join(there)}. Add --yes to replace them, or name another folder."
        )


def _write(folder: Path, *, seed: int) -> Campaign:
    """Simulate a campaign and write it; files are made beside their place and moved there."""
    from uplift.simulator import simulate

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".init-", dir=folder) as name:
        staging = Path(name)
        campaign = simulate(rows=ROWS, audience=AUDIENCE, channels=CHANNELS, send_times=HOURS, seed=seed)
        write_campaign(campaign, staging)
        write_readme(campaign, staging, called=str(folder))
        for file in FILES:
            os.replace(staging / file, folder / file)
    return campaign
