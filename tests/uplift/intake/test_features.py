"""Features: what is used, what is left out, and in which types."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pytest

from uplift import DataError, Finding
from uplift.history import History, Roles

PAIRS = Roles(outcome="margin", control="none", channel="channel", send_time="hour")


def warned(findings: tuple[Finding, ...], code: str) -> list[str]:
    return [found.message for found in findings if found.code == code and found.verdict == "warn"]


def test_everything_without_a_role_is_a_feature(campaign: Callable[..., pa.Table]) -> None:
    history = History.from_table(campaign(), Roles("margin", "none", channel="channel", exclude=("p",)))
    assert history.features.column_names == ["hour", "age", "tier"]
    assert history.features.num_rows == len(history)


def test_constant_columns_and_text_that_names_rows_are_left_out_and_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    nan = float("nan")
    odd = {"one": [7] * 4, "empty": pa.nulls(4, pa.string()), "nan": [nan] * 4, "mail": ["a", "b", "c", "d"]}
    history = pairs(campaign(**odd, known=[None, 1, 1, 1]), channel="channel", customer="customer")
    assert set(history.features.column_names) == {"hour", "p", "age", "tier", "known"}
    constant, unique = warned(history.findings, "features")
    assert "'one', 'empty', 'nan' are the same in every row" in constant
    assert "'mail' is text that differs in every row" in unique


def test_features_keep_plain_types(campaign: Callable[..., pa.Table], pairs: Callable[..., History]) -> None:
    kinds = {
        "u": pa.array([1, 2, 3, 2**64 - 1], pa.uint64()),
        "d": pa.array([Decimal("1.50"), Decimal("2.50"), None, Decimal("1.50")]),
        "c": pa.array(["x", "y", "x", None]).dictionary_encode(),
        "l": pa.array(["x", "y", "x", None], pa.large_string()),
        "b": [True, False, None, True],
        "t": pa.array([1, 2, 3, None], pa.timestamp("s", "UTC")),
        "g": pa.array([1, 2, 3, None], pa.date32()),
        "h": pa.array([1.5, 2.5, 3.5, None], pa.float32()).cast(pa.float16()),
    }
    features = pairs(campaign(**kinds), channel="channel").features
    types = {name: features.schema.field(name).type for name in kinds}
    assert types == {
        "u": pa.uint64(),
        "d": pa.float64(),
        "c": pa.string(),
        "l": pa.string(),
        "b": pa.bool_(),
        "t": pa.timestamp("s", "UTC"),
        "g": pa.date32(),
        "h": pa.float32(),
    }
    assert features["u"].to_pylist() == [1, 2, 3, 2**64 - 1]
    assert features["d"].to_pylist() == [1.5, 2.5, None, 1.5]


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        ([[1]] * 4, "list<"),
        ([{"a": 1}] * 4, "struct<"),
        ([b"x"] * 4, "binary"),
        ([datetime.timedelta(1)] * 4, "duration[us]"),
        ([datetime.time(8)] * 4, "time64[us]"),
        (pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int8())), "map<"),
        (pa.array([b"x" * 16] * 4, pa.uuid()), "fixed_size_binary[16]"),
    ],
)
def test_a_column_of_a_type_that_cannot_be_a_feature_is_left_out_and_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], odd: object, kind: str
) -> None:
    for roles in ({"customer": "customer"}, {}):
        history = pairs(campaign(odd=odd), channel="channel", **roles)
        assert "odd" not in history.features.column_names
        assert (
            f"'odd' is of a type that cannot be a feature ({kind}"
            in (warned(history.findings, "features")[0])
        )
    history = pairs(campaign(odd=odd), channel="channel", customer="customer", exclude=("odd",))
    assert not warned(history.findings, "features")


@pytest.mark.parametrize("cell", ["12,5", "NA", "$3", " "])
def test_a_column_kept_from_being_numbers_by_a_cell_stays_text_and_is_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History], cell: str
) -> None:
    history = pairs(campaign(size=["1", cell, "2", "1"]), channel="channel", customer="customer")
    assert history.features["size"].to_pylist() == ["1", cell, "2", "1"]
    assert (
        f"'size' is used as text, though most of it looks like numbers: it holds {cell!r} in row 2"
        in (warned(history.findings, "features")[0])
    )


def test_codes_with_leading_zeros_are_not_taken_for_numbers(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(
        campaign(zip=["01234", "90210", "01234", "90210"]), channel="channel", customer="customer"
    )
    assert history.features["zip"].to_pylist()[0] == "01234"
    plain = pairs(campaign(zip=["90211", "90210", "90211", "90210"]), channel="channel", customer="customer")
    assert not warned(plain.findings, "features")


def test_features_can_be_chosen_and_nothing_else_changes(campaign: Callable[..., pa.Table]) -> None:
    history = History.from_table(campaign(), PAIRS)
    chosen = history.with_features(["tier", "age"])
    assert chosen.features.column_names == ["tier", "age"]
    assert chosen.outcome is history.outcome
    assert history.with_features([]).features.num_rows == 4
    with pytest.raises(DataError, match=r"'teir', asked for as a feature\. Did you mean 'tier'"):
        history.with_features(["teir"])


def test_a_history_without_features_still_knows_its_rows(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    history = pairs(campaign().select(["channel", "margin"]), channel="channel")
    assert history.features.num_columns == 0
    assert history.features.num_rows == 4


def test_an_infinite_feature_is_said(
    campaign: Callable[..., pa.Table], pairs: Callable[..., History]
) -> None:
    table = campaign(since=[1.0, float("inf"), float("nan"), None])
    history = pairs(table, channel="channel", customer="customer")
    assert "'since' is infinite in row 2" in warned(history.findings, "features")[0]
