"""Comparison and Readout: what a randomised campaign changed; both print as sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uplift.errors import DataError, did_you_mean
from uplift.estimates import Estimate
from uplift.findings import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ArmMean:
    """The outcome of one arm: its share of all rows, and its mean with an interval (Wilson's for 0/1)."""

    arm: str
    share: float
    mean: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one arm changed against control.

    Attributes:
        arm: The arm.
        control: What it is compared with.
        outcome: The outcome's name.
        effect: The headline: the adjusted difference where there are covariates, else the plain one.
        unadjusted: The difference of means: Welch's, or cluster-robust.
        lift: The headline relative to control's mean, 0.1 = +10 %; None where control's mean is not positive.
        shares: Newcombe's interval of the unadjusted difference; None unless the outcome is 0/1 by row.
        df: Degrees of freedom of the headline.
        adjusted_for: The covariate columns that the headline is adjusted for.
        p_holm: The p-value adjusted for the number of arms: controls the chance of any false finding.
        p_bh: The same for the expected share of false findings (Benjamini-Hochberg).
    """

    arm: str
    control: str
    outcome: str
    effect: Estimate
    unadjusted: Estimate
    lift: Estimate | None
    shares: Estimate | None
    df: float
    adjusted_for: tuple[str, ...]
    p_holm: float
    p_bh: float

    @property
    def point(self) -> float:
        """The headline's point: outcome per customer, treated − control."""
        return self.effect.point

    @property
    def se(self) -> float:
        """The headline's standard error."""
        return self.effect.se

    @property
    def lower(self) -> float:
        """The lower end of the headline's interval."""
        return self.effect.lower

    @property
    def upper(self) -> float:
        """The upper end of the headline's interval."""
        return self.effect.upper

    @property
    def level(self) -> float:
        """The coverage of the intervals."""
        return self.effect.level

    @property
    def p(self) -> float:
        """The headline's two-sided p-value, for this arm alone."""
        return self.effect.p

    @property
    def n(self) -> int:
        """The rows of both arms."""
        return self.effect.n

    def __str__(self) -> str:
        """Return the comparison in one sentence."""
        lift = "" if self.lift is None else f", {100 * self.lift.point:+.1f} % of control"
        adjusted = ", adjusted" if self.adjusted_for else ""
        arms = f"{self.arm} against {self.control}{adjusted}"
        return f"{arms}: {self.outcome} per row changed by {str(self.effect).rstrip('.')}{lift}."


@dataclass(frozen=True, slots=True)
class Readout:
    """What a randomised campaign did.

    `point`, `se`, `lower`, `upper`, `level`, `p` and `n` are those of `overall`; `readout["email"]` is one
    arm's comparison.

    Attributes:
        outcome: The outcome's name.
        control: The arm that the others are compared with.
        arms: Mean of every arm, control first.
        comparisons: One for every other arm, by label.
        overall: All rows outside control against control; with two arms, their comparison.
        findings: What stands in the way of taking it at its word.
    """

    outcome: str
    control: str
    arms: tuple[ArmMean, ...]
    comparisons: tuple[Comparison, ...]
    overall: Comparison
    findings: tuple[Finding, ...]

    def __getitem__(self, arm: str) -> Comparison:
        """Return one arm's comparison.

        Raises:
            DataError: There is no such arm.
        """
        found = {comparison.arm: comparison for comparison in self.comparisons}
        if str(arm) not in found:
            raise DataError(
                f"There is no arm {arm!r} beside control.{did_you_mean(str(arm), found)} There is "
                f"{', '.join(found)}."
            )
        return found[str(arm)]

    @property
    def point(self) -> float:
        """The overall effect: outcome per customer, treated − control."""
        return self.overall.point

    @property
    def se(self) -> float:
        """Its standard error."""
        return self.overall.se

    @property
    def lower(self) -> float:
        """The lower end of its interval."""
        return self.overall.lower

    @property
    def upper(self) -> float:
        """The upper end of its interval."""
        return self.overall.upper

    @property
    def level(self) -> float:
        """The coverage of the intervals."""
        return self.overall.level

    @property
    def p(self) -> float:
        """Its two-sided p-value."""
        return self.overall.p

    @property
    def n(self) -> int:
        """All rows."""
        return self.overall.n

    def __str__(self) -> str:
        """Return one sentence for each comparison, then one for each finding that is not ok."""
        lines = [str(comparison) for comparison in self.comparisons]
        lines += [
            f"{finding.code}: {finding.message}" for finding in self.findings if finding.verdict != "ok"
        ]
        return "\n".join(lines)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row for each comparison, `overall` last where there are several."""
        import pandas as pd

        rows = self.comparisons if len(self.comparisons) == 1 else (*self.comparisons, self.overall)
        return pd.DataFrame([_row(comparison) for comparison in rows])


def _row(comparison: Comparison) -> dict[str, str | float]:
    """Return a comparison as a row of numbers; nan where there is no lift."""
    lift = comparison.lift
    named = {name: getattr(comparison, name) for name in ("point", "se", "lower", "upper", "level", "p", "n")}
    relative = {
        f"lift_{name}": getattr(lift, name) if lift else math.nan for name in ("point", "lower", "upper")
    }
    adjusted = {"p_holm": comparison.p_holm, "p_bh": comparison.p_bh}
    return {"arm": comparison.arm, "control": comparison.control, **named, **relative, **adjusted}
