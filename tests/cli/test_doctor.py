from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import cli.commands.doctor
from cli.commands.doctor import _fits

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]


def test_doctor_lists_every_dependency_with_its_version(run: Run) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {package["name"] for package in told["packages"]} == {
        found.group() for line in wanted if (found := re.match(r"[\w.-]+", line))
    }
    assert all(package["installed"] for package in told["packages"])
    assert told["cores"] >= 1
    assert told["memory_gib"] > 0


def test_a_missing_package_is_named_with_how_to_get_it_and_the_exit_code_is_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = (["click>=8", "no-such-package>=2,<3", "numpy>=999"], {"postgres": ["no-such-driver>=1"]})
    monkeypatch.setattr(cli.commands.doctor, "requirements", lambda: needed)
    result = run("doctor")
    assert result.exit_code == 1
    assert "missing  no-such-package  (needed: no-such-package>=2,<3)" in result.stdout
    assert "Missing: pip install 'no-such-package>=2,<3' 'numpy>=999'" in result.stdout
    assert "no-such-driver not installed: pip install 'uplift-engine[postgres]'" in result.stdout


def test_an_extra_that_is_missing_is_no_failure(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = (["click>=8"], {"postgres": ["no-such-driver>=1"]})
    monkeypatch.setattr(cli.commands.doctor, "requirements", lambda: needed)
    assert run("doctor").exit_code == 0


@pytest.mark.parametrize(
    ("installed", "line", "fits"),
    [
        ("1.9", "a>=1.10", False),
        ("1.10", "a>=1.9", True),
        ("1.9.0", "a>=1.9", True),
        ("2.0", "a>=1,<2", False),
        ("2.0.0", "a<2", False),
        ("1.9.0.post1", "a[x]>=1.7,<2", True),
        ("3", "a", True),
    ],
)
def test_versions_are_compared_number_by_number(installed: str, line: str, fits: bool) -> None:
    assert _fits(installed, line) is fits
