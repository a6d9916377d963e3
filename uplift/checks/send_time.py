"""G11: was the send time randomised where a claim about send times would be made?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..findings import Finding
from ..history import History
from .arms import group_names, groups
from .balance import MAX_SMD, REFUSE_BELOW, worst
from .features import encode
from .moments import Balance, Contrast, balance
from .separability import Separation, separation
from .words import p_in_words

NEXT = (
    "Plan with one send time per channel, or randomise the send time of some customers and log its "
    "probability (--probability)."
)


def check_send_time(history: History, *, seed: int = 0) -> tuple[Finding, ...]:
    """Return gate G11: within each channel, features must not predict the send time, given its probability.

    Refuses where the weighted standardised mean difference (SMD) of one send time from the channel's others
    is beyond .1 with p < .001 after Bonferroni or, where no probabilities are known, where a held-out
    classifier tells send times apart: the lower bound of its area under the ROC curve is above .5.
    """
    channels = _channels(history)
    if not channels:
        return (_no_claim(),)
    features = encode(history.features)
    measured = balance(history, features, _contrasts(history, channels))
    finding = _judge(measured, len(channels))
    if finding.verdict == "refuse" or history.propensity_known:
        return (finding,)
    for number, (channel, members) in enumerate(channels.items()):
        told = separation(features, _labels(history, members), history.cluster, seed=seed + number)
        if told is not None and told.lower > 0.5:
            return (_predictable(told, channel, group_names(history)[members[told.label]]),)
    return (finding,)


def _channels(history: History) -> dict[str, tuple[int, ...]]:
    """Return the groups of each channel whose rows were sent at two times or more."""
    found: dict[str, list[int]] = {}
    present = set(np.unique(groups(history)).tolist())
    for number, action in enumerate(history.actions, start=1):
        if action.send_time is not None and number in present:
            found.setdefault(action.channel, []).append(number)
    return {channel: tuple(members) for channel, members in found.items() if len(members) > 1}


def _contrasts(history: History, channels: dict[str, tuple[int, ...]]) -> list[Contrast]:
    names = group_names(history)
    out = []
    for members in channels.values():
        # Two send times are one comparison, not two.
        for one in members if len(members) > 2 else members[:1]:
            out.append(Contrast(repr(names[one]), (one,), tuple(m for m in members if m != one)))
    return out


def _labels(history: History, members: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return (n,) which of a channel's groups a row is in, −1 for other channels and control."""
    place = np.full(len(history.actions) + 1, -1, dtype=np.int64)
    place[list(members)] = np.arange(len(members))
    out: npt.NDArray[np.int64] = place[groups(history)]
    return out


def _no_claim() -> Finding:
    return Finding(
        code="G11",
        verdict="ok",
        message="No channel was used at two send times or more, so no claim about send times is made.",
    )


def _judge(measured: Balance, channels: int) -> Finding:
    if not measured.smd.size:
        return Finding(
            code="G11",
            verdict="ok",
            message="There is no feature that varies, so none that could predict the send time.",
        )
    column, contrast = worst(measured)
    smd, p = float(measured.smd[column, contrast]), float(measured.p[column, contrast])
    refused = abs(smd) > MAX_SMD and p < REFUSE_BELOW
    begin = (
        "The send time was not randomised"
        if refused
        else f"Send times look randomised in {channels} channel(s)"
    )
    return Finding(
        code="G11",
        verdict="refuse" if refused else "ok",
        measured=abs(smd),
        threshold=MAX_SMD,
        message=f"{begin}: at most, {measured.columns[column]!r} differs by {smd:+.3f} standard deviations "
        f"between {measured.contrasts[contrast].name} and the channel's other send times ({p_in_words(p)}).",
        next=NEXT if refused else "",
    )


def _predictable(told: Separation, channel: str, arm: str) -> Finding:
    return Finding(
        code="G11",
        verdict="refuse",
        measured=told.auc,
        threshold=0.5,
        message=f"The send time of {channel!r} was not randomised: on held-out rows the features tell "
        f"{arm!r} from the channel's other send times with AUC {told.auc:.3f} "
        f"(lower bound {told.lower:.3f}).",
        next=NEXT,
    )
