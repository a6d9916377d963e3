"""From a history to effects: paired cross-fitting, aggregation, calibration.

Every row ends up with effects from a rule that never saw it, and with AIPW scores from models that never saw it.
Choosing and calibrating the rule also takes outcomes it has not been fitted on, so each model is fitted without
a *pair* of folds {k, m}: the models without k and m are judged on m when the rule for fold k is made, and on k
when the rule for fold m is made. With K = 5 folds there are 10 pairs; a fold's rule averages 4 of them, new
customers are scored by all 10, and no row is ever seen by what values it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from .aggregation import Calibration, Moments, aipw, evidence_noise, q_aggregate
from .boosting import grow, leaf_rows
from .effects import Effects, Member, Rule, Singles, View
from .encoder import Encoder
from .engines import Engine
from .engines.local import LocalEngine
from .errors import DataError, SettingError
from .history import History
from .learners import Learner
from .learners.average import shrink
from .nuisance import Baseline
from .plugins import load
from .sample import Floats, Ints, Sample

Progress = Callable[[str, int, int], None]
Views = dict[int, View]  # what a pair's models say of the rows of each of its two folds

# The candidates beside "nobody" (effects of zero), with the weight each has until the data say otherwise: effects
# on whether customers respond are easier to see than effects on noisy money, and structure beats flexibility.
TWO_PART = {
    "nobody": 0.04,
    "average": 0.06,
    "proportional": 0.05,
    "t": 0.05,
    "x": 0.12,
    "two-part-x": 0.34,
    "offset": 0.34,
}
ONE_PART = {"nobody": 0.05, "average": 0.25, "t": 0.2, "x": 0.5}


def _silent(step: str, done: int, total: int) -> None:
    del step, done, total


def estimate(
    history: History,
    *,
    seed: int = 0,
    folds: int = 5,
    learners: Sequence[str] | None = None,
    engine: Engine | None = None,
    progress: Progress = _silent,
) -> Effects:
    """Return the effects of every action: cross-fitted, combined on held-out customers, calibrated.

    Args:
        history: A campaign history whose arms were assigned at random with the probabilities it holds.
        seed: Decides the folds.
        folds: Number of folds, at least 3.
        learners: Names of the candidates to try beside "nobody", built in or registered under `uplift.learners`;
            None for those that suit the outcome.
        engine: Where the models are fitted; this machine by default.
        progress: Called with a step in words, the tasks done and the tasks in all.

    Raises:
        SettingError: Fewer than 3 folds, fewer customers than folds, or a learner that is unknown or does not
            suit the outcome.
        DataError: No control rows, no actions or no features; or so few control or treated rows that two folds can
            hold all of them.
    """
    _check(history)
    if folds < 3:
        raise SettingError(f"Cross-fitting in pairs needs at least 3 folds, found {folds}.")
    engine = engine or LocalEngine()
    encoder = Encoder.fit(history.features)
    sample = Sample.of(history, encoder)
    fold = assign_folds(history.cluster, folds, seed)
    prior = _prior(sample, learners)
    names = tuple(name for name in prior if name != "nobody")
    pairs = list(combinations(range(folds), 2))
    _check_parts(sample.arm, fold, pairs)
    done = iter(range(1, len(pairs) + 1))

    def fit_pair(pair: tuple[int, int]) -> tuple[Member, Views]:
        member = fit_member(sample.take(~np.isin(fold, pair)), names, pair)
        views = {k: member.view(np.asfortranarray(sample.codes[fold == k])) for k in pair}
        progress("fitting effects", next(done), len(pairs))
        return member, views

    fitted = engine.map(fit_pair, pairs)
    members = tuple(member for member, _ in fitted)
    views = {member.pair: seen for member, seen in fitted}
    progress("choosing on held-out customers", 0, folds)
    weights = np.array(list(prior.values()))
    judged = engine.map(lambda k: _judge(sample, fold, views, k, weights), range(folds))
    with threadpool_limits(limits=1):
        return _assemble(history, encoder, sample, fold, members, judged)


def _prior(sample: Sample, learners: Sequence[str] | None) -> dict[str, float]:
    """Return the candidates and the weight each has until the data say otherwise."""
    usual = TWO_PART if sample.two_part else ONE_PART
    if learners is None:
        return usual
    suited = [name for name in usual if name != "nobody"]
    for name in learners:
        if name in TWO_PART and name not in usual:
            raise SettingError(
                f"{name!r} learns who responds, which here nearly everybody does or nobody. Name any of {suited}."
            )
    if set(learners) <= {"nobody"}:
        raise SettingError(f"No learner is named beside 'nobody'. Name at least one of {suited}.")
    wanted = {"nobody": usual["nobody"], **{name: usual.get(name, 0.35) for name in learners}}
    return {name: weight / sum(wanted.values()) for name, weight in wanted.items()}


def _check(history: History) -> None:
    """Refuse a history that no effect can be learned from."""
    if not history.actions or not (history.arm < 0).any():
        raise DataError(
            f"Effects need rows of control ({history.roles.control!r}) and of one other arm at least;"
            f" found {int((history.arm < 0).sum())} and {int((history.arm >= 0).sum())}."
        )
    if history.features.num_columns == 0:
        raise DataError(
            "The history has no feature column to tell customers apart by; at least one is needed."
        )


def assign_folds(cluster: npt.NDArray[np.int64], folds: int, seed: int) -> npt.NDArray[np.int8]:
    """Return the fold of every row, (n,); all rows of a customer or household share one.

    Raises:
        SettingError: There are fewer clusters than folds.
    """
    unique, code = np.unique(cluster, return_inverse=True)
    if len(unique) < folds:
        raise SettingError(f"The history holds {len(unique)} customers; {folds} folds need at least as many.")
    place = np.random.default_rng(seed).permutation(len(unique)) % folds
    return place[code].astype(np.int8)


def _check_parts(arm: Ints, fold: npt.NDArray[np.int8], pairs: list[tuple[int, int]]) -> None:
    """Refuse a history where some pair of folds leaves no control or no treated rows to learn from."""
    for pair in pairs:
        control = arm[~np.isin(fold, pair)] < 0
        if control.all() or not control.any():
            raise DataError(
                f"Without two of the {fold.max() + 1} folds, {control.sum()} of {len(control)} rows are control;"
                " both control and treated rows are needed to learn from. Give a longer history."
            )


def fit_member(sample: Sample, names: tuple[str, ...], pair: tuple[int, int]) -> Member:
    """Fit the baseline, the response model and every candidate on one set of rows."""
    baseline = Baseline.fit(sample)
    learners: list[Learner] = [load("uplift.learners", name)().fit(sample, baseline) for name in names]
    response = (
        grow(
            sample.codes,
            sample.response.astype(np.float64),
            objective="binary",
            trees=100,
            leaves=8,
            rows_per_leaf=leaf_rows(len(sample), 300),
            categories=sample.categories,
        )
        if sample.two_part
        else None
    )
    return Member(pair, names, baseline, tuple(learners), response)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One fold's rule, and what it and its models say of the fold's own rows; fields as in `Effects`."""

    rule: Rule
    rows: npt.NDArray[np.intp]
    uniform: Floats
    columns: dict[str, Floats]


