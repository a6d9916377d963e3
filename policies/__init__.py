"""Whom to contact, how, when and for how much: effects, actions and rules in, a plan and its prices out.

Names are imported when they are first used, so that `import policies` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .actions import Action, Segment
    from .constraints import Rule
    from .frontiers import frontier
    from .optimizer import optimize
    from .planner import Plan, plan
    from .solution import Infeasible, Price, Solution
    from .verifier import verify

_LAZY = {
    "Action": "actions",
    "Infeasible": "solution",
    "Plan": "planner",
    "Price": "solution",
    "Rule": "constraints",
    "Segment": "actions",
    "Solution": "solution",
    "frontier": "frontiers",
    "optimize": "optimizer",
    "plan": "planner",
    "verify": "verifier",
}

__all__ = [
    "Action",
    "Infeasible",
    "Plan",
    "Price",
    "Rule",
    "Segment",
    "Solution",
    "frontier",
    "optimize",
    "plan",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'policies' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
