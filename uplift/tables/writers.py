"""Writers of the same bytes for the same content: Parquet, CSV and JSON; and the shape of what they wrote."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

# Rows written at a time, so that the bytes do not depend on how a table in memory is chunked.
PARQUET_ROWS, CSV_ROWS = 1 << 18, 1 << 16
# A spreadsheet takes text that begins like this for a formula.
FORMULA = r"^[=+\-@\t\r\n]"
BLOCK = 1 << 20


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet (zstd), without metadata of the tools that made it."""
    plain = table.replace_schema_metadata(None)
    with pq.ParquetWriter(path, plain.schema, compression="zstd", version="2.6") as writer:
        for first in range(0, len(plain), PARQUET_ROWS):
            writer.write_table(plain.slice(first, PARQUET_ROWS).combine_chunks(), row_group_size=PARQUET_ROWS)


def write_csv(table: pa.Table, path: Path) -> None:
    r"""Write a table as CSV: RFC 4180 with LF, UTF-8, nulls and NaN empty, floats in their shortest form.

    Text that begins with = + - @ TAB CR or LF gets a leading apostrophe, so that no spreadsheet runs it;
    numbers stay numbers.
    """
    with path.open("wb") as file:
        header = (_harmless_name(name) for name in table.column_names)
        file.write((",".join(_quoted(name) for name in header) + "\n").encode())
        options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
        for first in range(0, len(table), CSV_ROWS):
            part = table.slice(first, CSV_ROWS).combine_chunks()
            columns = [_for_csv(column) for column in part.columns]
            pacsv.write_csv(pa.table(columns, names=table.column_names), file, options)


def write_json(value: object, path: Path, *, sort_keys: bool = False) -> None:
    """Write JSON: UTF-8, indented, one line feed at the end; keys in their order unless sorted.

    Numpy numbers become numbers, Decimals the shortest float, paths their last part.

    Raises:
        ValueError: A number is NaN or infinite; the message says where (JSON has neither).
    """
    plain = _plain(value, "the value")
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=sort_keys)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def csv_shape(path: Path) -> tuple[int, list[dict[str, str]]]:
    """Return (rows, columns) of a CSV file with a header; its columns have names only."""
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file), [])
    return max(_records(path) - 1, 0), [{"name": name} for name in header]


def parquet_shape(path: Path) -> tuple[int, list[dict[str, str]]]:
    """Return (rows, columns) of a Parquet file, read from its footer."""
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        columns = [{"name": field.name, "type": str(field.type)} for field in schema]
        return int(file.metadata.num_rows), columns


def _records(path: Path) -> int:
    """Return the records of a CSV file, the header included: line feeds outside quotes."""
    records, inside, last = 0, 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            data = np.frombuffer(block, np.uint8)
            quotes = inside + np.cumsum(data == ord('"'), dtype=np.int32)
            records += int(np.count_nonzero((data == ord("\n")) & (quotes % 2 == 0)))
            inside, last = int(quotes[-1]) % 2, block[-1:]
    return records + (last != b"\n")


def _for_csv(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as it may stand in a CSV file."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        marked = pc.binary_join_element_wise(pa.scalar("'", column.type), column, pa.scalar("", column.type))
        return pc.if_else(pc.match_substring_regex(column, FORMULA), marked, column)
    return column


def _harmless_name(name: str) -> str:
    """Return a column's name with an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else name


def _quoted(name: str) -> str:
    """Return a column's name, quoted where CSV needs it."""
    needed = any(mark in name for mark in ',"\r\n')
    return '"' + name.replace('"', '""') + '"' if needed else name


def _plain(value: object, where: str) -> object:
    """Return a value as JSON takes it, refusing numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist(), where)
    if isinstance(value, Path):
        return value.name
    number = float(value) if isinstance(value, Decimal) else value
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot hold")
    return number
