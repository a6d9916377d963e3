"""The engine of one machine: a few threads, each running single-threaded kernels.

LightGBM and numba release the interpreter lock, so threads share the arrays and still run side by side. Each
task is single-threaded inside, which is what makes results independent of the number of workers: a sum that is
split over threads depends on how it was split.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")


def usable_cores() -> int:
    """Return the cores this process may use: its affinity, capped by UPLIFT_THREADS or OMP_NUM_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name in ("UPLIFT_THREADS", "OMP_NUM_THREADS"):
        wanted = os.environ.get(name, "")
        if wanted.isdigit() and int(wanted) > 0:
            return min(cores, int(wanted))
    return cores


class LocalEngine:
    """Maps over tasks with a few threads of this process."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or usable_cores()

    def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
        """Return `[function(task) for task in tasks]`, computed by `threads` workers."""
        # OpenMP keeps its limit by thread, BLAS libraries by process: one is set here, the other in each worker.
        with (
            threadpool_limits(limits=1),
            ThreadPoolExecutor(self.threads, initializer=threadpool_limits, initargs=(1,)) as pool,
        ):
            return list(pool.map(function, tasks))
