"""Names of learners, engines and warehouses: built in, installed, missing."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from uplift import MissingExtra, SettingError
from uplift.plugins import BUILT_IN, EXTRAS, load, names

ROOT = Path(__file__).resolve().parents[2]
EVERY = [(group, name) for group, known in BUILT_IN.items() for name in known]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a distribution with learners of its own, for the time of one test."""
    (tmp_path / "loyal_learners.py").write_text("class Loyal:\n    pass\n")
    (tmp_path / "needs_postgres.py").write_text("import psycopg\n\n\nclass Stream:\n    pass\n")
    (tmp_path / "needs_something.py").write_text("import a_package_of_mine\n")
    folder = tmp_path / "loyal-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: loyal\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[uplift.learners]\nloyal = loyal_learners:Loyal\nbroken = needs_something:Loyal\n"
        "[uplift.warehouses]\nstream = needs_postgres:Stream\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_everything_built_in_is_found_by_its_name(group: str, name: str) -> None:
    assert name in names(group)
    found = load(group, name)
    assert isinstance(found, type)
    assert f"{found.__module__}:{found.__qualname__}" == BUILT_IN[group][name]


@pytest.mark.usefixtures("installed")
def test_an_installed_learner_is_found_like_a_built_in_one() -> None:
    assert names("uplift.learners")[-2:] == ["loyal", "broken"]
    assert names("uplift.learners")[:-2] == list(BUILT_IN["uplift.learners"])
    assert load("uplift.learners", "loyal").__name__ == "Loyal"
    assert "loyal" not in names("uplift.engines")


def test_an_unknown_name_is_refused_with_the_nearest_known_one() -> None:
    with pytest.raises(
        SettingError, match=r"There is no 'offest' in uplift\.learners\. Did you mean 'offset'\?"
    ):
        load("uplift.learners", "offest")
    with pytest.raises(SettingError, match=r"There is no 'zzz' in uplift\.engines\.$"):
        load("uplift.engines", "zzz")


@pytest.mark.usefixtures("installed")
def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # the way Python itself marks what cannot be imported
    with pytest.raises(
        MissingExtra, match=r"'stream' needs the package 'psycopg': pip install 'uplift-engine\[postgres\]'"
    ):
        load("uplift.warehouses", "stream")


@pytest.mark.usefixtures("installed")
def test_a_package_that_is_no_extra_of_ours_keeps_its_own_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="a_package_of_mine"):
        load("uplift.learners", "broken")


def test_every_extra_named_is_one_that_can_be_installed() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    optional = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    for package, extra in EXTRAS.items():
        assert f'{extra} = ["{package}' in optional


def test_looking_up_names_imports_none_of_them() -> None:
    program = (
        "import sys\nfrom uplift.plugins import names\n"
        "for group in ('uplift.learners', 'uplift.engines', 'uplift.warehouses'): assert names(group)\n"
        "assert not {'uplift.learners', 'uplift.tables', 'uplift.engines', 'numpy'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
