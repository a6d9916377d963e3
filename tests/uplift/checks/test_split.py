from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from uplift.checks import check_split
from uplift.checks.split import _cells
from uplift.history import History


def keep(history: History, rows: np.ndarray) -> History:
    return replace(
        history,
        features=history.features.filter(pa.array(rows)),
        customer=history.customer.filter(pa.array(rows)),
        **{
            name: getattr(history, name)[rows]
            for name in ("arm", "outcome", "response", "propensity", "cluster")
        },
    )


def lose(history: History, arm: int, share: float) -> History:
    """Return the history without a share of one arm's rows."""
    lost = (history.arm == arm) & (np.random.default_rng(9).random(len(history)) < share)
    return keep(history, ~lost)


@pytest.mark.parametrize("dependent", [False, True])
def test_a_clean_split_passes(make: Callable[..., History], dependent: bool) -> None:
    (finding,) = check_split(make(20_000, dependent=dependent))
    assert finding.verdict == "ok"
    assert finding.measured is not None
    assert finding.measured > 0.01


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("arm", [-1, 2])
def test_lost_rows_are_refused_and_their_arm_is_named(
    make: Callable[..., History], dependent: bool, arm: int
) -> None:
    history = make(20_000, dependent=dependent)
    (finding,) = check_split(lose(history, arm, 0.2))
    assert (finding.code, finding.verdict) == ("G2", "refuse")
    label = "none" if arm < 0 else history.actions[arm].label
    assert f"the arm furthest off, {label!r}" in finding.message


def test_weighted_counts_agree_with_chi_square_where_both_apply(make: Callable[..., History]) -> None:
    """For two arms the statistic is the same; a probability that varies by 1e-5 takes the other road."""
    for seed in range(10):
        history = make(20_000, seed, channels=("email",), times=(8,))
        jitter = 1 + 1e-5 * np.random.default_rng(seed).uniform(-1, 1, len(history))
        by_shares = check_split(history)[0].measured
        by_weights = check_split(replace(history, propensity=history.propensity * jitter))[0].measured
        assert by_shares is not None
        assert by_weights is not None
        # The smaller of two nearly equal p-values, times two arms.
        assert by_weights == pytest.approx(min(1.0, 2 * by_shares), rel=0.1)


def test_nothing_is_tested_without_probabilities(make: Callable[..., History]) -> None:
    (finding,) = check_split(make(known=False))
    assert (finding.verdict, finding.measured) == ("ok", None)
    assert "no probabilities" in finding.message


def test_a_split_of_a_few_rows_is_not_tested(make: Callable[..., History]) -> None:
    (finding,) = check_split(make(15))
    assert finding.verdict == "warn"
    assert "too few" in finding.message


def test_thin_arms_share_a_cell_until_it_expects_8() -> None:
    assert _cells(np.array([100.0, 50.0])).tolist() == [1, 0]
    assert _cells(np.array([3.0, 100.0, 6.0, 50.0])).tolist() == [0, 2, 0, 1]
    assert _cells(np.array([3.0, 100.0, 50.0])).tolist() == [0, 1, 0]
    assert _cells(np.array([3.0, 2.0])).tolist() == [0, 0]


def test_whole_households_assigned_together_raise_no_false_alarm(make: Callable[..., History]) -> None:
    """Row by row, an assignment of households of 10 looks far off: its variance is ten times as large."""
    histories = [make(5_000, seed, rows_per_cluster=10) for seed in range(60)]
    alone = [check_split(replace(h, cluster=np.arange(len(h))))[0].verdict for h in histories]
    together = [check_split(h)[0].verdict for h in histories]
    assert alone.count("refuse") > 30
    assert together.count("refuse") == 0


@pytest.mark.parametrize("dependent", [False, True])
def test_false_alarms_are_as_rare_as_promised(make: Callable[..., History], dependent: bool) -> None:
    """400 designs kept: p < .01 in 4 of them on average, p < .001 in .4."""
    found = [check_split(make(1_500, seed, dependent=dependent))[0].measured for seed in range(400)]
    p = np.array([value for value in found if value is not None])
    assert (p < 0.001).sum() <= 2
    assert (p < 0.01).sum() <= 10
    assert (p < 0.05).sum() <= 35
