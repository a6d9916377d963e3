"""manifest.json: what a folder holds, to the byte, and what it was made from."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path

from ..errors import SettingError
from ..findings import Finding
from .staging import MANIFEST, PROGRAM
from .writers import csv_shape, parquet_shape, write_json

PACKAGES = ("duckdb", "lightgbm", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "uplift-engine")
# What file browsers leave behind is nobody's data.
BROWSERS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
BLOCK = 1 << 20
# "//user:password@host", and "password=…" in an address or a list of settings.
PASSWORDS = re.compile(r"(//[^\s/:@]*:)[^\s]*(?=@)|(?<=password=)[^\s&]+", re.IGNORECASE)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits, reading it block by block.

    Raises:
        SettingError: The file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise SettingError(f"Could not read {path.name}: {error.strerror}. Check the path.") from error
    return digest.hexdigest()


def write_manifest(
    folder: Path,
    *,
    inputs: Mapping[str, Path | str],
    settings: Mapping[str, object],
    seed: int,
    kind: str = "plan",
) -> dict[str, object]:
    """Write manifest.json for every file of a folder, and return what it holds.

    It has no times and no absolute paths: the same inputs, settings, seed and versions give the same bytes.

    Args:
        folder: Where the files are; call this last.
        inputs: Name → a file or folder, recorded by its own name, size and hash; or a text that is neither (a
            query, a table's name), recorded without the passwords of database addresses.
        settings: What was asked for; values as JSON takes them.
        seed: The seed of the run.
        kind: What the folder is: "plan", "export", "campaign", …

    Raises:
        SettingError: An input cannot be read.
    """
    manifest: dict[str, object] = {
        "program": PROGRAM,
        "kind": kind,
        "seed": seed,
        "settings": dict(settings),
        "inputs": {name: _describe_input(source) for name, source in inputs.items()},
        "files": {name: _describe_file(folder / name) for name in _names(folder)},
        "versions": _versions(),
    }
    write_json(manifest, folder / MANIFEST, sort_keys=True)
    return manifest


def read_manifest(folder: Path) -> dict[str, object]:
    """Return what a folder's manifest says.

    Raises:
        SettingError: There is none, or it is not one that this program wrote.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SettingError(
            f"{folder} has no {MANIFEST}, so it is no finished output; name a folder that has."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} cannot be read ({error}); make the folder again.") from error
    if not isinstance(manifest, dict) or manifest.get("program") != PROGRAM:
        raise SettingError(f"{path} was not written by this program; name a folder that it wrote.")
    return manifest


def check_manifest(folder: Path, *, later: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return what differs between a folder and its manifest: findings of gate G16.

    Args:
        folder: A finished output.
        later: Names of files that may have been added since, such as a record of approvals.

    Returns:
        One "ok", or one "refuse" for every file that is missing, changed or extra.

    Raises:
        SettingError: The folder has no manifest of this program.
    """
    listed = read_manifest(folder).get("files")
    if not isinstance(listed, dict):
        return (_refusal(f"{MANIFEST} lists no files.", 1),)
    found = set(_names(folder)) - set(later)
    problems = [
        *(f"{name} is missing." for name in sorted(set(listed) - found)),
        *(
            f"{name} was changed."
            for name in sorted(found & set(listed))
            if _differs(folder / name, listed[name])
        ),
        *(f"{name} is not in the manifest." for name in sorted(found - set(listed))),
    ]
    if problems:
        return tuple(_refusal(problem, len(problems)) for problem in problems)
    return (Finding("G16", "ok", f"All {len(listed)} files are as they were written.", 0, 0),)


def _refusal(message: str, problems: int) -> Finding:
    """Return a refusal of gate G16."""
    return Finding("G16", "refuse", message, problems, 0, "Make the folder again, or restore the file.")


def _differs(path: Path, entry: object) -> bool:
    """Return whether a file is not the one that its entry describes."""
    if not isinstance(entry, dict) or not path.is_file() or path.stat().st_size != entry.get("bytes"):
        return True
    return sha256_of(path) != entry.get("sha256")


def _names(folder: Path) -> list[str]:
    """Return the files below a folder, sorted, without the manifest and what file browsers leave."""
    files = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = (path.relative_to(folder).as_posix() for path in files if path.name not in BROWSERS)
    return sorted(name for name in names if name != MANIFEST)


def _describe_file(path: Path) -> dict[str, object]:
    """Return a file's hash and size, and rows and columns of a table."""
    entry: dict[str, object] = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    shapes = {".csv": csv_shape, ".parquet": parquet_shape}
    if path.suffix in shapes:
        entry["rows"], entry["columns"] = shapes[path.suffix](path)
    return entry


def _describe_input(source: Path | str) -> dict[str, object]:
    """Return an input's name, size and hash; a folder's are those of its files."""
    path = Path(source)
    if isinstance(source, str) and not _exists(path):
        text = PASSWORDS.sub(r"\1***", source)
        return {"text": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if not path.is_dir():
        return {"name": path.name, "sha256": sha256_of(path), "bytes": path.stat().st_size}
    names = _names(path)
    digests = "".join(f"{sha256_of(path / name)}  {name}\n" for name in names)
    return {
        "name": path.name,
        "sha256": hashlib.sha256(digests.encode()).hexdigest(),
        "bytes": sum((path / name).stat().st_size for name in names),
    }


def _exists(path: Path) -> bool:
    """Return whether a path is there; a long query is no path at all."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _versions() -> dict[str, str]:
    """Return the versions that a result depends on, read without importing anything."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
