"""The columns of a user's table, turned into arrays once, at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from uplift.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
MOST_LEVELS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Covariates:
    """Pre-period columns as numbers: `values` (n, p) and the (p,) `names` of what they are."""

    values: Floats
    names: tuple[str, ...]


def series(frame: object, name: str, role: str) -> pd.Series:
    """Return a column of a DataFrame, an Arrow table or a mapping of arrays.

    Raises:
        DataError: There is no such column.
    """
    import pandas as pd

    known = [str(column) for column in _names(frame)]
    if name not in known:
        raise DataError(
            f"The table has no column {name!r}, named as {role}.{did_you_mean(name, known)} "
            f"It has {', '.join(known[:20])}."
        )
    column = frame[name]  # type: ignore[index]
    return pd.Series(column.to_pandas() if hasattr(column, "to_pandas") else column).reset_index(drop=True)


def numbers(frame: object, name: str, role: str) -> Floats:
    """Return a column of finite numbers, (n,); true and false are 1 and 0.

    Raises:
        DataError: It holds text, or missing or infinite values; the message says how many and where.
    """
    column = series(frame, name, role)
    if not _is_number(column):
        raise DataError(
            f"Column {name!r}, named as {role}, holds {column.dtype}, such as {column.iloc[:1].tolist()}; "
            "numbers are needed."
        )
    values = _floats(column)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"Column {name!r}, named as {role}, is missing or infinite in {len(bad):,} rows (the first "
            f"is row {bad[0]}). Say what they mean: 0 for customers who bought nothing, or leave them "
            "out of all arms."
        )
    return values


def labels(frame: object, name: str, role: str) -> tuple[Codes, tuple[str, ...]]:
    """Return (n,) codes of a column's values and their names as text, in order.

    Raises:
        DataError: A value is missing.
    """
    codes, names = _factorize(series(frame, name, role))
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        raise DataError(
            f"Column {name!r}, named as {role}, is missing in {len(bad):,} rows (the first is row {bad[0]}): "
            "give every row a value."
        )
    return codes, names


def covariates(frame: object, names: Sequence[str], rows: int) -> Covariates:
    """Return pre-period columns as numbers.

    Numbers, dates and booleans stay one column; a missing value becomes the mean and gets a column of its
    own. Text becomes one column a level but the first, and missing is a level.

    Raises:
        DataError: A column is not there, infinite, or text of more than 50 levels.
    """
    parts = [part for name in names for part in _encode(series(frame, name, "a covariate"), name)]
    values = np.column_stack([np.empty((rows, 0)), *(column for _, column in parts)])
    return Covariates(values, tuple(name for name, _ in parts))


def _names(frame: object) -> list[object]:
    for attribute in ("column_names", "columns", "keys"):
        found = getattr(frame, attribute, None)
        if found is not None:
            return list(found() if callable(found) else found)
    raise DataError(
        f"Found a {type(frame).__name__}; a pandas DataFrame, an Arrow table or a mapping is needed."
    )


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    kinds = ("boolean", "decimal")
    return bool(pd.api.types.is_numeric_dtype(column)) or pd.api.types.infer_dtype(column) in kinds


def _floats(column: pd.Series) -> Floats:
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))


def _factorize(column: pd.Series) -> tuple[Codes, tuple[str, ...]]:
    import pandas as pd

    codes, values = pd.factorize(column)
    names = [_label(value) for value in values.tolist()]
    order = np.argsort(np.array(names, dtype=str), kind="stable")
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(names)), -1
    return place[codes], tuple(names[i] for i in order)


def _label(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _encode(column: pd.Series, name: str) -> list[tuple[str, Floats]]:
    if column.dtype.kind in "mM":
        days = (column - column.min()) / np.timedelta64(1, "D")
        return _with_missing(days.to_numpy(dtype=float), name)
    if _is_number(column):
        return _with_missing(_floats(column), name)
    codes, levels = _factorize(column)
    if len(levels) > MOST_LEVELS:
        raise DataError(
            f"Covariate {name!r} is text with {len(levels):,} different values; at most {MOST_LEVELS} are of "
            "use: group them, or leave it out."
        )
    kept = [level for level in range(-1, len(levels)) if level != 0 and bool((codes == level).any())]
    return [(f"{name}={levels[i] if i >= 0 else 'missing'}", (codes == i).astype(float)) for i in kept]


def _with_missing(values: Floats, name: str) -> list[tuple[str, Floats]]:
    if np.isinf(values).any():
        raise DataError(f"Covariate {name!r} is infinite in {np.isinf(values).sum():,} rows: repair them.")
    missing = np.isnan(values)
    if not missing.any():
        return [(name, values)]
    mean = float(values[~missing].mean()) if not missing.all() else 0.0
    return [(name, np.where(missing, mean, values)), (f"{name} missing", missing.astype(float))]
