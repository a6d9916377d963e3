"""The evidence gates: what a campaign history can and cannot support, each as a Finding.

Names are imported when they are first used; the chi-square test of a split is `uplift.checks.srm.srm`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adequacy import check_adequacy
    from .arms import check_arms
    from .balance import check_balance
    from .leakage import check_leakage
    from .money import check_money
    from .run import check
    from .send_time import check_send_time
    from .split import check_split

_LAZY = {
    "check": "run",
    "check_adequacy": "adequacy",
    "check_arms": "arms",
    "check_balance": "balance",
    "check_leakage": "leakage",
    "check_money": "money",
    "check_send_time": "send_time",
    "check_split": "split",
}

__all__ = [
    "check",
    "check_adequacy",
    "check_arms",
    "check_balance",
    "check_leakage",
    "check_money",
    "check_send_time",
    "check_split",
]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'uplift.checks' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
