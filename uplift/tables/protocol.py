"""The Warehouse protocol."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import pyarrow as pa


class Warehouse(Protocol):
    """A place that holds tables. It is made from one location: a folder, a database file, a URL.

    A query names a table of that place, or is one SELECT where the place speaks SQL.
    """

    def read(self, query: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query as Arrow batches, with all columns or the named ones.

        There is at least one batch, which may be empty, so that the schema is always known.

        Raises:
            DataError: There is no such table or column, or the query fails.
        """
        ...

    def aggregate(self, query: str, by: Sequence[str], needs: Sequence[str]) -> pa.Table:
        """Return what sufficient statistics are made of, one row per group, ordered by group.

        Columns: those of `by`; `n`; `sum_<c>` for each needed column; and `sum_<c>_<d>`, the sum of products,
        for each pair of them with c at or before d in `needs`. Sums are float64 and do not depend on the
        number of threads; the tables of two parts add up to the table of the whole.

        Raises:
            DataError: There is no such table or column, or a needed cell is missing.
        """
        ...

    def write(self, name: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a new table from at least one batch.

        Raises:
            SettingError: A table of that name is there already.
        """
        ...


def batches_of(table: pa.Table) -> list[pa.RecordBatch]:
    """Return a table's batches; an empty one where it has no rows."""
    return table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
