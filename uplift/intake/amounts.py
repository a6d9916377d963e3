"""Read a column of amounts: outcome, cost, probability. What is not plainly a number is refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from .columns import column, empty_cells, is_number, refuse_where
from .inference import currency_mark, is_decimal
from .rows import first_row, rows_where

Floats = npt.NDArray[np.float64]

_CORRECT = "Correct these rows or leave them out."
_FILL = {"outcome": "Write 0 where nothing came of it; leave out customers that were not observed."}


def numbers(table: pa.Table, name: str, role: str, *, low: float | None = None) -> Floats:
    """Return a column as (n,) float64, every cell a finite number.

    Args:
        table: The table.
        name: The column.
        role: What it is named as, for messages ("outcome", "cost", …).
        low: The smallest value allowed, or None.

    Raises:
        DataError: It is missing, or a cell is empty, NaN, infinite, below `low` or not a number.

    >>> numbers(pa.table({"cost": ["0.02", "0.1"]}), "cost", "cost", low=0.0)
    array([0.02, 0.1 ])
    """
    what = f"The {role} {name!r}"
    values = column(table, name, role)
    nan = pc.is_nan(values) if pa.types.is_floating(values.type) else None
    if nan is not None:
        refuse_where(_mask(nan), table, f"{what} is NaN", _CORRECT)
    refuse_where(empty_cells(values), table, f"{what} is missing", _FILL.get(role, "Every row needs one."))
    amounts = _amounts(values, table, name, role)
    refuse_where(~np.isfinite(amounts), table, f"{what} is infinite", _CORRECT)
    if low is not None:
        refuse_where(amounts < low, table, f"{what} is below {low:g}", _CORRECT)
    return amounts


def probabilities(table: pa.Table, name: str) -> Floats:
    """Return a column of assignment probabilities, each above 0 and at most 1.

    Raises:
        DataError: As for `numbers`; or one lies outside (0, 1].
    """
    values = numbers(table, name, "probability")
    refuse_where(
        ~((values > 0) & (values <= 1)),
        table,
        f"The probability {name!r} is outside (0, 1]",
        "It is the probability of the arm that the row was given; write 25 % as 0.25.",
    )
    return values


def _mask(flags: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(flags, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _amounts(values: pa.Array, table: pa.Table, name: str, role: str) -> Floats:
    kind = values.type
    if pa.types.is_string(kind):
        if not pc.all(is_decimal(values)).as_py():
            raise DataError(_not_numbers(values, name, role, first_row(table)))
    elif not (is_number(kind) or pa.types.is_boolean(kind)):
        raise DataError(f"The {role} {name!r} holds {kind}; plain numbers are needed.")
    return np.asarray(pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)


def _not_numbers(values: pa.Array, name: str, role: str, first: int) -> str:
    bad = pc.invert(is_decimal(values))
    cells = [str(cell) for cell in pc.unique(values.filter(bad)).to_pylist()]
    shown = ", ".join(repr(cell) for cell in cells[:3])
    marks = sorted({mark for cell in cells if (mark := currency_mark(cell))})
    where = rows_where(bad, first)
    if len(marks) > 1:
        return (
            f"The {role} {name!r} mixes {' and '.join(marks[:3])} ({shown}) in {where}. "
            "Convert all amounts to one currency and leave its sign out."
        )
    return (
        f"The {role} {name!r} holds {shown}, not plain numbers, in {where}. "
        "Write amounts with digits and a decimal point only, as in 12.5."
    )
