"""Runs: what a plan was made from, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .campaign import CURRENCY, Input
from .project import Project

if TYPE_CHECKING:
    import pyarrow as pa


def settings_of(project: Project, overrides: Iterable[str]) -> dict[str, object]:
    """Return every setting that a result depends on, as JSON holds it; no paths, no addresses."""
    queries = {"history": project.history, "audience": project.audience}
    return {
        "currency": project.currency or CURRENCY,
        "margin": 1.0 if project.margin is None else project.margin,
        "columns": dict(project.columns),
        "control": project.control,
        "exclude": list(project.exclude),
        "queries": {name: source.query for name, source in queries.items() if source and source.query},
        "actions": {action.channel: _texts(asdict(action)) for action in project.actions},
        "plan": asdict(project.plan),
        "segments": [asdict(segment) for segment in project.segments],
        "send_time": asdict(project.bins) if project.bins else None,
        "overrides": sorted(overrides),
    }


def fingerprints(inputs: Mapping[str, Input]) -> dict[str, str]:
    """Return the sha256 of each input: of its file's bytes, or of the rows where a database gave them."""
    from uplift.tables.manifest import sha256_of

    return {
        name: sha256_of(given.source.path) if given.source.path else _hash_of_rows(given.table)
        for name, given in inputs.items()
    }


def named_inputs(inputs: Mapping[str, Input]) -> dict[str, Path | str]:
    """Return each input as a manifest names it: its file, or the hash of the rows that a database gave."""
    return {
        name: given.source.path or f"database rows, sha256 {_hash_of_rows(given.table)}"
        for name, given in inputs.items()
    }


def run_name(hashes: Mapping[str, str], settings: Mapping[str, object], *, seed: int, version: str) -> str:
    """Return 12 hexadecimal digits that change whenever an input, a setting, the seed or the version does.

    >>> run_name({"history": "ab"}, {"budget": 1.0}, seed=0, version="0.1.0")
    '32a5f82059ea'
    """
    whole = {"inputs": dict(hashes), "settings": dict(settings), "seed": seed, "version": version}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def _texts(values: dict[str, object]) -> dict[str, object]:
    """Return an action's settings with its send times as texts, which is what JSON's keys are."""
    capacity = values["send_time_capacity"]
    if isinstance(capacity, dict):
        values["send_time_capacity"] = {str(label): most for label, most in capacity.items()}
    return values


def _hash_of_rows(table: pa.Table) -> str:
    """Return the sha256 of a table's rows as Arrow streams them."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()
