"""Read one table, wherever it is: the ending of a path or the scheme of a URL says how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..errors import SettingError, did_you_mean
from ..findings import Finding
from ..intake.columns import check_table
from ..plugins import load, names
from .files import ending_of, read_file
from .protocol import Warehouse

_DUCKDB = (".duckdb", ".db", ".ddb")
_SCHEMES = {"postgresql": "postgres"}
# Warehouses that a path leads to, not a URL.
_PATHS = ("file", "duckdb")
_GROUP = "uplift.warehouses"


def read_table(
    path: str | Path | None = None,
    *,
    url: str | None = None,
    query: str | None = None,
    text: Sequence[str] = (),
) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return a table and what reading it found.

    Args:
        path: A CSV, TSV, Parquet or DuckDB file.
        url: A database instead, as in "postgresql://user@host/shop".
        query: A table's name or a SELECT; a DuckDB file with one table needs none.
        text: Columns of a CSV or TSV file that are ids: left as text whatever they hold.

    Raises:
        DataError: The table cannot be read as it is; rows or lines are named.
        SettingError: It is not clear what to read.
        MissingExtra: The database needs a package that is not installed.
    """
    if (path is None) == (url is None):
        raise SettingError("Name either a path or a url to read from" + (", not both." if path else "."))
    if url is not None:
        return _from_url(url, query)
    file = Path(str(path))
    if ending_of(file) in _DUCKDB:
        return _from_duckdb(file, query)
    if query is not None:
        raise SettingError(f"A query needs a database; {file.name} is a file. Leave the query out.")
    table, findings = read_file(file, tuple(text))
    check_table(table)
    return table, findings


def _from_url(url: str, query: str | None) -> tuple[pa.Table, tuple[Finding, ...]]:
    scheme, mark, _ = url.partition("://")
    scheme = scheme.strip().lower()
    if not (scheme and mark):
        raise SettingError(
            "The url names no kind of database; one as in postgresql://user@host/shop is needed."
        )
    known = [*_SCHEMES, *(name for name in names(_GROUP) if name not in _PATHS)]
    if scheme not in known:
        shown = ", ".join(f"{name}://" for name in known)
        raise SettingError(
            f"A url that begins with {scheme}:// cannot be read.{did_you_mean(scheme, known)} Known are {shown}; "
            "files, DuckDB files too, are named by their path."
        )
    if query is None:
        raise SettingError("A database needs a query: a table's name, or a SELECT.")
    warehouse: Warehouse = load(_GROUP, _SCHEMES.get(scheme, scheme))(url)
    return _collected(warehouse, query), ()


def _from_duckdb(file: Path, query: str | None) -> tuple[pa.Table, tuple[Finding, ...]]:
    from .duck import DuckWarehouse  # only those who use DuckDB wait for it

    warehouse = DuckWarehouse(file)
    return _collected(warehouse, query or warehouse.only_table()), ()


def _collected(warehouse: Warehouse, query: str) -> pa.Table:
    table = pa.Table.from_batches(warehouse.read(query))
    check_table(table)
    return table
