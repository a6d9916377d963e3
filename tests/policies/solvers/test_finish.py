"""The finish: exchanges, branch and bound, and what whole customers cannot use."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.constraints import Rule
from policies.solvers.branch import Task, branch
from policies.solvers.door import cells_of, limits_of
from policies.solvers.exchange import Options, best_pair, broken, search
from policies.solvers.finish import Finish
from policies.solvers.grain import grains, unusable
from policies.solvers.prices import Aim, Deck, everybody, scale_of, sides_of
from policies.solvers.restricted import Restricted, relax

Floats = npt.NDArray[np.float64]
small = settings(derandomize=True, deadline=None, max_examples=40)


def options_of(seed: int, m: int = 5, each: int = 2, sides: int = 3) -> Options:
    """Return m customers with some options and, last, doing nothing."""
    rng = np.random.default_rng(seed)
    columns = m * each
    return Options(
        place=np.append(np.repeat(np.arange(m), each), np.arange(m)),
        gain=np.append(rng.normal(0.6, 0.5, columns), np.zeros(m)),
        load=np.vstack([rng.random((columns, sides)), np.zeros((m, sides))]),
        price=rng.random(sides) * 0.3,
        penalty=np.full(sides, 20.0),
        fine=10.0,
    )


def problem_of(options: Options) -> Restricted:
    m = int(options.place.max()) + 1
    columns = len(options.place) - m
    place = options.place[:columns]
    action = (np.arange(columns) - np.searchsorted(place, place)).astype(np.int32)
    return Restricted(np.arange(m), place, action, options.gain[:columns], options.load[:columns])


def nothing(options: Options) -> npt.NDArray[np.int64]:
    m = int(options.place.max()) + 1
    return np.arange(len(options.place) - m, len(options.place))


def all_plans(options: Options, room: Floats) -> float:
    """Return the most that options within the room gain, looking at all of them."""
    m = int(options.place.max()) + 1
    each = [np.flatnonzero(options.place == place) for place in range(m)]
    plans = np.array(list(itertools.product(*each)))
    fits = (options.load[plans].sum(axis=1) <= room).all(axis=1)
    return float(options.gain[plans].sum(axis=1)[fits].max())


@small
@given(st.integers(0, 10_000), st.booleans())
def test_the_best_pair_is_the_best_of_all_pairs(seed: int, tight: bool) -> None:
    rng = np.random.default_rng(seed)
    options = options_of(seed)
    slack = rng.random(3) * 0.8 - (0.3 if tight else 0.0)
    order = np.argsort(-options.gain)
    moves = options._replace(
        place=options.place[order],
        gain=options.gain[order],
        load=options.load[order] - rng.random((15, 3)) * 0.5,
    )

    def merit(chosen: list[int]) -> float:
        left = slack - moves.load[chosen].sum(axis=0)
        before = broken(slack, moves.penalty, moves.fine)
        return float(moves.gain[chosen].sum() + before - broken(left, moves.penalty, moves.fine))

    pairs = [[i, j] for i, j in itertools.combinations(range(15), 2) if moves.place[i] != moves.place[j]]
    top = max(merit(chosen) for chosen in [*pairs, *([i] for i in range(15))])
    first, second, _ = best_pair(moves, slack, 1e-9)
    found = merit([move for move in (first, second) if move >= 0]) if first >= 0 else 0.0
    assert found == pytest.approx(max(top, 0.0), abs=1e-9)


@small
@given(st.integers(0, 10_000))
def test_a_search_from_a_plan_that_fits_ends_with_one_that_fits_and_gains_no_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = options_of(seed, m=20)
    room = rng.random(3) * 5
    kicks = rng.integers(0, 2, (5, 3)).astype(np.float64)
    chosen, merit = search(options, nothing(options), room.copy(), kicks, goal=np.inf, least=1e-9)
    assert np.array_equal(options.place[chosen], np.arange(20))
    assert (options.load[chosen].sum(axis=0) <= room + 1e-9).all()
    assert merit == pytest.approx(options.gain[chosen].sum())
    assert merit >= 0


@small
@given(st.integers(0, 10_000))
def test_branch_and_bound_finds_the_best_of_all_plans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = options_of(seed, m=6)
    room = rng.random(3) * 2
    task = Task(problem_of(options), options, room, np.zeros((1, 3)), 1e-7)
    chosen, gain = branch(task, (nothing(options), -np.inf), 500)
    assert (options.load[chosen].sum(axis=0) <= room).all()
    assert gain == pytest.approx(all_plans(options, room), abs=1e-6)


def test_a_side_that_cannot_be_kept_is_broken_by_as_little_as_possible() -> None:
    one = np.zeros(1, dtype=np.int64)
    problem = Restricted(one, one, np.zeros(1, dtype=np.int32), np.array([-1.0]), np.array([[-2.0]]))
    answer = relax(problem, np.array([-3.0]), np.array([10.0]))
    assert answer.share.tolist() == [1.0]
    assert answer.broken.tolist() == [1.0]
    assert answer.price.tolist() == [10.0]


def test_what_whole_customers_cannot_use_is_known_where_contacts_come_in_steps() -> None:
    costs = [0.02, 0.06, 0.6]
    rules = [
        Rule("contacts", at_most=10.4, at_least=2.5),
        Rule("coins", of="cost", actions=[0, 1], at_least=0.31),
        Rule("margin", of="margin", at_most=7.7),
    ]
    limits = limits_of((50, 3), 3.001, rules, None)
    cells = cells_of(np.ones((50, 3)), costs, None, None)
    sides = sides_of(limits, np.ones(4))
    spare = {
        (limits.names[r], sign): round(float(left), 6)
        for r, sign, left in zip(sides.rule, sides.sign, unusable(cells, limits, sides), strict=True)
    }
    assert spare == {
        ("budget", 1.0): 0.001,
        ("contacts", 1.0): 0.4,
        ("contacts", -1.0): 0.5,
        ("coins", -1.0): 0.01,
        ("margin", 1.0): 0.0,
    }
    by_row = cells_of(np.ones((50, 3)), np.random.default_rng(0).random((50, 3)), None, None)
    assert grains(by_row, limits, sides).tolist() == [0.0, 1.0, 0.0, 1.0, 0.0]
    weighed = cells_of(np.ones((50, 3)), costs, None, np.full(50, 0.5))
    assert not grains(weighed, limits, sides).any()


def test_contacts_that_break_caps_are_dropped_and_no_more_than_that() -> None:
    rng = np.random.default_rng(0)
    n = 400
    cells = cells_of(rng.random((n, 3)) + 0.5, [0.1, 0.2, 0.3], None, None)
    rules = [Rule("slot", actions=[0], at_most=50), Rule("all", at_most=120)]
    limits = limits_of((n, 3), 30.0, rules, None)
    scale = scale_of(cells, limits, Deck.shuffled(limits.segment, rng))
    dual = everybody(cells, limits, Aim(sides_of(limits, scale.unit), scale.stake))
    finish = Finish(cells, dual, rng, scale.stake, 0.0)
    action, result = finish.trimmed(finish.decide(np.zeros(3)))
    assert result.keeps(limits)
    assert (action == 0).sum() == 50
    assert 50 < (action >= 0).sum() <= 120