def _shares(sample: Sample, rows: npt.NDArray[np.bool_]) -> Floats:
    counts = np.bincount(sample.arm[rows & (sample.arm >= 0)], minlength=len(sample.space))
    return np.asarray(counts / max(counts.sum(), 1), np.float64)


def _scores(sample: Sample, cate: Floats, baseline: Floats) -> Floats:
    return aipw(cate, baseline, sample.arm, sample.outcome, sample.propensity)


def _judge(
    sample: Sample, fold: npt.NDArray[np.int8], views: dict[tuple[int, int], Views], k: int, prior: Floats
) -> _Judged:
    """Make the rule for fold k from the other folds, and apply it to fold k."""
    mine = {pair: seen for pair, seen in views.items() if k in pair}
    shares = _shares(sample, fold != k)
    candidates: list[list[Singles]] = []
    gamma: list[Floats] = []
    for pair, seen in mine.items():
        other = pair[0] if pair[1] == k else pair[1]
        candidates.append(seen[other].predicted)
        gamma.append(_scores(sample.take(fold == other), seen[other].reference, seen[other].baseline))
    scores = np.concatenate(gamma)
    expected = np.concatenate([_mix(predicted, prior[1:]) for predicted in candidates])
    noise = evidence_noise(expected, scores, shares)
    moments = [Moments.of(one, seen, shares) for one, seen in zip(candidates, gamma, strict=True)]
    total = Moments(
        gram=np.pad(sum((part.gram for part in moments), np.zeros((1, 1))), (1, 0)),
        cross=np.pad(sum((part.cross for part in moments), np.zeros(1)), (1, 0)),
        rows=len(scores),
    )
    weights = q_aggregate(total, prior, noise)[1:]
    combined = np.concatenate([_mix(predicted, weights) for predicted in candidates])
    calibration = Calibration.of(combined, scores, shares)
    rule = Rule(
        fold=k,
        weights=weights,
        spread=calibration.spread.shrunk,
        level=calibration.level.shrunk,
        shift=calibration.shift,
    )
    uniform = shrink(scores.mean(axis=0), scores.std(axis=0) / np.sqrt(len(scores)), sample.space.channel)
    rows = np.flatnonzero(fold == k)
    return _Judged(
        rule, rows, uniform, _apply(sample.take(rows), [seen[k] for seen in mine.values()], rule, shares)
    )


