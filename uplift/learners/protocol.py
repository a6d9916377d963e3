"""The Learner protocol."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from ..encoder import Codes
from ..nuisance import Baseline
from ..sample import Sample


class Learner(Protocol):
    """Learns the effect of every action on the outcome, in money per customer.

    A learner sees a sample and the baseline that was fitted on the same rows; it never sees a row that its
    effects will be judged on. It declares nothing and keeps nothing but what `predict` needs.
    """

    def fit(self, sample: Sample, baseline: Baseline) -> Self:
        """Learn from a sample of n rows; returns self."""
        ...

    def predict(self, codes: Codes) -> npt.NDArray[np.float64]:
        """Return the CATE (n, k) of k actions against control, in money, for (n, d) codes."""
        ...
