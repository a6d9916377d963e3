"""Request: what was asked for, beside effects, audience and actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uplift.errors import SettingError

from .actions import Segment
from .constraints import Rule


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, beside effects, audience and actions."""

    budget: float
    constraints: Sequence[Segment | Rule]
    holdout: float
    min_roi: float
    level: float
    risk_aversion: float
    seed: int
    overrides: frozenset[str]
    currency: str

    def check(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            SettingError: A number is out of its range.
        """
        if not (np.isfinite(self.budget) and self.budget >= 0):
            raise SettingError(f"The budget is {self.budget}; an amount of 0 or more is needed.")
        if not 0 <= self.holdout < 1:
            raise SettingError(
                f"The holdout is {self.holdout}; a share from 0 to below 1 is needed, as in 0.05."
            )
        if not 0 < self.level < 1:
            raise SettingError(f"The level is {self.level}; a share between 0 and 1 is needed, as in 0.9.")
        if not (np.isfinite(self.risk_aversion) and self.risk_aversion >= 0):
            raise SettingError(f"risk_aversion is {self.risk_aversion}; a number of 0 or more is needed.")
