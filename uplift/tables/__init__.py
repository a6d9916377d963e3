"""Where rows come from and go to: files, DuckDB, Postgres; and folders that appear whole or not at all."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .protocol import Warehouse
    from .reading import read_table

_LAZY = {"Warehouse": "protocol", "read_table": "reading"}

__all__ = ["Warehouse", "read_table"]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'uplift.tables' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
