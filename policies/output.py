"""Write a plan's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from uplift.report import render_page
from uplift.tables.writers import write_csv, write_json, write_parquet

if TYPE_CHECKING:
    from .planner import Plan


def write_plan(plan: Plan, folder: Path) -> None:
    """Write plan.parquet, plan.csv, values.parquet, summary.json and report.html; of a refused plan the last two."""
    if plan.refused is None:
        write_parquet(plan.rows, folder / "plan.parquet")
        write_csv(plan.rows, folder / "plan.csv")
        write_parquet(plan.values, folder / "values.parquet")
        if plan.costs is not None:
            write_parquet(plan.costs, folder / "costs.parquet")
    write_json(plan.summary, folder / "summary.json")
    (folder / "report.html").write_text(render_page(plan.summary), encoding="utf-8", newline="\n")
