"""Can a classifier tell from the features which group a row was given?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ..history import Floats
from .features import Feature
from .ranks import auc_parts

Integers = npt.NDArray[np.int64]

MAX_ROWS = 60_000
MIN_ROWS = 1_000
MIN_CLASS_ROWS = 200
ROUNDS = 40
# One-sided, shared by the classes: a gate that is right must almost never refuse.
ALPHA = 1e-5
PARAMETERS = {
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Separation:
    """How well the held-out rows of a class are told from all others.

    Attributes:
        label: The class that is told apart best.
        auc: Its area under the ROC curve on the held-out half; .5 is chance.
        lower: Its lower confidence bound, one-sided at 1e-5 over all classes.
    """

    label: int
    auc: float
    lower: float


def separation(
    features: Sequence[Feature], labels: Integers, clusters: Integers, *, seed: int = 0
) -> Separation | None:
    """Return how well features predict labels 0..c−1 on held-out clusters; None where rows are too few.

    Rows labelled −1 are left out; of the others at most 60,000 are drawn. One half of the clusters is learnt
    from and the other judged: areas of several folds would lean on each other, and the error of their mean
    come out too small.
    """
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(labels >= 0)
    if len(rows) > MAX_ROWS:
        rows = np.sort(rng.choice(rows, MAX_ROWS, replace=False))
    sizes = np.bincount(labels[rows])
    if not features or len(rows) < MIN_ROWS or len(sizes) < 2 or sizes.min() < MIN_CLASS_ROWS:
        return None
    _, cluster = np.unique(clusters[rows], return_inverse=True)
    held = (rng.permutation(cluster.max() + 1) % 2 == 1)[cluster]
    y = labels[rows]
    if min(len(np.unique(y[~held])), len(np.unique(y[held]))) < len(sizes):
        return None
    x = np.column_stack([feature.values[rows] for feature in features])
    scores = _score(x[~held], y[~held], x[held], seed)
    return _best([_one_class(scores[:, c], y[held] == c, cluster[held]) for c in range(scores.shape[1])])


def _score(x: Floats, y: Integers, new: Floats, seed: int) -> Floats:
    """Return (n, classes) scores of new rows; one column, of class 0, where there are two classes."""
    import lightgbm

    classes = int(y.max()) + 1
    kind = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    booster = lightgbm.train(PARAMETERS | kind | {"seed": seed}, lightgbm.Dataset(x, y), ROUNDS)
    scores: Floats = np.asarray(booster.predict(new, num_threads=1)).reshape(len(new), -1)
    return -scores if classes == 2 else scores


def _one_class(score: Floats, positive: npt.NDArray[np.bool_], cluster: Integers) -> tuple[float, float]:
    """Return the area, and its standard error: DeLong's by cluster, at least that of a worthless score."""
    area, parts = auc_parts(score, positive)
    n1, n = int(positive.sum()), len(positive)
    chance = (n + 1) / (12 * n1 * (n - n1))
    shown = float(np.square(np.bincount(cluster, weights=parts)).sum())
    return area, max(chance, shown) ** 0.5


def _best(found: Sequence[tuple[float, float]]) -> Separation:
    z = float(ndtri(1 - ALPHA / len(found)))
    lower = [area - z * se for area, se in found]
    label = int(np.argmax(lower))
    return Separation(label, found[label][0], lower[label])
