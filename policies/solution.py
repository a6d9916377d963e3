"""What an optimisation returns: who gets what, what that is worth, and the price of every rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from uplift.errors import UpliftError
from uplift.findings import Finding

Side = Literal["at_most", "at_least"]


class Infeasible(UpliftError):
    """No plan keeps all the rules; the message names those in conflict and by how much."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one more unit of a rule's bound changes the objective by.

    Attributes:
        rule: The rule's name; "budget" for the budget, "minimum ROI" for the return that was asked for.
        price: Change of the objective, in money, per unit that the bound is raised: ≥ 0 for "at_most" (raising a
            cap can only help), ≤ 0 for "at_least" (raising a floor can only cost), 0 where the rule does not bind.
        bound: The bound that the price belongs to; infinity where there is none.
        used: What the solution adds up to under the rule.
        binding: Whether the rule holds the objective back.
        side: Which of the rule's bounds this is: the one that binds, else the one that was given.
    """

    rule: str
    price: float
    bound: float
    used: float
    binding: bool
    side: Side


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Who gets what, with a certificate of how good that is.

    Attributes:
        action: (n,) column chosen for each customer, −1 for none.
        value: The objective attained: Σ weight · (value − cost) of the chosen actions, in money.
        spend: Σ weight · cost of the chosen actions, in money.
        upper_bound: No plan that keeps the rules is worth more: the value of the linear program's dual.
        prices: One for the budget, then one for each rule in the order given, then one for the minimum ROI if
            one was asked for.
        findings: What was odd about the inputs: cells that were masked.
    """

    action: npt.NDArray[np.int32]
    value: float
    spend: float
    upper_bound: float
    prices: tuple[Price, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def gap(self) -> float:
        """How much more the best plan could be worth, as a share: (upper_bound − value) / |upper_bound|."""
        missing = self.upper_bound - self.value
        return missing / abs(self.upper_bound) if self.upper_bound else missing
