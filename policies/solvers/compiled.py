"""One typed decorator for machine code: single-threaded, so that sums never depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function compiled to machine code on its first call, without the interpreter lock."""
    settings = {"nogil": True, "error_model": "numpy"}
    try:
        machine = numba.njit(cache=True, **settings)(function)
    except RuntimeError:
        # There is no folder to keep the machine code in: it is made again by every process.
        machine = numba.njit(**settings)(function)
    return cast("Callable[P, R]", machine)
