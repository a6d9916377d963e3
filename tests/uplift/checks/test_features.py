from __future__ import annotations

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.checks.features import MAX_LEVELS, encode
from uplift.checks.ranks import auc, auc_parts, midranks
from uplift.checks.separability import separation

SCORES = st.lists(st.integers(0, 6), min_size=4, max_size=40)


def test_every_type_becomes_numbers_with_nan_for_missing() -> None:
    day, noon = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 12)
    table = pa.table(
        {
            "integer": pa.array([1, None], pa.int64()),
            "unsigned": pa.array([2**63, None], pa.uint64()),
            "decimal": pa.array([decimal.Decimal("1.25"), None]),
            "boolean": pa.array([True, None]),
            "date": pa.array([day, None]),
            "time": pa.array([noon, None], pa.timestamp("us")),
            "zoned": pa.array([noon, None], pa.timestamp("ms", "Europe/Berlin")),
            "infinite": pa.array([1.0, np.inf]),
            "text": pa.array(["a", None]),
            "large": pa.array(["a", None], pa.large_string()),
            "coded": pa.array(["a", None]).dictionary_encode(),
        }
    )
    encoded = {feature.name: feature for feature in encode(table)}
    assert list(encoded) == table.column_names
    assert all(np.isfinite(feature.values[0]) for feature in encoded.values())
    assert all(np.isnan(feature.values[1]) for feature in encoded.values())
    assert encoded["decimal"].values[0] == 1.25
    assert encoded["time"].values[0] - encoded["date"].values[0] == 43_200
    assert encoded["coded"].levels == encoded["text"].levels == ("a",)


def test_a_type_without_an_order_is_left_out() -> None:
    assert encode(pa.table({"list": pa.array([[1], [2]])})) == ()


def test_a_category_is_one_flag_a_level_and_one_for_missing() -> None:
    (feature,) = encode(pa.table({"tier": ["b", "a", "b", None, "c"]}))
    columns = dict(feature.columns())
    assert list(columns) == ["tier = b", "tier = a", "tier = c", "tier is missing"]
    assert columns["tier = b"].tolist() == [1, 0, 1, 0, 0]
    assert sum(columns.values()).tolist() == [1.0] * 5


def test_two_levels_are_one_flag() -> None:
    (feature,) = encode(pa.table({"sex": ["f", "m", "f"]}))
    assert [name for name, _ in feature.columns()] == ["sex = f"]


def test_rare_levels_share_one() -> None:
    names = [f"city {number:03}" for number in range(200) for _ in range(1 + number // 10)]
    (feature,) = encode(pa.table({"city": names}))
    assert len(feature.levels) == MAX_LEVELS
    assert feature.levels[-1] == "other levels"
    assert np.bincount(feature.values.astype(int)).sum() == len(names)


@given(SCORES, st.data())
@settings(derandomize=True, deadline=None)
def test_the_area_is_that_of_all_pairs_and_its_error_delongs(scores: list[int], data: st.DataObject) -> None:
    score = np.array(scores, dtype=float)
    labels = data.draw(st.permutations([True, True, False, False] + [True, False] * len(scores)))
    positive = np.array(labels[: len(scores)])
    if not 0 < positive.sum() < len(score):
        return
    pair = (score[positive][:, None] > score[~positive]) + 0.5 * (
        score[positive][:, None] == score[~positive]
    )
    area, parts = auc_parts(score, positive)
    assert auc(score, positive) == pytest.approx(pair.mean(), abs=1e-12)
    assert area == pytest.approx(pair.mean(), abs=1e-12)
    delong = pair.mean(axis=1).var() / pair.shape[0] + pair.mean(axis=0).var() / pair.shape[1]
    assert np.square(parts).sum() == pytest.approx(delong, abs=1e-12)


@given(SCORES)
@settings(derandomize=True, deadline=None)
def test_midranks_are_scipys(scores: list[int]) -> None:
    from scipy.stats import rankdata

    assert midranks(np.array(scores, dtype=float)).tolist() == rankdata(scores).tolist()


def test_a_customers_rows_never_stand_on_both_sides_of_the_split() -> None:
    """Each customer has 8 rows, all in one class: by row a classifier would learn the customers."""
    rng = np.random.default_rng(0)
    customers = np.repeat(np.arange(500), 8)
    labels = rng.integers(0, 2, 500)[customers]
    features = encode(pa.table({"x": rng.normal(size=500)[customers], "z": rng.normal(size=500)[customers]}))
    by_customer = separation(features, labels, customers, seed=0)
    by_row = separation(features, labels, np.arange(len(labels)), seed=0)
    assert by_customer is not None
    assert by_row is not None
    assert by_customer.lower < 0.5 < by_row.lower


def test_classes_that_differ_are_told_apart_and_the_best_is_named() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3_000)
    features = encode(pa.table({"x": rng.normal(size=3_000) + 2 * (labels == 2)}))
    found = separation(features, labels, np.arange(3_000), seed=0)
    assert found is not None
    assert found.label == 2
    assert 0.8 < found.lower < found.auc < 0.97


def test_too_few_rows_are_not_told_apart() -> None:
    features = encode(pa.table({"x": np.arange(900.0)}))
    assert separation(features, np.arange(900) % 2, np.arange(900)) is None
    assert separation((), np.zeros(2_000, dtype=np.int64), np.arange(2_000)) is None
