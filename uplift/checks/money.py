"""G9: can anything be said in money?"""

from __future__ import annotations

import math

from ..findings import Finding
from ..history import History


def check_money(
    history: History, *, currency: str | None = "USD", costs_given: bool = True
) -> tuple[Finding, ...]:
    """Return gate G9: a currency, costs and a positive margin are there."""
    missing = {
        "a currency": bool(currency),
        "the costs of the actions": costs_given,
        f"a positive margin (found {history.roles.margin:g})": math.isfinite(history.roles.margin)
        and history.roles.margin > 0,
    }
    lacking = [name for name, there in missing.items() if not there]
    if not lacking:
        return (
            Finding(
                code="G9",
                verdict="ok",
                measured=0.0,
                threshold=0.0,
                message=f"Currency ({currency}), costs and margin ({history.roles.margin:g}) are given.",
            ),
        )
    return (
        Finding(
            code="G9",
            verdict="refuse",
            measured=float(len(lacking)),
            threshold=0.0,
            message=f"Nothing can be claimed in money without {' and '.join(lacking)}.",
            next="Give currency in uplift.toml, each action's cost with --cost LABEL=AMOUNT, and the "
            "margin with --margin.",
        ),
    )
