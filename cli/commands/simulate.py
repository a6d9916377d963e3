"""`uplift simulate`: a campaign history whose true effects are known."""

from __future__ import annotations

from pathlib import Path

import click

from uplift.errors import SettingError

from ..options import Command, Common, common, output_options
from ..simulated import budget_for, write_campaign, written


@click.command("simulate", cls=Command, example="uplift simulate --out sim --world rich --rows 50000")
@output_options(required=True)
@click.option("--world", default="rich", show_default=True, metavar="NAME", help="How effects come about.")
@click.option(
    "--rows", type=click.IntRange(1), default=200_000, show_default=True, help="Customers in the history."
)
@click.option(
    "--audience", type=click.IntRange(1), default=50_000, show_default=True, help="Customers to plan for."
)
@common
def command(shared: Common, out: Path, yes: bool, world: str, rows: int, audience: int) -> None:
    """Write a simulated campaign and the truth about it.

    Worlds: rich (effects on the log-odds, by customer, channel and hour), steps (steps in the probability,
    returns, assignment that depends on a feature), costly (one dear channel), average (the same effect for
    everybody), null (none), sleeping_dogs (contact harms some), few_buyers, shift (another kind of audience).
    """
    from uplift.simulator import simulate
    from uplift.tables.manifest import write_manifest
    from uplift.tables.staging import staged
    from uplift.tables.writers import write_parquet

    if (out / "plans").exists():
        raise SettingError(f"{out} holds plans, which would be lost. Name another --out.")
    with staged(out, overwrite=yes) as folder:
        campaign = simulate(world, rows=rows, audience=audience, seed=shared.seed)
        write_campaign(campaign, folder)
        write_parquet(campaign.history_truth, folder / "history_truth.parquet")
        settings = {"world": world, "rows": rows, "audience": audience}
        write_manifest(folder, inputs={}, settings=settings, seed=shared.seed, kind="simulation")
    values = written(campaign, {"folder": str(out)})
    text = f"Wrote {rows:,} customers of world {world!r} with {len(campaign.actions)} actions to {out}."
    shared.console.data(values, text)
    shared.console.next("uplift plan -p", out, "--budget", budget_for(campaign))
