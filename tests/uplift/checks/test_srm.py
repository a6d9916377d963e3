from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.checks.srm import srm
from uplift.errors import DataError, SettingError

ASOS = Path(__file__).parents[4] / "shared/data/asos_experiments/asos_digital_experiments_dataset.parquet"
COUNTS = st.lists(st.integers(1, 1_000_000), min_size=2, max_size=12)


# Sources: Kohavi, Tang and Xu (2020) for the first; R's chisq.test and scipy for all.
@pytest.mark.parametrize(
    ("counts", "p", "relative"),
    [
        ([821_588, 815_482], 1.8218e-6, 5e-5),
        ([44_000, 45_000], 0.00080228, 1e-5),
        ([502, 498], 0.89934, 1e-5),
        ([21_306, 21_307, 21_387], 0.9036929576, 1e-9),
        ([44_700, 45_489], 0.0086080, 1e-5),
    ],
)
def test_published_splits_have_their_published_p_values(counts: list[int], p: float, relative: float) -> None:
    assert srm(counts).p == pytest.approx(p, rel=relative)


def test_the_statistics_of_two_real_experiments_are_reproduced() -> None:
    assert srm([21_306, 21_307, 21_387]).statistic == pytest.approx(0.20253125, rel=1e-9)
    assert srm([44_700, 45_489]).statistic == pytest.approx(6.90240, rel=1e-6)


def test_the_mismatches_among_99_real_experiments_are_counted_as_published() -> None:
    """ASOS Digital Experiments Dataset (Liu et al., 2021), last snapshots, against halves."""
    if not ASOS.exists():
        pytest.skip(f"the ASOS data is not at {ASOS}")
    frame = pd.read_parquet(ASOS)
    variants = frame[frame["metric_id"] == 1].sort_values("time_since_start")
    last = variants.groupby(["experiment_id", "variant_id"]).last()
    p = [srm([control, treated]).p for control, treated in zip(last["count_c"], last["count_t"], strict=True)]
    assert (len(p), sum(x < 0.001 for x in p), sum(x < 0.01 for x in p)) == (99, 12, 17)


@given(COUNTS)
@settings(derandomize=True, deadline=None)
def test_it_agrees_with_scipy(counts: list[int]) -> None:
    from scipy.stats import chisquare

    reference = chisquare(counts)
    found = srm(counts)
    assert found.statistic == pytest.approx(reference.statistic, rel=1e-9, abs=1e-12)
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9, abs=1e-300)


@given(COUNTS, st.randoms(use_true_random=False), st.floats(0.01, 100))
@settings(derandomize=True, deadline=None)
def test_neither_the_order_of_arms_nor_the_unit_of_shares_matters(
    counts: list[int], random: object, unit: float
) -> None:
    shares = [1.0 + i for i in range(len(counts))]
    order = sorted(range(len(counts)), key=lambda i: (counts[i], i))
    turned = srm([counts[i] for i in order], [unit * shares[i] for i in order])
    assert turned.statistic == pytest.approx(srm(counts, shares).statistic, rel=1e-9, abs=1e-9)


def test_a_split_exactly_as_designed_has_statistic_0_and_p_1() -> None:
    found = srm([100, 300], shares=[0.25, 0.75])
    assert (found.statistic, found.p, found.n) == (0.0, 1.0, 400)
    assert found.observed == found.expected == (0.25, 0.75)


def test_it_prints_as_a_sentence() -> None:
    assert str(srm([821_588, 815_482])) == (
        "1,637,070 customers split 50.19% / 49.81% where 50.00% / 50.00% was designed: "
        "chi-square 22.774, p = 1.82e-06."
    )


@pytest.mark.parametrize("counts", [[5], [], [1.5, 2], [-1, 3], [float("nan"), 3], [0, 0]])
def test_what_are_not_counts_is_refused(counts: list[float]) -> None:
    with pytest.raises(DataError, match="give"):
        srm(counts)


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5, 0.0], [0.5, -0.5], [0.5, float("nan")], [0, 1]])
def test_shares_that_are_no_design_are_refused(shares: list[float]) -> None:
    with pytest.raises(SettingError, match="shares"):
        srm([10, 20], shares)
