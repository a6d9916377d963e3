from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uplift.checks import check_adequacy, check_money
from uplift.history import History


def with_buyers(history: History, arm: int, buyers: int) -> History:
    """Return the history with so many buyers in one arm, and everybody buying in the others."""
    response = history.arm != arm
    response[np.flatnonzero(history.arm == arm)[:buyers]] = True
    return replace(history, response=response, outcome=np.where(response, 10.0, 0.0))


@pytest.mark.parametrize(
    ("buyers", "verdict"), [(0, "refuse"), (29, "refuse"), (30, "warn"), (99, "warn"), (100, "ok")]
)
@pytest.mark.parametrize("arm", [-1, 3])
def test_the_smallest_arm_needs_30_buyers_and_better_100(
    clean: History, arm: int, buyers: int, verdict: str
) -> None:
    (finding,) = check_adequacy(with_buyers(clean, arm, buyers))
    assert (finding.code, finding.verdict, finding.measured) == ("G6", verdict, buyers)
    assert ("none" if arm < 0 else clean.actions[arm].label) in finding.message
    assert bool(finding.next) == (verdict != "ok")


def test_rows_count_where_the_outcome_is_never_0(clean: History) -> None:
    history = replace(clean, outcome=clean.outcome + 1, response=clean.arm < 0)
    (finding,) = check_adequacy(history)
    assert finding.measured == np.bincount(clean.arm + 1).min()
    assert "rows" in finding.message


def test_money_needs_currency_costs_and_a_positive_margin(clean: History) -> None:
    assert check_money(clean)[0].verdict == "ok"
    assert "a currency" in check_money(clean, currency=None)[0].message
    assert "costs" in check_money(clean, costs_given=False)[0].message
    for margin in (0.0, -1.0, float("nan")):
        roles = replace(clean.roles, margin=margin)
        assert check_money(replace(clean, roles=roles))[0].verdict == "refuse"


def test_everything_that_money_lacks_is_named_at_once(clean: History) -> None:
    (finding,) = check_money(clean, currency="", costs_given=False)
    assert (finding.code, finding.verdict, finding.measured) == ("G9", "refuse", 2)
    assert "a currency and the costs" in finding.message
