"""From a table to the fields of an Audience."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError, did_you_mean
from ..findings import Finding
from .columns import check_table, plain, refuse_where
from .histories import read_customers


def read_audience(
    table: pa.Table, customer: str | None
) -> tuple[pa.StringArray, pa.Table, tuple[Finding, ...]]:
    """Return an audience's ids, its table with plain column types, and what reading it found.

    Raises:
        DataError: There is no such column, or an id is missing or occurs twice.
    """
    check_table(table)
    if customer is not None and customer not in table.column_names:
        near = did_you_mean(customer, table.column_names)
        raise DataError(
            f"The audience has no column {customer!r}, named as customer.{near} Its ids must be in the column "
            "of the same name as the history's."
        )
    ids, findings = read_customers(table, customer)
    refuse_where(
        _is_repeat(ids),
        table,
        f"The customer {customer!r} occurs more than once",
        "An audience has one row per customer: keep the one that counts.",
    )
    return ids, plain_table(table), findings


def plain_table(table: pa.Table) -> pa.Table:
    """Return a table with plain column types: no dictionaries, no decimals, no half floats."""
    columns = [_plain_column(table[name]) for name in table.column_names]
    return pa.table(columns, names=table.column_names, metadata=table.schema.metadata)


def last_rows(ids: pa.StringArray) -> npt.NDArray[np.int64]:
    """Return the position of the last row of each id, in increasing order.

    >>> last_rows(pa.array(["a", "b", "a"]))
    array([1, 2])
    """
    codes = ids.dictionary_encode().indices.to_numpy()
    last = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(last, codes, np.arange(len(codes)))
    return np.sort(last)


def _is_repeat(ids: pa.StringArray) -> npt.NDArray[np.bool_]:
    if pc.count_distinct(ids).as_py() == len(ids):
        return np.zeros(len(ids), dtype=np.bool_)
    codes = ids.dictionary_encode().indices.to_numpy()
    return np.asarray(np.bincount(codes)[codes] > 1)


def _plain_column(values: pa.ChunkedArray) -> pa.Array:
    array = plain(values)
    return pc.cast(array, pa.float64(), safe=False) if pa.types.is_decimal(array.type) else array
