"""PostgreSQL, with a real server."""

from __future__ import annotations

import datetime
import decimal
import math

import pyarrow as pa
import pytest

from uplift import DataError, SettingError
from uplift.history import History, Roles
from uplift.tables import read_table
from uplift.tables.postgres import PostgresWarehouse

TYPES = """
select 7::int2 as small, 9223372036854775807 as large, 12.50::numeric(10, 2) as price,
       36893488147419103232::numeric as huge, 0.1::numeric as loose, 'NaN'::float8 as odd,
       0.1::float8 as tenth,
       '007'::varchar(9) as code, '' as empty, null::text as nothing, 'a,"b"' || chr(10) || 'c' as quoted,
       date '2024-02-29' as day, timestamp '2024-03-31 02:30:00.25' as clock,
       timestamptz '2024-06-01 08:00:00+02' as moment, true as yes,
       'e58ed763-928c-4155-bee9-fdbaaadc15f3'::uuid as uuid
"""


def test_every_type_survives(postgres_url: str) -> None:
    (row,) = read_table(url=postgres_url, query=TYPES)[0].to_pylist()
    assert math.isnan(row.pop("odd"))
    assert row == {
        "small": 7,
        "large": 2**63 - 1,
        "price": decimal.Decimal("12.50"),
        "huge": decimal.Decimal(2**65),
        "loose": 0.1,
        "tenth": 0.1,
        "code": "007",
        "empty": "",
        "nothing": None,
        "quoted": 'a,"b"\nc',
        "day": datetime.date(2024, 2, 29),
        "clock": datetime.datetime(2024, 3, 31, 2, 30, 0, 250000),
        "moment": datetime.datetime(2024, 6, 1, 6, 0, tzinfo=datetime.UTC),
        "yes": True,
        "uuid": "e58ed763-928c-4155-bee9-fdbaaadc15f3",
    }


def test_a_history_is_read_from_a_query(postgres_url: str) -> None:
    campaign = pa.record_batch(
        {
            "id": ["007", "8", "9"],
            "arm": ["none", "sms", "sms"],
            "margin": [0.0, 1.5, 2.5],
            "age": [31, None, 44],
        }
    )
    PostgresWarehouse(postgres_url).write("campaign", [campaign])
    table, findings = read_table(url=postgres_url, query="select * from campaign order by id")
    roles = Roles(outcome="margin", control="none", treatment="arm", customer="id")
    history = History.from_table(table, roles, findings=findings)
    assert history.customer.to_pylist() == ["007", "8", "9"]
    assert history.features.to_pydict() == {"age": [31, None, 44]}


def test_a_query_cannot_change_the_database(postgres_url: str) -> None:
    PostgresWarehouse(postgres_url).write("kept", [pa.record_batch({"a": [1]})])
    for query in ("with gone as (delete from kept returning a) select * from gone", "drop table kept"):
        with pytest.raises(DataError, match="PostgreSQL"):
            read_table(url=postgres_url, query=query)
    assert read_table(url=postgres_url, query="kept")[0].num_rows == 1


def test_an_error_of_the_server_is_one_line(postgres_url: str) -> None:
    with pytest.raises(DataError, match='relation "ordrs" does not exist') as caught:
        read_table(url=postgres_url, query="ordrs")
    assert "\n" not in str(caught.value)


def test_two_columns_of_one_name_are_refused(postgres_url: str) -> None:
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_table(url=postgres_url, query="select 1 as a, 2 as a")


def test_a_query_without_rows_is_refused_but_has_a_schema(postgres_url: str) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(url=postgres_url, query="select 1 as a where false")
    (batch,) = PostgresWarehouse(postgres_url).read("select 1 as a where false")
    assert batch.schema.names == ["a"]


def test_a_password_is_never_repeated() -> None:
    for url in (
        "postgresql://shop:s3cret@127.0.0.1:1/x",
        "postgresql://shop:s3cret@127.0.0.1:port/x?=",
    ):
        with pytest.raises((DataError, SettingError)) as caught:
            read_table(url=url, query="orders")
        assert "s3cret" not in str(caught.value)


def test_an_infinite_date_is_refused(postgres_url: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_table(url=postgres_url, query="select date 'infinity' as a")


def test_a_list_is_not_written(postgres_url: str) -> None:
    with pytest.raises(DataError, match="'tags' holds list"):
        PostgresWarehouse(postgres_url).write("lists", [pa.record_batch({"tags": [[1]]})])
