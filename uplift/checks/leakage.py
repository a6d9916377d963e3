"""G4: is anything in the history that could only be known after the assignment?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..findings import Finding
from ..history import Floats, History
from .arms import group_names, group_rows
from .balance import against_control
from .dates import check_dates
from .features import Feature, encode
from .moments import Balance, balance
from .ranks import auc, midranks
from .words import p_in_words, says_happened, sounds_after

# A single feature that orders customers by response this well is the response, or part of it.
MAX_AUC = 0.90
# From here on a feature that also responds to the assignment is taken for a consequence of it.
RELATED_AUC = 0.75
MAX_RANK_CORRELATION = 0.98
RESPONDS_BELOW = 1e-6
MIN_CLASS_ROWS = 20
# A flag that no buyer lacks, or that nobody else has: so many exceptions would have been expected of a
# feature that has nothing to do with response. None among 140 bounds their rate, at 99.9 %, to a twentieth.
MIN_EXPECTED_EXCEPTIONS = 140.0
# A flag that few customers lack may well be a condition for buying.
MIN_ABSENT_SHARE = 0.2


def check_leakage(history: History) -> tuple[Finding, ...]:
    """Return gate G4: no feature, arm or outcome belongs to the wrong side of the assignment.

    Refuses (a) features that respond to the assignment (weighted balance p < 1e-6 after Bonferroni) and look
    like its consequence: by name, by relation to the response, or for being the same for all control rows;
    (b) features that nearly are the response: single-feature AUC ≥ .90, no response without them, or
    nothing but responses with them; (c) arms that say what was delivered, opened or clicked; (d) outcomes
    dated before their assignment.
    """
    features = encode(history.features)
    related = {feature.name: _relation(feature, history) for feature in features}
    near = {name: words for name, (strength, words) in related.items() if strength >= MAX_AUC and words}
    found = (
        *_arm_columns(history),
        *check_dates(history),
        *_near_response(near, max((related[name][0] for name in near), default=0.0)),
        *_responding(history, [feature for feature in features if feature.name not in near], related),
    )
    return found or (_clean(related),)


def _clean(related: dict[str, tuple[float, str]]) -> Finding:
    strongest = max(related, key=lambda name: related[name][0], default=None)
    told = (
        ""
        if strongest is None
        else f"; the strongest, {strongest!r}, has AUC {related[strongest][0]:.2f} for response"
    )
    return Finding(
        code="G4",
        verdict="ok",
        measured=None if strongest is None else related[strongest][0],
        threshold=MAX_AUC,
        message=f"None of the {len(related)} features looks recorded after the assignment{told}.",
    )


def _arm_columns(history: History) -> Iterator[Finding]:
    """Yield a refusal for arms named after what customers received or did."""
    roles = history.roles
    columns = [
        name for name in (roles.treatment, roles.channel, roles.send_time) if name and says_happened(name)
    ]
    labels = [name for name in group_names(history) if says_happened(name)]
    if not columns and not labels:
        return
    what = " and ".join(
        [*(f"the column {name!r}" for name in columns), *(f"the label {name!r}" for name in labels)]
    )
    yield Finding(
        code="G4",
        verdict="refuse",
        measured=float(len(columns) + len(labels)),
        threshold=0.0,
        message=f"The arms say what was delivered or done rather than what was assigned ({what}); those "
        "who open or receive differ from those who do not, whatever was sent.",
        next="Name the column of what was assigned (sent or held out) with --treatment or --channel.",
    )


def _relation(feature: Feature, history: History) -> tuple[float, str]:
    """Return how nearly a feature is the response (AUC from .5 to 1), and in words why, if it is."""
    buyers = int(history.response.sum())
    if min(buyers, len(history) - buyers) < MIN_CLASS_ROWS:
        return _relation_to_outcome(feature, history)
    area = (
        _category_auc(feature, history.response) if feature.levels else _number_auc(feature, history.response)
    )
    if area >= MAX_AUC:
        return area, f"orders customers by response with AUC {area:.2f}"
    why = _implied(feature, history.response)
    return (1.0, why) if why else (area, "")


def _relation_to_outcome(feature: Feature, history: History) -> tuple[float, str]:
    """Return the same for an outcome that is never 0: by rank correlation."""
    known = ~np.isnan(feature.values)
    if feature.levels or _constant(history.outcome[known]) or _constant(feature.values[known]):
        return 0.5, ""
    rank = np.corrcoef(midranks(feature.values[known]), midranks(history.outcome[known]))[0, 1]
    strength = float(abs(rank))
    if strength >= MAX_RANK_CORRELATION:
        return 1.0, f"has rank correlation {strength:.2f} with the outcome"
    return 0.5 + strength / 4, ""


def _number_auc(feature: Feature, response: npt.NDArray[np.bool_]) -> float:
    """Return the AUC of a number in its better direction, or that of being missing if that is better."""
    missing = np.isnan(feature.values)
    areas = [
        auc(np.where(missing, -np.inf, feature.values), response),
        auc(missing.astype(np.float64), response),
    ]
    return max(max(area, 1 - area) for area in areas)


def _category_auc(feature: Feature, response: npt.NDArray[np.bool_]) -> float:
    """Return the AUC of levels ordered by response rate in every second row, on the rows between."""
    codes = np.where(np.isnan(feature.values), len(feature.levels), feature.values).astype(np.int64)
    size = len(feature.levels) + 1
    learn, hold = slice(0, None, 2), slice(1, None, 2)
    rows = np.bincount(codes[learn], minlength=size)
    buyers = np.bincount(codes[learn], weights=response[learn], minlength=size)
    rate = (buyers + response.mean()) / (rows + 1)
    if not 0 < response[hold].sum() < len(response[hold]):
        return 0.5
    return auc(rate[codes[hold]], response[hold])


def _implied(feature: Feature, response: npt.NDArray[np.bool_]) -> str:
    """Return in words that nobody buys without a flag, or that everybody with it does; nothing otherwise."""
    rate = float(response.mean())
    for name, flag in _flags(feature):
        # One of many levels may well be the only one that could buy: the country of the shop.
        lacking = 1 - float(flag.mean()) if len(feature.levels) <= 2 else 0.0
        expected = lacking * response.sum()
        if lacking >= MIN_ABSENT_SHARE and expected >= MIN_EXPECTED_EXCEPTIONS and flag[response].all():
            return f"{name} for all {response.sum():,} buyers and not for {lacking:.0%} of all rows"
        if flag.sum() * (1 - rate) >= MIN_EXPECTED_EXCEPTIONS and response[flag].all():
            return f"{name} for {flag.sum():,} rows, all of them buyers"
    return ""


def _flags(feature: Feature) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield in words, and as (n,) flags, what may be a trace of the response: being there, not 0, a level."""
    missing = np.isnan(feature.values)
    if missing.any():
        yield "is there", ~missing
    if not feature.levels:
        yield "is not 0", ~missing & (feature.values != 0)
    for code, level in enumerate(feature.levels):
        yield f"is {level!r}", feature.values == code


