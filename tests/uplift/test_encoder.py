"""Codes against plain definitions: order, levels, missing values, drift."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError
from uplift.encoder import CODES, Encoder
from uplift.simulator import simulate

steady = settings(derandomize=True, deadline=None, max_examples=80)
numbers = st.lists(st.none() | st.floats(-1e9, 1e9) | st.integers(-20, 20), min_size=1, max_size=200)
texts = st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=200)


def encode(values: pa.Array, other: pa.Array | None = None) -> np.ndarray:
    """Return the codes of one column, learned from `values`."""
    encoder = Encoder.fit(pa.table({"x": values}))
    return encoder.transform(pa.table({"x": values if other is None else other}))[:, 0]


def column(values: Sequence[object], kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(values, kind or pa.float64())


@steady
@given(numbers, numbers)
def test_codes_keep_the_order_of_numbers_seen_or_not(
    seen: list[float | None], new: list[float | None]
) -> None:
    codes = encode(column(seen), column(new))
    for one, low in zip(new, codes, strict=True):
        for other, high in zip(new, codes, strict=True):
            if one is not None and other is not None and one <= other:
                assert low <= high


@steady
@given(st.lists(st.integers(-30, 31), min_size=1, max_size=200))
def test_few_distinct_numbers_keep_a_code_each(values: list[int]) -> None:
    codes = encode(column(values, pa.int64()))
    assert len(set(zip(values, codes.tolist(), strict=True))) == len(set(values)) == len(set(codes.tolist()))


@steady
@given(texts)
def test_few_levels_keep_a_code_each(values: list[str | None]) -> None:
    kept = [value for value in values if value is not None][: CODES - 2]
    codes = encode(column(kept, pa.string()))
    assert len(set(zip(kept, codes.tolist(), strict=True))) == len(set(kept)) == len(set(codes.tolist()))


@steady
@given(numbers, texts)
def test_code_0_is_a_missing_value_and_nothing_else(some: list[float | None], more: list[str | None]) -> None:
    np.testing.assert_array_equal(encode(column(some)) == 0, [value is None for value in some])
    np.testing.assert_array_equal(encode(column(more, pa.string())) == 0, [value is None for value in more])


@steady
@given(numbers, st.randoms(use_true_random=False))
def test_what_is_learned_does_not_depend_on_the_order_of_rows(
    values: list[float | None], random: object
) -> None:
    shuffled = random.sample(values, len(values))  # type: ignore[attr-defined]
    words = [None if value is None else f"{value:.0f}" for value in values]
    mixed = [None if value is None else f"{value:.0f}" for value in shuffled]
    one = pa.table({"x": column(values), "w": column(words, pa.string())})
    two = pa.table({"x": column(shuffled), "w": column(mixed, pa.string())})
    assert Encoder.fit(one) == Encoder.fit(two)


@steady
@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=300))
def test_whole_numbers_decimals_and_floats_have_the_same_codes(values: list[int]) -> None:
    whole = encode(column(values, pa.int64()))
    for other in (column(values), column([Decimal(value) for value in values], pa.decimal128(30, 2))):
        np.testing.assert_array_equal(encode(column(values, pa.int64()), other), whole)
        np.testing.assert_array_equal(encode(other), whole)


@steady
@given(st.lists(st.integers(-400, 400), min_size=1, max_size=300), st.floats(0.1, 10), st.floats(-5, 5))
def test_an_increasing_function_of_a_number_has_the_same_codes(
    values: list[int], scale: float, shift: float
) -> None:
    plain = np.array(values, float)
    np.testing.assert_array_equal(
        encode(pa.array(plain)), encode(pa.array(np.exp2(plain / 400 * scale) + shift))
    )


def test_many_distinct_numbers_fall_into_bins_of_about_the_same_size() -> None:
    for seed in range(3):
        values = np.exp(2 * np.random.default_rng(seed).standard_normal(20_000))
        sizes = np.bincount(encode(pa.array(values)), minlength=CODES)[1:]
        sizes = sizes[sizes > 0]
        assert len(sizes) == CODES - 2
        assert sizes.min() > 0.8 * sizes.mean()
        assert sizes.max() < 1.2 * sizes.mean()


def test_a_very_long_column_is_binned_from_a_part_of_it_as_evenly() -> None:
    values = np.random.default_rng(0).standard_normal(450_000)
    sizes = np.bincount(encode(pa.array(values)))[1:]
    assert sizes.min() > 0.9 * sizes.mean()


def test_codes_are_small_and_laid_out_column_by_column() -> None:
    table = simulate("rich", rows=3000, audience=10).history
    encoder = Encoder.fit(table)
    codes = encoder.transform(table)
    assert codes.dtype == np.uint8
    assert codes.flags.f_contiguous
    assert codes.shape == (3000, len(encoder.names))
    for j, one in enumerate(encoder.columns):
        assert codes[:, j].max() < one.codes <= CODES


def test_a_value_that_is_not_a_number_or_infinite_is_missing() -> None:
    codes = encode(pa.array([1.0, math.nan, math.inf, -math.inf, None, 2.0]))
    assert codes.tolist() == [1, 0, 0, 0, 0, 2]


def test_a_level_never_seen_has_the_code_of_any_other_value() -> None:
    encoder = Encoder.fit(pa.table({"tier": ["gold", "gold", "silver"]}))
    codes = encoder.transform(pa.table({"tier": ["gold", "silver", "bronze", "", None]}))[:, 0]
    described = [encoder.columns[0].describe(code) for code in codes.tolist()]
    assert described == ["gold", "silver", "any other value", "any other value", "missing"]
    assert len(set(codes.tolist())) == 4


def test_the_rarest_of_very_many_levels_share_a_code() -> None:
    values = [f"{level:03d}" for level in range(150) for _ in range(200 - level)]
    encoder = Encoder.fit(pa.table({"sku": values}))
    codes = dict(zip(values, encoder.transform(pa.table({"sku": values}))[:, 0].tolist(), strict=True))
    kept = sorted(codes)[: CODES - 2]
    assert len({codes[level] for level in kept}) == len(kept)
    rest = {codes[level] for level in codes if level not in kept}
    assert rest == {CODES - 1}
    assert rest.isdisjoint(codes[level] for level in kept)


def test_dates_times_and_booleans_are_encoded_by_their_order_or_level() -> None:
    day = datetime.date(2024, 2, 27)
    moment = datetime.datetime(2024, 2, 27, 23, 59, 58)
    steps = [0, 3, 1, 2]
    table = pa.table(
        {
            "day": [day + datetime.timedelta(days=step) for step in steps],
            "day64": pa.array([day + datetime.timedelta(days=step) for step in steps], pa.date64()),
            "moment": [moment + datetime.timedelta(seconds=step) for step in steps],
            "zoned": pa.array(
                [moment + datetime.timedelta(seconds=step) for step in steps],
                pa.timestamp("ms", "Europe/Berlin"),
            ),
            "clock": [datetime.time(8, step) for step in steps],
            "taken": [True, False, None, False],
        }
    )
    encoder = Encoder.fit(table)
    codes = encoder.transform(table)
    for j in range(5):
        assert codes[:, j].tolist() == [1, 4, 2, 3], encoder.names[j]
    assert [encoder.columns[5].describe(code) for code in codes[:, 5]] == [
        "true",
        "false",
        "missing",
        "false",
    ]
    assert encoder.categories == [5]


def test_a_coarser_or_finer_unit_of_time_makes_no_difference() -> None:
    seconds = np.random.default_rng(0).integers(0, 10**9, 500)
    by_unit = {
        unit: pa.array(seconds, pa.timestamp("s")).cast(pa.timestamp(unit))
        for unit in ("s", "ms", "us", "ns")
    }
    for values in by_unit.values():
        np.testing.assert_array_equal(encode(by_unit["s"], values), encode(by_unit["s"]))


def test_dictionaries_and_chunks_are_read_like_plain_columns() -> None:
    plain = pa.array(["a", "b", None, "c", "a", "b"])
    chunks = pa.chunked_array([plain[:2].dictionary_encode(), plain[2:].dictionary_encode()])
    for other in (
        plain.dictionary_encode(),
        chunks,
        plain.cast(pa.large_string()),
        plain.cast(pa.string_view()),
    ):
        np.testing.assert_array_equal(encode(other), encode(plain))
        np.testing.assert_array_equal(encode(plain, other), encode(plain))
    figures = pa.array([3, 1, None, 3])
    np.testing.assert_array_equal(encode(figures.dictionary_encode()), encode(figures))


def test_a_column_of_nothing_is_missing_everywhere() -> None:
    encoder = Encoder.fit(pa.table({"age": [1, 2], "tier": ["a", "b"], "gone": pa.nulls(2)}))
    codes = encoder.transform(pa.table({"age": pa.nulls(3), "tier": pa.nulls(3), "gone": pa.nulls(3)}))
    assert (codes == 0).all()
    empty = encoder.transform(
        pa.table({"age": pa.array([], pa.int8()), "tier": pa.nulls(0), "gone": pa.nulls(0)})
    )
    assert empty.shape == (0, 3)


def test_an_encoder_survives_a_round_trip_through_json() -> None:
    table = simulate("rich", rows=2000, audience=10).history
    encoder = Encoder.fit(table)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
    assert again == encoder
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))


def test_features_may_be_chosen_and_columns_come_in_any_order() -> None:
    table = simulate("rich", rows=500, audience=10).history
    encoder = Encoder.fit(table, ["tier", "age"])
    assert encoder.names == ("tier", "age")
    backwards = table.select(table.column_names[::-1])
    np.testing.assert_array_equal(encoder.transform(backwards), encoder.transform(table))


def test_every_code_is_described_and_the_description_holds() -> None:
    values = np.arange(1000) / 8
    encoder = Encoder.fit(pa.table({"x": values}))
    codes = encoder.transform(pa.table({"x": values}))[:, 0]
    one = encoder.columns[0]
    for code in range(1, one.codes):
        inside, words = values[codes == code], one.describe(code).split()
        if words[0] == "up":
            assert inside.max() == float(words[2])
        elif words[0] == "over":
            assert inside.min() > float(words[1])
        else:
            low, _, high = words
            assert float(low) < inside.min()
            assert inside.max() == float(high)
    assert Encoder.fit(pa.table({"x": [7.0]})).columns[0].describe(1) == "any value"


def test_a_feature_that_is_gone_is_named() -> None:
    encoder = Encoder.fit(pa.table({"age": [1, 2], "tier": ["a", "b"]}))
    with pytest.raises(DataError, match=r"lacks the feature columns \['tier'\].*Add them"):
        encoder.transform(pa.table({"age": [3]}))


DAY, MOMENT = pa.array([datetime.date(2024, 1, 1)]), pa.array([datetime.datetime(2024, 1, 1)])


@pytest.mark.parametrize(
    ("learned", "given", "message"),
    [
        (pa.array([1]), pa.array(["1"]), "holds string, but the effects were learned from numbers"),
        (pa.array(["1"]), pa.array([1]), "holds int64, but the effects were learned from text"),
        (DAY, MOMENT, r"holds timestamp\[us\], but the effects were learned from dates"),
        (MOMENT, DAY, r"holds date32\[day\], but the effects were learned from timestamps"),
        (DAY, pa.array([19723]), "holds int64, but the effects were learned from dates"),
        (MOMENT, MOMENT.cast(pa.timestamp("s", "UTC")), "were learned from timestamps"),
        (pa.array([1]), pa.array([[1]]), "holds list.*which cannot be a feature"),
        (pa.array(["a"]), pa.array([["a"]]), "holds list.*which cannot be a feature"),
    ],
    ids=["text", "number", "timestamp", "date", "days", "zone", "list", "texts"],
)
def test_a_feature_of_another_kind_is_refused(learned: pa.Array, given: pa.Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode(learned, given)


@pytest.mark.parametrize("values", [[[1], [2]], [{"a": 1}], [datetime.timedelta(1)], [b"x"]])
def test_what_cannot_be_a_feature_is_refused_when_learning_too(values: list[object]) -> None:
    with pytest.raises(DataError, match="cannot be a feature"):
        Encoder.fit(pa.table({"x": pa.array(values)}))
