"""What every warehouse promises, held against each of them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from uplift import DataError, SettingError
from uplift.plugins import BUILT_IN, load, names
from uplift.tables import Warehouse

Open = Callable[[str], tuple[Warehouse, str]]


@pytest.fixture(params=["csv", "parquet", "duckdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return a function: a table's name → a warehouse, and the name that the table has there."""
    kind = request.param
    if kind == "postgres":
        url = request.getfixturevalue("postgres_url")
        mark = tmp_path.name
        return lambda name: (load("uplift.warehouses", "postgres")(url), f"{name}_{mark}")
    if kind == "duckdb":
        return lambda name: (load("uplift.warehouses", "duckdb")(tmp_path / "shop.duckdb"), name)
    return lambda name: (load("uplift.warehouses", "file")(tmp_path), f"{name}.{kind}")


def orders(seed: int, rows: int = 200) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "customer": [f"{number:04d}" for number in rng.integers(0, 999, rows)],
            "arm": rng.choice(["none", "email, early", 'the "b"'], rows),
            "spend": rng.integers(0, 4000, rows) / 4,
            "items": rng.integers(0, 9, rows),
            "mobile": rng.random(rows) < 0.5,
            "day": pa.array([datetime.date(2024, 1, 1 + int(day)) for day in rng.integers(0, 28, rows)]),
            "note": pa.array([None if odd else "a\nb" for odd in rng.random(rows) < 0.5]),
        }
    )


def test_every_built_in_warehouse_is_covered() -> None:
    assert (
        set(BUILT_IN["uplift.warehouses"])
        == {"file", "duckdb", "postgres"}
        <= set(names("uplift.warehouses"))
    )


def test_what_is_written_is_read_back(place: Open) -> None:
    warehouse, name = place("orders")
    warehouse.write(name, orders(0).to_batches(max_chunksize=64))
    assert pa.Table.from_batches(warehouse.read(name)).to_pylist() == orders(0).to_pylist()


def test_only_the_columns_asked_for_are_read_in_that_order(place: Open) -> None:
    warehouse, name = place("orders")
    warehouse.write(name, orders(0).to_batches())
    read = pa.Table.from_batches(warehouse.read(name, ["items", "arm"]))
    assert read.to_pylist() == orders(0).select(["items", "arm"]).to_pylist()


def test_aggregates_are_the_sums_numpy_finds(place: Open) -> None:
    warehouse, name = place("orders")
    table = orders(1)
    warehouse.write(name, table.to_batches())
    found = warehouse.aggregate(name, ["arm"], ["spend", "items"])
    arms = np.array(table["arm"].to_pylist())
    spend, items = table["spend"].to_numpy(), table["items"].to_numpy().astype(float)
    assert found.column_names == [
        "arm", "n", "sum_spend", "sum_items", "sum_spend_spend", "sum_spend_items", "sum_items_items",
    ]  # fmt: skip
    assert set(found["arm"].to_pylist()) == set(arms)
    for row in found.to_pylist():
        here = arms == row["arm"]
        # Quarters and small whole numbers: the sums are exact in float64.
        assert row["n"] == here.sum()
        assert row["sum_spend"] == spend[here].sum()
        assert row["sum_spend_items"] == (spend * items)[here].sum()
        assert row["sum_items_items"] == (items**2)[here].sum()


def test_aggregates_of_parts_add_up_to_those_of_the_whole(place: Open) -> None:
    whole = pa.concat_tables([orders(2), orders(3)])
    sums = []
    for label, table in (("one", orders(2)), ("two", orders(3)), ("whole", whole)):
        warehouse, name = place(label)
        warehouse.write(name, table.to_batches())
        found = warehouse.aggregate(name, [], ["spend", "items"])
        sums.append(np.array([column[0].as_py() for column in found.columns], dtype=float))
    np.testing.assert_array_equal(sums[0] + sums[1], sums[2])


def test_a_missing_cell_is_not_left_out_of_a_sum_in_silence(place: Open) -> None:
    warehouse, name = place("gaps")
    warehouse.write(name, pa.table({"arm": ["a", "a"], "spend": [1.5, None]}).to_batches())
    with pytest.raises(DataError, match="1 cells of 'spend' are missing"):
        warehouse.aggregate(name, ["arm"], ["spend"])


def test_nothing_is_written_over(place: Open) -> None:
    warehouse, name = place("orders")
    warehouse.write(name, orders(0).to_batches())
    with pytest.raises(SettingError, match="already"):
        warehouse.write(name, orders(1).to_batches())
    assert pa.Table.from_batches(warehouse.read(name)).num_rows == orders(0).num_rows


def test_a_table_or_column_that_is_not_there_is_one_line_of_ours(place: Open) -> None:
    warehouse, name = place("orders")
    warehouse.write(name, orders(0).to_batches())
    with pytest.raises(DataError):
        list(warehouse.read(place("ordrs")[1]))
    with pytest.raises(DataError, match="spent"):
        list(warehouse.read(name, ["spent"]))
    with pytest.raises(DataError, match="spent"):
        warehouse.aggregate(name, ["arm"], ["spent"])


@pytest.mark.parametrize(
    "value",
    [2**62 + 1, Decimal("12345678901234567.25"), datetime.datetime(2024, 3, 31, 8, 30, 0, 250000), "", "NA"],
    ids=["large", "decimal", "timestamp", "empty", "NA"],
)
def test_values_survive_databases_and_parquet_exactly(place: Open, value: object, tmp_path: Path) -> None:
    warehouse, name = place("values")
    if name.endswith(".csv") and (value == "" or isinstance(value, Decimal)):
        pytest.skip("a CSV file knows neither empty text nor exact decimals")
    warehouse.write(name, pa.table({"key": [1, 2], "value": [value, None]}).to_batches())
    assert pa.Table.from_batches(warehouse.read(name))["value"].to_pylist() == [value, None]
