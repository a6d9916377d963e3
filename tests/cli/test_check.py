from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import Result

Run = Callable[..., Result]
ARMS = ("--channel", "channel", "--send-time", "send_hour", "--control", "none")
IDS = ("--customer", "customer_id", "--probability", "assignment_probability")
ROLES = (*ARMS, *IDS, "--outcome", "margin", "--response", "converted")
COSTS = ("--cost", "email=0.02", "--cost", "sms=0.08")


@pytest.fixture
def skewed(project: Path, tmp_path: Path) -> Path:
    """A history that lost a third of its control rows, so that shares do not fit their probabilities."""
    table = pq.read_table(project / "history.parquet")
    control = pc.equal(table["channel"], "none")
    lost = pc.and_(control, pa.array([i % 3 == 0 for i in range(len(table))]))
    path = tmp_path / "skewed.parquet"
    pq.write_table(table.filter(pc.invert(lost)), path)
    return path


def test_a_clean_history_passes_every_gate(run: Run, project: Path) -> None:
    result = run("check", "-p", project)
    assert result.exit_code == 0
    assert all(code in result.stdout for code in ("G1", "G2", "G3", "G4", "G6", "G9", "G11"))
    assert result.stderr == f"Next: uplift fit -p {project}\n"


def test_verbose_says_what_was_read(run: Run, project: Path) -> None:
    told = run("check", "-p", project, "-v").stderr
    assert told.startswith("10,000 rows with 4 actions and 16 features; 2,000 customers to plan for.\n")


def test_json_is_one_object_on_stdout_and_nothing_else(run: Run, project: Path) -> None:
    result = run("check", "-p", project, "--json", "-q")
    told = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert (told["refused"], told["overrides"]) == (None, [])
    assert {"code", "verdict", "message", "measured", "threshold", "next"} == set(told["findings"][0])
    assert result.stderr == ""


def test_a_refusing_gate_exits_3_and_says_why_on_stderr(run: Run, skewed: Path) -> None:
    result = run("check", "--history", skewed, *ROLES, *COSTS, "--exclude", "cost", "--json")
    assert result.exit_code == 3
    assert "Refused: G2: " in result.stderr
    assert json.loads(result.stdout)["refused"].startswith("G2: ")


def test_a_named_override_goes_on_and_says_so(run: Run, skewed: Path) -> None:
    words = ("check", "--history", skewed, *ROLES, *COSTS, "--exclude", "cost", "--override", "g2")
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["overrides"] == ["G2"]
    assert "overridden" in {finding["verdict"] for finding in told["findings"]}
    assert "OVERRIDDEN" in run(*words).stdout


def test_a_channel_without_a_cost_is_left_out_with_a_warning_that_names_it(run: Run, skewed: Path) -> None:
    words = ("check", "--history", skewed, *ROLES, "--exclude", "cost", "--override", "g2", "--json")
    result = run(*words, "--cost", "email=0.02")
    assert result.exit_code == 0, result.stderr
    (warning,) = (
        row
        for row in json.loads(result.stdout)["findings"]
        if row["code"] == "G9" and row["verdict"] == "warn"
    )
    assert warning["message"] == "No cost is given for sms: left out of the plan."
    assert warning["next"] == 'Add --cost "sms=AMOUNT".'


def test_a_control_that_does_not_occur_is_refused_by_its_gate(run: Run, project: Path) -> None:
    result = run("check", "-p", project, "--control", "nobody")
    assert result.exit_code == 3
    assert result.stderr.startswith("Refused: G1: ")


def test_where_no_cost_names_a_channel_the_misspelt_one_is_said(run: Run, project: Path) -> None:
    history = ("--history", project / "history.parquet")
    result = run("check", *history, *ROLES, "--exclude", "cost", "--cost", "emial=0.02")
    assert result.exit_code == 1
    assert "Did you mean 'email'?" in result.stderr


def test_no_cost_at_all_is_refused(run: Run, project: Path) -> None:
    result = run("check", "--history", project / "history.parquet", *ROLES, "--exclude", "cost")
    assert result.exit_code == 3
    assert result.stderr == (
        'Refused: G9: No cost is given for email, sms. Add --cost "email=AMOUNT" --cost "sms=AMOUNT".\n'
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--cost", "emial=0.02"), "Did you mean 'email'?"),
        (("--outcome", "margn"), "The table has no column 'margn', named as outcome. Did you mean 'margin'?"),
        (("--exclude", "cots"), "Did you mean 'cost'?"),
        (("--history", "nowhere.parquet"), "nowhere.parquet"),
        (("--history", ""), "--history is empty"),
        (("--audience", " "), "--audience is empty"),
        (("--history", "."), ". is a folder"),
        (("--history", "mysql://me@there/shop"), "Known are postgresql://"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_nearest_one(
    run: Run, project: Path, words: tuple[str, str], told: str
) -> None:
    result = run("check", "-p", project, *words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert told in result.stderr


def test_without_a_project_and_without_a_history_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("check", "-p", tmp_path)
    assert result.exit_code == 1
    assert "Add --history FILE, or start with: uplift init demo" in result.stderr
    assert "no project folder" in run("check", "-p", tmp_path / "nowhere").stderr
