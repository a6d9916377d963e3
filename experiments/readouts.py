"""The readout: what each arm changed, against control, as it was randomised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from uplift.aggregates import Moments, moments_by_arm
from uplift.checks.adequacy import REFUSE_BELOW, WARN_BELOW
from uplift.errors import DataError, did_you_mean
from uplift.findings import Finding, Verdict

from .columns import Codes, Floats, labels, numbers
from .columns import covariates as encode
from .intervals import by_t, check_level
from .means import Contrast, Mean, contrast, fitted_mean, independent, plain_mean
from .multiplicity import benjamini_hochberg, holm
from .proportions import compare_shares, wilson
from .results import ArmMean, Comparison, Readout

ANY = "any arm"
SPLIT_CLUSTERS = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """The rows of a readout as arrays.

    `arm` is −1 for control and else an index into `actions`; `values` holds the outcome, then the covariates.
    """

    outcome: str
    control: str
    actions: tuple[str, ...]
    arm: Codes
    values: Floats
    names: tuple[str, ...]
    cluster: Codes | None
    clusters: int
    moments: dict[int, Moments]

    @property
    def binary(self) -> bool:
        """Whether each row is an independent yes or no."""
        first = self.values[:, 0]
        return self.cluster is None and bool(((first == 0) | (first == 1)).all())

    def rows(self, arms: Sequence[int]) -> npt.NDArray[np.bool_]:
        """(n,) whether a row is in one of the arms."""
        return np.isin(self.arm, arms)

    def sums(self, arms: Sequence[int]) -> Moments:
        """The moments of the rows of the arms."""
        return reduce(add, (self.moments[arm] for arm in arms))

    def label(self, arm: int) -> str:
        """The label of an arm."""
        return self.control if arm < 0 else self.actions[arm]


@dataclass(frozen=True, slots=True)
class _Effect:
    """Some arms against control: the plain contrast and, where there are covariates, the adjusted one."""

    arms: tuple[int, ...]
    plain: Contrast
    headline: Contrast
    adjusted_for: tuple[str, ...]


def readout(
    frame: object,
    *,
    arm: str,
    control: str | float,
    outcome: str,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    level: float = 0.95,
) -> Readout:
    """Return what each arm changed in the mean outcome per row, against control.

    All rows count in the arm they were assigned, contacted or not (intention to treat). Without covariates
    the intervals are Welch's. With covariates the effect is Lin's: each arm's regression, predicted at the
    covariates' mean over both arms, with HC2 standard errors. With clusters the errors are CR2. Valid where
    arms were assigned at random with the same probabilities for everyone and covariates date from before.

    Args:
        frame: A DataFrame, an Arrow table or a mapping of columns; n rows.
        arm: Column of the arm each row was assigned.
        control: Its value that the others are compared with.
        outcome: Column of numbers or true/false; no value missing.
        covariates: Columns from before the assignment that explain the outcome (CUPED is one of them).
        cluster: Column of what was assigned as one (household), or what has several rows (customer).
        level: Coverage of the two-sided intervals.

    Raises:
        DataError: A column or control is missing, or an arm has too few rows or clusters.
        SettingError: The level is no coverage.

    References:
        Welch (1947); Lin (2013); Bell & McCaffrey (2002); Newcombe (1998); Deng et al. (2018) for lifts.

    >>> spend = {"arm": ["email", "none"] * 4, "spend": [3.0, 1.0, 4.0, 2.0, 5.0, 1.5, 4.0, 2.5]}
    >>> print(readout(spend, arm="arm", control="none", outcome="spend")["email"].effect)
    2.25, with 95% confidence between 0.96 and 3.54 (p = 0.006, 8 rows).
    """
    check_level(level)
    data = _read(frame, (arm, outcome, cluster), _label_text(control), covariates)
    # Sums over rows must not depend on how many threads a matrix product is split over.
    with threadpool_limits(limits=1, user_api="blas"):
        means = {code: _mean(data, (code,)) for code in range(-1, len(data.actions))}
        everybody = tuple(range(len(data.actions)))
        effects = [_effect(data, (code,)) for code in everybody]
        pooled = _effect(data, everybody)
    p = [effect.headline.difference(level).p for effect in effects]
    adjusted = zip(effects, holm(p).tolist(), benjamini_hochberg(p).tolist(), strict=True)
    comparisons = tuple(_comparison(data, effect, level, ps) for effect, *ps in adjusted)
    alone = pooled.headline.difference(level).p
    return Readout(
        outcome=outcome,
        control=data.control,
        arms=tuple(_arm_mean(data, code, mean, level) for code, mean in means.items()),
        comparisons=comparisons,
        overall=comparisons[0] if len(effects) == 1 else _comparison(data, pooled, level, [alone, alone]),
        findings=_findings(data),
    )


def _read(
    frame: object, roles: tuple[str, str, str | None], control: str, covariates: Sequence[str]
) -> _Data:
    arm_column, outcome, cluster = roles
    codes, names = labels(frame, arm_column, "arm")
    if control not in names or len(names) < 2:
        raise DataError(
            f"Column {arm_column!r} holds {', '.join(names[:20]) or 'no rows'}; the control {control!r} and "
            f"at least one other arm are needed.{did_you_mean(control, names)}"
        )
    base = names.index(control)
    arm = np.where(codes == base, -1, codes - (codes > base))
    more = encode(frame, covariates, len(arm))
    values = np.column_stack([numbers(frame, outcome, "outcome"), more.values])
    of_row, clusters = (None, ()) if cluster is None else labels(frame, cluster, "cluster")
    actions = tuple(name for name in names if name != control)
    moments = moments_by_arm(values, arm, len(actions))
    data = _Data(outcome, control, actions, arm, values, more.names, of_row, len(clusters), moments)
    _check_sizes(data)
    return data


def _label_text(control: str | float) -> str:
    return str(int(control)) if isinstance(control, float) and control.is_integer() else str(control)


def _check_sizes(data: _Data) -> None:
    for arm, moments in data.moments.items():
        units, noun = moments.count, "rows"
        if data.cluster is not None:
            units, noun = np.unique(data.cluster[data.rows((arm,))]).size, "clusters"
        if units < 2:
            raise DataError(
                f"Arm {data.label(arm)!r} has {units} {noun}; at least 2 are needed to know its error: merge "
                "it with another arm or leave it out."
            )


def _mean(data: _Data, arms: tuple[int, ...]) -> Mean:
    """Return the plain mean of the outcome over some arms, robust to clusters where there are any."""
    return plain_mean(data.sums(arms)) if data.cluster is None else _fitted(data, arms, [], np.zeros(0))


def _fitted(data: _Data, arms: tuple[int, ...], columns: list[int], at: Floats) -> Mean:
    rows, kept = data.rows(arms), [0, *columns]
    cluster = None if data.cluster is None else data.cluster[rows]
    values = data.values[rows][:, kept]
    return fitted_mean(values, data.sums(arms).columns(kept), at, cluster=cluster, clusters=data.clusters)


def _effect(data: _Data, arms: tuple[int, ...]) -> _Effect:
    plain = contrast(_mean(data, arms), _mean(data, (-1,)))
    treated, control = data.sums(arms), data.sums((-1,))
    columns = independent(treated, control)
    if not columns:
        return _Effect(arms, plain, plain, ())
    at = (treated + control).mean[columns]
    parameters = 2 * (1 + len(columns)) if data.cluster is None else 0
    fits = _fitted(data, arms, columns, at), _fitted(data, (-1,), columns, at)
    names = tuple(data.names[column - 1] for column in columns)
    return _Effect(arms, plain, contrast(*fits, parameters), names)


def _comparison(data: _Data, effect: _Effect, level: float, adjusted: Sequence[float]) -> Comparison:
    p_holm, p_bh = adjusted
    shares = (
        compare_shares(_counts(data, effect.arms), _counts(data, (-1,)), level=level) if data.binary else None
    )
    return Comparison(
        arm=data.label(effect.arms[0]) if len(effect.arms) == 1 else ANY,
        control=data.control,
        outcome=data.outcome,
        effect=effect.headline.difference(level),
        unadjusted=effect.plain.difference(level),
        lift=effect.headline.lift(level),
        shares=shares,
        df=effect.headline.df,
        adjusted_for=effect.adjusted_for,
        p_holm=p_holm,
        p_bh=p_bh,
    )


def _counts(data: _Data, arms: tuple[int, ...]) -> tuple[int, int]:
    rows = data.rows(arms)
    return int(data.values[rows, 0].sum()), int(rows.sum())


def _arm_mean(data: _Data, arm: int, mean: Mean, level: float) -> ArmMean:
    counts = _counts(data, (arm,))
    share = counts[1] / len(data.arm)
    if data.binary:
        return ArmMean(data.label(arm), share, wilson(*counts, level=level))
    return ArmMean(
        data.label(arm), share, by_t(mean.value, mean.variance**0.5, mean.df, n=mean.n, level=level)
    )


def _findings(data: _Data) -> tuple[Finding, ...]:
    found = []
    if not data.binary and bool((data.values[:, 0] == 0).any()):
        found.append(_buyers(data))
    if data.cluster is not None:
        found.append(_split_clusters(data.arm, data.cluster, data.clusters))
    return tuple(found)


def _buyers(data: _Data) -> Finding:
    """Return gate G6: enough rows with an outcome in the smallest arm for an interval of its mean."""
    counts = np.bincount(data.arm + 1, weights=data.values[:, 0] != 0, minlength=len(data.actions) + 1)
    smallest = int(np.argmin(counts))
    least = int(counts[smallest])
    verdict: Verdict = "refuse" if least < REFUSE_BELOW else "warn" if least < WARN_BELOW else "ok"
    return Finding(
        code="G6",
        verdict=verdict,
        measured=float(least),
        threshold=float(REFUSE_BELOW if verdict == "refuse" else WARN_BELOW),
        message=f"{data.label(smallest - 1)!r} has {least:,} rows with an outcome other than 0; an interval "
        f"of its mean needs {REFUSE_BELOW}, a good one {WARN_BELOW}.",
        next="" if verdict == "ok" else "Read out a more frequent outcome, or wait for more rows.",
    )


def _split_clusters(arm: Codes, cluster: Codes, clusters: int) -> Finding:
    """Return gate G14: how many clusters have rows in more than one arm."""
    low, high = np.full(clusters, np.iinfo(np.int64).max), np.full(clusters, -2)
    np.minimum.at(low, cluster, arm)
    np.maximum.at(high, cluster, arm)
    split = int((low != high).sum())
    share = split / clusters
    refused = share > SPLIT_CLUSTERS
    return Finding(
        code="G14",
        verdict="refuse" if refused else "ok",
        measured=share,
        threshold=SPLIT_CLUSTERS,
        message=f"{split:,} of {clusters:,} clusters have rows in more than one arm.",
        next="Assign whole clusters; or name as cluster what was assigned as one." if refused else "",
    )
