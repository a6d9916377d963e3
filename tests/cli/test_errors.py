from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cli.main import Commands
from uplift.errors import DataError, MissingExtra, Refused, SettingError

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


def group_raising(error: BaseException) -> Commands:
    @click.command()
    def broken() -> None:
        raise error

    class Broken(Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return broken

    return Broken()


@pytest.mark.parametrize("error", [DataError, SettingError, MissingExtra])
def test_our_own_errors_are_one_line_and_exit_1(error: type[Exception]) -> None:
    result = CliRunner().invoke(group_raising(error("Found a.\n  Needed b.")), ["plan"])
    assert result.exit_code == 1
    assert result.stderr == "Error: Found a. Needed b.\n"
    assert result.stdout == ""


def test_a_refusal_exits_3_with_its_reason() -> None:
    result = CliRunner().invoke(group_raising(Refused("G2: no.")), ["plan"])
    assert (result.exit_code, result.stderr) == (3, "Refused: G2: no.\n")


def test_ctrl_c_exits_130_with_one_line() -> None:
    result = CliRunner().invoke(group_raising(KeyboardInterrupt()), ["plan"])
    assert (result.exit_code, result.stderr) == (130, "Interrupted; nothing was written.\n")


def test_a_bug_keeps_its_traceback() -> None:
    bug = ZeroDivisionError("a bug")
    result = CliRunner().invoke(group_raising(bug), ["plan"])
    assert result.exception is bug


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    command = f"{sys.executable} -m cli.main plan --help | head -c 10"
    end = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert end.stdout == "Example:\n\n"
    assert end.stderr == ""


def test_an_unknown_option_is_a_usage_error_with_the_nearest_name(run: Run) -> None:
    result = run("plan", "--buget", "10")
    assert result.exit_code == 2
    assert "--budget" in result.stderr
    told = run("plan", "--bugdet", "10").stderr
    assert "--budget" in told
    assert told.splitlines()[-1].count("--") == 2
