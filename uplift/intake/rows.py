"""Name rows the way the user sees them: as rows of the file, counted from 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SHOWN = 5
_KEY = b"uplift.first_row"


def with_first_row(table: pa.Table, first: int) -> pa.Table:
    """Return the table, noting that its first row is row `first` of the file it was read from."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: str(first).encode()})


def first_row(table: pa.Table) -> int:
    """Return the number that the user's file gives the first row: 2 below a header, else 1."""
    return int((table.schema.metadata or {}).get(_KEY, b"1"))


def listed(numbers: npt.NDArray[np.int64] | list[int], more: int = 0) -> str:
    """Return the first few numbers in words; `more` counts those that are not in `numbers`.

    >>> listed([3]), listed([3, 17]), listed([3, 4, 5, 6, 7, 8, 9])
    ('row 3', 'rows 3, 17', 'rows 3, 4, 5, 6, 7 and 2 more')
    """
    shown = ", ".join(str(number) for number in numbers[:SHOWN])
    left = len(numbers) - SHOWN + more if len(numbers) > SHOWN else more
    word = "row" if len(numbers) == 1 and not more else "rows"
    return f"{word} {shown}" + (f" and {left:,} more" if left > 0 else "")


def rows_where(mask: npt.NDArray[np.bool_] | pa.Array | pa.ChunkedArray, first: int) -> str:
    """Return the rows where a mask is true, in words, saying what row 1 is.

    >>> rows_where(np.array([False, True]), 2)
    'row 3 (the header is row 1)'
    """
    flags = mask if isinstance(mask, np.ndarray) else np.asarray(mask)
    where = np.flatnonzero(flags)
    origin = "the header is row 1" if first == 2 else "counted from 1"
    return f"{listed(where[:SHOWN] + first, len(where) - min(len(where), SHOWN))} ({origin})"
