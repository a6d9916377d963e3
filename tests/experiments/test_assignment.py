from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.assignment import Assignment, assign, assign_chunks, uniform
from uplift.errors import DataError, SettingError

SHARES = {"control": 0.1, "email": 0.65, "sms": 0.25}
FROZEN = ["email", "email", "email", "sms", "sms", "control", "email"]
IDS = [f"customer {i}" for i in range(20_000)]


def test_an_assignment_can_be_recomputed_with_the_standard_library_alone() -> None:
    key = hashlib.blake2b(b"customer\0spring").digest()
    for name, found in zip(IDS[:50], uniform(IDS[:50], "spring"), strict=True):
        digest = hashlib.blake2b(name.encode(), key=key, digest_size=8).digest()
        assert found == (int.from_bytes(digest, "big") >> 11) / 2**53


def test_an_assignment_never_changes() -> None:
    found = assign(["ann", "bob", "cy", "dee", "007", "7", "ü"], SHARES, salt="spring")
    assert found.arm.tolist() == FROZEN


def test_numbers_and_their_text_are_the_same_customer() -> None:
    numbers = assign(np.arange(1000), SHARES, salt="x")
    text = assign([str(i) for i in range(1000)], SHARES, salt="x")
    arrow = assign(pd.Series([str(i) for i in range(1000)]), SHARES, salt="x")
    assert (numbers.arm == text.arm).all()
    assert (arrow.arm == text.arm).all()


def test_shares_are_kept_and_hashes_are_uniform() -> None:
    found = assign(IDS, SHARES, salt="spring")
    counts = [found.counts[arm] for arm in SHARES]
    assert stats.chisquare(counts, np.array(list(SHARES.values())) * len(IDS)).pvalue > 0.001
    assert stats.kstest(uniform(IDS, "spring"), "uniform").pvalue > 0.001


def test_another_salt_makes_an_independent_assignment() -> None:
    salts = ["spring", "summer", "springs", "spring "]
    drawn = [assign(IDS, SHARES, salt=salt).index for salt in salts]
    for one in range(len(salts)):
        for two in range(one):
            table = np.zeros((3, 3))
            np.add.at(table, (drawn[one], drawn[two]), 1)
            assert stats.chi2_contingency(table).pvalue > 0.001


@given(st.permutations(range(40)), st.sampled_from([None, "tier"]))
@settings(derandomize=True, deadline=None, max_examples=30)
def test_the_order_of_the_file_does_not_matter(order: list[int], by: str | None) -> None:
    ids = [f"c{i}" for i in range(40)]
    tier = np.arange(40) % 3
    strata = None if by is None else tier
    plain = assign(ids, SHARES, salt="s", strata=strata)
    moved = assign([ids[i] for i in order], SHARES, salt="s", strata=None if by is None else tier[order])
    assert (moved.arm == plain.arm[order]).all()


def test_who_else_is_in_the_file_does_not_matter() -> None:
    assert (assign(IDS[:100], SHARES, salt="s").arm == assign(IDS, SHARES, salt="s").arm[:100]).all()


def test_the_order_of_the_shares_does_not_matter() -> None:
    backwards = dict(reversed(SHARES.items()))
    assert (assign(IDS, SHARES, salt="s").arm == assign(IDS, backwards, salt="s").arm).all()


def test_each_customer_carries_the_probability_of_its_arm() -> None:
    found = assign(IDS, SHARES, salt="s", strata=np.arange(len(IDS)) % 7)
    assert found.probability.tolist() == [SHARES[arm] for arm in found.arm]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.integers(0, 5))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_every_stratum_gets_its_shares_to_within_one_customer(strata: list[int], salt: int) -> None:
    found = assign(IDS[: len(strata)], SHARES, salt=f"s{salt}", strata=strata)
    for stratum in set(strata):
        arms = found.arm[np.array(strata) == stratum]
        for arm, share in SHARES.items():
            assert abs((arms == arm).sum() - share * len(arms)) < 1


