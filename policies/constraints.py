"""Rule: a bound on the contacts, the cost or the margin of some actions for some customers."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from uplift.errors import SettingError, did_you_mean

Measure = Literal["contacts", "cost", "margin"]
MEASURES: tuple[Measure, ...] = ("contacts", "cost", "margin")


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A bound on what a plan may or must do: at_least <= sum of the measure <= at_most.

    Attributes:
        name: What prices and messages call it.
        of: What is summed over the chosen (customer, action) pairs: "contacts" counts them, "cost" adds their
            costs, "margin" adds their values (before cost).
        actions: The columns of `values` that count; None counts all.
        customers: (n,) mask of the customers that count; None counts all.
        at_most: The upper bound; None or infinity for none.
        at_least: The lower bound; None or minus infinity for none.

    Raises:
        SettingError: The measure is unknown, no bound is given, a bound is not a number, the bounds cross, or the
            actions or customers are not what they should be.

    >>> Rule("sms capacity", actions=[3, 4], at_most=10_000).of
    'contacts'
    """

    name: str
    of: Measure = "contacts"
    actions: Sequence[int] | None = None
    customers: npt.NDArray[np.bool_] | None = None
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if self.of not in MEASURES:
            hint = did_you_mean(str(self.of), MEASURES)
            raise SettingError(
                f"Rule {self.name!r} is of {self.of!r}; it can be of {', '.join(MEASURES)}.{hint}"
            )
        object.__setattr__(self, "at_most", self._bound("at_most", self.at_most, math.inf))
        object.__setattr__(self, "at_least", self._bound("at_least", self.at_least, -math.inf))
        self._check_bounds()
        object.__setattr__(self, "actions", self._columns())
        object.__setattr__(self, "customers", self._mask())

    def _bound(self, side: str, value: object, nothing: float) -> float | None:
        try:
            bound = None if value is None else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise SettingError(f"Rule {self.name!r} has {side}={value!r}; it must be a number.") from None
        if bound is not None and (math.isnan(bound) or bound == -nothing):
            raise SettingError(f"Rule {self.name!r} has {side}={bound}; it must be a finite number.")
        return None if bound == nothing else bound

    def _check_bounds(self) -> None:
        if self.at_most is None and self.at_least is None:
            raise SettingError(f"Rule {self.name!r} has no bound; give it at_most or at_least.")
        if self.of != "margin" and self.at_most is not None and self.at_most < 0:
            raise SettingError(
                f"Rule {self.name!r} allows at most {self.at_most:g} {self.of}, which no plan can keep; "
                "give it a bound of 0 or more."
            )
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise SettingError(
                f"Rule {self.name!r} asks for at least {self.at_least:g} and at most {self.at_most:g} {self.of}; "
                "lower the first or raise the second."
            )

    def _columns(self) -> tuple[int, ...] | None:
        if self.actions is None:
            return None
        try:
            columns = tuple(sorted({operator.index(action) for action in self.actions}))
        except TypeError:
            raise SettingError(
                f"Rule {self.name!r} names the actions {self.actions!r}; they must be column numbers of `values`."
            ) from None
        if not columns or columns[0] < 0:
            raise SettingError(
                f"Rule {self.name!r} names the actions {list(columns)}; name one or more columns from 0, "
                "or None for all."
            )
        return columns

    def _mask(self) -> npt.NDArray[np.bool_] | None:
        if self.customers is None:
            return None
        mask = np.asarray(self.customers)
        if mask.ndim != 1 or mask.dtype != np.bool_:
            raise SettingError(
                f"Rule {self.name!r} has customers of type {mask.dtype} and shape {mask.shape}; "
                "give one True or False for each customer."
            )
        return mask
