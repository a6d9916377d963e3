"""Adapters to causalml's meta-learners. It models every arm by itself against control."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from ..encoder import Codes
from ..sample import Floats
from .challenger import ChallengerLearner, Task, numbers

CONTROL = -1


class _CausalMLLearner(ChallengerLearner):
    model_: Any

    def _train(self, task: Task) -> None:
        rows = len(task.arm) // (len(task.arms) + 1)
        self.model_ = self._build(task, rows)
        self.model_.fit(
            X=task.features,
            treatment=task.arm,
            y=task.outcome,
            p=self._against_control(task.sample.codes),
            **self._options(),
        )

    @abstractmethod
    def _build(self, task: Task, rows: int) -> Any:  # noqa: ANN401 - the library has no types
        """Return the unfitted meta-learner, whose base models see about `rows` rows each."""

    def _options(self) -> dict[str, Any]:
        return {}

    def _against_control(self, codes: Codes) -> dict[int, Floats]:
        """Return P(arm | x, arm or control), (n,) for every arm, as causalml wants it."""
        chance = self.chances_.predict(codes)
        return {a: chance[:, a + 1] / (chance[:, a + 1] + chance[:, 0]) for a in range(len(self.arms_))}

    def _effects(self, codes: Codes) -> Floats:
        return np.asarray(self.model_.predict(X=numbers(codes)), np.float64)


class CausalMLTLearner(_CausalMLLearner):
    """causalml's T-learner (Künzel et al., 2019): a LightGBM for control and one for every arm.

    The probabilities of the arms play no part in it.
    """

    def _build(self, task: Task, rows: int) -> Any:  # noqa: ANN401
        from causalml.inference.meta import BaseTRegressor

        return BaseTRegressor(
            control_learner=task.outcome_trees(rows),
            treatment_learner=task.outcome_trees(rows),
            control_name=CONTROL,
        )


class CausalMLXLearner(_CausalMLLearner):
    """causalml's X-learner (Künzel et al., 2019): four LightGBMs an arm, the control outcome's shared.

    The two effects of an arm are weighted by P(arm | x, arm or control), see `Chances`.
    """

    def _build(self, task: Task, rows: int) -> Any:  # noqa: ANN401
        from causalml.inference.meta import BaseXRegressor

        return BaseXRegressor(
            control_outcome_learner=task.outcome_trees(rows),
            treatment_outcome_learner=task.outcome_trees(rows),
            control_effect_learner=task.effect_trees(rows),
            treatment_effect_learner=task.effect_trees(rows),
            control_name=CONTROL,
        )

    def _effects(self, codes: Codes) -> Floats:
        found = self.model_.predict(X=numbers(codes), p=self._against_control(codes))
        return np.asarray(found, np.float64)


class CausalMLRLearner(_CausalMLLearner):
    """causalml's R-learner (Nie and Wager, 2021): one LightGBM for the outcome, one an arm for its effect.

    Residuals are divided by those of P(arm | x, arm or control), see `Chances`.
    """

    def _build(self, task: Task, rows: int) -> Any:  # noqa: ANN401
        from causalml.inference.meta import BaseRLearner

        return BaseRLearner(
            outcome_learner=task.outcome_trees(len(task.arm), leaves=100),
            effect_learner=task.effect_trees(rows),
            control_name=CONTROL,
            n_fold=3,
            random_state=0,
            cv_n_jobs=1,
        )


class CausalMLDRLearner(_CausalMLLearner):
    """causalml's DR-learner (Kennedy, 2023): three folds, each with two LightGBMs an arm and one for control.

    Scores are weighted by P(arm | x, arm or control), see `Chances`.
    """

    def _build(self, task: Task, rows: int) -> Any:  # noqa: ANN401
        from causalml.inference.meta import BaseDRRegressor

        return BaseDRRegressor(
            control_outcome_learner=task.outcome_trees(rows // 3),
            treatment_outcome_learner=task.outcome_trees(rows // 3),
            treatment_effect_learner=task.effect_trees(rows // 3),
            control_name=CONTROL,
        )

    def _options(self) -> dict[str, Any]:
        return {"seed": 0}
