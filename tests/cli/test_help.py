from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from cli.main import COMMANDS, EXAMPLE, application
from cli.options import Command

Run = Callable[..., Result]


def commands() -> dict[str, click.Command]:
    context = click.Context(application)
    found = {name: application.get_command(context, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def examples() -> list[str]:
    lines = EXAMPLE.splitlines()
    for command in commands().values():
        assert isinstance(command, Command)
        lines += command.example.splitlines()
    return lines


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_leads_with_an_example(run: Run, name: str) -> None:
    result = run(*filter(None, [name]), "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Example:\n\n  uplift {name}")
    assert result.stdout.index("Example:") < result.stdout.index("Usage:")


@pytest.mark.parametrize("example", examples())
def test_every_example_parses_as_printed(example: str) -> None:
    program, name, *words = shlex.split(example)
    assert program == "uplift"
    commands()[name].make_context(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_options_that_all_share(name: str) -> None:
    options = {option for parameter in commands()[name].params for option in parameter.opts}
    assert options >= {"-p", "--project", "--seed", "--threads", "--json", "-q", "--quiet", "-v", "--verbose"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is(name: str) -> None:
    options = [parameter for parameter in commands()[name].params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)


def test_help_lists_these_commands_in_the_order_of_the_work(run: Run) -> None:
    listed = run("--help").stdout.partition("Commands:\n")[2]
    assert tuple(line.split()[0] for line in listed.splitlines() if line.startswith("  ")) == COMMANDS


def test_a_misspelt_command_is_a_usage_error_with_the_nearest_name(run: Run) -> None:
    result = run("pan")
    assert result.exit_code == 2
    assert "There is no command 'pan'. Did you mean 'plan'?" in result.stderr


def test_version_is_printed(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("uplift 0.")


@pytest.mark.slow
def test_every_example_runs_as_printed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for example in dict.fromkeys(examples()):
        result = run(*shlex.split(example)[1:])
        assert result.exit_code == 0, f"{example}: {result.output}"
