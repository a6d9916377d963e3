"""Is the experiment what it was designed to be? The sample ratio comes first."""

from __future__ import annotations

from collections.abc import Sequence

from uplift.checks.srm import SRM
from uplift.checks.srm import srm as chi_square


def srm(counts: Sequence[float], shares: Sequence[float] | None = None) -> SRM:
    """Return the test for sample ratio mismatch (SRM) of `uplift.checks.srm.srm`.

    >>> round(srm([502, 498], shares=[0.5, 0.5]).p, 3)
    0.899
    """
    return chi_square(counts, shares)
