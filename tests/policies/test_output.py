from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from policies.planner import Plan
from uplift.engines.local import LocalEngine

Planned = Callable[..., Plan]
ALL = {"plan.parquet", "plan.csv", "values.parquet", "summary.json", "report.html"}


def written(plan: Plan, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    plan.write(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_say_the_same(usual: Plan, tmp_path: Path) -> None:
    assert set(written(usual, tmp_path / "plan")) == ALL
    rows = pq.read_table(tmp_path / "plan" / "plan.parquet")
    assert rows.equals(usual.rows.combine_chunks())
    text = pacsv.read_csv(
        tmp_path / "plan" / "plan.csv",
        convert_options=pacsv.ConvertOptions(column_types=rows.schema, null_values=[""]),
    )
    assert text.to_pydict() == rows.to_pydict()
    assert pq.read_table(tmp_path / "plan" / "values.parquet").to_pydict() == usual.values.to_pydict()
    assert json.loads((tmp_path / "plan" / "summary.json").read_text()) == usual.summary
    page = (tmp_path / "plan" / "report.html").read_text()
    assert f"{usual.summary['contacts']:,}" in page


def test_a_refused_plan_leaves_no_rows_behind(planned: Planned, tmp_path: Path) -> None:
    refused = planned(budget=20.0)
    assert refused.refused is not None
    assert set(written(refused, tmp_path / "plan")) == {"summary.json", "report.html"}
    assert json.loads((tmp_path / "plan" / "summary.json").read_text())["refused"] == refused.refused


def test_the_number_of_threads_changes_no_byte(planned: Planned, tmp_path: Path) -> None:
    one = written(planned(engine=LocalEngine(1), seed=7), tmp_path / "one")
    two = written(planned(engine=LocalEngine(2), seed=7), tmp_path / "two")
    assert one == two
    assert set(one) == ALL
