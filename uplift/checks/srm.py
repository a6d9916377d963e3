"""Sample ratio mismatch: do the arms have the sizes that were designed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from ..errors import DataError, SettingError


@dataclass(frozen=True, slots=True)
class SRM:
    """A chi-square test of the arms' sizes against their designed shares.

    Attributes:
        statistic: Pearson's chi-square, with one degree of freedom less than there are arms.
        p: Probability of a statistic at least as large when the design was kept.
        observed: Share of the customers found in each arm.
        expected: Share designed for each arm; they add up to 1.
        n: Customers in all arms.
    """

    statistic: float
    p: float
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    n: int

    def __str__(self) -> str:
        """Say the result in one sentence."""
        found = " / ".join(f"{share:.2%}" for share in self.observed)
        designed = " / ".join(f"{share:.2%}" for share in self.expected)
        return (
            f"{self.n:,} customers split {found} where {designed} was designed: "
            f"chi-square {self.statistic:.3f}, p = {self.p:.3g}."
        )


def srm(counts: Sequence[float], shares: Sequence[float] | None = None) -> SRM:
    """Return the sample ratio mismatch (SRM) test: Σ (nₐ − n·sₐ)² / (n·sₐ) against chi-square, arms − 1 df.

    Valid where customers were assigned independently of each other, with about 8 expected in every arm or
    more.

    Args:
        counts: Customers in each arm, (arms,).
        shares: Designed share of each arm, (arms,), in any unit (they are divided by their sum); None for
        equal.

    Raises:
        DataError: The counts are not two or more whole numbers ≥ 0 with a positive sum.
        SettingError: The shares are not as many positive numbers.

    References:
        Fabijan et al., Diagnosing sample ratio mismatch in online controlled experiments (2019).

    >>> f"{srm([821588, 815482]).p:.4e}"
    '1.8218e-06'
    """
    found = _counts(counts)
    designed = _shares(shares, len(found))
    n = found.sum()
    statistic = float((np.square(found - n * designed) / (n * designed)).sum())
    return SRM(
        statistic=statistic,
        p=float(chdtrc(len(found) - 1, statistic)),
        observed=tuple((found / n).tolist()),
        expected=tuple(designed.tolist()),
        n=int(n),
    )


def _counts(counts: Sequence[float]) -> npt.NDArray[np.float64]:
    found = np.asarray(counts, dtype=np.float64)
    if found.ndim != 1 or len(found) < 2:
        raise DataError(
            f"A split needs the sizes of two arms or more, found {counts!r}: give one count per arm."
        )
    whole = np.isfinite(found) & (found >= 0) & (found == np.floor(found))
    if not whole.all() or found.sum() == 0:
        raise DataError(
            f"The arms' sizes must be whole numbers of customers, not all 0, found {list(counts)!r}: "
            "give counts, not shares."
        )
    return found


def _shares(shares: Sequence[float] | None, arms: int) -> npt.NDArray[np.float64]:
    designed = np.ones(arms) if shares is None else np.asarray(shares, dtype=np.float64)
    if designed.shape != (arms,):
        raise SettingError(
            f"{arms} arms need {arms} designed shares, found {shares!r}: give one share per arm."
        )
    if not (np.isfinite(designed) & (designed > 0)).all():
        raise SettingError(
            f"Designed shares must be positive, found {shares!r}: leave out arms that nobody was to get."
        )
    out: npt.NDArray[np.float64] = designed / designed.sum()
    return out
