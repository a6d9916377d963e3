"""Encoder: feature columns of any type become small integer codes, once for all models.

Every model that grows trees works on the same (n, d) matrix of uint8 codes, so a table is binned once,
however many models are fitted or scored on it. Code 0 is a missing value. Numbers, dates and times fall into
bins with about equal numbers of customers; text and booleans have one code a level, the rarest levels share
the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .errors import DataError

Codes = npt.NDArray[np.uint8]

CODES = 64  # codes a column can have, the one for missing included; one cache line holds a row of leaf masks
SAMPLE = 200_000  # rows that bin edges are computed from
CATEGORY = "text or true/false"
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Column:
    """How one feature is encoded: ordered by `edges`, or by `levels` where it is a category.

    The kind is kept because a date and a timestamp both have an order, but count in different units.
    """

    name: str
    kind: str
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether the codes have an order."""
        return self.kind != CATEGORY

    @property
    def codes(self) -> int:
        """The number of codes in use, the one for missing included."""
        return 1 + (len(self.edges) + 1 if self.ordered else len(self.levels) + 1)

    def describe(self, code: int) -> str:
        """Return in words what one code stands for."""
        if code == 0:
            return "missing"
        if not self.ordered:
            return self.levels[code - 1] if code <= len(self.levels) else "any other value"
        low = self.edges[code - 2] if code > 1 else None
        high = self.edges[code - 1] if code <= len(self.edges) else None
        if low is None:
            return f"up to {high:g}" if high is not None else "any value"
        return f"over {low:g}" if high is None else f"{low:g} to {high:g}"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _kind(name: str, found: pa.DataType) -> str:
    """Return the kind of a column in words; null where it holds nothing.

    Raises:
        DataError: It is a list, a struct, a duration, …
    """
    if pa.types.is_dictionary(found):
        return _kind(name, found.value_type)
    if pa.types.is_timestamp(found):
        return "timestamps" if found.tz is None else "timestamps with a time zone"
    kinds = {
        "numbers": pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found),
        CATEGORY: pa.types.is_boolean(found) or _is_text(found),
        "dates": pa.types.is_date(found),
        "times of day": pa.types.is_time(found),
        NOTHING: pa.types.is_null(found),
    }
    kind = next((kind for kind, holds in kinds.items() if holds), None)
    if kind is None:
        raise DataError(
            f"Column {name!r} holds {found}, which cannot be a feature."
            " Turn it into numbers, text, true/false or dates, or leave it out."
        )
    return kind


def _flat(array: pa.ChunkedArray | pa.Array) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _numbers(array: pa.Array) -> npt.NDArray[np.float64]:
    """Return an ordered column as float64 with NaN for missing."""
    kind = array.type
    if pa.types.is_date(kind):
        array = pc.cast(pc.cast(array, pa.date32()), pa.int32())
    elif pa.types.is_timestamp(kind):
        array = pc.cast(pc.cast(array, pa.timestamp("s", tz=kind.tz), safe=False), pa.int64())
    elif pa.types.is_temporal(kind):
        array = pc.cast(pc.cast(array, pa.time64("us")), pa.int64())
    numbers = pc.fill_null(pc.cast(array, pa.float64(), safe=False), float("nan"))
    values: npt.NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return np.where(np.isinf(values), np.nan, values)


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return pc.if_else(array, "true", "false")
    return pc.cast(array, pa.string())


def _edges(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the inner bin edges: between distinct values where they are few, else at quantiles."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) == 0:
        return ()
    distinct = np.unique(known)
    if len(distinct) > CODES - 2:
        shares = np.linspace(0, 1, CODES - 1)[1:-1]
        return tuple(np.unique(np.quantile(known, shares, method="lower")).tolist())
    return tuple(distinct[:-1].tolist())


def _fit_column(name: str, array: pa.Array) -> Column:
    kind = _kind(name, array.type)
    if kind not in (CATEGORY, NOTHING):
        values = _numbers(array)
        step = max(1, len(values) // SAMPLE)
        return Column(name, kind, edges=_edges(values[::step]))
    counts = pc.value_counts(_texts(array).drop_null())
    found = sorted(
        zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return Column(name, CATEGORY, levels=tuple(level for level, _ in found[: CODES - 2]))


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns the feature columns of a table into (n, d) codes, the same way every time."""

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, table: pa.Table, features: Sequence[str] | None = None) -> Encoder:
        """Learn bin edges and levels from a table; one column a feature, in the table's order.

        Raises:
            DataError: A column has a type that cannot be a feature.
        """
        names = features if features is not None else table.column_names
        return cls(tuple(_fit_column(name, _flat(table[name])) for name in names))

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the order of the codes' columns."""
        return tuple(column.name for column in self.columns)

    @property
    def categories(self) -> list[int]:
        """The positions of the columns whose codes have no order."""
        return [j for j, column in enumerate(self.columns) if not column.ordered]

    def transform(self, table: pa.Table) -> Codes:
        """Return the codes, (n, d) uint8 in column-major order.

        Raises:
            DataError: A feature is missing from the table, or has a type it cannot be encoded from.
        """
        missing = [name for name in self.names if name not in table.column_names]
        if missing:
            raise DataError(
                f"The table lacks the feature columns {missing}, which the effects were learned from."
                " Add them, or learn the effects without them."
            )
        codes = np.empty((table.num_rows, len(self.columns)), np.uint8, order="F")
        for j, column in enumerate(self.columns):
            codes[:, j] = self._encode(column, _flat(table[column.name]))
        return codes

    def _encode(self, column: Column, array: pa.Array) -> Codes:
        kind = _kind(column.name, array.type)
        if kind == NOTHING:
            return np.zeros(len(array), np.uint8)
        if kind != column.kind:
            raise DataError(
                f"Column {column.name!r} holds {array.type}, but the effects were learned from {column.kind}."
                " Give it the type that it had in the history."
            )
        if column.ordered:
            values = _numbers(array)
            found = np.searchsorted(np.asarray(column.edges), values, side="left") + 1
            return np.where(np.isnan(values), 0, found).astype(np.uint8)
        place = pc.index_in(_texts(array), value_set=pa.array(column.levels, pa.string()))
        known = pc.fill_null(place, len(column.levels)).to_numpy(zero_copy_only=False) + 1
        return np.where(pc.is_null(array).to_numpy(zero_copy_only=False), 0, known).astype(np.uint8)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the encoder as plain data."""
        return [
            {"name": c.name, "kind": c.kind, "edges": list(c.edges), "levels": list(c.levels)}
            for c in self.columns
        ]

    @classmethod
    def from_dict(cls, columns: Sequence[Mapping[str, Any]]) -> Encoder:
        """Return the encoder that `to_dict` described."""
        return cls(
            tuple(Column(c["name"], c["kind"], tuple(c["edges"]), tuple(c["levels"])) for c in columns)
        )
