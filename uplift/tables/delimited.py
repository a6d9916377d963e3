"""Read CSV and TSV files strictly: every doubt about bytes, quotes, rows and types is settled or said.

Rows are counted as a spreadsheet shows them: the header is row 1. Where the damage is in the bytes, lines of
the file are counted instead.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from ..errors import DataError
from ..findings import Finding
from ..intake.columns import check_unique
from ..intake.inference import inferred, is_decimal
from ..intake.rows import SHOWN, listed, rows_where, with_first_row

_TABBED = (".tsv", ".tab")
_OTHERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BLOCK = 1 << 24
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_CODING = (
    "Save it as UTF-8 (in Excel: 'CSV UTF-8'), or convert it, as in: "
    "iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv"
)


def read_delimited(path: Path, text: tuple[str, ...] = ()) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Return the table of a CSV or TSV file, with columns typed where every cell agrees, and warnings.

    Args:
        path: The file; gzip and the like are unpacked by their ending.
        text: Columns to leave as text whatever they hold (ids).

    Raises:
        DataError: The file is empty, damaged or ambiguous; rows or lines are named.
    """
    content = _content(path)
    delimiter, findings = _delimiter(path, content)
    names = _header(path, content, delimiter)
    _check_quotes(path, content, delimiter)
    table = _cells(path, content, delimiter, names)
    table, blank = _without_blank_end(table)
    _check_rows(path, table, names)
    kept, unnamed = _named_columns(table, names)
    typed = [kept[name] if name in text else inferred(kept[name]) for name in kept.column_names]
    result = with_first_row(pa.table(typed, names=kept.column_names), 2)
    return result, (*findings, *blank, *unnamed)


def _content(path: Path) -> bytes:
    content = _unpacked(path)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path.name} is UTF-16, not UTF-8. {_CODING.replace('WINDOWS-1252', 'UTF-16')}")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise DataError(f"{path.name} is empty. A header and at least one row are needed.")
    nul = content.find(b"\0")
    if nul >= 0:
        raise DataError(
            f"{path.name} holds a NUL byte in line {_line(content, nul)}: it is damaged or not text. "
            "Write it again from its source."
        )
    _check_utf8(path, content)
    # The parser wants every row to end, the last one too.
    return content if content.endswith((b"\n", b"\r")) else content + b"\n"


def _unpacked(path: Path) -> bytes:
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            content: bytes = stream.read()
    except (OSError, pa.ArrowException) as error:
        why = " ".join(str(error).split())
        raise DataError(
            f"{path.name} cannot be read: {why}. If it is packed, it is damaged or cut short; write it again."
        ) from error
    return content


def _check_utf8(path: Path, content: bytes) -> None:
    try:
        if not content.isascii():
            content.decode("utf-8")
    except UnicodeDecodeError as error:
        near = content[max(error.start - 12, 0) : error.start + 8].split(b"\n")
        cell = max(near, key=len).decode("cp1252", "replace")
        raise DataError(
            f"{path.name} is not UTF-8: line {_line(content, error.start)} holds the byte "
            f"0x{content[error.start]:02X} (near {cell!r}, were it Windows-1252). {_CODING}"
        ) from error


def _line(content: bytes, position: int) -> int:
    before = content[:position]
    return 1 + (before.count(b"\n") or before.count(b"\r"))


def _delimiter(path: Path, content: bytes) -> tuple[str, tuple[Finding, ...]]:
    endings = [ending.lower() for ending in path.suffixes]
    if any(ending in _TABBED for ending in endings):
        return "\t", ()
    header = io.BytesIO(content).readline().decode("utf-8")
    found = [mark for mark in _OTHERS if mark in header]
    if "," in header or not found:
        return ",", ()
    warning = Finding(
        "file",
        "warn",
        f"{path.name} has no commas in its header; it was read as separated by {_OTHERS[found[0]]}.",
        next="Check the columns, or write the file with commas.",
    )
    return found[0], (warning,)


def _header(path: Path, content: bytes, delimiter: str) -> list[str]:
    lines = io.TextIOWrapper(io.BytesIO(content[:_BLOCK]), "utf-8", errors="replace", newline="")
    names = next(csv.reader(lines, delimiter=delimiter))
    if not any(name.strip() for name in names):
        raise DataError(f"The first row of {path.name} is empty. It must name the columns.")
    if pc.all(is_decimal(pa.array(names))).as_py():
        raise DataError(f"The first row of {path.name} holds numbers only. It must name the columns.")
    check_unique(name for name in names if name.strip())
    return names


