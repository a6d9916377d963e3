"""Did it work, and how sure are we: sizes, assignment, health and readouts of experiments.

Names are imported when they are first used, so that `import experiments` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .anytime import confidence_sequence
    from .assignment import Assignment, assign, assign_chunks
    from .health import srm
    from .multiplicity import benjamini_hochberg, holm
    from .proportions import compare_shares, wilson
    from .readouts import readout
    from .results import Comparison, Readout
    from .sequential import Boundaries, boundaries
    from .sizing import mde, power, sample_size

_LAZY = {
    "Assignment": "assignment",
    "Boundaries": "sequential",
    "Comparison": "results",
    "Readout": "results",
    "assign": "assignment",
    "assign_chunks": "assignment",
    "benjamini_hochberg": "multiplicity",
    "boundaries": "sequential",
    "compare_shares": "proportions",
    "confidence_sequence": "anytime",
    "holm": "multiplicity",
    "mde": "sizing",
    "power": "sizing",
    "readout": "readouts",
    "sample_size": "sizing",
    "srm": "health",
    "wilson": "proportions",
}

__all__ = [
    "Assignment",
    "Boundaries",
    "Comparison",
    "Readout",
    "assign",
    "assign_chunks",
    "benjamini_hochberg",
    "boundaries",
    "compare_shares",
    "confidence_sequence",
    "holm",
    "mde",
    "power",
    "readout",
    "sample_size",
    "srm",
    "wilson",
]


def __getattr__(name: str) -> object:
    """Import the module that holds a public name when the name is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'experiments' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value
