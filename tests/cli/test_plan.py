from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from cli.main import application
from uplift.tables.manifest import check_manifest

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]
FILES = {"plan.parquet", "plan.csv", "values.parquet", "summary.json", "report.html", "manifest.json"}
FLAGS = (
    *("--customer", "customer_id", "--channel", "channel", "--send-time", "send_hour", "--control", "none"),
    *("--probability", "assignment_probability", "--outcome", "margin", "--response", "converted"),
    *("--exclude", "cost", "--cost", "email=0.02", "--cost", "sms=0.08"),
)
OVERRIDES = ("--override", "G8", "--override", "G10")


@pytest.fixture(scope="module")
def plain(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project without its consents, which flags cannot name."""
    folder = tmp_path_factory.mktemp("plain")
    for name in ("history.parquet", "audience.parquet"):
        shutil.copy(project / name, folder / name)
    lines = (project / "uplift.toml").read_text().splitlines(keepends=True)
    (folder / "uplift.toml").write_text("".join(line for line in lines if "consent" not in line))
    return folder


@pytest.fixture(scope="module")
def planned(plain: Path) -> tuple[Path, Result]:
    """One plan that several tests look at; so little evidence may support no profit, hence the overrides."""
    words = ["plan", "-p", plain, "--budget", 60, *OVERRIDES, "--threads", 2]
    result = CliRunner().invoke(application, [str(word) for word in words], catch_exceptions=False)
    (out,) = (plain / "plans").iterdir()
    return out, result


def test_it_writes_every_file_and_the_manifest_vouches_for_them(planned: tuple[Path, Result]) -> None:
    out, result = planned
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == FILES
    assert [finding.verdict for finding in check_manifest(out)] == ["ok"]
    assert result.stderr.splitlines()[-1] == f"Next: uplift explain {out} CUSTOMER"


def test_the_rows_add_up_to_the_summary_and_the_budget_is_kept(
    planned: tuple[Path, Result], plain: Path
) -> None:
    out, _ = planned
    summary = json.loads((out / "summary.json").read_text())
    rows = pq.read_table(out / "plan.parquet").to_pylist()
    audience = pq.read_table(plain / "audience.parquet")["customer_id"].to_pylist()
    assert [row["customer_id"] for row in rows] == audience
    assert round(sum(row["cost"] for row in rows), 2) == summary["spend"] <= 60
    assert sum(row["reason"] == "contacted" for row in rows) == summary["contacts"]
    assert summary["overrides"] == ["G10", "G8"]
    assert len(summary["run"]) == 12
    assert summary["run"] == out.name


def test_flags_alone_with_one_thread_give_the_same_plan_to_the_byte(
    run: Run, planned: tuple[Path, Result], plain: Path, tmp_path: Path
) -> None:
    out, _ = planned
    files = ("--history", plain / "history.parquet", "--audience", plain / "audience.parquet")
    words = (*files, *FLAGS, "--budget", 60, "--out", tmp_path / "plan", *OVERRIDES, "--threads", 1)
    result = run("plan", *words, "--json", "-q")
    assert result.exit_code == 0, result.stderr
    assert (result.stdout.count("\n"), result.stderr) == (1, "")
    assert json.loads(result.stdout) == json.loads((out / "summary.json").read_text())
    assert bytes_of(tmp_path / "plan") == bytes_of(out)


def test_the_very_same_plan_is_not_made_twice(run: Run, planned: tuple[Path, Result], plain: Path) -> None:
    out, _ = planned
    result = run("plan", "-p", plain, "--budget", 60, *OVERRIDES)
    assert result.exit_code == 1
    assert f"This very plan (same inputs, settings, seed and version) is already in {out}." in result.stderr


def test_a_plan_that_is_there_is_not_replaced(run: Run, planned: tuple[Path, Result], project: Path) -> None:
    out, _ = planned
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    result = run("plan", "-p", project, "--budget", 60, "--out", out)
    assert result.exit_code == 1
    assert "is there already; add --yes" in result.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_every_customer_of_a_plan_can_be_explained(run: Run, planned: tuple[Path, Result]) -> None:
    out, _ = planned
    for row in pq.read_table(out / "plan.parquet").slice(0, 3).to_pylist():
        result = run("explain", out, row["customer_id"], "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["reason"] == row["reason"]


def test_no_budget_is_an_error_that_names_the_flag(run: Run, project: Path) -> None:
    words = ("--history", project / "history.parquet", *FLAGS)
    result = run("plan", *words)
    assert result.exit_code == 2
    assert "No budget is named. Add --budget AMOUNT" in result.stderr


def test_a_history_of_control_rows_only_is_refused_by_its_gate(
    run: Run, project: Path, tmp_path: Path
) -> None:
    table = pq.read_table(project / "history.parquet")
    pq.write_table(table.filter(pc.equal(table["channel"], "none")), tmp_path / "h.parquet")
    words = ("--history", tmp_path / "h.parquet", *FLAGS, "--budget", 10, "--out", tmp_path / "plan")
    result = run("plan", *words)
    assert result.exit_code == 3
    assert "Refused: G1: " in result.stderr


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc here")
def test_a_place_that_cannot_be_written_is_one_line(run: Run, project: Path) -> None:
    result = run("plan", "-p", project, "--budget", 10, "--out", "/proc/nothing/plan")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Could not write /proc/nothing/plan: ")
    assert result.stderr.count("\n") == 1


def test_a_refused_plan_leaves_its_reason_and_no_rows(run: Run, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    words = ("--history", project / "history.parquet", *FLAGS[:-4], "--budget", 10, "--out", out)
    result = run("plan", *words, "--json")
    assert result.exit_code == 3
    assert "Refused: G9: No cost is given for email, sms." in result.stderr
    told = json.loads(result.stdout)
    assert told == json.loads((out / "summary.json").read_text())
    assert told["refused"].startswith("G9: ")
    assert {path.name for path in out.iterdir()} == {"summary.json", "report.html", "manifest.json"}
    assert [finding.verdict for finding in check_manifest(out)] == ["ok"]


def test_what_is_no_plan_is_never_overwritten(run: Run, project: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("dear")
    result = run("plan", "-p", project, "--budget", 60, "--out", tmp_path, "--yes")
    assert result.exit_code == 1
    assert (tmp_path / "thesis.txt").read_text() == "dear"


def start(project: Path, out: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "cli.main", "plan", "-p", str(project), "--budget", "70", "--yes"]
    process = subprocess.Popen(
        [*words, "--out", str(out)], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 30
    # The staging folder appears when the long work is about to begin.
    while not any(out.parent.glob(f".{out.name}.staging-*")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.3)
    assert process.poll() is None
    return process


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_killed_run_leaves_the_old_plan_intact(planned: tuple[Path, Result], project: Path) -> None:
    out, _ = planned
    before = bytes_of(out)
    process = start(project, out)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert bytes_of(out) == before


def test_ctrl_c_ends_with_130_one_line_and_the_old_plan(planned: tuple[Path, Result], project: Path) -> None:
    out, _ = planned
    before = bytes_of(out)
    process = start(project, out)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    # An interrupt that falls into a callback of the interpreter is printed before the next one is heard.
    assert (process.returncode, told.splitlines()[-1]) == (130, "Interrupted; nothing was written.")
    assert bytes_of(out) == before
