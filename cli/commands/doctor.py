"""`uplift doctor`: versions, optional extras, what is missing."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from itertools import zip_longest

import click

from ..options import Command, Common, common
from ..version import requirements, version

NAME = re.compile(r"[A-Za-z0-9._-]+")
BOUND = re.compile(r"(>=|<)\s*([0-9.]+)")


@click.command("doctor", cls=Command, example="uplift doctor")
@common
def command(shared: Common) -> None:
    """Print versions, optional extras and what is missing.

    Nothing is imported, so this works where an import fails. Exit code 1 when a package of the core is
    missing or of a version that does not fit.
    """
    core, extras = requirements()
    packages = [_package(line) for line in core]
    optional = [_package(line) | {"extra": extra} for extra, lines in extras.items() for line in lines]
    values = {
        "uplift": version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": _cores(),
        "memory_gib": _memory(),
        "packages": packages,
        "extras": optional,
        "ok": all(package["fits"] for package in packages),
    }
    shared.console.data(values, _in_words(values, packages, optional))
    if not values["ok"]:
        raise SystemExit(1)
    shared.console.next("uplift init demo")


def _package(line: str) -> dict[str, object]:
    """Return the package a requirement names, the version installed and whether it fits."""
    found = NAME.match(line)
    name = found.group() if found else line
    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return {"name": name, "needed": line, "installed": None, "fits": False}
    return {"name": name, "needed": line, "installed": installed, "fits": _fits(installed, line)}


def _fits(installed: str, line: str) -> bool:
    """Return whether a version is within the bounds >= and < of a requirement.

    >>> _fits("1.10.0", "click>=1.9,<2"), _fits("2.0", "click>=1.9,<2")
    (True, False)
    """
    return all(
        _before(bound, installed, or_equal=True)
        if sign == ">="
        else _before(installed, bound, or_equal=False)
        for sign, bound in BOUND.findall(line)
    )


def _before(one: str, other: str, *, or_equal: bool) -> bool:
    """Return whether a version comes before another, number by number."""
    pairs = list(zip_longest(_numbers(one), _numbers(other), fillvalue=0))
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    return left < right or (or_equal and left == right)


def _numbers(text: str) -> list[int]:
    """Return the leading numbers of a version: "3.0rc1" is 3.0."""
    found = re.match(r"\d+(\.\d+)*", text)
    return [int(part) for part in found.group().split(".")] if found else []


def _cores() -> int:
    """Return the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> float | None:
    """Return the machine's memory in GiB, or None where the system does not say."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30, 1)


def _in_words(
    values: dict[str, object], packages: list[dict[str, object]], optional: list[dict[str, object]]
) -> str:
    """Return the result as lines for people."""
    memory = "unknown" if values["memory_gib"] is None else f"{values['memory_gib']} GiB"
    lines = [
        f"uplift {values['uplift']}, Python {values['python']}, {values['system']}",
        f"{values['cores']} cores, {memory} of memory",
        "",
        *(_line(package) for package in packages),
        "",
        *(_extra_line(package) for package in optional),
    ]
    missing = [str(package["needed"]) for package in packages if not package["fits"]]
    verdict = (
        f"Missing: pip install {' '.join(map(repr, missing))}" if missing else "All of the core is here."
    )
    return "\n".join([*lines, "", verdict])


def _line(package: dict[str, object]) -> str:
    """Return one line of a package of the core."""
    if package["fits"]:
        return f"  ok       {package['name']} {package['installed']}"
    state = "missing" if package["installed"] is None else "unfit  "
    return f"  {state}  {package['name']} {package['installed'] or ''} (needed: {package['needed']})"


def _extra_line(package: dict[str, object]) -> str:
    """Return one line of an optional package."""
    if package["installed"] is not None:
        return f"  extra    {package['name']} {package['installed']} ({package['extra']})"
    return f"  extra    {package['name']} not installed: pip install 'uplift-engine[{package['extra']}]'"
