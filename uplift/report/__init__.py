"""What people see of a plan: one page for the browser, one screen for the terminal, the same numbers in both.

Names are imported when they are first used, so that `import uplift` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .page import render_page
    from .terminal import render_evaluation, render_findings, render_terminal

_LAZY = {
    "render_evaluation": "terminal",
    "render_findings": "terminal",
    "render_page": "page",
    "render_terminal": "terminal",
}

__all__ = ["render_evaluation", "render_findings", "render_page", "render_terminal"]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'uplift.report' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
