from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result

from cli.commands.init import FILES
from cli.projectfile import read_project

Run = Callable[..., Result]
SMALL = ("--rows", 500, "--audience", 50)


def test_init_writes_a_project_that_its_own_reader_accepts(run: Run, tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    result = run("init", demo)
    assert result.exit_code == 0
    assert {path.name for path in demo.iterdir()} == set(FILES)
    assert result.stderr == f"Next: uplift plan -p {demo} --budget 1000\n"
    project = read_project(demo)
    assert project.plan.budget == 1000
    assert project.history is not None
    assert project.history.path is not None
    names = pq.read_schema(project.history.path).names
    assert set(project.columns.values()) <= set(names)
    assert {action.channel for action in project.actions} == {"email", "sms", "mail"}
    audience = pq.read_schema(demo / "audience.parquet").names
    assert {action.consent for action in project.actions if action.consent} <= set(audience)


def test_init_overwrites_nothing_without_yes_and_keeps_other_files(run: Run, tmp_path: Path) -> None:
    own, other = tmp_path / "uplift.toml", tmp_path / "notes.txt"
    own.write_text("mine")
    other.write_text("kept")
    result = run("init", tmp_path)
    assert result.exit_code == 1
    assert "already holds uplift.toml. Add --yes" in result.stderr
    assert own.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "uplift.toml"]
    assert run("init", tmp_path, "--yes").exit_code == 0
    assert own.read_text() != "mine"
    assert other.read_text() == "kept"


def test_init_without_a_folder_writes_here(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init", "-q").exit_code == 0
    assert (tmp_path / "uplift.toml").exists()


def test_simulate_writes_the_campaign_and_the_truth_about_it(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "sim"
    result = run("simulate", "--out", out, *SMALL, "--world", "costly", "--json", "-q")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert (told["world"], told["rows"], told["audience"]) == ("costly", 500, 50)
    assert result.stderr == ""
    rows = {path.name: pq.read_metadata(path).num_rows for path in out.glob("*.parquet")}
    assert rows == {
        "history.parquet": 500,
        "history_truth.parquet": 500,
        "audience.parquet": 50,
        "truth.parquet": 50,
    }
    assert read_project(out).exists


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(run: Run, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("simulate", "--out", tmp_path / name, *SMALL, "--seed", seed).exit_code == 0
    a, b, c = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc")
    assert a == b
    assert a["history.parquet"] != c["history.parquet"]


def test_an_unknown_world_is_an_error_with_the_nearest_name(run: Run, tmp_path: Path) -> None:
    result = run("simulate", "--out", tmp_path / "sim", *SMALL, "--world", "step")
    assert result.exit_code == 1
    assert "Did you mean 'steps'?" in result.stderr
    assert not (tmp_path / "sim").exists()


def test_simulate_replaces_its_own_folder_only_with_yes_and_never_one_with_plans(
    run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "sim"
    assert run("simulate", "--out", out, *SMALL).exit_code == 0
    again = run("simulate", "--out", out, *SMALL, "--seed", 1)
    assert again.exit_code == 1
    assert "--yes" in again.stderr
    assert run("simulate", "--out", out, *SMALL, "--seed", 1, "--yes").exit_code == 0
    (out / "plans").mkdir()
    assert run("simulate", "--out", out, *SMALL, "--yes").exit_code == 1
    assert (out / "plans").exists()


def test_simulate_without_out_is_a_usage_error(run: Run) -> None:
    assert run("simulate").exit_code == 2
