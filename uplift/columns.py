"""Columns at the door: what a user passes as an array, checked once and made numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .errors import DataError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def numbers(name: str, values: npt.ArrayLike, *, rows: int | None = None) -> Floats:
    """Return a column of finite numbers as (n,) float64.

    Args:
        name: What the column is called in messages.
        values: (n,) numbers or booleans.
        rows: How many rows the other columns have, or None for the first.

    Raises:
        DataError: The column has another shape or length, or holds text, missing or infinite values.
    """
    column = _as_float(name, np.asarray(values))
    if column.ndim != 1:
        raise DataError(f"{name} has the shape {column.shape}; one value a row is needed, shape (n,).")
    if rows is not None and len(column) != rows:
        raise DataError(f"{name} has {len(column):,} rows and the columns before it have {rows:,}.")
    refuse_rows(name, ~np.isfinite(column), "missing or infinite", "give a finite number in every row")
    return column


def flags(name: str, values: npt.ArrayLike, *, rows: int) -> Flags:
    """Return a column of booleans (or of 0 and 1) as (n,) bool.

    Raises:
        DataError: The column is not (n,), or holds anything but false and true.
    """
    column = numbers(name, values, rows=rows)
    refuse_rows(name, (column != 0) & (column != 1), "neither 0 nor 1", "give false or true in every row")
    yes: Flags = column == 1
    return yes


def probabilities(name: str, values: npt.ArrayLike, *, rows: int) -> Floats:
    """Return one probability, or a column of them, as (n,) float64 above 0 and up to 1.

    Raises:
        DataError: It has another shape or length, or holds values outside (0, 1].
    """
    given = np.asarray(values)
    column = numbers(name, np.full(rows, given) if given.ndim == 0 else given, rows=rows)
    refuse_rows(name, (column <= 0) | (column > 1), "outside (0, 1]", "give the probability of assignment")
    return column


def matrix(name: str, values: npt.ArrayLike, *, rows: int, columns: int) -> Floats:
    """Return a table of finite numbers as (rows, columns) float64.

    Raises:
        DataError: It has another shape, or holds text, missing or infinite values.
    """
    table = _as_float(name, np.asarray(values))
    if table.shape != (rows, columns):
        raise DataError(f"{name} has the shape {table.shape}; ({rows}, {columns}) is needed.")
    refuse_rows(name, np.any(~np.isfinite(table), axis=1), "missing or infinite", "give finite numbers")
    return table


def refuse_rows(name: str, bad: Flags, found: str, advice: str) -> None:
    """Raise a DataError that counts the bad rows and names the first, if there are any."""
    count = int(np.count_nonzero(bad))
    if count:
        first = int(np.argmax(bad))
        raise DataError(
            f"{name} is {found} in {count:,} of {len(bad):,} rows, first in row {first} (from 0); {advice}."
        )


def _as_float(name: str, values: npt.NDArray[np.generic]) -> Floats:
    """Return an array as float64, without reading numbers out of text."""
    text = values.dtype == object and any(isinstance(value, str) for value in values.flat)
    if values.dtype.kind not in "biufO" or text:
        raise DataError(f"{name} holds {'text' if text else values.dtype}; numbers are needed.")
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds a value that is not a number ({error}); fill or drop it.") from error
