"""The Engine protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs independent tasks; results come back in the order of the tasks, whatever the number of workers."""

    def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
        """Return `[function(task) for task in tasks]`."""
        ...
