"""G6: are there enough buyers in the smallest arm for an interval in money to mean anything?"""

from __future__ import annotations

import numpy as np

from ..findings import Finding, Verdict
from ..history import History
from .arms import group_names, groups

REFUSE_BELOW = 30
WARN_BELOW = 100


def check_adequacy(history: History) -> tuple[Finding, ...]:
    """Return gate G6: 30 buyers (warn below 100) in every arm, control included.

    At 1 buyer an A/A test of revenue "wins" 43 % of the time, at 58 buyers 6.8 %. Where the outcome is never
    0 there are no buyers to count, and rows count.
    """
    everybody = bool(np.all(history.outcome != 0))
    counted = np.ones(len(history)) if everybody else history.response.astype(np.float64)
    buyers = np.bincount(groups(history), weights=counted, minlength=len(history.actions) + 1)
    smallest = int(np.argmin(buyers))
    least = int(buyers[smallest])
    verdict: Verdict = "refuse" if least < REFUSE_BELOW else "warn" if least < WARN_BELOW else "ok"
    noun = "rows" if everybody else "buyers"
    return (
        Finding(
            code="G6",
            verdict=verdict,
            measured=float(least),
            threshold=float(REFUSE_BELOW if verdict == "refuse" else WARN_BELOW),
            message=f"The smallest arm, {group_names(history)[smallest]!r}, has {least:,} {noun}; an "
            f"interval in money needs {REFUSE_BELOW}, a good one {WARN_BELOW}.",
            next=""
            if verdict == "ok"
            else "Collect more of this arm, merge it with a similar one, or leave it out of the history.",
        ),
    )
