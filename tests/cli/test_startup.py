from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "lightgbm",
    "numba",
    "causalml",
    "econml",
    "duckdb",
    "rich",
    "jinja2",
    "vl_convert",
    "threadpoolctl",
    "psycopg",
)
PROBE = """
import json, sys
from cli.main import application
try:
    application({words!r}, prog_name="uplift")
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_after(*words: str) -> tuple[int, set[str]]:
    probe = [sys.executable, "-c", PROBE.format(words=list(words))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    end = subprocess.run(probe, env=environment, capture_output=True, text=True, check=True)
    code, names = json.loads(end.stderr.splitlines()[-1])
    return code, set(names)


@pytest.mark.parametrize("words", [("--help",), ("plan", "--help"), ("init", "--help"), ("doctor", "-q")])
def test_help_and_doctor_import_nothing_heavy(words: tuple[str, ...]) -> None:
    code, names = modules_after(*words)
    assert code == 0
    assert names.isdisjoint(HEAVY)


def test_a_usage_error_imports_nothing_heavy() -> None:
    code, names = modules_after("plan", "--budget", "much")
    assert code == 2
    assert names.isdisjoint(HEAVY)


def test_help_takes_less_than_a_quarter_of_a_second_of_work() -> None:
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "cli.main", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.25
