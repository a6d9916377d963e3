"""The errors a user can cause, and can catch.

    UpliftError
    ├── DataError      a table does not hold what its roles promise
    ├── SettingError   an option or a project file asks for what cannot be
    ├── MissingExtra   an optional package is not installed
    └── Refused        the evidence does not support what was asked (a gate)

A message says what was found, what was needed and what to do. Anything else that is raised is a bug and
keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UpliftError(Exception):
    """The root of every error that this product raises on purpose."""


class DataError(UpliftError):
    """A table does not hold what its roles promise; the message names rows and columns."""


class SettingError(UpliftError):
    """An option, argument or project file asks for something that cannot be."""


class MissingExtra(UpliftError):
    """A package that is an optional extra is needed and is not installed."""


class Refused(UpliftError):
    """A gate refused: the evidence does not support what was asked."""


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or an empty string.

    >>> did_you_mean("revenu", ["revenue", "cost"])
    " Did you mean 'revenue'?"
    """
    near = difflib.get_close_matches(found, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
