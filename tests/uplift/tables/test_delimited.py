"""CSV and TSV files that lie: each lie is refused or said, with the row it is in."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift import DataError, Finding, SettingError
from uplift.tables import read_table


def read(folder: Path, content: bytes | str, name: str = "t.csv") -> tuple[pa.Table, tuple[Finding, ...]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path)


def cells(folder: Path, content: bytes | str, name: str = "t.csv") -> dict[str, list[object]]:
    found: dict[str, list[object]] = read(folder, content, name)[0].to_pydict()
    return found


def refusal(folder: Path, content: bytes | str, name: str = "t.csv") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content, name)
    return str(caught.value)


def test_leading_zeros_stay(tmp_path: Path) -> None:
    assert cells(tmp_path, "id,n\n007,7\n8,8\n") == {"id": ["007", "8"], "n": [7, 8]}


def test_ids_of_sixteen_and_of_twenty_digits_stay_apart(tmp_path: Path) -> None:
    near = cells(tmp_path, "id\n9007199254740992\n9007199254740993\n")["id"]
    assert near == [9007199254740992, 9007199254740993]
    far = cells(tmp_path, "id\n10000000000000000001\n10000000000000000002\n")["id"]
    assert far == ["10000000000000000001", "10000000000000000002"]


def test_columns_named_as_text_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,x\n1.10,1\n1.1,2\n")
    table, _ = read_table(tmp_path / "t.csv", text=["id"])
    assert table.to_pydict() == {"id": ["1.10", "1.1"], "x": [1, 2]}


def test_na_is_a_value_and_only_an_empty_cell_is_missing(tmp_path: Path) -> None:
    content = 'a,b,c\nNA,1,x\n"",,x\nnull,3,x\n'
    assert cells(tmp_path, content) == {"a": ["NA", None, "null"], "b": [1, None, 3], "c": ["x"] * 3}


def test_a_decimal_comma_does_not_make_a_number(tmp_path: Path) -> None:
    assert cells(tmp_path, 'x\n"12,5"\n7\n') == {"x": ["12,5", "7"]}


@pytest.mark.parametrize(
    "cell", ["+5", " 5", "5 ", "0x1A", "1_000", "1 000", "nan", "inf", "Infinity", "5.", "$5", "5%", "1e999"]
)
def test_what_is_not_plainly_a_number_stays_text(tmp_path: Path, cell: str) -> None:
    assert cells(tmp_path, f"x,y\n{cell},1\n3,2\n")["x"] == [cell, "3"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["1", "-20", ""], [1, -20, None]),
        (["0.5", ".25", "-1e-3"], [0.5, 0.25, -0.001]),
        (["TRUE", "false", ""], [True, False, None]),
        (["2024-02-29", "", "1999-12-31"], [datetime.date(2024, 2, 29), None, datetime.date(1999, 12, 31)]),
        (
            ["2024-02-28 08:00", "2024-02-28T08:00:30"],
            [datetime.datetime(2024, 2, 28, 8, 0, s) for s in (0, 30)],
        ),
        (["2024-02-30", "2024-02-28"], ["2024-02-30", "2024-02-28"]),
        (["03/04/2024", "04/03/2024"], ["03/04/2024", "04/03/2024"]),
        (["1", "yes"], ["1", "yes"]),
    ],
)
def test_a_column_has_a_type_only_if_every_cell_does(
    tmp_path: Path, column: list[str], values: list[object]
) -> None:
    rows = "".join(f"{cell},k\n" for cell in column)
    assert cells(tmp_path, f"x,k\n{rows}")["x"] == values


def test_times_with_an_offset_are_the_same_moment_everywhere(tmp_path: Path) -> None:
    first, second = cells(tmp_path, "t\n2024-06-01T08:00Z\n2024-06-01 10:00+02:00\n")["t"]
    assert first == second == datetime.datetime(2024, 6, 1, 8, tzinfo=datetime.UTC)


def test_times_with_and_without_offset_are_not_mixed(tmp_path: Path) -> None:
    assert cells(tmp_path, "t\n2024-06-01T08:00Z\n2024-06-01 10:00\n")["t"][1] == "2024-06-01 10:00"


def test_ragged_rows_are_refused_by_number(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a,b\n1,2\n3\n4,5\n6,7,8\n")
    assert "2 columns" in message
    assert "rows 3, 5 (the header is row 1) held 1, 3" in message


def test_a_row_number_counts_a_cell_of_two_lines_once(tmp_path: Path) -> None:
    assert "row 3 (the header is row 1)" in refusal(tmp_path, 'a,b\n1,"x\ny"\n3\n')


def test_the_bytes_that_mark_utf8_are_not_part_of_a_name(tmp_path: Path) -> None:
    assert cells(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n") == {"a": [1], "b": [2]}


def test_windows_1252_is_refused_and_never_garbled(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a,b\n1,x\n2,Café\n".encode("cp1252"))
    assert "line 3" in message
    assert "0xE9" in message
    assert "iconv -f WINDOWS-1252 -t UTF-8" in message
    assert cells(tmp_path, "a,b\n2,Café\n")["b"] == ["Café"]


def test_utf16_is_refused(tmp_path: Path) -> None:
    assert "UTF-16" in refusal(tmp_path, "a,b\n1,2\n".encode("utf-16"))


def test_a_header_within_the_data_is_refused(tmp_path: Path) -> None:
    assert "repeats its header in row 3" in refusal(tmp_path, "a,b\n1,2\na,b\n3,4\n")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "more than one column named 'a'" in refusal(tmp_path, "a,b,a\n1,2,3\n")


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    assert "must name the columns" in refusal(tmp_path, "1,2.5\n3,4.5\n")
    assert "must name the columns" in refusal(tmp_path, ",\n3,4.5\n")


def test_a_column_without_a_name_is_left_out_and_said(tmp_path: Path) -> None:
    table, findings = read(tmp_path, ",a\n0,5\n1,6\n")
    assert table.to_pydict() == {"a": [5, 6]}
    assert [finding.verdict for finding in findings] == ["warn"]
    assert "number 1" in findings[0].message


def test_nul_bytes_are_refused(tmp_path: Path) -> None:
    assert "NUL byte in line 3" in refusal(tmp_path, b"a,b\n1,2\n3,\x00\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\n1,x\n2,"y\n3,z\n', 3),
        ('a,b\n1,"x"\n2,"y\n3,z\n4,"w"\n', 3),
        ('a,b\n1,5" pipe\n2,y\n', 2),
        ('a,b\n1,"x"y\n2,y\n', 2),
        ('a,b\n1,"x\n2,"y"\n3,"z\n', 2),
    ],
)
def test_a_quote_left_open_is_refused_where_it_stands(tmp_path: Path, content: str, line: int) -> None:
    assert f"quotation mark in line {line} that is not closed" in refusal(tmp_path, content)


@pytest.mark.parametrize("content", ["", "\n\n", "\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "empty" in refusal(tmp_path, content.encode("latin-1"))


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n", "a,b\n\n\n", "a,b\n,\n"])
def test_a_header_alone_is_refused(tmp_path: Path, content: str) -> None:
    assert "a header and no rows" in refusal(tmp_path, content)


def test_an_empty_row_inside_is_refused_and_at_the_end_said(tmp_path: Path) -> None:
    assert "empty in row 3" in refusal(tmp_path, "a,b\n1,2\n\n3,4\n")
    table, findings = read(tmp_path, "a,b\n1,2\n3,4\n,\n\n")
    assert table.num_rows == 2
    assert "2 empty rows at the end" in findings[0].message


def test_semicolons_are_understood_and_said(tmp_path: Path) -> None:
    table, findings = read(tmp_path, "a;b\n1;2,5\n")
    assert table.to_pydict() == {"a": [1], "b": ["2,5"]}
    assert "semicolons" in findings[0].message


def test_tabs_quotes_packing_and_every_line_ending_are_read(tmp_path: Path) -> None:
    expected = {"a": ["x, y", 'say "hi"'], "b": [1, 2]}
    for ending in ("\n", "\r\n", "\r"):
        rows = ending.join(['a,"b"', '"x, y",1', '"say ""hi""",2'])
        assert cells(tmp_path, rows) == expected
    assert cells(tmp_path, 'a\tb\nx, y\t1\n"say ""hi"""\t2\n', "t.tsv") == expected
    assert cells(tmp_path, gzip.compress(rows.encode()), "t.csv.gz") == expected


