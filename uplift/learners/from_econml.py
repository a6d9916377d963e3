"""Adapters to econml's doubly robust learners and its causal forest."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..boosting import leaf_rows
from ..encoder import Codes
from ..sample import Floats
from .challenger import ChallengerLearner, Chances, Features, Task, codes_of, numbers

FOLDS = 3
Labels = npt.NDArray[np.integer]


class _Known:
    """A classifier of the arm, as econml wants one, that says what is known and learns nothing."""

    def __init__(self, chances: Chances) -> None:
        self.chances = chances

    def fit(self, features: Features, arm: Labels, **_: object) -> Self:
        """Learn nothing: returns self."""
        del features, arm
        return self

    def predict_proba(self, features: Features) -> Floats:
        """Return the probabilities (n, m + 1) of control and of the arms."""
        return self.chances.predict(codes_of(features))


class _Columns:
    """Codes as columns of a linear model: ordered ones standardised, one column a level of the others."""

    def __init__(self, categories: tuple[int, ...]) -> None:
        self.categories = categories

    def fit(self, features: Features, target: object = None) -> Self:
        """Learn levels, means and scales; a column that never varies is left out."""
        del target
        varying = [j for j in range(features.shape[1]) if np.ptp(features[:, j]) > 0]
        self.levels_ = {j: np.unique(features[:, j])[1:] for j in varying if j in self.categories}
        self.ordered_ = [j for j in varying if j not in self.categories]
        self.mean_ = features[:, self.ordered_].mean(axis=0)
        self.scale_ = features[:, self.ordered_].std(axis=0)
        return self

    def transform(self, features: Features) -> Floats:
        """Return the columns, (n, c)."""
        ordered = (features[:, self.ordered_] - self.mean_) / self.scale_
        levels = [features[:, [j]] == known for j, known in self.levels_.items()]
        return np.hstack([ordered, *levels]).astype(np.float64)

    def fit_transform(self, features: Features, target: object = None) -> Floats:
        """Fit, then transform."""
        return self.fit(features, target).transform(features)


class _EconMLLearner(ChallengerLearner):
    model_: Any

    def _train(self, task: Task) -> None:
        self.model_ = self._build(task)
        self.model_.fit(Y=task.outcome, T=task.arm + 1, X=task.features, **self._options())

    @abstractmethod
    def _build(self, task: Task) -> Any:  # noqa: ANN401 - the library has no types
        """Return the unfitted estimator."""

    def _options(self) -> dict[str, Any]:
        return {}

    def _effects(self, codes: Codes) -> Floats:
        found = self.model_.const_marginal_effect(numbers(codes))
        return np.asarray(found, np.float64).reshape(len(codes), len(self.arms_))


def _nuisance(task: Task) -> dict[str, Any]:
    """Return what both doubly robust learners are given: known probabilities, one LightGBM for all arms."""
    return {
        "model_propensity": _Known(task.chances),
        "model_regression": task.outcome_trees(len(task.arm), leaves=100),
        "categories": list(range(len(task.arms) + 1)),
        "cv": FOLDS,
        "random_state": 0,
    }


class EconMLDRLearner(_EconMLLearner):
    """econml's DRLearner (Kennedy, 2023): one LightGBM for the outcomes of all arms, one an arm for its effect.

    Scores are weighted by the probability of the arm given, see `Chances`.
    """

    def _build(self, task: Task) -> Any:  # noqa: ANN401
        from econml.dr import DRLearner

        return DRLearner(model_final=task.effect_trees(len(task.arm)), **_nuisance(task))


class EconMLLinearDRLearner(_EconMLLearner):
    """econml's LinearDRLearner: doubly robust scores, then effects linear in the codes (text: one term a level).

    Scores are weighted by the probability of the arm given, see `Chances`.
    """

    def _build(self, task: Task) -> Any:  # noqa: ANN401
        from econml.dr import LinearDRLearner

        return LinearDRLearner(featurizer=_Columns(task.sample.categories), **_nuisance(task))


class EconMLForestLearner(_EconMLLearner):
    """econml's CausalForestDML (Athey, Tibshirani and Wager, 2019): an honest forest on residuals, all arms at once.

    Treatments are residualised on the probabilities of all arms, see `Chances`. It takes text for ordered: codes
    of levels are in the order of how common they are.
    """

    def _build(self, task: Task) -> Any:  # noqa: ANN401
        from econml.dml import CausalForestDML

        return CausalForestDML(
            model_y=task.outcome_trees(len(task.arm), leaves=100),
            model_t=_Known(task.chances),
            discrete_treatment=True,
            categories=list(range(len(task.arms) + 1)),
            cv=FOLDS,
            n_estimators=200,
            min_samples_leaf=leaf_rows(len(task.arm), 200),
            max_depth=8,
            inference=False,
            n_jobs=1,
            random_state=0,
        )

    def _options(self) -> dict[str, Any]:
        # Without this econml keeps copies of all rows and residuals for standard errors that nobody asks for.
        return {"cache_values": False}
