"""Choose and clean the feature columns, and compare those of a history with an audience's."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from ..findings import Finding
from ..roles import Roles
from .columns import empty_cells, is_number, missing_column, plain
from .inference import is_decimal, is_marked_amount
from .rows import first_row, rows_where, with_first_row

_INDEX = "__index_level_"


def read_features(table: pa.Table, roles: Roles) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return the feature columns, in plain types, and what was left out and why.

    Everything that has no role and is not excluded is a feature, but for columns that are the same in every
    row, text that differs in every row, and types that cannot be features: lists, binary, times of day, …

    Raises:
        DataError: An excluded column does not exist.
    """
    for name in roles.exclude:
        if name not in table.column_names:
            raise DataError(missing_column(name, table.column_names, "named to be excluded"))
    taken = {*roles.columns().values(), *roles.exclude}
    names = [name for name in table.column_names if name not in taken]
    plainly = {name: plain(table[name]) for name in names}
    features = {
        name: _feature(values) for name, values in plainly.items() if kind_of(values.type) is not None
    }
    constant = [name for name, values in features.items() if _is_constant(values)]
    unique = [name for name, values in features.items() if name not in constant and _is_unique_text(values)]
    index = [name for name in names if name.startswith(_INDEX) and name not in constant]
    kept = {name: values for name, values in features.items() if name not in {*constant, *unique, *index}}
    odd = {name: str(values.type) for name, values in plainly.items() if name not in features}
    found = (
        *_left_out(
            list(odd), f"of a type that cannot be a feature ({', '.join(dict.fromkeys(odd.values()))})"
        ),
        *_left_out(constant, "the same in every row"),
        *_left_out(unique, "text that differs in every row"),
        *_left_out(index, "the row index of a data frame"),
        *(finding for name, values in kept.items() for finding in _amounts_as_text(values, name, table)),
        *(finding for name, values in kept.items() for finding in _infinite(values, name, table)),
    )
    # A table made of no columns would forget its number of rows.
    return with_first_row(pa.table(kept), first_row(table)) if kept else table.select([]), found


def _feature(values: pa.Array) -> pa.Array:
    return pc.cast(values, pa.float64(), safe=False) if pa.types.is_decimal(values.type) else values


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


def as_in_history(features: pa.Table, audience: pa.Table) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return an audience whose columns have the history's types where that loses nothing, and what was done.

    A column that is missing for everybody is missing in any type; 1 and 0 are true and false. Other columns of
    another kind stay as they are, for `shared` to refuse.

    Args:
        features: The features of a history.
        audience: The columns of an audience, in plain types.
    """
    missing, flags = [], []
    for place, name in enumerate(audience.column_names):
        if name not in features.column_names:
            continue
        kind, values = features.schema.field(name).type, plain(audience[name])
        if _is_missing(values):
            missing.append(name)
            audience = audience.set_column(place, name, pa.nulls(len(values), kind))
        elif _are_flags(features[name], values):
            flags.append(name)
            audience = audience.set_column(place, name, _recast(values, kind))
    return audience, (
        *_said(
            missing, "is missing for every customer of the audience", "Check that it was meant to be empty."
        ),
        *_said(flags, "is true/false on one side and 1/0 on the other; they were taken as the same"),
    )


def _is_missing(values: pa.Array) -> bool:
    # A look at the first rows spares one at all of them.
    return bool(empty_cells(values[:100]).all() and empty_cells(values).all())


def _are_flags(here: pa.ChunkedArray, there: pa.Array) -> bool:
    """Return whether one side is true/false and the other holds only 1 and 0."""
    if pa.types.is_boolean(here.type) == pa.types.is_boolean(there.type):
        return False
    other = there if pa.types.is_boolean(here.type) else plain(here)
    if not is_number(other.type):
        return False
    known = pc.cast(other, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return bool(np.isin(known[~np.isnan(known)], (0.0, 1.0)).all())


def _recast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return pc.cast(values, kind)


def _said(names: list[str], what: str, then: str = "Nothing to do if that is meant.") -> tuple[Finding, ...]:
    return tuple(Finding("features", "warn", f"{name!r} {what}.", next=then) for name in names)


def shared(features: pa.Table, audience: pa.Table, leave: Collection[str] = ()) -> tuple[str, ...]:
    """Return the feature columns that an audience has too, in the order of the history.

    Args:
        features: The features of a history.
        audience: The columns of an audience.
        leave: Columns of the audience that are never features, its ids for one.

    Raises:
        DataError: A column has one kind of value here and another there.
    """
    names = [
        name
        for name in features.column_names
        # What is missing for the whole audience tells no two of its customers apart.
        if name in audience.column_names
        and name not in leave
        and audience[name].null_count < audience.num_rows
    ]
    for name in names:
        here, there = features.schema.field(name).type, audience.schema.field(name).type
        if not _compatible(here, there):
            raise DataError(
                f"The column {name!r} holds {_in_words(here)} in the history and {_in_words(there)} in the "
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
