"""What a campaign changes for each customer: histories in, effects with their error out.

    import uplift, policies
    history = uplift.History.from_pandas(frame, channel="channel", control="none", outcome="margin")
    effects = uplift.estimate(history, seed=0)

Names are imported when they are first used, so that `import uplift` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .errors import DataError, MissingExtra, Refused, SettingError, UpliftError
from .findings import Finding

if TYPE_CHECKING:
    from .checks import check
    from .curves import autoc, auuc, qini, qini_curve
    from .effects import Effects
    from .estimator import estimate
    from .history import Arm, Audience, History, Roles
    from .simulator import simulate
    from .value import policy_value

_LAZY = {
    "Arm": "history",
    "Audience": "history",
    "Effects": "effects",
    "History": "history",
    "Roles": "history",
    "auuc": "curves",
    "autoc": "curves",
    "check": "checks",
    "estimate": "estimator",
    "policy_value": "value",
    "qini": "curves",
    "qini_curve": "curves",
    "simulate": "simulator",
}

__all__ = [
    "Arm",
    "Audience",
    "DataError",
    "Effects",
    "Finding",
    "History",
    "MissingExtra",
    "Refused",
    "Roles",
    "SettingError",
    "UpliftError",
    "autoc",
    "auuc",
    "check",
    "estimate",
    "policy_value",
    "qini",
    "qini_curve",
    "simulate",
]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'uplift' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
