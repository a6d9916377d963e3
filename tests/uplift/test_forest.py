"""Scores by bit masks against LightGBM's own predictions, for trees of every shape."""

from __future__ import annotations

from typing import NamedTuple

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.boosting import FIXED
from uplift.encoder import CODES, Codes
from uplift.forest import ACTION_CODES, BLOCK, Forest

Array = np.ndarray


class Problem(NamedTuple):
    """Customers, actions, and a booster grown on both."""

    codes: Codes
    design: Codes
    booster: lightgbm.Booster
    forest: Forest

    def reference(self) -> Array:
        """Return LightGBM's own scores, (n, k)."""
        n, k = len(self.codes), len(self.design)
        rows = np.column_stack([np.repeat(self.codes, k, axis=0), np.tile(self.design, (n, 1))])
        scores: Array = self.booster.predict(rows.astype(float), raw_score=True, num_threads=1)
        return scores.reshape(n, k)


def grown(
    seed: int,
    *,
    leaves: int,
    extra: int = 0,
    kinds: int = 6,
    objective: str = "regression",
    offset: bool = False,
    rows_per_leaf: int = 1,
    noise: float = 1.0,
) -> Problem:
    """Grow 12 trees on 5 customer features, two of them categories, and `extra` action features."""
    rng = np.random.default_rng(seed)
    n, width = 1500, 5
    codes = np.asfortranarray(rng.integers(0, CODES, (n, width)), np.uint8)
    codes[:, 1] //= 20
    codes[:, 3] = np.minimum(rng.geometric(0.1, n), CODES - 1)
    design = rng.integers(0, kinds, (4, extra)).astype(np.uint8)
    given = design[rng.integers(0, 4, n)]
    matrix = np.column_stack([codes, given])
    signal = np.sin(matrix @ rng.normal(size=width + extra)) + rng.normal(size=CODES)[codes[:, 3]]
    signal += noise * rng.normal(size=n)
    targets = {"regression": signal, "binary": signal > 0.3, "gamma": np.exp(signal)}
    parameters = {
        **FIXED,
        "objective": objective,
        "num_leaves": leaves,
        "min_data_in_leaf": rows_per_leaf,
        "min_sum_hessian_in_leaf": 0.0,
        "learning_rate": 0.3,
    }
    # The last action feature is ordered, the others are not, like channels and send times.
    unordered = [1, 3, *range(width, width + extra - 1)]
    data = lightgbm.Dataset(
        matrix.astype(np.float32),
        targets[objective].astype(float),
        init_score=rng.normal(size=n) if offset else None,
        categorical_feature=unordered,
        params=parameters,
    )
    booster = lightgbm.train(parameters, data, 12)
    return Problem(
        codes, design if extra else np.zeros((1, 0), np.uint8), booster, Forest.of(booster, width, extra)
    )


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    leaves=st.integers(2, 64),
    extra=st.integers(0, 3),
    objective=st.sampled_from(["regression", "binary", "gamma"]),
    offset=st.booleans(),
)
def test_scores_are_those_of_lightgbm(
    seed: int, leaves: int, extra: int, objective: str, offset: bool
) -> None:
    problem = grown(seed, leaves=leaves, extra=extra, objective=objective, offset=offset)
    scores = problem.forest.score(problem.codes, problem.design)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, problem.reference(), rtol=1e-6, atol=1e-6)


def test_trees_of_64_leaves_use_every_bit() -> None:
    problem = grown(3, leaves=64, extra=2)
    trees = problem.booster.dump_model()["tree_info"]
    assert max(tree["num_leaves"] for tree in trees) == 64
    scores = problem.forest.score(problem.codes, problem.design)
    np.testing.assert_allclose(scores, problem.reference(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("offset", [False, True])
def test_trees_without_a_split_are_a_constant(offset: bool) -> None:
    problem = grown(0, leaves=8, offset=offset, rows_per_leaf=1400)
    assert {tree["num_leaves"] for tree in problem.booster.dump_model()["tree_info"]} == {1}
    scores = problem.forest.score(problem.codes, problem.design)
    np.testing.assert_allclose(scores, problem.reference(), rtol=1e-6, atol=1e-6)
    assert len(np.unique(scores)) == 1


def test_codes_that_no_row_had_when_the_trees_grew_are_scored_like_lightgbm_does() -> None:
    problem = grown(5, leaves=31, extra=2)
    rng = np.random.default_rng(1)
    unseen = problem._replace(
        codes=rng.integers(0, CODES, (700, 5)).astype(np.uint8),
        design=rng.integers(0, 40, (5, 2)).astype(np.uint8),
    )
    scores = unseen.forest.score(unseen.codes, unseen.design)
    np.testing.assert_allclose(scores, unseen.reference(), rtol=1e-6, atol=1e-6)


def test_as_many_actions_as_a_code_can_tell_apart_are_scored_right() -> None:
    rng = np.random.default_rng(2)
    design = np.arange(ACTION_CODES, dtype=np.uint8)[:, None]
    given = np.repeat(design, 12, axis=0)
    codes = rng.integers(0, 9, (len(given), 5)).astype(np.uint8)
    target = 5 * rng.normal(size=ACTION_CODES)[given[:, 0]] + codes[:, 0]
    for unordered in ([], [5]):
        data = lightgbm.Dataset(
            np.column_stack([codes, given]).astype(float), target, categorical_feature=unordered
        )
        parameters = {"num_leaves": 64, "min_data_in_leaf": 1, "verbosity": -1, "num_threads": 1}
        booster = lightgbm.train(parameters, data, 10)
        problem = Problem(codes[:300], design, booster, Forest.of(booster, 5, 1))
        scores = problem.forest.score(problem.codes, design)
        np.testing.assert_allclose(scores, problem.reference(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_customer_scores_the_same_alone_and_among_others(n: int) -> None:
    problem = grown(7, leaves=16, extra=2)
    scores = problem.forest.score(problem.codes, problem.design)
    np.testing.assert_array_equal(problem.forest.score(problem.codes[:n], problem.design), scores[:n])
    rows = np.random.default_rng(0).permutation(len(problem.codes))
    np.testing.assert_array_equal(problem.forest.score(problem.codes[rows], problem.design), scores[rows])


def test_actions_are_scored_in_the_order_they_are_given_in() -> None:
    problem = grown(8, leaves=16, extra=2)
    scores = problem.forest.score(problem.codes, problem.design)
    backwards = problem.forest.score(problem.codes, problem.design[::-1])
    np.testing.assert_array_equal(backwards, scores[:, ::-1])


def test_the_layout_of_codes_in_memory_makes_no_difference() -> None:
    problem = grown(9, leaves=16)
    by_rows = np.ascontiguousarray(problem.codes)
    np.testing.assert_array_equal(
        problem.forest.score(by_rows, problem.design), problem.forest.score(problem.codes, problem.design)
    )


def test_a_forest_made_from_its_own_text_is_the_same_forest() -> None:
    problem = grown(10, leaves=20, extra=2)
    again = Forest.from_text(problem.forest.text, width=5, extra=2)
    np.testing.assert_array_equal(
        again.score(problem.codes, problem.design), problem.forest.score(problem.codes, problem.design)
    )
    assert lightgbm.Booster(model_str=again.text).num_trees() == problem.booster.num_trees()
