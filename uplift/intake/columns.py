"""Read one column in one role: as ids, labels or flags, refusing what it cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError, did_you_mean
from ..findings import Finding
from .rows import first_row, rows_where

Bools = npt.NDArray[np.bool_]

_YES = ("1", "true", "yes")
_NO = ("0", "false", "no")
# From here on, neighbouring whole numbers are the same float64.
_EXACT = 2.0**53


def check_table(table: pa.Table) -> None:
    """Check that a table has rows and that no two of its columns share a name.

    Raises:
        DataError: It has none, or two do.
    """
    check_unique(table.column_names)
    if table.num_rows == 0:
        raise DataError(
            "The table has no rows; at least one row of data is needed. Check how it was written."
        )


def check_unique(names: Iterable[str]) -> None:
    """Check that no two columns share a name.

    Raises:
        DataError: Two do.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(
            f"The table has more than one column named {repeated[0]!r}. Rename or remove the others."
        )


def column(table: pa.Table, name: str, role: str) -> pa.Array:
    """Return a column as one plain array: dictionaries decoded, large text as text.

    Raises:
        DataError: The table has no such column.
    """
    if name not in table.column_names:
        raise DataError(missing_column(name, table.column_names, f"named as {role}"))
    return plain(table[name])


def missing_column(name: str, known: Iterable[str], named: str) -> str:
    """Return the sentence for a column that is not there.

    >>> missing_column("revenu", ["revenue"], "named as outcome")
    "The table has no column 'revenu', named as outcome. Did you mean 'revenue'?"
    """
    return f"The table has no column {name!r}, {named}.{did_you_mean(name, known)}"