def _check_quotes(path: Path, content: bytes, delimiter: str) -> None:
    """Refuse quotation marks that RFC 4180 does not explain; unseen, one of them swallows the rows below.

    In a well-formed file quotes come in pairs: an opening one follows a delimiter or a line's end, a closing
    one is followed by such, and a doubled one inside a cell ends one pair and starts the next.
    """
    data = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    if not len(quotes):
        return
    edges = np.zeros(256, dtype=np.bool_)
    edges[[ord(delimiter), _NEWLINE, _RETURN, _QUOTE]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = (opening == 0) | edges[data[np.maximum(opening - 1, 0)]]
    after = (closing == len(data) - 1) | edges[data[np.minimum(closing + 1, len(data) - 1)]]
    paired = np.zeros(len(opening), dtype=np.bool_)
    paired[: len(closing)] = after
    wrong = opening[~(before & paired)]
    if len(wrong):
        raise DataError(
            f"{path.name} has a quotation mark in line {_line(content, int(wrong[0]))} that is not closed, "
            "or stands inside a cell that is not in quotes. Put the whole cell in quotes and double those "
            'inside, as in "5"" pipe".'
        )


def _cells(path: Path, content: bytes, delimiter: str, names: list[str]) -> pa.Table:
    columns = [str(position) for position in range(len(names))]
    try:
        return _parsed(content, delimiter, columns, [])
    except pa.ArrowInvalid as error:
        odd: list[arrow_csv.InvalidRow] = []
        with contextlib.suppress(pa.ArrowInvalid):
            _parsed(content, delimiter, columns, odd, serial=True)
        why = _ragged(path, odd) if odd else f"{path.name} cannot be read as a table: {error}."
        raise DataError(why) from error


def _ragged(path: Path, odd: list[arrow_csv.InvalidRow]) -> str:
    shown = [row.number for row in odd[:SHOWN]]
    counts = ", ".join(dict.fromkeys(str(row.actual_columns) for row in odd[:SHOWN]))
    return (
        f"{path.name} has {odd[0].expected_columns} columns, but {listed(shown, len(odd) - len(shown))} "
        f"(the header is row 1) held {counts}. A cell that holds the delimiter must be in quotes; "
        "a missing cell still needs its delimiter."
    )


def _parsed(
    content: bytes,
    delimiter: str,
    columns: list[str],
    odd: list[arrow_csv.InvalidRow],
    *,
    serial: bool = False,
) -> pa.Table:
    def note(row: arrow_csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    return arrow_csv.read_csv(
        pa.BufferReader(content),
        # Only a single thread numbers the rows it rejects.
        read_options=arrow_csv.ReadOptions(
            column_names=columns, skip_rows_after_names=1, use_threads=not serial, block_size=_BLOCK
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=b'"' in content,
            ignore_empty_lines=False,
            invalid_row_handler=note if serial else None,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), null_values=[""], strings_can_be_null=True
        ),
    )


def _without_blank_end(table: pa.Table) -> tuple[pa.Table, tuple[Finding, ...]]:
    filled = np.flatnonzero(~_rows_like(table, [None] * table.num_columns))
    rows = int(filled[-1]) + 1 if len(filled) else 0
    blank = table.num_rows - rows
    if blank == 0:
        return table, ()
    warning = Finding(
        "file", "warn", f"{blank:,} empty rows at the end of the file are left out.", float(blank)
    )
    return table.slice(0, rows), (warning,)


def _check_rows(path: Path, table: pa.Table, names: list[str]) -> None:
    if table.num_rows == 0:
        raise DataError(f"{path.name} has a header and no rows. At least one row of data is needed.")
    blank = _rows_like(table, [None] * len(names))
    if blank.any():
        raise DataError(f"{path.name} is empty in {rows_where(blank, 2)}. Check that nothing was lost there.")
    header = _rows_like(table, [name or None for name in names])
    if header.any():
        raise DataError(
            f"{path.name} repeats its header in {rows_where(header, 2)}, as when files are joined. "
            "Remove those rows."
        )


def _rows_like(table: pa.Table, cells: Sequence[str | None]) -> npt.NDArray[np.bool_]:
    """Return which rows hold exactly these cells; None stands for an empty one."""
    alike = np.ones(table.num_rows, dtype=np.bool_)
    for column, cell in zip(table.columns, cells, strict=True):
        same = pc.is_null(column) if cell is None else pc.fill_null(pc.equal(column, cell), False)
        alike &= same.to_numpy()
        if not alike.any():
            break
    return alike


def _named_columns(table: pa.Table, names: list[str]) -> tuple[pa.Table, tuple[Finding, ...]]:
    unnamed = [position for position, name in enumerate(names) if not name.strip()]
    kept = table.rename_columns(names).select([i for i in range(len(names)) if i not in unnamed])
    if not unnamed:
        return kept, ()
    places = ", ".join(str(position + 1) for position in unnamed[:5])
    warning = Finding(
        "file",
        "warn",
        f"Columns without a name are left out: number {places}.",
        measured=float(len(unnamed)),
        next="Write the file without its row index, or name the column.",
    )
    return kept, (warning,)
