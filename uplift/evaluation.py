"""How good effects are, on customers whose outcomes the rule that scored them never saw."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from .effects import Effects
from .estimates import Estimate
from .history import Arm
from .sample import Floats


def cluster_mean(
    values: Floats, cluster: npt.NDArray[np.int64], *, weights: Floats | None = None, level: float = 0.9
) -> Estimate:
    """Return the weighted mean of rows with a standard error that allows for several rows a customer.

    Args:
        values: (n,) values.
        cluster: (n,) number of the customer or household of each row.
        weights: (n,) weights, or None for equal ones.
        level: Coverage of the two-sided interval.
    """
    weight = np.ones(len(values)) if weights is None else weights
    mean = float((weight * values).sum() / weight.sum())
    _, code = np.unique(cluster, return_inverse=True)
    influence = np.bincount(code, weights=weight * (values - mean))
    groups = len(influence)
    se = float(np.sqrt((influence**2).sum() * groups / max(groups - 1, 1)) / weight.sum())
    return Estimate.normal(mean, se, level=level, n=len(values))


@dataclass(frozen=True, slots=True)
class Average:
    """The average effect of one action, in money per customer, with the rows it rests on."""

    arm: Arm
    effect: Estimate
    rows: int
    buyers: int


def average_effects(effects: Effects, level: float = 0.9) -> list[Average]:
    """Return each action's average effect (AIPW) over the history's customers."""
    history = effects.history
    return [
        Average(
            arm,
            cluster_mean(effects.scores[:, a], history.cluster, level=level),
            int((history.arm == a).sum()),
            int(history.response[history.arm == a].sum()),
        )
        for a, arm in enumerate(effects.actions)
    ]


def heterogeneity(effects: Effects, level: float = 0.9) -> Estimate:
    """Return how much of the predicted differences between customers held-out customers showed.

    The slope of AIPW scores on τ̂ − mean τ̂ within each action, weighted by the actions' shares: 1 when predicted
    differences are real at their level, 0 when they are noise. An interval that includes 0 means that nothing
    can be said about who should get an action (the best linear predictor of Chernozhukov, Demirer, Duflo and
    Fernández-Val, 2018). Where no differences were predicted the slope is 0 with an infinite error.
    """
    spread = effects.cate - effects.cate.mean(axis=0)
    centred = effects.scores - effects.scores.mean(axis=0)
    return _slope(effects, spread, centred, level=level, nothing=0.0)


def response_heterogeneity(effects: Effects, level: float = 0.9) -> Estimate:
    """Return the same slope where responses, valued at the margin of a response, take the place of money.

    Less noisy than money; blind to effects on how much a responder spends.
    """
    product, square = effects.response_evidence[:, 0], effects.response_evidence[:, 1]
    return _ratio(product, square, effects.history.cluster, level=level, nothing=0.0)


@dataclass(frozen=True, slots=True)
class Decile:
    """Customers of one tenth of predicted effect: what was predicted, and what was seen."""

    decile: int
    predicted: float
    observed: Estimate


def deciles(
    effects: Effects, costs: Floats | None = None, *, level: float = 0.9, parts: int = 10
) -> list[Decile]:
    """Return predicted against observed effect of the recommended action, by tenths of the prediction.

    Args:
        effects: The effects.
        costs: (k,) money per contact; the action recommended to a customer is the best after cost.
        level: Coverage of the intervals.
        parts: Number of groups; the first has the highest predictions.
    """
    net = effects.cate - (0.0 if costs is None else costs)
    best = net.argmax(axis=1)
    rows = np.arange(len(best))
    predicted, observed = effects.cate[rows, best], effects.scores[rows, best]
    order = np.argsort(-predicted, kind="stable")
    cluster = effects.history.cluster
    return [
        Decile(
            place + 1,
            float(predicted[group].mean()),
            cluster_mean(observed[group], cluster[group], level=level),
        )
        for place, group in enumerate(np.array_split(order, parts))
    ]


def calibration(effects: Effects, level: float = 0.9) -> Estimate:
    """Return the slope of observed on predicted effect through the origin, over all actions: 1 is right."""
    return _slope(effects, effects.cate, effects.scores, level=level, nothing=1.0)


def _slope(
    effects: Effects, predicted: Floats, observed: Floats, *, level: float, nothing: float
) -> Estimate:
    """Return the share-weighted slope of observed on predicted through the origin."""
    square = (predicted**2 * effects.shares).sum(axis=1)
    product = (predicted * observed * effects.shares).sum(axis=1)
    return _ratio(product, square, effects.history.cluster, level=level, nothing=nothing)


def _ratio(
    product: Floats, square: Floats, cluster: npt.NDArray[np.int64], *, level: float, nothing: float
) -> Estimate:
    """Return Σ product / Σ square with a cluster-robust error; `nothing`, infinitely unsure, where Σ square is 0."""
    total = float(square.sum())
    if total <= 1e-12 * len(square):
        return Estimate.normal(nothing, float("inf"), level=level, n=len(square))
    slope = float(product.sum()) / total
    _, code = np.unique(cluster, return_inverse=True)
    influence = np.bincount(code, weights=product - slope * square)
    return Estimate.normal(slope, float(np.sqrt((influence**2).sum())) / total, level=level, n=len(square))


def response_quality(effects: Effects, level: float = 0.9) -> dict[str, float | int | None]:
    """Return how well the baseline response model ranks held-out customers: AUC with its interval.

    The standard error is Hanley and McNeil's (1982).
    """
    response = effects.history.response
    buyers, others = int(response.sum()), int((~response).sum())
    facts: dict[str, float | int | None] = {"buyers": buyers, "rate": buyers / len(response)}
    if not buyers or not others:
        return {"auc": None, "lower": None, "upper": None, **facts}
    auc = float(roc_auc_score(response, effects.response_score))
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (buyers - 1) * (one - auc**2) + (others - 1) * (two - auc**2)) / (
        buyers * others
    )
    half = NormalDist().inv_cdf(0.5 + level / 2) * float(np.sqrt(variance))
    return {"auc": auc, "lower": auc - half, "upper": auc + half, **facts}


def finite(value: float) -> float | None:
    """Return the number, or None where it is not one (which JSON cannot hold)."""
    return float(value) if np.isfinite(value) else None


def interval(estimate: Estimate) -> dict[str, float | None]:
    """Return point, lower and upper of an estimate as plain data."""
    return {name: finite(getattr(estimate, name)) for name in ("point", "lower", "upper")}


def place(arm: Arm, *, single: bool) -> dict[str, Any]:
    """Return how an arm is named in tables: channel and send time, or arm where there is one column of arms."""
    return {"arm": arm.channel} if single else {"channel": arm.channel, "send_time": arm.send_time}


def candidates(effects: Effects) -> list[dict[str, Any]]:
    """Return every candidate's share in the combination and its held-out gain over "nobody", with its error."""
    cluster = effects.history.cluster
    rows: list[dict[str, Any]] = []
    for j, (name, weight) in enumerate(effects.learners()):
        gain = Estimate.normal(0.0, 0.0) if j == 0 else cluster_mean(effects.gain[:, j - 1], cluster)
        rows.append({"learner": name, "weight": weight, "gain": gain.point, "gain_se": gain.se})
    return rows


