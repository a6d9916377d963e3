from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from policies.shift import Shift, _auc, none, shift
from uplift.encoder import Encoder

same = settings(derandomize=True, deadline=None, max_examples=60)


def drawn(seed: int, n: int, *, older: float = 0.0, country: str | None = None) -> pa.Table:
    rng = np.random.default_rng(seed)
    countries = [country] * n if country else rng.choice(["de", "fr", "it"], n)
    return pa.table({"age": rng.normal(45 + older, 10, n), "country": countries, "noise": rng.random(n)})


def found(history: pa.Table, audience: pa.Table, **settings: int) -> Shift:
    encoder = Encoder.fit(history)
    return shift(
        encoder.transform(history),
        encoder.transform(audience),
        tuple(encoder.categories),
        **{"seed": 0, **settings},
    )


@pytest.mark.parametrize("seed", range(4))
def test_an_audience_from_the_same_population_is_given_no_weights(seed: int) -> None:
    result = found(drawn(seed, 3_000), drawn(seed + 100, 2_000))
    assert abs(result.auc - 0.5) < 0.04
    assert result.ess == pytest.approx(3_000)


def test_weights_make_the_history_look_like_an_older_audience() -> None:
    history, audience = drawn(1, 6_000), drawn(2, 4_000, older=8.0)
    result = found(history, audience)
    age = history["age"].to_numpy()
    before, after = age.mean(), float((result.weights * age).mean())
    target = audience["age"].to_numpy().mean()
    assert abs(after - target) < 0.25 * abs(before - target)
    assert result.weights.mean() == pytest.approx(1.0)
    assert (result.weights > 0).all()
    # Of normal populations eight tenths of a deviation apart the ratio is known: E w² = exp(.8²).
    assert result.ess / 6_000 == pytest.approx(np.exp(-0.64), abs=0.15)
    assert result.lower < result.auc


def test_weights_follow_a_category() -> None:
    history, audience = drawn(1, 4_000), drawn(2, 3_000, country="fr")
    result = found(history, audience)
    french = np.array(history["country"].to_pylist()) == "fr"
    assert result.weights[french].sum() > 0.9 * result.weights.sum()


def test_the_further_apart_the_fewer_rows_count() -> None:
    history = drawn(1, 4_000)
    apart = [found(history, drawn(2, 3_000, older=older)) for older in (0.0, 5.0, 10.0, 60.0)]
    ess, auc = [one.ess for one in apart], [one.auc for one in apart]
    assert ess == sorted(ess, reverse=True)
    assert auc == sorted(auc)
    assert auc[-1] > 0.99


def test_the_same_seed_gives_the_same_weights() -> None:
    history, audience = drawn(1, 2_000), drawn(2, 2_000, older=10.0)
    first, again, other = (found(history, audience, seed=seed).weights for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_the_historys_own_customers_are_not_shifted() -> None:
    assert (none(7).ess, none(7).auc) == (7.0, 0.5)


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=40), st.floats(0.1, 10.0))
@same
def test_the_effective_sample_size_lies_between_one_and_all_whatever_the_units(
    weights: list[float], unit: float
) -> None:
    ess = Shift(np.array(weights), 0.5, 0.5).ess
    assert 1 - 1e-9 <= ess <= len(weights) + 1e-9
    assert Shift(unit * np.array(weights), 0.5, 0.5).ess == pytest.approx(ess)


@given(st.integers(0, 10_000))
@same
def test_the_area_under_the_curve_is_that_of_scikit_learn_ties_included(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, positive = rng.integers(0, 6, 60).astype(float), rng.random(60) < 0.4
    positive[:2] = True, False
    auc, lower = _auc(score, positive, 0.99)
    assert auc == pytest.approx(roc_auc_score(positive, score))
    assert _auc(-score, positive, 0.99)[0] == pytest.approx(1 - auc)
    assert lower <= auc