def test_a_stratified_draw_still_gives_everyone_the_designed_probability() -> None:
    ids, strata = IDS[:13], [0] * 5 + [1] * 7 + [2]
    drawn = np.array([assign(ids, SHARES, salt=f"s{i}", strata=strata).index for i in range(3000)])
    for arm, share in enumerate(SHARES[name] for name in sorted(SHARES)):
        error = np.abs((drawn == arm).mean(axis=0) - share) / np.sqrt(share * (1 - share) / 3000)
        assert error.max() < 4


def test_several_columns_make_a_stratum() -> None:
    frame = pd.DataFrame({"tier": np.arange(900) % 3, "country": ["no", "se"] * 450})
    found = assign(IDS[:900], {"a": 0.5, "b": 0.5}, salt="s", strata=frame)
    sizes = frame.assign(a=found.arm == "a").groupby(["tier", "country"])["a"].agg(["sum", "count"])
    assert (sizes["sum"] == sizes["count"] / 2).all()


@pytest.mark.parametrize("stratified", [False, True])
def test_households_are_assigned_as_one(stratified: bool) -> None:
    household = np.repeat([f"h{i}" for i in range(500)], 3)
    country = np.repeat(np.arange(500) % 2, 3) if stratified else None
    found = assign(IDS[:1500], SHARES, salt="s", cluster=household, strata=country)
    assert (found.index.reshape(500, 3) == found.index[::3, None]).all()
    assert len(set(found.arm)) == 3


def test_a_customer_that_appears_twice_gets_one_arm() -> None:
    found = assign(IDS[:500] * 2, SHARES, salt="s", strata=[0] * 1000)
    assert (found.arm[:500] == found.arm[500:]).all()


def chunks(count: int, size: int) -> Iterator[list[str]]:
    for first in range(count):
        yield [f"c{i}" for i in range(first * size, (first + 1) * size)]


def test_chunks_are_assigned_as_the_whole_would_be() -> None:
    whole = assign([name for chunk in chunks(4, 250) for name in chunk], SHARES, salt="s")
    parts = [part.arm for part in assign_chunks(chunks(4, 250), SHARES, salt="s")]
    assert (np.concatenate(parts) == whole.arm).all()


def test_memory_does_not_grow_with_the_number_of_chunks() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        rows = sum(len(part) for part in assign_chunks(chunks(count, 2000), SHARES, salt="s"))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == count * 2000
        return used

    assert peak(20) < 1.2 * peak(3)


def test_an_assignment_prints_as_a_sentence_and_becomes_a_table() -> None:
    found = assign(["a", "b", "c", "d"], {"none": 0.5, "email": 0.5}, salt="s", strata=[0] * 4)
    assert str(found) == (
        "4 customers assigned with salt 's': email 2 (50.00 % of 50 % designed), "
        "none 2 (50.00 % of 50 % designed)."
    )
    assert found.to_pandas().columns.tolist() == ["customer", "arm", "probability"]
    assert found.to_pandas()["customer"].tolist() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: assign([1.0, 2.0], SHARES, salt="s"), DataError, "floats lose digits"),
        (lambda: assign(["a", None], SHARES, salt="s"), DataError, "None, row 1"),
        (lambda: assign(["a"], {"a": 0.5, "b": 0.4}, salt="s"), SettingError, "0.9 in all"),
        (lambda: assign(["a"], {"a": 1.0}, salt="s"), SettingError, "two or more positive shares"),
        (lambda: assign(["a"], {"a": 1.0, "b": 0.0}, salt="s"), SettingError, "two or more positive shares"),
        (lambda: assign(["a"], SHARES, salt=""), SettingError, "salt is empty"),
        (lambda: assign(["a"], SHARES, salt="s", strata=[1, 2]), DataError, "strata has 2 values for 1"),
        (lambda: assign(["a"], SHARES, salt="s", cluster=["h", "i"]), DataError, "cluster has 2 values"),
        (
            lambda: assign(["a", "b"], SHARES, salt="s", cluster=["h", "h"], strata=[1, 2]),
            DataError,
            "'h' lies in more than one stratum",
        ),
    ],
)
def test_what_cannot_be_assigned_is_refused_in_words(
    call: Callable[[], Assignment], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
