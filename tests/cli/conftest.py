"""What the tests of the command line share: a runner, and one small project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import application
from cli.simulated import write_campaign
from uplift.simulator import simulate

Run = Callable[..., Result]


def run_in_process(*words: object) -> Result:
    return CliRunner().invoke(application, [str(word) for word in words], prog_name="uplift")


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs the command inside this process; stdout and stderr apart."""
    return run_in_process


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated project, small enough to plan in seconds; tests must not write into it."""
    folder = tmp_path_factory.mktemp("project")
    campaign = simulate(rows=10_000, audience=2_000, channels=("email", "sms"), send_times=(8, 18), seed=1)
    write_campaign(campaign, folder)
    return folder