printable = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff", exclude_categories=["Cs"]))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.tuples(printable, st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=8))
def test_any_text_and_any_whole_number_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONNUMERIC).writerows([("text", "number"), *rows])
    path.write_bytes(out.getvalue().encode())
    table, _ = read_table(path, text=["text"])
    assert table.to_pylist() == [{"text": text or None, "number": number} for text, number in rows]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from([b"a", b"7", b",", b"\n", b"\r\n", b'"', b"", b"\xe9", b"\0", b"\xef\xbb\xbf"]),
        max_size=24,
    )
)
def test_any_damage_is_read_as_python_reads_it_or_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    content = b"a,b\n1,2\n" + b"".join(pieces)
    path.write_bytes(content)
    try:
        table, _ = read_table(path, text=["a", "b"])
    except DataError:
        return
    rows = [row for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True) if any(row)]
    assert [[cell or "" for cell in row.values()] for row in table.to_pylist()] == rows[1:]


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"There is no file .*histry\.csv\. Did you mean 'history\.csv'\?"):
        read_table(tmp_path / "histry.csv")


def test_an_ending_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.xlsx").touch()
    with pytest.raises(SettingError, match=r"\.xlsx.*\.csv"):
        read_table(tmp_path / "history.xlsx")


@pytest.mark.parametrize("damage", ["cut", "byte", "plain"])
def test_a_damaged_packed_file_is_one_line(tmp_path: Path, damage: str) -> None:
    plain = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000))
    whole = gzip.compress(plain)
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "byte": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
        "plain": plain,
    }
    message = refusal(tmp_path, damaged[damage], "t.csv.gz")
    assert message.startswith("t.csv.gz cannot be read: ")
    assert "\n" not in message


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"cannot be read: File name too long"):
        read_table(tmp_path / ("a" * 400 + ".csv"))
