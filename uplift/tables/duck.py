"""Tables in a DuckDB file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from ..errors import DataError, SettingError, did_you_mean
from . import sql
from .protocol import batches_of


class DuckWarehouse:
    """Tables in a DuckDB file; queries are SQL."""

    def __init__(self, location: str | Path) -> None:
        self.path = Path(location)

    def read(self, query: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table or SELECT; see `Warehouse.read`."""
        with self._open() as connection:
            yield from batches_of(_rows(connection, sql.select(query, columns)))

    def aggregate(self, query: str, by: Sequence[str], needs: Sequence[str]) -> pa.Table:
        """Return counts, sums and sums of products by group; see `Warehouse.aggregate`."""
        with self._open() as connection:
            return sql.complete(_rows(connection, sql.aggregation(query, by, needs)), needs)

    def write(self, name: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a new table; see `Warehouse.write`."""
        if self.path.exists() and name in self.tables():
            raise SettingError(f"{self.path.name} has a table {name!r} already. Choose another name.")
        table = pa.Table.from_batches(batches)
        with self._open(write=True) as connection:
            connection.register("new rows", table)
            connection.execute(f'create table {sql.quoted(name)} as select * from "new rows"').fetchall()

    def tables(self) -> list[str]:
        """Return the names of the tables and views, in order."""
        listing = (
            "select table_name from information_schema.tables "
            "where table_schema = 'main' and table_catalog = current_database() order by table_name"
        )
        with self._open() as connection:
            names: list[str] = _rows(connection, listing)["table_name"].to_pylist()
        return names

    def only_table(self) -> str:
        """Return the name of the table, if there is just one.

        Raises:
            SettingError: There are several, or none.
        """
        names = self.tables()
        if len(names) != 1:
            found = ", ".join(repr(name) for name in names) or "no table"
            raise SettingError(f"{self.path.name} holds {found}. Give a query that says what to read.")
        return names[0]

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        if not write and not self.path.is_file():
            near = [path.name for path in self.path.absolute().parent.glob("*")]
            raise DataError(f"There is no file {self.path}.{did_you_mean(self.path.name, near)}")
        # One thread, so that sums and the order of groups are the same everywhere.
        # Python's own variables must not stand in for tables.
        config = {"threads": "1", "python_enable_replacements": "false"}
        try:
            with closing(duckdb.connect(str(self.path), read_only=not write, config=config)) as connection:
                yield connection
        except duckdb.Error as error:
            raise DataError(f"{self.path.name}: {_one_line(error)}") from error


def aggregated(table: pa.Table, by: Sequence[str], needs: Sequence[str]) -> pa.Table:
    """Return `Warehouse.aggregate` of a table in memory.

    Raises:
        DataError: There is no such column, or a needed cell is missing.
    """
    with closing(
        duckdb.connect(config={"threads": "1", "python_enable_replacements": "false"})
    ) as connection:
        connection.register("rows", table)
        try:
            return sql.complete(_rows(connection, sql.aggregation("rows", by, needs)), needs)
        except duckdb.Error as error:
            raise DataError(_one_line(error)) from error


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return connection.sql(query).to_arrow_table()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) + " Check the query and the names in it."
