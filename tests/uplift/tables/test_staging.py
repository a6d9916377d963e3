from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from uplift.errors import SettingError
from uplift.tables.manifest import write_manifest
from uplift.tables.staging import staged
from uplift.tables.writers import write_csv, write_parquet

ROOT = Path(__file__).parents[3]


def make(out: Path, text: str, *, overwrite: bool = False) -> None:
    """Write a folder of one file and its manifest."""
    with staged(out, overwrite=overwrite) as folder:
        (folder / "plan.csv").write_text(text)
        write_manifest(folder, inputs={}, settings={}, seed=0)


def attempt(out: Path, work: Callable[[Path], object]) -> None:
    """Do some work inside a staged folder that may replace the old one."""
    with staged(out, overwrite=True) as folder:
        (folder / "half.csv").write_text("half")
        work(folder)


def listing(folder: Path) -> list[str]:
    """Return everything below a folder, hidden files included."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    make(tmp_path / "plan", "old")
    return tmp_path / "plan"


def assert_untouched(old: Path) -> None:
    assert listing(old.parent) == ["plan", "plan/manifest.json", "plan/plan.csv"]
    assert (old / "plan.csv").read_text() == "old"


def test_the_folder_appears_whole_under_its_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    with staged(tmp_path / "runs" / "plan") as folder:
        (folder / "audiences").mkdir()
        (folder / "audiences" / "email_8.csv").write_text("a\n1\n")
        assert not (tmp_path / "runs" / "plan").exists()
        assert folder.parent == tmp_path / "runs"
        assert folder.name.startswith(".plan.staging-")
    assert listing(tmp_path) == [
        "runs",
        "runs/plan",
        "runs/plan/audiences",
        "runs/plan/audiences/email_8.csv",
    ]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, MemoryError])
def test_whatever_is_raised_the_old_folder_stays_and_no_staging_is_left(
    old: Path, error: type[BaseException]
) -> None:
    def work(folder: Path) -> None:
        raise error

    with pytest.raises(error):
        attempt(old, work)
    assert_untouched(old)


def test_a_failed_run_leaves_no_parents_that_it_made(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged(tmp_path / "a" / "b" / "plan"):
        raise RuntimeError
    assert listing(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_a_full_disk_is_one_clear_line_and_leaves_the_old_folder(
    old: Path, write: Callable[[pa.Table, Path], None]
) -> None:
    table = pa.table({"x": np.arange(100_000)})

    def work(folder: Path) -> None:
        # Every write to /dev/full fails as one to a full disk does.
        (folder / "plan").symlink_to("/dev/full")
        write(table, folder / "plan")

    with pytest.raises(SettingError, match="no space left on device") as caught:
        attempt(old, work)
    assert "\n" not in str(caught.value)
    assert str(old) in str(caught.value)
    assert_untouched(old)


def test_a_disk_that_fills_up_at_the_last_flush_leaves_the_old_folder(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SettingError, match="no space left"):
        make(old, "new", overwrite=True)
    assert_untouched(old)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_place_that_may_not_be_written_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SettingError, match=os.strerror(code).lower()), staged(tmp_path / "new" / "plan"):
        pass
    assert listing(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EINVAL, errno.ELOOP])
def test_a_place_where_no_folder_can_be_made_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    make_folder = Path.mkdir

    def refuse(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        if ".staging-" in self.name:
            raise OSError(code, os.strerror(code), str(self))
        make_folder(self, mode, parents, exist_ok)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SettingError, match=os.strerror(code).lower()):
        make(tmp_path / "runs" / "plan", "new")
    assert listing(tmp_path) == []


def test_a_file_in_place_of_a_parent_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingError, match="Could not write"), staged(tmp_path / "file" / "plan"):
        pass


def test_an_input_that_cannot_be_read_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), staged(tmp_path / "plan"):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "input.csv"))


def test_an_existing_folder_is_refused_before_any_work(old: Path) -> None:
    with pytest.raises(SettingError, match="is there already; add --yes"), staged(old):
        pytest.fail("the block ran")
    assert_untouched(old)


def test_a_folder_that_appears_while_the_work_runs_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "plan"

    def work_twice() -> None:
        with staged(out):
            make(out, "old")

    with pytest.raises(SettingError, match="is there already"):
        work_twice()
    assert_untouched(out)


@pytest.mark.parametrize("content", [None, "{}", '{"name": "a web page"}', "not JSON"])
def test_a_folder_of_somebody_elses_is_never_replaced(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "photo.jpg").write_text("dear")
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    before = listing(tmp_path)
    with (
        pytest.raises(SettingError, match="was not written by this program"),
        staged(tmp_path, overwrite=True),
    ):
        pytest.fail("the block ran")
    assert listing(tmp_path) == before


def test_a_file_of_that_name_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("dear")
    for overwrite in (False, True):
        with pytest.raises(SettingError, match="plan"), staged(tmp_path / "plan", overwrite=overwrite):
            pytest.fail("the block ran")
    assert (tmp_path / "plan").read_text() == "dear"


def test_an_empty_folder_holds_nothing_to_overwrite(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    make(tmp_path / "plan", "new")
    assert (tmp_path / "plan" / "plan.csv").read_text() == "new"


def test_overwriting_replaces_the_whole_folder(old: Path) -> None:
    with staged(old, overwrite=True) as folder:
        (folder / "other.csv").write_text("new")
    assert listing(old.parent) == ["plan", "plan/other.csv"]


def test_a_link_to_a_folder_stays_a_link_and_its_folder_is_replaced(old: Path) -> None:
    link = old.parent / "latest"
    link.symlink_to(old)
    make(link, "new", overwrite=True)
    assert link.is_symlink()
    assert (old / "plan.csv").read_text() == "new"


@pytest.mark.skipif(sys.platform != "linux", reason="folders are exchanged in one step on Linux only")
def test_a_reader_always_finds_a_whole_folder_while_it_is_replaced(old: Path) -> None:
    done = threading.Event()

    def replace() -> None:
        for number in range(15):
            make(old, f"new {number}", overwrite=True)
        done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add((old / "plan.csv").read_text()[:3])
    writer.join()
    assert seen <= {"old", "new"}


def without_exchange(name: object, **options: object) -> None:
    raise OSError("no such library")


def test_where_folders_cannot_be_exchanged_they_are_renamed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", without_exchange)
    make(old, "new", overwrite=True)
    assert listing(old.parent) == ["plan", "plan/manifest.json", "plan/plan.csv"]
    assert (old / "plan.csv").read_text() == "new"


def test_where_a_rename_fails_in_the_middle_the_old_folder_comes_back(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = os.rename, []

    def second_fails(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error", str(target))
        rename(source, target)

    monkeypatch.setattr(ctypes, "CDLL", without_exchange)
    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(SettingError, match="input/output error"):
        make(old, "new", overwrite=True)
    assert_untouched(old)


CHILD = """
import sys, time
from pathlib import Path
from uplift.tables.staging import staged
with staged(Path(sys.argv[1]), overwrite=True) as folder:
    (folder / "plan.csv").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("there_before", [True, False])
def test_a_killed_run_leaves_no_half_of_a_plan(tmp_path: Path, there_before: bool) -> None:
    out = tmp_path / "plan"
    if there_before:
        make(out, "old")
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(out)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert out.exists() == there_before
    if there_before:
        assert (out / "plan.csv").read_text() == "old"
    (left,) = tmp_path.glob(".plan.staging-*")
    make(out, "new", overwrite=there_before)
    assert (out / "plan.csv").read_text() == "new"
    assert left.exists()
    # A day later nobody can be working there any more.
    os.utime(left, (0, 0))
    make(out, "newer", overwrite=True)
    assert not left.exists()


def test_the_staging_folder_of_a_living_run_is_left_alone_however_old(tmp_path: Path) -> None:
    mine = tmp_path / f".plan.staging-{os.getpid()}-abcd"
    other = tmp_path / ".plan.staging-notes"
    for folder in (mine, other):
        folder.mkdir()
        os.utime(folder, (0, 0))
    make(tmp_path / "plan", "new")
    assert mine.exists()
    assert other.exists()
