"""Tables in PostgreSQL, moved by COPY and parsed column-wise."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from ..errors import DataError, MissingExtra, SettingError
from ..intake.columns import check_unique
from ..intake.inference import inferred
from . import sql
from .protocol import batches_of

if TYPE_CHECKING:
    from types import ModuleType

    from psycopg import Column, Connection, Cursor

# What a session says must mean the same everywhere.
_SESSION = (
    "set time zone 'UTC'",
    "set datestyle to 'ISO, YMD'",
    "set extra_float_digits to 1",
    "set max_parallel_workers_per_gather to 0",
    "set synchronize_seqscans to off",
)
_NUMERIC = "numeric"
_ARROW = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_BLOCK = 1 << 24
_MOST_DIGITS = 38


class PostgresWarehouse:
    """Tables in a PostgreSQL database; queries are SQL. Needs the extra "postgres"."""

    def __init__(self, location: str) -> None:
        self._url = location

    def read(self, query: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a table or SELECT; see `Warehouse.read`.

        The order of rows is the server's: end the query with ORDER BY where it has to be the same every time.
        """
        with self._cursor() as cursor:
            yield from batches_of(_copied(cursor, sql.select(query, columns)))

    def aggregate(self, query: str, by: Sequence[str], needs: Sequence[str]) -> pa.Table:
        """Return counts, sums and sums of products by group; see `Warehouse.aggregate`."""
        with self._cursor() as cursor:
            return sql.complete(_copied(cursor, sql.aggregation(query, by, needs)), needs)

    def write(self, name: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a new table; see `Warehouse.write`."""
        table = pa.Table.from_batches(batches)
        fields = ", ".join(f"{sql.quoted(field.name)} {_sql_type(field)}" for field in table.schema)
        rows = io.BytesIO()
        arrow_csv.write_csv(table, rows, arrow_csv.WriteOptions(include_header=False))
        with self._cursor(write=True) as cursor:
            if cursor.execute("select to_regclass(%s)", [sql.quoted(name)]).fetchone() != (None,):
                raise SettingError(f"The database has a table {name!r} already. Choose another name.")
            cursor.execute(f"create table {sql.quoted(name)} ({fields})")
            with cursor.copy(f"copy {sql.quoted(name)} from stdin with (format csv)") as copy:
                copy.write(rows.getvalue())

    @contextmanager
    def _cursor(self, *, write: bool = False) -> Iterator[Cursor[Any]]:
        psycopg = _psycopg()
        try:
            with self._connection(psycopg) as connection:
                connection.read_only = not write
                with connection.cursor() as cursor:
                    for setting in _SESSION:
                        cursor.execute(setting)
                    yield cursor
        except psycopg.Error as error:
            raise DataError(_one_line(error)) from error

    def _connection(self, psycopg: ModuleType) -> Connection[Any]:
        try:
            found: Connection[Any] = psycopg.connect(self._url, client_encoding="utf8")
        except psycopg.ProgrammingError:
            # Its message may repeat the URL, and with it the password; so may the traceback of a cause.
            raise SettingError(
                "The url of the database is malformed; one as in postgresql://user@host/shop is needed."
            ) from None
        return found


def _psycopg() -> ModuleType:
    try:
        return importlib.import_module("psycopg")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "'postgres' needs the package 'psycopg': pip install 'uplift-engine[postgres]'"
        ) from error


def _copied(cursor: Cursor[Any], query: str) -> pa.Table:
    """Return the rows of a query: types from its description, cells as CSV, both from the server."""
    described = cursor.execute(f"select * from ({query}) as described limit 0").description or []
    names = [column.name for column in described]
    check_unique(names)
    types = {column.name: _arrow_type(cursor, column) for column in described}
    with cursor.copy(f"copy ({query}) to stdout with (format csv)") as copy:
        content = b"".join(copy)
    if not content:
        return pa.schema(types.items()).empty_table()
    table = _parsed(content, types)
    for position, column in enumerate(described):
        if types[column.name] == pa.string() and _type_name(cursor, column) == _NUMERIC:
            table = table.set_column(position, column.name, _numeric(table[column.name]))
    return table


def _parsed(content: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(column_names=list(types), block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types,
                # COPY writes a missing cell as nothing and an empty text as "".
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"The query's rows cannot be read: {error}. Cast that column to text.") from error


def _type_name(cursor: Cursor[Any], column: Column) -> str:
    info = cursor.adapters.types.get(column.type_code)
    return info.name if info is not None else "text"


def _arrow_type(cursor: Cursor[Any], column: Column) -> pa.DataType:
    name = _type_name(cursor, column)
    if name == _NUMERIC and column.precision and column.precision <= _MOST_DIGITS and column.scale >= 0:
        return pa.decimal128(column.precision, column.scale)
    return _ARROW.get(name, pa.string())


def _numeric(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numerics without a declared precision: whole numbers where all are, else floats."""
    values = inferred(text)
    if not pa.types.is_string(values.type):
        return values
    try:
        return pc.cast(text, pa.decimal128(_MOST_DIGITS, 0))
    except pa.ArrowInvalid:
        return pc.cast(text, pa.float64())


def _sql_type(field: pa.Field) -> str:
    kind = field.type
    named = {arrow: name for name, arrow in _ARROW.items()}
    if kind in named:
        return named[kind]
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    if pa.types.is_integer(kind):
        return "numeric(20, 0)" if kind == pa.uint64() else "int8"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamptz"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    raise DataError(f"The column {field.name!r} holds {kind}, which cannot be written to PostgreSQL.")


def _one_line(error: Exception) -> str:
    return f"PostgreSQL: {' '.join(str(error).split())}. Check the query, the names in it and the url."
