"""G3: can the features tell who was given what, beyond the known probabilities?"""

from __future__ import annotations

import numpy as np

from ..findings import Finding, Verdict
from ..history import History
from .arms import constant_shares, group_names, group_rows
from .features import Feature, encode
from .moments import Balance, Contrast, balance
from .separability import Separation, separation
from .words import p_in_words

MAX_SMD = 0.1
REFUSE_BELOW = 0.001


def against_control(history: History) -> tuple[Contrast, ...]:
    """Return the comparisons of each action, and of all actions together, with control."""
    names = group_names(history)
    each = tuple(Contrast(repr(names[g]), (g,), (0,)) for g in range(1, len(names)))
    everybody = Contrast("all actions", tuple(range(1, len(names))), (0,))
    return (*each, everybody) if len(each) > 1 else each


def check_balance(history: History, *, seed: int = 0) -> tuple[Finding, ...]:
    """Return gate G3: the assignment must not be predictable from the features, given its probabilities.

    Refuses where a weighted standardised mean difference (SMD) of an arm from control is beyond .1 with
    p < .001 after Bonferroni or where, with one probability for all rows of an arm, a held-out classifier
    tells contacted customers from control: the lower bound of its area under the ROC curve is above .5.
    """
    rows = group_rows(history)
    if rows[0] == 0 or rows[1:].sum() == 0:
        return (_one_arm(),)
    features = encode(history.features)
    measured = balance(history, features, against_control(history))
    finding = _judge(measured)
    if finding.verdict == "refuse" or constant_shares(history) is None:
        return (finding,)
    told = separation(features, (history.arm >= 0).astype(np.int64), history.cluster, seed=seed)
    return (finding,) if told is None or told.lower <= 0.5 else (_predictable(told, features),)


def worst(measured: Balance) -> tuple[int, int]:
    """Return (column, contrast) of the largest |SMD| with p < .001, or of all if there is none."""
    size = np.abs(measured.smd)
    clear = np.where(measured.p < REFUSE_BELOW, size, -1.0)
    chosen = clear if clear.max() > MAX_SMD else size
    column, contrast = np.unravel_index(int(np.argmax(chosen)), size.shape)
    return int(column), int(contrast)


def _one_arm() -> Finding:
    return Finding(
        code="G3",
        verdict="warn",
        message="Balance could not be measured: there is no control or nothing else (see G1).",
        next="Add the missing arm.",
    )


def _judge(measured: Balance) -> Finding:
    if not measured.smd.size:
        return Finding(
            code="G3",
            verdict="ok",
            message="There is no feature that varies, so none that could predict the assignment.",
        )
    column, contrast = worst(measured)
    smd, p = measured.smd[column, contrast], measured.p[column, contrast]
    verdict: Verdict = "refuse" if abs(smd) > MAX_SMD and p < REFUSE_BELOW else "ok"
    versus = measured.contrasts[contrast].name
    what = (
        f"{measured.columns[column]!r} differs by {smd:+.3f} standard deviations between {versus} and control"
    )
    refused = verdict == "refuse"
    begin = (
        "The assignment is predictable from the features" if refused else "The arms are alike but for chance"
    )
    return Finding(
        code="G3",
        verdict=verdict,
        measured=abs(float(smd)),
        threshold=MAX_SMD,
        message=f"{begin}: at most, {what} ({p_in_words(p)} after {measured.smd.size:,} tests).",
        next="" if verdict == "ok" else _next(measured.features[column]),
    )


def _next(feature: str) -> str:
    return (
        "Name the column of logged assignment probabilities with --probability, or leave a column that was "
        f"recorded after the assignment out (--exclude {feature!r})."
    )


def _predictable(told: Separation, features: tuple[Feature, ...]) -> Finding:
    return Finding(
        code="G3",
        verdict="refuse",
        measured=told.auc,
        threshold=0.5,
        message=f"The assignment is predictable from the features: a classifier on {len(features)} "
        f"features tells contacted customers from control on held-out rows with AUC {told.auc:.3f} "
        f"(lower bound {told.lower:.3f}).",
        next="Name the column of logged probabilities with --probability, or find out what decided.",
    )
