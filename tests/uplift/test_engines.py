"""The engine of this machine: order, errors, and single-threaded tasks."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from uplift.engines import Engine
from uplift.engines.local import LocalEngine, usable_cores
from uplift.plugins import load


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.lists(st.integers(), max_size=20), st.integers(1, 4))
def test_results_come_back_in_the_order_of_the_tasks(tasks: list[int], threads: int) -> None:
    assert LocalEngine(threads).map(lambda task: task * 3, tasks) == [task * 3 for task in tasks]


def test_a_slow_first_task_is_still_first() -> None:
    def nap(place: int) -> int:
        time.sleep(0.05 if place == 0 else 0)
        return place

    assert LocalEngine(2).map(nap, range(6)) == list(range(6))


def test_tasks_of_two_threads_run_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=10)
    assert sorted(LocalEngine(2).map(lambda _: together.wait(), range(2))) == [0, 1]


def test_every_task_is_single_threaded_inside() -> None:
    square = np.ones((50, 50))

    def threads(_: int) -> set[int]:
        square @ square
        return {pool["num_threads"] for pool in threadpool_info()}

    assert LocalEngine(2).map(threads, range(2)) == [{1}, {1}]


def test_an_error_in_a_task_is_the_error_of_the_map() -> None:
    def fail(task: int) -> int:
        return 1 // task

    with pytest.raises(ZeroDivisionError):
        LocalEngine(2).map(fail, [1, 0, 1])


def test_the_number_of_threads_does_not_change_a_number() -> None:
    rows = np.random.default_rng(0).normal(size=(8, 5000))
    one, two = (
        LocalEngine(threads).map(lambda i: float(np.sin(rows[i]).sum()), range(8)) for threads in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize(
    ("variable", "wanted", "cores"),
    [("UPLIFT_THREADS", "1", 1), ("OMP_NUM_THREADS", "1", 1), ("UPLIFT_THREADS", "100000", None)]
    + [("UPLIFT_THREADS", word, None) for word in ("0", "-2", "many", "")],
)
def test_the_cores_used_are_those_there_are_unless_fewer_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, variable: str, wanted: str, cores: int | None
) -> None:
    monkeypatch.delenv("UPLIFT_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    there = usable_cores()
    assert there >= 1
    monkeypatch.setenv(variable, wanted)
    assert usable_cores() == (cores or there)


def test_our_own_variable_goes_before_that_of_openmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "100000")
    monkeypatch.setenv("UPLIFT_THREADS", "1")
    assert usable_cores() == 1
    assert LocalEngine().threads == 1
    assert LocalEngine(3).threads == 3


def test_the_local_engine_is_found_by_its_name() -> None:
    engine: Engine = load("uplift.engines", "local")(1)
    assert engine.map(str, [1, 2]) == ["1", "2"]
