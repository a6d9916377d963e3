from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from uplift.tables.manifest import check_manifest

Run = Callable[..., Result]


def test_fit_prints_what_was_learned_and_writes_the_same(run: Run, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "fit"
    result = run("fit", "-p", project, "--json", "-q", "--out", out)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    written = json.loads((out / "effects.json").read_text())
    assert len(told["average_effects"]) == 4
    for row in told["average_effects"]:
        assert row["lower"] < row["point"] < row["upper"]
    assert {row["learner"] for row in told["candidates"]} >= {"offset"}
    assert 0.5 < told["response_model"]["auc"] < 1
    assert all(written[name] == told[name] for name in told if name != "findings")
    assert [finding.verdict for finding in check_manifest(out)] == ["ok"]
    assert result.stderr == ""


def test_evaluate_compares_policies_at_the_budget_of_the_project(run: Run, project: Path) -> None:
    result = run("evaluate", "-p", project, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert {row["policy"] for row in told["comparison"]} == {
        "plan",
        "response_score",
        "everybody",
        "random",
        "nobody",
    }
    assert [row["decile"] for row in told["deciles"]] == list(range(1, 11))
    assert "slope" in told["calibration"]
    assert result.stderr.splitlines()[-1] == f"Next: uplift plan -p {project} --budget AMOUNT"
