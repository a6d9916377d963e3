"""staged: an output folder that appears whole or not at all."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import SettingError

PROGRAM = "uplift-engine"
MANIFEST = "manifest.json"
DAY = 86_400.0
AT_FDCWD, RENAME_EXCHANGE = -100, 2
# What a disk or its owner refuses; any other OSError is a bug and keeps its traceback.
OF_THE_DISK = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EMFILE", "EROFS", "EACCES", "EPERM"),
        *("ENAMETOOLONG", "ENOTDIR", "EEXIST", "ENOTEMPTY"),
    )
    if hasattr(errno, name)
)


@contextmanager
def staged(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a fresh folder beside `out`, which becomes `out` in one step when the block ends well.

    Whatever goes wrong, `out` is as it was before: absent, or the old folder untouched. Files are flushed to
    the disk before the rename, so that a power cut leaves no half of a plan either.

    Args:
        out: The folder to make; missing parents are made too.
        overwrite: Replace a folder that this program wrote (one that holds its manifest).

    Raises:
        SettingError: `out` is there already, was not written by this program, or cannot be written.
    """
    target = Path(out).resolve()
    staging = target.parent / f".{target.name}.staging-{os.getpid()}-{secrets.token_hex(4)}"
    with _one_line(target, staging):
        made = _begun(target, staging, overwrite=overwrite)
        try:
            yield staging
            _refuse_existing(target, overwrite)
            _flush(staging)
            _publish(staging, target)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            _remove_empty(made)
            raise
        shutil.rmtree(staging, ignore_errors=True)


def _begun(target: Path, staging: Path, *, overwrite: bool) -> list[Path]:
    """Make the staging folder; return the parents that had to be made for it, the innermost first."""
    made: list[Path] = []
    try:
        _refuse_existing(target, overwrite)
        made = [path for path in (target.parent, *target.parent.parents) if not path.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        staging.mkdir()
    except OSError as error:
        _remove_empty(made)
        raise _unwritable(target, error) from error
    return made


def _unwritable(target: Path, error: OSError) -> SettingError:
    """Return the error of an output that could not be written."""
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    return SettingError(
        f"Could not write {target}: {reason}. Nothing was left behind; see to that or name another --out."
    )


@contextmanager
def _one_line(target: Path, staging: Path) -> Iterator[None]:
    """Turn what the disk refuses into this project's own error."""
    try:
        yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename)) if error.filename else staging
        # An input that cannot be read lies elsewhere, and is for its reader to explain.
        about_output = any(path.is_relative_to(other) for path, other in ((where, staging), (staging, where)))
        if error.errno not in OF_THE_DISK or not (about_output or where == target):
            raise
        raise _unwritable(target, error) from error


def _refuse_existing(target: Path, overwrite: bool) -> None:
    """Refuse a target that holds something, unless it is to be overwritten and is ours."""
    if not target.exists() or _is_empty_folder(target):
        return
    if not overwrite:
        raise SettingError(f"{target} is there already; add --yes to replace it or name another --out.")
    if not _is_ours(target):
        raise SettingError(
            f"{target} was not written by this program (it holds no {MANIFEST} of its own), so it is not "
            "replaced; name another --out or remove it yourself."
        )


def _is_empty_folder(path: Path) -> bool:
    """Return whether this is a folder with nothing in it."""
    return path.is_dir() and not any(path.iterdir())


def _is_ours(folder: Path) -> bool:
    """Return whether this program's manifest is in the folder; web pages have manifest.json files too."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("program") == PROGRAM


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders that were made for nothing, unless somebody has put something in."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _remove_stale(target: Path) -> None:
    """Remove what killed runs left beside the target: older than a day, and their process is gone."""
    prefix = f".{target.name}.staging-"
    for path in target.parent.iterdir():
        if not path.name.startswith(prefix):
            continue
        owner = path.name.removeprefix(prefix).partition("-")[0]
        with suppress(OSError):
            old = time.time() - path.stat().st_mtime > DAY
            if old and owner.isdigit() and not _is_alive(int(owner)):
                shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """Return whether a process of that number runs; True where that cannot be asked without harm."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _flush(folder: Path) -> None:
    """Have the disk hold every file and folder below, itself included."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync(Path(root, name))
        _sync(Path(root))


def _sync(path: Path) -> None:
    """Flush one file or folder; only POSIX lets a folder be opened for that."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(staging: Path, target: Path) -> None:
    """Give the staged folder its final name; afterwards `staging` holds the old folder, if there was one."""
    if not target.exists() or _is_empty_folder(target):
        # Replaces an empty folder, and fails if somebody has filled it since.
        os.rename(staging, target)
    elif not _exchange(staging, target):
        _swap_by_renames(staging, target)
    _sync(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders' names in one step; False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0)


def _swap_by_renames(staging: Path, target: Path) -> None:
    """Swap in three steps, putting the old folder back if the second fails."""
    aside = target.parent / f".{target.name}.old-{os.getpid()}-{secrets.token_hex(4)}"
    os.rename(target, aside)
    try:
        os.rename(staging, target)
    except BaseException:
        os.rename(aside, target)
        raise
    os.rename(aside, staging)
