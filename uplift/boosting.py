"""Grow boosted trees over customer and action codes, with the settings that weak effects need."""

from __future__ import annotations

import lightgbm
import numpy as np
import numpy.typing as npt

from .encoder import Codes
from .forest import Forest
from .sample import Floats

NO_ACTION: Codes = np.zeros((1, 0), np.uint8)

# Codes are bins already: LightGBM must neither merge nor drop any. Column-wise histograms of one thread are
# summed in one order, which is what makes the trees the same on every machine with the same versions.
FIXED = {
    "verbosity": -1,
    "num_threads": 1,
    "max_bin": 255,
    "min_data_in_bin": 1,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 0,
    "max_cat_to_onehot": 4,
    "cat_smooth": 20.0,
    "cat_l2": 20.0,
    "lambda_l2": 1.0,
}


def grow(  # noqa: PLR0913 - one model, with all that sets it apart
    codes: Codes,
    target: Floats,
    *,
    objective: str = "regression",
    trees: int = 100,
    leaves: int = 15,
    rows_per_leaf: int = 200,
    categories: tuple[int, ...] = (),
    design: Codes | None = None,
    ordered: tuple[bool, ...] = (),
    offset: Floats | None = None,
    rate: float = 0.06,
) -> Forest:
    """Fit a forest of small trees with heavy leaves.

    Args:
        codes: (n, d) codes of the customers.
        target: (n,) what to learn: 0/1 for "binary", positive for "gamma", any number for "regression".
        objective: LightGBM's name of the loss.
        trees: Number of trees.
        leaves: Leaves a tree, at most 64.
        rows_per_leaf: Rows a leaf must hold at least.
        categories: Positions of the customer features without an order.
        design: (n, q) codes of the action that each row was given.
        ordered: (q,) whether the codes of an action feature have an order.
        offset: (n,) raw scores that the trees add to; scores of the forest are then relative to it.
        rate: Learning rate.
    """
    width = codes.shape[1]
    extra = 0 if design is None else design.shape[1]
    matrix = codes if design is None else np.column_stack([codes, design])
    parameters = {
        **FIXED,
        "objective": objective,
        "num_leaves": leaves,
        "min_data_in_leaf": rows_per_leaf,
        "learning_rate": rate,
        "boost_from_average": True,
    }
    unordered = [*categories, *(width + j for j, has_order in enumerate(ordered) if not has_order)]
    data = lightgbm.Dataset(
        matrix.astype(np.float32),
        target,
        init_score=offset,
        categorical_feature=unordered,
        params=parameters,
    )
    return Forest.of(lightgbm.train(parameters, data, trees), width, extra)


def leaf_rows(rows: int, leaves: int) -> int:
    """Return the rows a leaf must hold so that a full tree has about `leaves` of them: 20 to 2,000."""
    return int(np.clip(rows // leaves, 20, 2000))


def sigmoid(score: npt.NDArray[np.floating]) -> Floats:
    """Return 1 / (1 + exp(−score))."""
    return np.asarray(1.0 / (1.0 + np.exp(-score)), np.float64)


def logit(probability: Floats) -> Floats:
    """Return the log-odds of probabilities strictly between 0 and 1."""
    return np.asarray(np.log(probability / (1.0 - probability)), np.float64)
