"""Customers lie in tiles of one segment; what they choose there is what they would choose anywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from policies.constraints import Rule
from policies.solvers.door import cells_of, limits_of
from policies.solvers.kernels import hard_pass
from policies.solvers.ledger import account
from policies.solvers.problem import crowd_of, segments
from policies.solvers.spread import scores, spread


def test_customers_that_count_under_the_same_rules_share_a_segment() -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random(200) < 0.5 for _ in range(4)]
    segment, cover = segments(masks, 200)
    for mask, covered in zip(masks, cover, strict=True):
        np.testing.assert_array_equal(covered[segment], mask)
    assert len(np.unique(segment)) == cover.shape[1] == len({tuple(row) for row in np.array(masks).T})


@pytest.mark.parametrize("masks", [0, 1, 3, 12])
def test_every_customer_has_one_place_in_a_tile_of_its_segment(masks: int) -> None:
    rng = np.random.default_rng(1)
    n = 3_000
    segment, _ = segments([rng.random(n) < 0.3 for _ in range(masks)], n)
    weights = rng.random(n)
    cells = cells_of(rng.normal(size=(n, 3)), rng.random((n, 3)), rng.random((n, 3)) < 0.8, weights)
    crowd = crowd_of(cells, segment, np.arange(n), np.ones(n))
    taken = crowd.row[crowd.row >= 0]
    np.testing.assert_array_equal(np.sort(taken), np.arange(n))
    tile, place = np.nonzero(crowd.row >= 0)
    np.testing.assert_array_equal(crowd.segment[tile], segment[taken])
    np.testing.assert_array_equal(crowd.weight[tile, place], weights[taken])
    expected = np.where(cells.eligible, cells.values, np.nan)[taken]
    np.testing.assert_array_equal(crowd.values[tile, :, place], expected)
    assert np.isnan(crowd.values.transpose(0, 2, 1)[crowd.row < 0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shared", [True, False])
def test_the_best_action_and_its_lead_are_those_of_the_scores(dtype: type, shared: bool) -> None:
    rng = np.random.default_rng(2)
    n = 1_000
    values = rng.normal(size=(n, 5)).astype(dtype)
    values[rng.random((n, 5)) < 0.2] = np.nan
    costs = rng.random(5 if shared else (n, 5)).astype(dtype)
    cells = cells_of(values, costs, None, None)
    limits = limits_of(
        (n, 5), None, [Rule("r", customers=rng.random(n) < 0.5, actions=[1, 3], at_most=1)], 0.3
    )
    price = np.array([0.2, 0.1, -0.3])
    action, lead = np.empty(n, dtype=np.int32), np.empty(n)
    crowd = crowd_of(cells, limits.segment, np.arange(n), np.ones(n))
    total = hard_pass(crowd, limits.tariff(price), action, lead)
    score = np.column_stack([scores(cells, limits, np.arange(n), price), np.zeros(n)])
    ordered = np.sort(score, axis=1)
    np.testing.assert_array_equal(action, np.where(score.argmax(axis=1) == 5, -1, score.argmax(axis=1)))
    np.testing.assert_allclose(lead, ordered[:, -1] - ordered[:, -2], atol=1e-12)
    assert total == pytest.approx(ordered[:, -1].sum(), rel=1e-12)


def test_an_account_is_rounded_once() -> None:
    rng = np.random.default_rng(3)
    n = 20_000
    values = np.exp(rng.normal(0, 8, (n, 3))) * rng.choice([-1.0, 1.0], (n, 3))
    costs, weights = np.array([0.1, 0.02, 0.7]), rng.integers(0, 3, n).astype(float)
    cells = cells_of(values, costs, None, weights)
    rules = [Rule("c", of="cost", actions=[0, 2], at_most=1.0), Rule("m", of="margin", at_most=1.0)]
    limits = limits_of((n, 3), 1.0, rules, None)
    action = rng.integers(-1, 3, n).astype(np.int32)
    result = account(cells, limits, action)
    rows = np.flatnonzero(action >= 0)
    some = rows[action[rows] != 1]
    assert result.spend == math.fsum(weights[rows] * costs[action[rows]]) == result.used[0]
    assert result.used[1] == math.fsum(weights[some] * costs[action[some]])
    assert result.value == math.fsum(weights[rows] * values[rows, action[rows]]) == result.used[2]


def test_customers_in_bulk_are_spread_as_their_chances_say() -> None:
    n = 1_000
    values = np.tile([1.0, 1.0 - 0.01 * np.log(3.0)], (n, 1))
    cells = cells_of(values, [0.0, 0.0], None, None)
    limits = limits_of((n, 2), None, [], None)
    action = spread(cells, limits, np.arange(n), np.zeros(1), 0.01)
    assert abs((action == 0).sum() - 750) <= 1
    assert abs((action == 1).sum() - 250) <= 1
