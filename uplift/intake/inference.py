"""Give text columns a type only where every cell proves it: nothing is guessed, nothing is lost.

A column becomes whole numbers only if writing them back gives the same text, so "007", "+5" and a 20-digit id
stay text; decimals only in plain notation with a point; dates and times only in ISO 8601. "NA" is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

_DECIMAL = r"^-?((0|[1-9][0-9]{0,14})(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
# "12,5", "1,234.50", "$12", "12 €", "EUR 12", "7 %".
_DIGITS = r"-?[0-9][0-9.,']*"
_MARKED = (
    rf"^\s*({_DIGITS},{_DIGITS}|(\p{{Sc}}|[A-Z]{{3}} )\s*{_DIGITS}|{_DIGITS}\s*(\p{{Sc}}|%| [A-Z]{{3}}))\s*$"
)
_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_TIME = _ISO_DAY + r"[ T][0-9]{2}:[0-9]{2}"
_SIGN = re.compile(r"[^\w\s.,'()+%/:-]|[A-Z]{3}")

Column: TypeAlias = pa.Array | pa.ChunkedArray


def inferred(text: Column) -> Column:
    """Return a text column as boolean, integer, decimal, date or timestamp if every cell is one.

    >>> inferred(pa.array(["1", "2", None])).type, inferred(pa.array(["007", "8"])).type
    (DataType(int64), DataType(string))
    """
    if text.null_count == len(text):
        return text
    for convert in (_booleans, _integers, decimals, _dates, _timestamps):
        values = convert(text)
        if values is not None:
            return values
    return text


def decimals(text: Column) -> Column | None:
    """Return a text column as float64 where every cell is a plain, finite decimal number; else None."""
    values = _cast(text, pa.float64())
    return values if values is not None and _all(pc.is_finite(values)) and _all(is_decimal(text)) else None


def is_decimal(text: Column) -> Column:
    """Return which cells are plain decimal numbers: a point, no other marks, no leading zeros or plus."""
    return pc.match_substring_regex(text, _DECIMAL)


def is_marked_amount(text: Column) -> Column:
    """Return which cells are amounts to people only: "12,5", "$12", "EUR 12", "7 %"."""
    return pc.match_substring_regex(text, _MARKED)


def currency_mark(cell: str) -> str:
    """Return what stands beside the digits of a cell, "$" for "$12"; empty where there is nothing.

    >>> currency_mark("$12"), currency_mark("5 EUR"), currency_mark("12,5")
    ('$', 'EUR', '')
    """
    found = _SIGN.search(cell) if re.search(r"\d", cell) else None
    return found.group() if found else ""


def _booleans(text: Column) -> Column | None:
    lower = pc.utf8_lower(text) if len(pc.unique(text.slice(0, 100))) <= 7 else None
    known = pa.array(["true", "false"])
    if lower is None or not _all(pc.or_kleene(pc.is_in(lower, known), pc.is_null(text))):
        return None
    return pc.equal(lower, "true")


def _integers(text: Column) -> Column | None:
    values = _cast(text, pa.int64())
    same = values is not None and _all(pc.equal(pc.cast(values, pa.string()), text))
    return values if same else None


def _dates(text: Column) -> Column | None:
    return _cast(text, pa.date32()) if _all(pc.match_substring_regex(text, _ISO_DAY + "$")) else None


def _timestamps(text: Column) -> Column | None:
    if not _all(pc.match_substring_regex(text, _ISO_TIME)):
        return None
    kinds: tuple[pa.DataType, ...] = (
        pa.timestamp("us"),
        pa.timestamp("us", "UTC"),
        pa.timestamp("ns"),
        pa.timestamp("ns", "UTC"),
    )
    return next((values for kind in kinds if (values := _cast(text, kind)) is not None), None)


def _all(flags: Column) -> bool:
    return pc.all(flags).as_py() is not False


def _cast(text: Column, kind: pa.DataType) -> Column | None:
    cast: Callable[..., Column] = pc.cast
    try:
        return cast(text, kind)
    except pa.ArrowInvalid:
        return None
