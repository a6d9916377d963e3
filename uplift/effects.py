"""Effects: what every action changes for every customer, with its error, and whether that was seen or assumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .boosting import NO_ACTION, sigmoid
from .encoder import Codes, Encoder
from .engines import Engine
from .engines.local import LocalEngine
from .forest import Forest
from .history import Arm, Audience, History
from .learners import Learner
from .learners.offset import OffsetLearner
from .nuisance import Baseline
from .sample import Floats

BATCH = 50_000  # customers scored at a time; bounds the memory, not the result


@dataclass(frozen=True, slots=True)
class Member:
    """Everything fitted without one pair of folds."""

    pair: tuple[int, int]
    names: tuple[str, ...]
    baseline: Baseline
    learners: tuple[Learner, ...]
    response: Forest | None

    def other(self, fold: int) -> int:
        """Return the fold of the pair that is not the given one."""
        return self.pair[0] if self.pair[1] == fold else self.pair[1]

    def predict(self, codes: Codes) -> list[Floats]:
        """Return every candidate's effects, each (n, k)."""
        return [learner.predict(codes) for learner in self.learners]

    def reference(self, predicted: list[Floats]) -> Floats:
        """Return the effects (n, k) that enter the outcome model of the AIPW scores: the candidates' mean."""
        return np.asarray(sum(predicted) / len(predicted), np.float64)

    def probability(self, codes: Codes) -> Floats:
        """Return P(response | x, action), (n, k)."""
        for learner in self.learners:
            if isinstance(learner, OffsetLearner):
                return learner.probability(codes)
        actions = self.learners[0].predict(codes[:1]).shape[1]
        return np.tile(self.baseline.probability(codes)[:, None], (1, actions))

    def response_score(self, codes: Codes) -> Floats:
        """Return P(response | x) over all arms as assigned, (n,); the baseline where there is no response model."""
        if self.response is None:
            return self.baseline.mean(codes)
        return sigmoid(self.response.score(codes, NO_ACTION)[:, 0])


@dataclass(frozen=True, slots=True)
class Rule:
    """How the members without one fold are combined and calibrated.

    Attributes:
        fold: The fold that had no part in it.
        weights: (J,) share of each candidate; what is missing to 1 went to "nobody".
        spread: Calibration slope of what customers differ by.
        level: Calibration slope of the actions' mean effects.
        shift: (k,) what the difference between the two slopes adds to every customer's effects.
    """

    fold: int
    weights: Floats
    spread: float
    level: float
    shift: Floats

    def combine(self, predicted: list[Floats]) -> Floats:
        """Return the calibrated effects (n, k) from the candidates' effects, each (n, k)."""
        mixed = np.tile(self.shift, (len(predicted[0]), 1))
        for weight, cate in zip(self.weights, predicted, strict=True):
            if weight != 0:
                mixed += self.spread * weight * cate
        return mixed


@dataclass(frozen=True, slots=True)
class Scores:
    """What the effects say of new customers.

    Attributes:
        cate: (n, k) expected incremental margin of each action, in money.
        se: (n, k) its standard error over rules learned without a fold (delete-a-group jackknife).
        response: (n, k) P(response | x, action), what response-dependent costs are expected from.
        response_score: (n,) P(response | x) of the baseline response model.
    """

    cate: npt.NDArray[np.float32]
    se: npt.NDArray[np.float32]
    response: npt.NDArray[np.float32]
    response_score: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Effects:
    """Cross-fitted effects of k actions, and the held-out evidence for them on the n rows of the history.

    Attributes:
        actions: The k actions.
        history: What they were learned from.
        encoder: How customers' features become codes.
        members: What was fitted without each pair of folds.
        rules: How each fold's members are combined.
        fold: (n,) fold of each row.
        cate: (n, k) held-out effects in money: by the rule that never saw the row.
        scores: (n, k) held-out AIPW scores: unbiased for the row's effects.
        se: (n, k) their standard error over rules learned without a further fold (delete-a-group jackknife).
        response_score: (n,) held-out P(response | x).
        baseline: (n,) held-out expected outcome under control, in money.
        gain: (n, J) held-out loss of "nobody" minus each candidate's.
        response_evidence: (n, 2) numerator and denominator of the heterogeneity slope on responses.
        uniform: (folds, k) same-effect-for-all of each action, learned without the fold.
        shares: (k,) share of the treated rows given each action.
    """

    actions: tuple[Arm, ...]
    history: History
    encoder: Encoder
    members: tuple[Member, ...]
    rules: tuple[Rule, ...]
    fold: npt.NDArray[np.int8]
    cate: Floats
    se: Floats
    scores: Floats
    response_score: Floats
    baseline: Floats
    gain: Floats
    response_evidence: Floats
    uniform: Floats
    shares: Floats

    def score(
        self, audience: Audience | pa.Table, *, engine: Engine | None = None
    ) -> npt.NDArray[np.float32]:
        """Return the effects (n, k) of new customers, in money, columns as in `actions`."""
        return self.score_all(audience, engine=engine).cate

    def score_all(self, audience: Audience | pa.Table, *, engine: Engine | None = None) -> Scores:
        """Return effects, standard errors and response probabilities of new customers.

        Raises:
            DataError: A feature that the effects were learned from is missing or has another type.
        """
        table = audience.table if isinstance(audience, Audience) else audience
        codes = self.encoder.transform(table)
        starts = range(0, max(len(codes), 1), BATCH)
        parts = (engine or LocalEngine()).map(lambda low: self._batch(codes[low : low + BATCH]), starts)
        return Scores(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in Scores.__dataclass_fields__)
        )

    def _batch(self, codes: Codes) -> Scores:
        codes = np.asfortranarray(codes)
        shape = (len(codes), len(self.actions))
        by_fold = np.zeros((len(self.rules), *shape))
        response, score = np.zeros(shape), np.zeros(len(codes))
        for member in self.members:
            predicted = member.predict(codes)
            for fold in member.pair:
                by_fold[fold] += self.rules[fold].combine(predicted) / (len(self.rules) - 1)
            response += member.probability(codes) / len(self.members)
            score += member.response_score(codes) / len(self.members)
        cate = by_fold.mean(axis=0)
        jackknife = (len(self.rules) - 1) / len(self.rules)
        se = np.sqrt(jackknife * ((by_fold - cate) ** 2).sum(axis=0))
        return Scores(
            cate.astype(np.float32),
            se.astype(np.float32),
            response.astype(np.float32),
            score.astype(np.float32),
        )

    def learners(self) -> Iterator[tuple[str, float]]:
        """Yield every candidate's name with its share in the combination, "nobody" with what is left."""
        weights = np.mean([rule.weights for rule in self.rules], axis=0)
        yield "nobody", float(max(0.0, 1 - weights.sum()))
        yield from zip(self.members[0].names, weights.tolist(), strict=True)
