"""Tables as files in a folder: CSV, TSV and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from ..errors import DataError, SettingError, did_you_mean
from ..findings import Finding
from ..intake.columns import missing_column
from .delimited import read_delimited
from .protocol import batches_of

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
PARQUET = (".parquet", ".pq")
_PACKED = (".gz", ".bz2", ".zst")


class FileWarehouse:
    """Files in a folder. A query is a file's name; its ending says how it is read and written."""

    def __init__(self, location: str | Path) -> None:
        self.folder = Path(location)

    def read(self, query: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a file; see `Warehouse.read`."""
        yield from batches_of(self._table(query, columns))

    def aggregate(self, query: str, by: Sequence[str], needs: Sequence[str]) -> pa.Table:
        """Return counts, sums and sums of products by group; see `Warehouse.aggregate`."""
        from .duck import aggregated  # reading a file should not load a database

        columns = list(dict.fromkeys([*by, *needs]))
        return aggregated(self._table(query, columns or None), by, needs)

    def write(self, name: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a new file; see `Warehouse.write`."""
        path = self.folder / name
        writer = _writer(path)
        if path.exists():
            raise SettingError(f"There is a file {path} already. Choose another name.")
        writer(pa.Table.from_batches(batches), path)

    def _table(self, query: str, columns: Sequence[str] | None) -> pa.Table:
        table, _ = read_file(self.folder / query)
        for name in columns or ():
            if name not in table.column_names:
                raise DataError(missing_column(name, table.column_names, f"asked for in {query}"))
        return table if columns is None else table.select(list(columns))


def read_file(path: Path, text: tuple[str, ...] = ()) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return the table of a CSV, TSV or Parquet file, and what reading it found.

    Raises:
        DataError: There is no such file, or it is damaged.
        SettingError: Its ending is none that can be read.
    """
    ending = ending_of(path)
    _check_there(path)
    if ending in DELIMITED:
        return read_delimited(path, text)
    if ending in PARQUET:
        return _parquet(path), ()
    raise SettingError(
        f"{path.name} ends in {ending or 'nothing'!r}; a table is read from .csv, .tsv, .parquet or .duckdb. "
        "Save it as one of those."
    )


def _check_there(path: Path) -> None:
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder. Name the file in it that holds the table.")
        if not path.is_file():
            near = [other.name for other in path.absolute().parent.glob("*")]
            raise DataError(f"There is no file {path}.{did_you_mean(path.name, near)}")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def ending_of(path: Path) -> str:
    """Return a file's ending in small letters, that of packing left aside.

    >>> ending_of(Path("history.CSV.gz"))
    '.csv'
    """
    bare = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return bare.suffix.lower()


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {error}. Write it again.") from error


def _writer(path: Path) -> Callable[[pa.Table, Path], None]:
    ending = path.suffix.lower()
    if ending in PARQUET:
        return pq.write_table  # type: ignore[no-any-return]
    if ending in DELIMITED:
        mark = "," if ending == ".csv" else "\t"
        options = arrow_csv.WriteOptions(delimiter=mark)
        return lambda table, target: arrow_csv.write_csv(table, target, write_options=options)
    raise SettingError(f"{path.name} ends in {ending!r}; a table is written as .csv, .tsv or .parquet.")
