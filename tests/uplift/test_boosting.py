"""Growing forests: settings that are kept, offsets, categories, the same trees every time."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.boosting import NO_ACTION, grow, leaf_rows, logit, sigmoid
from uplift.encoder import Codes
from uplift.forest import Forest

Array = np.ndarray


def customers(n: int, seed: int = 0) -> Codes:
    return np.asfortranarray(np.random.default_rng(seed).integers(0, 8, (n, 3)), np.uint8)


def leaf_sizes(forest: Forest) -> list[int]:
    sizes: list[int] = []

    def walk(node: dict[str, object]) -> None:
        if "leaf_index" in node:
            sizes.append(int(str(node["leaf_count"])))
        for side in ("left_child", "right_child"):
            if side in node:
                walk(node[side])  # type: ignore[arg-type]

    for tree in lightgbm.Booster(model_str=forest.text).dump_model()["tree_info"]:
        walk(tree["tree_structure"])
    return sizes


@settings(derandomize=True, deadline=None)
@given(st.floats(-30, 30))
def test_log_odds_and_probabilities_undo_each_other(score: float) -> None:
    assert logit(sigmoid(np.array([score]))) == pytest.approx(score, rel=1e-3, abs=1e-9)
    assert sigmoid(np.array([-score])) == pytest.approx(1 - sigmoid(np.array([score])), abs=1e-15)


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10**7), st.integers(1, 500))
def test_a_leaf_is_never_so_small_that_it_fits_single_rows(rows: int, leaves: int) -> None:
    found = leaf_rows(rows, leaves)
    assert 20 <= found <= 2000
    assert found in (20, 2000) or found == rows // leaves


def test_no_leaf_is_smaller_and_no_tree_larger_than_asked_for() -> None:
    codes = customers(3000)
    target = codes @ np.array([1.0, -2.0, 0.5]) + np.random.default_rng(1).normal(size=3000)
    few = grow(codes, target, trees=7, leaves=5, rows_per_leaf=20)
    assert len(leaf_sizes(few)) == 7 * 5
    assert len(few.leaves) == 7
    heavy = leaf_sizes(grow(codes, target, trees=7, leaves=60, rows_per_leaf=150))
    assert 150 <= min(heavy) < 300


@pytest.mark.parametrize("objective", ["regression", "binary", "gamma"])
def test_predictions_average_to_what_was_seen(objective: str) -> None:
    codes = customers(4000)
    rng = np.random.default_rng(2)
    signal = 0.3 * codes[:, 0] - 1 + rng.normal(size=4000)
    target = {"regression": signal, "binary": (signal > 0.5).astype(float), "gamma": np.exp(signal)}[
        objective
    ]
    raw = grow(codes, target, objective=objective, trees=60).score(codes, NO_ACTION)[:, 0].astype(float)
    found = {"regression": raw, "binary": sigmoid(raw), "gamma": np.exp(raw)}[objective]
    # A gamma model has the mean of target / prediction at 1, the others that of target − prediction at 0.
    ratio = (target / found).mean() if objective == "gamma" else target.mean() / found.mean()
    assert ratio == pytest.approx(1, rel=0.02)
    by_code = [(found[codes[:, 0] == c].mean(), target[codes[:, 0] == c].mean()) for c in range(8)]
    assert np.corrcoef(np.array(by_code).T)[0, 1] > 0.99


def test_trees_add_to_an_offset_and_say_nothing_where_it_is_right_already() -> None:
    codes = customers(6000)
    rng = np.random.default_rng(3)
    known = np.asarray(0.5 * codes[:, 0] - 2, np.float64)
    shift = np.where(codes[:, 1] > 3, 0.9, 0.0)
    right = (rng.random(6000) < sigmoid(known)).astype(float)
    moved = (rng.random(6000) < sigmoid(known + shift)).astype(float)
    silent = grow(codes, right, objective="binary", offset=known).score(codes, NO_ACTION)[:, 0]
    found = grow(codes, moved, objective="binary", offset=known).score(codes, NO_ACTION)[:, 0]
    # Leaves of 200 rows leave an error of about 0.16.
    assert abs(silent).mean() < 0.25
    assert abs(silent.mean()) < 0.08
    assert abs(found[shift > 0].mean() - 0.9) < 0.15
    assert abs(found[shift == 0].mean()) < 0.15


def test_an_unordered_feature_is_split_by_membership_and_an_ordered_one_is_not() -> None:
    codes = customers(4000)
    target = np.isin(codes[:, 0], [1, 4, 6]).astype(float)
    one_split = {"trees": 1, "leaves": 2, "rows_per_leaf": 20, "rate": 1.0}
    free = grow(codes, target, categories=(0,), **one_split)  # type: ignore[arg-type]
    bound = grow(codes, target, **one_split)  # type: ignore[arg-type]
    error = [np.square(forest.score(codes, NO_ACTION)[:, 0] - target).mean() for forest in (free, bound)]
    assert error[0] < 0.01
    assert error[1] > 0.1


def test_one_forest_learns_what_each_action_does() -> None:
    rng = np.random.default_rng(4)
    codes = customers(6000)
    design = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8)
    given = rng.integers(0, 4, 6000)
    truth = np.array([0.0, 1.0, -1.0, 3.0]) * (codes[:, :1] > 3)
    target = truth[np.arange(6000), given] + 0.3 * rng.normal(size=6000)
    forest = grow(codes, target, trees=200, design=design[given], ordered=(False, True))
    np.testing.assert_allclose(forest.score(codes, design), truth, atol=0.25)


def test_the_same_rows_grow_the_same_trees() -> None:
    codes, target = customers(3000), np.random.default_rng(5).normal(size=3000)
    assert grow(codes, target, categories=(1,)).text == grow(codes, target, categories=(1,)).text


def test_other_units_of_the_outcome_scale_the_scores() -> None:
    codes, target = customers(3000), np.random.default_rng(6).normal(size=3000)
    scores = grow(codes, target).score(codes, NO_ACTION)
    np.testing.assert_allclose(
        grow(codes, 64 * target).score(codes, NO_ACTION), 64 * scores, rtol=1e-4, atol=1e-3
    )


def test_an_outcome_that_never_varies_is_predicted_as_it_is() -> None:
    codes = customers(500)
    np.testing.assert_allclose(grow(codes, np.full(500, 2.5)).score(codes, NO_ACTION), 2.5, rtol=1e-6)
