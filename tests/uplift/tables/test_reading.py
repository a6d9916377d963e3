"""read_table: which reader a path or a url gets, and what databases and Parquet carry over."""

from __future__ import annotations

import decimal
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uplift import DataError, MissingExtra, SettingError
from uplift.tables import read_table
from uplift.tables.duck import DuckWarehouse

TYPES = """
select 7::utinyint as tiny, 18446744073709551615::ubigint as large, 12.50::decimal(10, 2) as price,
       'gold'::enum('gold', 'silver') as tier, date '2024-02-29' as day,
       timestamptz '2024-06-01 08:00:00+02' as moment, true as yes, null::varchar as nothing
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table orders as {TYPES}").fetchall()
    return path


def test_a_duckdb_file_with_one_table_needs_no_query(shop: Path) -> None:
    table, findings = read_table(shop)
    assert findings == ()
    assert table["large"][0].as_py() == 2**64 - 1
    assert table["price"][0].as_py() == decimal.Decimal("12.50")
    assert table["moment"][0].as_py().isoformat() == "2024-06-01T06:00:00+00:00"


def test_a_query_is_run_and_may_end_in_a_semicolon_or_a_comment(shop: Path) -> None:
    for end in ("", ";", " -- every tier", "\n;\n"):
        table, _ = read_table(shop, query=f"select tier, price * 2 as twice from orders{end}")
        assert table.to_pylist() == [{"tier": "gold", "twice": decimal.Decimal("25.00")}]


def test_with_two_tables_a_query_is_needed(shop: Path) -> None:
    DuckWarehouse(shop).write("visits", [pa.record_batch({"a": [1]})])
    with pytest.raises(SettingError, match="'orders', 'visits'"):
        read_table(shop)


def test_a_variable_of_python_is_not_a_table(shop: Path) -> None:
    visits = pa.table({"a": [1]})
    assert visits.num_rows == 1
    with pytest.raises(DataError, match="visits"):
        read_table(shop, query="select * from visits")


def test_a_query_cannot_change_the_database(shop: Path) -> None:
    with pytest.raises(DataError):
        read_table(shop, query="delete from orders returning tier")
    assert read_table(shop)[0].num_rows == 1


def test_a_query_without_rows_is_refused(shop: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(shop, query="select * from orders where price > 100")


def test_a_file_that_is_no_database_and_one_that_is_no_parquet_are_one_line(tmp_path: Path) -> None:
    for name in ("t.duckdb", "t.parquet"):
        (tmp_path / name).write_text("customer_id,margin\n1,2\n" * 500)
        with pytest.raises(DataError, match=name) as caught:
            read_table(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, None], pa.uint64()), "b": pa.array(["x", "y"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")[0].equals(table)


def test_it_must_be_clear_what_to_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(SettingError, match="either a path or a url"):
        read_table()
    with pytest.raises(SettingError, match="not both"):
        read_table(tmp_path / "t.csv", url="postgresql://localhost/shop", query="orders")
    with pytest.raises(SettingError, match="needs a database"):
        read_table(tmp_path / "t.csv", query="orders")
    with pytest.raises(SettingError, match="needs a query"):
        read_table(url="postgresql://localhost/shop")
    with pytest.raises(SettingError, match=r"no kind of database"):
        read_table(url="shop", query="orders")
    with pytest.raises(SettingError, match="Did you mean 'postgres'"):
        read_table(url="postgre://localhost/shop", query="orders")
    for scheme in ("mysql", "https", "file", "duckdb"):
        with pytest.raises(SettingError, match=rf"{scheme}://.* Known are postgresql://") as caught:
            read_table(url=f"{scheme}://me:secret@[localhost/shop")
        assert "secret" not in str(caught.value)


def test_postgres_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'uplift-engine\[postgres\]'"):
        read_table(url="postgresql://localhost/shop", query="orders")
