"""Effects: what every action changes for every customer, with its error, and whether that was seen or assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    import pandas as pd

Singles = npt.NDArray[np.float32]

BATCH = 50_000  # customers scored at a time; bounds the memory, not the result


@dataclass(frozen=True, slots=True)
class View:
    """What one member says of n customers.

    Attributes:
        predicted: Each candidate's effects, (n, k) in money.
        chance: (n,) P(response | x, control).
        size: (n,) E[margin | response, x] in money.
        gain: (n, k) what each action adds to P(response); zeros where no learner says.
        response_score: (n,) P(response | x) over all arms as assigned.
    """

    predicted: list[Singles]
    chance: Floats
    size: Floats
    gain: Singles
    response_score: Floats

    @property
    def baseline(self) -> Floats:
        """The expected outcome under control, (n,) in money."""
        return self.chance * self.size

    @property
    def reference(self) -> Floats:
        """The effects (n, k) that enter the outcome model of the AIPW scores: the candidates' mean."""
        return np.asarray(np.mean(self.predicted, axis=0, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Member:
    """Everything fitted without one pair of folds."""

    pair: tuple[int, int]
    names: tuple[str, ...]
    baseline: Baseline
    learners: tuple[Learner, ...]
    response: Forest | None

    def predict(self, codes: Codes) -> list[Floats]:
        """Return every candidate's effects, each (n, k)."""
        return [learner.predict(codes) for learner in self.learners]

    def view(self, codes: Codes) -> View:
        """Return everything this member says of customers, scored once."""
        predicted = self.predict(codes)
        chance, size = self.baseline.probability(codes), self.baseline.size(codes)
        gain = np.zeros_like(predicted[0])
        for learner, effects in zip(self.learners, predicted, strict=True):
            if isinstance(learner, OffsetLearner):
                # The offset learner's effect is its gain in probability times the margin of a response.
                known = np.abs(size) > 1e-9
                gain = np.where(known[:, None], effects / np.where(known, size, 1.0)[:, None], 0.0)
        return View(
            predicted=[effects.astype(np.float32) for effects in predicted],
            chance=chance,
            size=size,
            gain=gain.astype(np.float32),
            response_score=self.response_score(codes),
        )

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

    def combine(self, predicted: Sequence[npt.NDArray[np.floating]]) -> Floats:
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

    def score_all(
        self, audience: Audience | pa.Table | pd.DataFrame, *, engine: Engine | None = None
    ) -> Scores:
        """Return effects, standard errors and response probabilities of new customers.

        Raises:
            DataError: A feature that the effects were learned from is missing or has another type.
        """
        codes = self.encoder.transform(Audience.like(audience, self.history).table)
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
            view = member.view(codes)
            for fold in member.pair:
                by_fold[fold] += self.rules[fold].combine(view.predicted) / (len(self.rules) - 1)
            response += (view.chance[:, None] + view.gain) / len(self.members)
            score += view.response_score / len(self.members)
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
