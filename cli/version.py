"""The version that runs: that of the installed distribution, or of the checkout beside this package."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

DISTRIBUTION = "uplift-engine"


def version() -> str:
    """Return the version of this product."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return str(_checkout()["version"])


def requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Return the requirements of the core, and those of each optional extra."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        project = _checkout()
        return project["dependencies"], project.get("optional-dependencies", {})
    core: list[str] = []
    extras: dict[str, list[str]] = {}
    for line in lines:
        requirement, _, marker = line.partition(";")
        _, is_extra, extra = marker.partition("extra ==")
        wanted = extras.setdefault(extra.strip(" \"'"), []) if is_extra else core
        wanted.append(requirement.strip())
    return core, extras


def _checkout() -> dict[str, Any]:
    """Return the [project] table of the checkout this package lies in."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return project