def describe(effects: Effects, costs: Floats | None = None, *, level: float = 0.9) -> dict[str, Any]:
    """Return all of the above as plain data, the way reports and JSON hold it."""
    single = effects.history.roles.treatment is not None
    return {
        "average_effects": [
            {**place(item.arm, single=single), **interval(item.effect), "n": item.rows, "buyers": item.buyers}
            for item in average_effects(effects, level)
        ],
        "candidates": candidates(effects),
        "response_model": response_quality(effects, level),
        "deciles": [
            {
                "decile": item.decile,
                "n": item.observed.n,
                "predicted": item.predicted,
                "observed": item.observed.point,
                "lower": item.observed.lower,
                "upper": item.observed.upper,
            }
            for item in deciles(effects, costs, level=level)
        ],
        "calibration": _told(calibration(effects, level)),
        "heterogeneity": _told(heterogeneity(effects, level)),
        "learner": in_words(effects),
    }


def _told(slope: Estimate) -> dict[str, float | None]:
    """Return a slope and its interval as plain data."""
    return {"slope": slope.point, "lower": finite(slope.lower), "upper": finite(slope.upper)}


def in_words(effects: Effects) -> str:
    """Return the combination in one line, as in "offset 55 %, two-part X 30 %, same effect for all 15 %"."""
    words = {
        "average": "same effect for all",
        "proportional": "same lift for all",
        "t": "T",
        "x": "X",
        "two-part-x": "two-part X",
        "offset": "offset",
    }
    parts = sorted(effects.learners(), key=lambda part: -part[1])
    return ", ".join(f"{words.get(name, name)} {weight:.0%}" for name, weight in parts if weight >= 0.005)