def plain(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return values as one array without dictionaries, extensions, large or view text, and half floats."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(pc.cast(values, kind.storage_type))
    if pa.types.is_dictionary(kind):
        return plain(pc.cast(values, kind.value_type))
    if pa.types.is_float16(kind):
        values = pc.cast(values, pa.float32())
    if pa.types.is_binary_view(kind):
        values = pc.cast(values, pa.binary())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = pc.cast(values, pa.string())
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def is_number(kind: pa.DataType) -> bool:
    """Return whether a type is a whole, floating or decimal number."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def empty_cells(values: pa.Array) -> Bools:
    """Return (n,) which cells are missing: null, NaN, or text without a visible character."""
    empty = pc.is_null(values, nan_is_null=bool(pa.types.is_floating(values.type)))
    if pa.types.is_string(values.type):
        empty = pc.or_(empty, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(values), ""), False))
    return np.asarray(empty.to_numpy(zero_copy_only=False), dtype=np.bool_)


def refuse_where(bad: Bools, table: pa.Table, what: str, then: str) -> None:
    """Refuse rows.

    Raises:
        DataError: Any is true; the message is `what`, the rows and what to do.
    """
    if bad.any():
        raise DataError(f"{what} in {rows_where(bad, first_row(table))}. {then}")


def ids(table: pa.Table, name: str, role: str) -> tuple[pa.StringArray, tuple[Finding, ...]]:
    """Return a column of ids as text, exactly as given, with warnings about near-duplicates.

    Raises:
        DataError: The column is missing or holds what cannot be an id; or an id is missing.
    """
    values = column(table, name, role)
    refuse_where(empty_cells(values), table, f"The {role} {name!r} is missing", "Every row needs an id.")
    text, findings = _id_text(values, table, name, role)
    return text, findings + _look_alikes(text, table, name)


def _id_text(
    values: pa.Array, table: pa.Table, name: str, role: str
) -> tuple[pa.StringArray, tuple[Finding, ...]]:
    kind = values.type
    if pa.types.is_string(kind):
        return values, ()
    if pa.types.is_floating(kind):
        return _float_ids(values, table, name, role)
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return pc.cast(values, pa.string()), ()
    raise DataError(f"The {role} {name!r} holds {kind}, which cannot be an id. Give text or whole numbers.")


def _float_ids(
    values: pa.Array, table: pa.Table, name: str, role: str
) -> tuple[pa.StringArray, tuple[Finding, ...]]:
    amounts = values.to_numpy()
    lossy = (np.abs(amounts) >= _EXACT) | (amounts != np.floor(amounts))
    refuse_where(
        lossy,
        table,
        f"The {role} {name!r} holds decimal numbers that cannot be told apart as ids",
        "Read that column as text.",
    )
    warning = Finding(
        "ids",
        "warn",
        f"The {role} {name!r} came as decimal numbers; they were read as whole ones ('7' for 7.0).",
        next="Read that column as text, so that no id can change.",
    )
    return pc.cast(pc.cast(values, pa.int64()), pa.string()), (warning,)


def _look_alikes(text: pa.StringArray, table: pa.Table, name: str) -> tuple[Finding, ...]:
    unique = pc.unique(text)
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(unique)).dictionary_encode()
    if len(folded.dictionary) == len(unique):
        return ()
    codes = folded.indices.to_numpy()
    several = unique.filter(pa.array(np.bincount(codes)[codes] > 1))
    rows = rows_where(pc.is_in(text, several), first_row(table))
    shown = ", ".join(repr(one) for one in several.slice(0, 2).to_pylist())
    return (
        Finding(
            "ids",
            "warn",
            f"{len(several):,} values of {name!r} differ only by case or white space ({shown}), in {rows}; "
            "they are kept apart.",
            measured=float(len(several)),
            next="Write every id in one way if they mean the same customer.",
        ),
    )


def labels(table: pa.Table, name: str, role: str) -> pa.StringArray:
    """Return a column of labels as text: 1 and 1.0 as "1", true as "true".

    Raises:
        DataError: The column is missing or holds what cannot be a label; or a label is missing.
    """
    values = column(table, name, role)
    refuse_where(
        empty_cells(values),
        table,
        f"The {role} {name!r} is missing",
        "Every row needs one; write a label of its own for control.",
    )
    return label_text(values, name, role)


def label_text(values: pa.Array, name: str, role: str) -> pa.StringArray:
    """Return plain values as text labels; whole numbers that came as decimals lose their point.

    Raises:
        DataError: They are neither text, numbers nor booleans.
    """
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_floating(kind) and is_whole(values):
        return pc.cast(pc.cast(values, pa.int64()), pa.string())
    if is_number(kind) or pa.types.is_boolean(kind):
        return pc.cast(values, pa.string())
    raise DataError(f"The {role} {name!r} holds {kind}, which cannot be a label. Give text or numbers.")


def is_whole(values: pa.Array) -> bool:
    """Return whether every float of an array is a whole number of exact size; missing ones do not count."""
    amounts = values.to_numpy(zero_copy_only=False)
    amounts = amounts[~np.isnan(amounts)]
    return bool(np.all((amounts == np.floor(amounts)) & (np.abs(amounts) < _EXACT)))


def flags(table: pa.Table, name: str, role: str) -> Bools:
    """Return a column as (n,) booleans: true/false, yes/no or 1/0, in any case of letters.

    Raises:
        DataError: The column is missing, or a cell is missing or something else.
    """
    values = column(table, name, role)
    refuse_where(
        empty_cells(values), table, f"The {role} {name!r} is missing", "Write false where there was none."
    )
    if pa.types.is_boolean(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)
    text = pc.utf8_lower(label_text(values, name, role))
    known = np.asarray(pc.is_in(text, pa.array(_YES + _NO)).to_numpy(zero_copy_only=False))
    if not known.all():
        found = ", ".join(
            repr(one) for one in pc.unique(text.filter(pa.array(~known))).slice(0, 3).to_pylist()
        )
        refuse_where(
            ~known,
            table,
            f"The {role} {name!r} holds {found}",
            "It must be true or false, yes or no, 1 or 0.",
        )
    return np.asarray(pc.is_in(text, pa.array(_YES)).to_numpy(zero_copy_only=False), dtype=np.bool_)
