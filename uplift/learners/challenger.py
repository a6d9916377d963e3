"""What learners of other libraries have in common: outcomes, features, base models, probabilities of the arms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from ..boosting import FIXED, NO_ACTION, grow, leaf_rows
from ..encoder import Codes
from ..forest import Forest
from ..nuisance import Baseline
from ..sample import Floats, Ints, Sample

Features = npt.NDArray[np.float32]

FEW = 30  # rows below which an arm, cut into folds, leaves nothing to learn from


class Trees(RegressorMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """LightGBM behind scikit-learn's protocol, on codes of which some have no order.

    LightGBM's own classes take the columns without order in `fit` only, where other libraries do not hand them on.
    With the objective "binary" `predict` gives a *probability*: a classifier would not do, as some of the learners
    call its `predict` and take labels for probabilities.

    Args:
        objective: LightGBM's name of the loss: "regression" or "binary".
        rows_per_leaf: Rows a leaf must hold at least.
        categories: Positions of the columns without order.
    """

    def __init__(
        self, objective: str = "regression", rows_per_leaf: int = 20, categories: tuple[int, ...] = ()
    ) -> None:
        self.objective = objective
        self.rows_per_leaf = rows_per_leaf
        self.categories = categories

    def fit(self, features: Features, target: Floats, sample_weight: Floats | None = None) -> Self:
        """Fit 100 trees of 8 leaves; returns self."""
        settings = {
            **FIXED,
            "objective": self.objective,
            "num_leaves": 8,
            "learning_rate": 0.06,
            "min_data_in_leaf": self.rows_per_leaf,
        }
        data = lightgbm.Dataset(
            features.astype(np.float32),
            np.ravel(target),
            weight=sample_weight,
            categorical_feature=list(self.categories),
            params=settings,
        )
        self.booster_ = lightgbm.train(settings, data, 100)
        return self

    def predict(self, features: Features) -> Floats:
        """Return the expected target, (n,)."""
        return np.asarray(self.booster_.predict(features, num_threads=1), np.float64)


@dataclass(frozen=True, slots=True)
class Chances:
    """P(arm | x) of every arm, learned back from the probability of the arm given, which is all that is logged.

    1 / E[1/p | x, given arm a] = P(a | x), whatever p depends on beside x; so a forest learns 1/p on the rows that
    were given a. Where the probability of an arm never varies, that is the probability: shares as designed.

    Attributes:
        inverse: For control and then every arm: 1/p, or the forest that predicts it.
        limits: (m + 1, 2) lowest and highest 1/p that was logged for each.
    """

    inverse: tuple[float | Forest, ...]
    limits: Floats

    @classmethod
    def of(cls, sample: Sample, arms: Ints) -> Chances:
        """Learn the probabilities of control and of the given arms."""
        inverse: list[float | Forest] = []
        limits = np.empty((len(arms) + 1, 2))
        for place, arm in enumerate([-1, *arms]):
            given = sample.take(sample.arm == arm)
            weight = 1 / given.propensity
            limits[place] = weight.min(), weight.max()
            inverse.append(
                float(weight[0])
                if np.ptp(weight) <= 1e-9 * weight[0]
                else grow(
                    given.codes,
                    weight,
                    rate=0.1,
                    rows_per_leaf=leaf_rows(len(given), 100),
                    categories=sample.categories,
                )
            )
        return cls(tuple(inverse), limits)

    def predict(self, codes: Codes) -> Floats:
        """Return the probabilities (n, m + 1) of control and of the arms, each row adding up to 1."""
        chance = np.empty((len(codes), len(self.inverse)))
        for place, (inverse, (low, high)) in enumerate(zip(self.inverse, self.limits, strict=True)):
            raw = inverse.score(codes, NO_ACTION)[:, 0] if isinstance(inverse, Forest) else inverse
            chance[:, place] = 1 / np.clip(raw, low, high)
        return np.asarray(chance / chance.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Task:
    """A sample as other libraries take it.

    Attributes:
        sample: The rows of control and of the m arms to learn from.
        arms: (m,) the actions these are; rows are numbered by their place in it.
        arm: (n,) place of the arm given, −1 for control.
        outcome: (n,) 1 for a response and 0 for none where the outcome has two parts, else money.
        chances: Probabilities of the arms.
    """

    sample: Sample
    arms: Ints
    arm: Ints
    outcome: Floats
    chances: Chances

    @classmethod
    def of(cls, sample: Sample) -> Task | None:
        """Return the task, or None where control or all arms have too few rows."""
        counts = np.bincount(sample.arm + 1, minlength=len(sample.space) + 1)
        arms = np.flatnonzero(counts[1:] >= FEW).astype(np.int32)
        if counts[0] < FEW or not len(arms):
            return None
        part = sample.take(np.isin(sample.arm, [-1, *arms]))
        arm = np.where(part.arm < 0, -1, np.searchsorted(arms, part.arm)).astype(np.int32)
        outcome = part.response.astype(np.float64) if part.two_part else part.outcome
        return cls(part, arms, arm, outcome, Chances.of(part, arms))

    @property
    def features(self) -> Features:
        """The codes, (n, d), as numbers."""
        return numbers(self.sample.codes)

    def outcome_trees(self, rows: int, leaves: int = 40) -> Trees:
        """Return an unfitted model of the outcome for `rows` rows, with about `leaves` leaves to a full tree."""
        objective = "binary" if self.sample.two_part else "regression"
        return Trees(objective, leaf_rows(rows, leaves), self.sample.categories)

    def effect_trees(self, rows: int, leaves: int = 40) -> Trees:
        """Return an unfitted model of an effect for `rows` rows."""
        return Trees("regression", leaf_rows(rows, leaves), self.sample.categories)


def numbers(codes: Codes) -> Features:
    """Return codes as the numbers that other libraries take."""
    return np.ascontiguousarray(codes, np.float32)


def codes_of(features: npt.NDArray[np.floating]) -> Codes:
    """Return the codes that `numbers` was given."""
    return np.asfortranarray(features, np.uint8)


class ChallengerLearner(ABC):
    """A learner of another library behind our protocol.

    Where the outcome is mostly zero the library learns the effect on P(response), which is far less noisy than
    money, and the effect in money is that times E[margin | response, x] of our baseline. It is given the *known*
    probabilities of the arms; as only that of the arm given is known for a row, those of the other arms are learned
    back from it (see `Chances`). An arm with fewer than 30 rows has effects of zero: no library pools over arms.
    """

    actions_: int
    arms_: Ints
    baseline_: Baseline | None
    chances_: Chances

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Learn from a sample; returns self."""
        self.actions_ = len(sample.space)
        self.baseline_ = baseline if sample.two_part else None
        task = Task.of(sample)
        self.arms_ = np.zeros(0, np.int32) if task is None else task.arms
        if task is not None:
            self.chances_ = task.chances
            self._train(task)
        return self

    def predict(self, codes: Codes) -> Floats:
        """Return the effects (n, k) in money."""
        cate = np.zeros((len(codes), self.actions_))
        if len(codes) and len(self.arms_):
            cate[:, self.arms_] = self._effects(codes)
        return cate if self.baseline_ is None else cate * self.baseline_.size(codes)[:, None]

    @abstractmethod
    def _train(self, task: Task) -> None:
        """Fit the library's model and keep it."""

    @abstractmethod
    def _effects(self, codes: Codes) -> Floats:
        """Return its effects (n, m) of the m arms learned from, on the outcome it was given."""
