"""What a policy is worth per customer, read off randomised data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .columns import Floats, matrix, numbers, probabilities
from .errors import DataError, SettingError, did_you_mean
from .estimates import Estimate

Method = Literal["ips", "snips", "aipw"]
Codes = npt.NDArray[np.int64]


def policy_value(
    action: npt.ArrayLike,
    arm: npt.ArrayLike,
    outcome: npt.ArrayLike,
    propensity: npt.ArrayLike,
    *,
    method: Method = "snips",
    mu: npt.ArrayLike | None = None,
    level: float = 0.9,
) -> Estimate:
    """Return the mean outcome per customer if everybody were given the action that the policy proposes.

    With w = 1{arm = action} / propensity, "ips" is mean(w·Y), "snips" Σ w·Y / Σ w, and "aipw"
    mean(μ[action] + w·(Y − μ[arm])). Standard errors are sd(influence) / √n, the influence being w·Y,
    w·(Y − value) / mean(w) and the AIPW score. Valid where arms were assigned at random with these
    propensities and the policy (and μ) was made without these rows. Costs are not subtracted.

    Args:
        action: (n,) the label of the arm proposed, text or numbers; the control's label to propose nothing.
        arm: (n,) the label of the arm given.
        outcome: (n,) the measured result, in any unit.
        propensity: Probability with which each row was given the arm it got, one number or (n,), in (0, 1].
        method: "snips" needs least, "ips" is unbiased, "aipw" is the most exact where `mu` is good.
        mu: (n, arms) expected outcome under each arm, read by "aipw" only; the columns follow the sorted
            labels that occur in `arm`.
        level: Coverage of the interval.

    Returns:
        The value, in the unit of the outcome, with the effective sample size `ess` = (Σw)² / Σw².

    Raises:
        DataError: A column is not as described, the policy proposes an arm that no row was given, or fewer
            than two rows were given what it proposes.
        SettingError: The method is not one of the three, `mu` is missing for "aipw", or the level is not
            between 0 and 1.

    References:
        Horvitz and Thompson, 1952 (ips); Hájek, 1971 (snips); Robins, Rotnitzky and Zhao, 1994 (aipw);
        Dudík, Langford and Li, Doubly robust policy evaluation and learning, 2011.

    >>> print(policy_value(["a", "a", "b", "b"], ["a", "b", "b", "b"], [3, 1, 2, 5], 0.5))
    3.33, with 90% confidence between 1.97 and 4.70 (p < 0.001, 4 rows, effectively 3).
    """
    _check_method(method, mu)
    results = numbers("outcome", outcome)
    given, proposed, arms = _encode_pair(arm, action, rows=len(results))
    weight = np.where(given == proposed, 1 / probabilities("propensity", propensity, rows=len(results)), 0.0)
    _check_support(given, proposed)
    data = _Logged(given, proposed, results, weight, mu, arms)
    point, influence = _METHODS[method](data)
    ess = float(weight.sum() ** 2 / np.square(weight).sum())
    return Estimate.from_influence(point, influence, level=level, ess=ess)


@dataclass(frozen=True, slots=True)
class _Logged:
    """Randomised rows and what a policy proposes; arms are numbers from 0, in the order of their labels."""

    given: Codes
    proposed: Codes
    outcome: Floats
    weight: Floats
    mu: npt.ArrayLike | None
    arms: int


def _ips(data: _Logged) -> tuple[float, Floats]:
    """Return the value by inverse propensities, and (n,) influences."""
    scores = data.weight * data.outcome
    return float(scores.mean()), scores


def _snips(data: _Logged) -> tuple[float, Floats]:
    """Return the value by inverse propensities that are normed to add up to n, and (n,) influences."""
    # Not the dot product: a BLAS library splits it over threads, and its last digit depends on how many.
    value = float((data.weight * data.outcome).sum() / data.weight.sum())
    return value, data.weight * (data.outcome - value) / data.weight.mean()


def _aipw(data: _Logged) -> tuple[float, Floats]:
    """Return the value by the outcome model, corrected by weighted residuals, and (n,) influences."""
    rows = np.arange(len(data.outcome))
    mu = matrix("mu (a column for each arm given)", np.asarray(data.mu), rows=len(rows), columns=data.arms)
    scores = mu[rows, data.proposed] + data.weight * (data.outcome - mu[rows, data.given])
    return float(scores.mean()), scores


_METHODS: dict[str, Callable[[_Logged], tuple[float, Floats]]] = {"ips": _ips, "snips": _snips, "aipw": _aipw}


def _check_method(method: str, mu: npt.ArrayLike | None) -> None:
    """Refuse an unknown method, and a missing `mu`."""
    if method not in _METHODS:
        hint = did_you_mean(method, _METHODS)
        raise SettingError(f"There is no method {method!r}; choose one of {', '.join(_METHODS)}.{hint}")
    if method == "aipw" and mu is None:
        raise SettingError(
            "method='aipw' needs mu=(n, arms), the expected outcome under each arm; or take 'snips'."
        )


def _encode_pair(arm: npt.ArrayLike, action: npt.ArrayLike, *, rows: int) -> tuple[Codes, Codes, int]:
    """Return both columns as numbers, in the order of the sorted labels of the arms given, and their count.

    Raises:
        DataError: A column is not a column of labels, or `action` has a label that `arm` has not.
    """
    seen: dict[object, int] = {}
    given = _encode("arm", arm, seen, rows=rows)
    arms = list(seen)
    proposed = _encode("action", action, seen, rows=rows)
    labels = _same_kind(list(seen))
    if len(labels) > len(arms):
        unknown = list(seen)[len(arms)]
        hint = did_you_mean(str(unknown), map(str, arms))
        raise DataError(
            f"The policy proposes {unknown!r}, which no row was given, so that nothing is known of it.{hint}"
        )
    place = np.empty(len(labels), np.int64)
    place[[seen[label] for label in labels]] = np.arange(len(labels))
    return place[given], place[proposed], len(labels)


def _encode(name: str, values: npt.ArrayLike, seen: dict[object, int], *, rows: int) -> Codes:
    """Return each label's number in `seen`, to which new labels are added."""
    column = np.asarray(values)
    if column.shape != (rows,):
        raise DataError(f"{name} has the shape {column.shape}; one label a row is needed, shape ({rows},).")
    return np.fromiter((seen.setdefault(label, len(seen)) for label in column.tolist()), np.int64, rows)


def _same_kind(labels: list[object]) -> list[str] | list[float]:
    """Return the labels sorted; all must be text, or all numbers (missing values are neither)."""
    text = [label for label in labels if isinstance(label, str)]
    real = [label for label in labels if isinstance(label, int | float) and not math.isnan(label)]
    if len(text) == len(labels):
        return sorted(text)
    if len(real) == len(labels):
        return sorted(real)
    found = ", ".join(repr(label) for label in labels[:5])
    raise DataError(f"arm and action hold {found}; labels that are all text or all numbers are needed.")


def _check_support(given: Codes, proposed: Codes) -> None:
    """Refuse a policy that agrees with the history in fewer than two rows: such a value has no error."""
    matches = int(np.count_nonzero(given == proposed))
    if matches < 2:
        raise DataError(
            f"{matches} of {len(given):,} rows were given what the policy proposes; at least 2 are needed. "
            "Value it on a history whose arms cover the policy."
        )