def _mix(predicted: list[Singles], weights: Floats) -> Floats:
    mixed = np.zeros(predicted[0].shape)
    for weight, cate in zip(weights, predicted, strict=True):
        if weight != 0:
            mixed += weight * cate
    return mixed


def _apply(part: Sample, views: list[View], rule: Rule, shares: Floats) -> dict[str, Floats]:
    """Return what a fold's rule and models say of the fold's own rows."""
    each = np.stack([rule.combine(view.predicted) for view in views])
    candidates = [_mean([view.predicted[j] for view in views]) for j in range(len(rule.weights))]
    baseline = _mean([view.baseline for view in views])
    scores = _scores(part, np.mean(candidates, axis=0), baseline)
    jackknife = (len(views) - 1) / len(views)
    gains = [((2 * scores - one) * one * shares).sum(axis=1) for one in candidates]
    cate = each.mean(axis=0)
    return {
        "cate": cate,
        "se": np.sqrt(jackknife * ((each - cate) ** 2).sum(axis=0)),
        "scores": scores,
        "response_score": _mean([view.response_score for view in views]),
        "baseline": baseline,
        "gain": np.stack(gains, axis=1),
        "response_evidence": _response_evidence(part, views, cate, shares),
    }


def _mean(parts: Sequence[npt.NDArray[np.floating]]) -> Floats:
    return np.asarray(np.mean(parts, axis=0, dtype=np.float64))


def _response_evidence(part: Sample, views: list[View], cate: Floats, shares: Floats) -> Floats:
    """Return the numerator and denominator, (n, 2), of the slope of responses' effects on predicted differences.

    Responses are much less noisy than money: scores for the response, times the margin of a response, show
    differences between customers that scores for money may leave in the noise.
    """
    size, chance = _mean([view.size for view in views]), _mean([view.chance for view in views])
    gain = _mean([view.gain for view in views])
    scores = aipw(gain, chance, part.arm, part.response.astype(np.float64), part.propensity) * size[:, None]
    spread, seen = cate - cate.mean(axis=0), scores - scores.mean(axis=0)
    return np.stack([(spread * seen * shares).sum(axis=1), (spread**2 * shares).sum(axis=1)], axis=1)


def _assemble(
    history: History,
    encoder: Encoder,
    sample: Sample,
    fold: npt.NDArray[np.int8],
    members: tuple[Member, ...],
    judged: list[_Judged],
) -> Effects:
    """Put the folds' rows back into the history's order."""
    order = np.concatenate([part.rows for part in judged])
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))

    columns = {
        name: np.concatenate([part.columns[name] for part in judged])[place] for name in judged[0].columns
    }
    return Effects(
        actions=history.actions,
        history=history,
        encoder=encoder,
        members=members,
        rules=tuple(part.rule for part in judged),
        fold=fold,
        uniform=np.stack([part.uniform for part in judged]),
        shares=_shares(sample, np.ones(len(sample), bool)),
        **columns,
    )