def _near_response(near: dict[str, str], strongest: float) -> Iterator[Finding]:
    if near:
        what = "; ".join(f"{name!r} {words}" for name, words in near.items())
        yield Finding(
            code="G4",
            verdict="refuse",
            measured=strongest,
            threshold=MAX_AUC,
            message=f"{_features_in_words(near)} almost the response itself, so recorded after the "
            f"assignment: {what}.",
            next=_exclude(near),
        )


def _responding(
    history: History, features: Sequence[Feature], related: dict[str, tuple[float, str]]
) -> Iterator[Finding]:
    """Yield a refusal for features that respond to the assignment and look like its consequence."""
    rows = group_rows(history)
    if rows[0] == 0 or rows[1:].sum() == 0:
        return
    measured = balance(history, features, against_control(history))
    moved = _moved(measured)
    control = history.arm < 0
    found = {
        feature.name: reason
        for feature in features
        if feature.name in moved and (reason := _consequence(feature, related[feature.name][0], control))
    }
    if not found:
        return
    least = max(moved[name] for name in found)
    what = "; ".join(f"{name!r} {reason} ({p_in_words(moved[name])})" for name, reason in found.items())
    yield Finding(
        code="G4",
        verdict="refuse",
        measured=least,
        threshold=RESPONDS_BELOW,
        message=f"{_features_in_words(found)} changed by the assignment, as only something recorded after "
        f"it is: {what}.",
        next=_exclude(found),
    )


def _moved(measured: Balance) -> dict[str, float]:
    """Return the p-value of each feature that responds to the assignment."""
    if not measured.p.size:
        return {}
    least: dict[str, float] = {}
    for name, p in zip(measured.features, measured.p.min(axis=1).tolist(), strict=True):
        least[name] = min(p, least.get(name, 1.0))
    return {name: p for name, p in least.items() if p < RESPONDS_BELOW}


def _consequence(feature: Feature, strength: float, control: npt.NDArray[np.bool_]) -> str:
    """Return in words why a feature that responds to the assignment must follow from it, or nothing."""
    if sounds_after(feature.name):
        return "is named after something that follows it"
    if _constant(feature.values[control]) and not _constant(feature.values[~control]):
        return "is the same for all control rows only"
    return f"predicts response with AUC {strength:.2f}" if strength >= RELATED_AUC else ""


def _constant(values: Floats) -> bool:
    missing = np.isnan(values)
    return bool(missing.all() or (not missing.any() and values.min() == values.max()))


def _features_in_words(names: Iterable[str]) -> str:
    listed = [repr(name) for name in names]
    return f"The feature {listed[0]} is" if len(listed) == 1 else f"The features {', '.join(listed)} are"


def _exclude(names: Iterable[str]) -> str:
    return "Leave what is not known before the assignment out: " + " ".join(
        f"--exclude {shlex.quote(name)}" for name in names
    )
