"""A history's features as numbers: codes for categories, seconds for dates, NaN for what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..history import Floats

# Rarer levels of a category share one, so that the number of tests stays a number of features.
MAX_LEVELS = 20
OTHER = "other levels"


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature column.

    Attributes:
        name: The column's name.
        values: (n,) numbers, or codes into `levels`; NaN where missing.
        levels: The levels of a category, most frequent first; empty for a number.
    """

    name: str
    values: Floats
    levels: tuple[str, ...] = ()

    def columns(self) -> Iterator[tuple[str, Floats]]:
        """Yield (name, (n,) numbers without NaN): the number, a flag for each level, a flag for missing."""
        missing = np.isnan(self.values)
        if not self.levels:
            yield self.name, np.where(missing, _mean(self.values, missing), self.values)
        # Two levels and nothing missing are one flag, not two.
        flags = self.levels[:1] if len(self.levels) == 2 and not missing.any() else self.levels
        for code, level in enumerate(flags):
            yield f"{self.name} = {level}", (self.values == code).astype(np.float64)
        if missing.any() and not missing.all():
            yield f"{self.name} is missing", missing.astype(np.float64)


def _mean(values: Floats, missing: npt.NDArray[np.bool_]) -> float:
    return 0.0 if missing.all() else float(values[~missing].mean())


def encode(table: pa.Table) -> tuple[Feature, ...]:
    """Return a table's columns as features; columns of a type that holds no number or text are left out."""
    encoded = (_encode_column(name, table.column(name)) for name in table.column_names)
    return tuple(feature for feature in encoded if feature is not None)


def _encode_column(name: str, column: pa.ChunkedArray) -> Feature | None:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _encode_column(name, column.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _category(name, column)
    number = _as_number(column)
    return None if number is None else Feature(name, _floats(number))


def _as_number(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column that casts to float: dates and times as seconds; None for a type that is no number."""
    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("s", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    known = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return column if known else None


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _category(name: str, column: pa.ChunkedArray) -> Feature:
    encoded = pc.dictionary_encode(column.combine_chunks())
    labels = encoded.dictionary.to_pylist()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    count = np.bincount(codes[codes >= 0], minlength=len(labels))
    order = sorted(range(len(labels)), key=lambda code: (-count[code], labels[code]))
    kept = len(order) if len(order) <= MAX_LEVELS else MAX_LEVELS - 1
    # One slot more than there are labels, so that the code −1 of a missing value finds its NaN.
    number = np.full(len(labels) + 1, float(kept))
    number[order[:kept]] = np.arange(kept)
    number[-1] = np.nan
    levels = [str(labels[code]) for code in order[:kept]]
    return Feature(name, number[codes], tuple(levels if kept == len(order) else [*levels, OTHER]))
