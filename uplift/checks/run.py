"""All gates that a history alone can answer, in order."""

from __future__ import annotations

import numpy as np

from ..findings import Finding
from ..history import History
from .adequacy import check_adequacy
from .arms import check_arms
from .balance import check_balance
from .leakage import check_leakage
from .money import check_money
from .send_time import check_send_time
from .split import check_split


def check(
    history: History, *, currency: str | None = "USD", costs_given: bool = True, seed: int = 0
) -> tuple[Finding, ...]:
    """Return what the gates G1, G2, G3, G4, G6, G9 and G11 find in a history, passed ones included.

    What reading the table found (`history.findings`) is not repeated.

    Args:
        history: The campaign history.
        currency: The currency of its outcome, or None where nobody said.
        costs_given: Whether the actions' costs are known.
        seed: Draws the rows and folds of the classifiers that try to predict the assignment.
    """
    arms = check_arms(history)
    money = check_money(history, currency=currency, costs_given=costs_given)
    if not len(history) or not np.all((history.propensity > 0) & (history.propensity <= 1)):
        # G1 has refused, and what the other gates measure is weighted by these probabilities.
        return (*arms, *money)
    return (
        *arms,
        *check_split(history),
        *check_balance(history, seed=seed),
        *check_leakage(history),
        *check_adequacy(history),
        *money,
        *check_send_time(history, seed=seed),
    )
