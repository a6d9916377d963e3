"""Choose and clean the feature columns, and compare those of a history with an audience's."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from ..findings import Finding
from ..roles import Roles
from .columns import is_number, missing_column, plain
from .inference import is_decimal, is_marked_amount
from .rows import first_row, rows_where, with_first_row

_INDEX = "__index_level_"


def read_features(table: pa.Table, roles: Roles) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return the feature columns, in plain types, and what was left out and why.

    Everything that has no role and is not excluded is a feature, but for columns that are the same in every
    row and text that differs in every row.

    Raises:
        DataError: An excluded column does not exist, or a feature has a type that cannot be one.
    """
    for name in roles.exclude:
        if name not in table.column_names:
            raise DataError(missing_column(name, table.column_names, "named to be excluded"))
    taken = {*roles.columns().values(), *roles.exclude}
    names = [name for name in table.column_names if name not in taken]
    features = {name: feature(plain(table[name]), name) for name in names}
    constant = [name for name, values in features.items() if _is_constant(values)]
    unique = [name for name, values in features.items() if name not in constant and _is_unique_text(values)]
    index = [name for name in names if name.startswith(_INDEX) and name not in constant]
    kept = {name: values for name, values in features.items() if name not in {*constant, *unique, *index}}
    found = (
        *_left_out(constant, "the same in every row"),
        *_left_out(unique, "text that differs in every row"),
        *_left_out(index, "the row index of a data frame"),
        *(finding for name, values in kept.items() for finding in _amounts_as_text(values, name, table)),
        *(finding for name, values in kept.items() for finding in _infinite(values, name, table)),
    )
    # A table made of no columns would forget its number of rows.
    return with_first_row(pa.table(kept), first_row(table)) if kept else table.select([]), found


def feature(values: pa.Array, name: str) -> pa.Array:
    """Return a plain array in one of the types a feature can have: decimals as float64, the rest as it is.

    Raises:
        DataError: It is a list, a struct, binary, a duration, …
    """
    kind = values.type
    if pa.types.is_decimal(kind):
        return pc.cast(values, pa.float64(), safe=False)
    if kind_of(kind) is None:
        raise DataError(
            f"The column {name!r} holds {kind}, which cannot be a feature. "
            f"Exclude it, or turn it into numbers, text, true/false or dates."
        )
    return values


def kind_of(kind: pa.DataType) -> str | None:
    """Return which kind of feature a type is: number, text, true/false, date, timestamp; None if it is none.

    >>> kind_of(pa.int32()), kind_of(pa.dictionary(pa.int8(), pa.string())), kind_of(pa.list_(pa.int8()))
    ('number', 'text', None)
    """
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    tests = {
        "number": is_number(kind),
        "text": pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind),
        "true/false": pa.types.is_boolean(kind),
        "date": pa.types.is_date(kind),
        "timestamp": pa.types.is_timestamp(kind),
        "nothing": pa.types.is_null(kind),
    }
    return next((name for name, holds in tests.items() if holds), None)


def shared(features: pa.Table, audience: pa.Table, leave: Collection[str] = ()) -> tuple[str, ...]:
    """Return the feature columns that an audience has too, in the order of the history.

    Args:
        features: The features of a history.
        audience: The columns of an audience.
        leave: Columns of the audience that are never features, its ids for one.

    Raises:
        DataError: A column has one kind of value here and another there.
    """
    names = [name for name in features.column_names if name in audience.column_names and name not in leave]
    for name in names:
        here, there = features.schema.field(name).type, audience.schema.field(name).type
        if not _compatible(here, there):
            empty = audience[name].null_count == audience.num_rows
            found = "nothing at all" if empty else _in_words(there)
            raise DataError(
                f"The column {name!r} holds {_in_words(here)} in the history and {found} in the "
                "audience. Give it one type in both, or exclude it."
            )
    return tuple(names)


def _compatible(here: pa.DataType, there: pa.DataType) -> bool:
    same = kind_of(here) == kind_of(there)
    if same and kind_of(here) == "timestamp":
        return (here.tz is None) == (there.tz is None)
    return same


def _in_words(kind: pa.DataType) -> str:
    return f"{kind_of(kind) or 'values'} ({kind})"


def _is_constant(values: pa.Array) -> bool:
    if values.null_count:
        return bool(values.null_count == len(values))
    head = values[0]
    if pa.types.is_floating(values.type) and np.isnan(head.as_py()):
        return bool(pc.all(pc.is_nan(values)).as_py())
    return bool(pc.all(pc.equal(values, head)).as_py())


def _is_unique_text(values: pa.Array) -> bool:
    if not pa.types.is_string(values.type):
        return False
    return bool(pc.count_distinct(values).as_py() == len(values) - values.null_count)


def _left_out(names: list[str], why: str) -> tuple[Finding, ...]:
    if not names:
        return ()
    shown = ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
    verb = "is" if len(names) == 1 else "are"
    return (
        Finding(
            "features",
            "warn",
            f"{shown} {verb} {why} and not used as a feature.",
            measured=float(len(names)),
            next="Nothing to do if that is meant.",
        ),
    )


def _infinite(values: pa.Array, name: str, table: pa.Table) -> tuple[Finding, ...]:
    if not pa.types.is_floating(values.type):
        return ()
    infinite = pc.fill_null(pc.is_inf(values), False)
    count = pc.sum(infinite).as_py()
    if not count:
        return ()
    where = rows_where(infinite, first_row(table))
    return (
        Finding(
            "features",
            "warn",
            f"{name!r} is infinite in {where}; those cells count as missing.",
            measured=float(count),
            next="Leave the cell empty where there is no value.",
        ),
    )


def _amounts_as_text(values: pa.Array, name: str, table: pa.Table) -> tuple[Finding, ...]:
    """Warn about text that is mostly amounts: one "12,5", "NA" or "$3" keeps a column from being numbers."""
    if not pa.types.is_string(values.type):
        return ()
    encoded = values.dictionary_encode()
    counts = np.bincount(encoded.indices.drop_null().to_numpy(), minlength=len(encoded.dictionary))
    plainly = is_decimal(encoded.dictionary).to_numpy(zero_copy_only=False)
    marked = is_marked_amount(encoded.dictionary).to_numpy(zero_copy_only=False)
    if plainly.all() or 2 * counts[plainly | marked].sum() < counts.sum():
        return ()
    others = encoded.dictionary.filter(pa.array(~plainly))
    shown = ", ".join(repr(cell) for cell in others.slice(0, 3).to_pylist())
    where = rows_where(pc.is_in(values, others), first_row(table))
    return (
        Finding(
            "features",
            "warn",
            f"{name!r} is used as text, though most of it looks like numbers: it holds {shown} in {where}.",
            measured=float(counts[~plainly].sum()),
            next="Write numbers with a decimal point only, and leave missing cells empty ('NA' is a value).",
        ),
    )
