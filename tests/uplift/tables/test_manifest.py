from __future__ import annotations

import csv
import hashlib
import json
import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uplift.errors import SettingError
from uplift.tables.manifest import check_manifest, read_manifest, sha256_of, write_manifest
from uplift.tables.writers import csv_shape, write_csv, write_json, write_parquet

TABLE = pa.table({"customer_id": ["007", "a,b", None], "uplift": [0.1, float("nan"), -2.0]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished output of a few files."""
    made = tmp_path / "plan"
    (made / "audiences").mkdir(parents=True)
    write_parquet(TABLE, made / "plan.parquet")
    write_csv(TABLE, made / "audiences" / "email.csv")
    write_json({"spend": 1.5}, made / "summary.json")
    write_manifest(made, inputs={}, settings={"budget": 10}, seed=3)
    return made


def verdicts(folder: Path) -> list[tuple[str, str, str]]:
    return [(found.code, found.verdict, found.message) for found in check_manifest(folder)]


def test_a_hash_is_that_of_the_whole_file(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3_000_001)
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()
    with pytest.raises(SettingError, match="Could not read y: No such file"):
        sha256_of(tmp_path / "y")


def test_the_manifest_describes_every_file_to_the_byte(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    files = manifest["files"]
    assert sorted(files) == ["audiences/email.csv", "plan.parquet", "summary.json"]
    for name, entry in files.items():
        content = (folder / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
    assert files["plan.parquet"]["rows"] == files["audiences/email.csv"]["rows"] == 3
    assert files["plan.parquet"]["columns"] == [
        {"name": "customer_id", "type": "string"},
        {"name": "uplift", "type": "double"},
    ]
    assert files["audiences/email.csv"]["columns"] == [{"name": "customer_id"}, {"name": "uplift"}]
    assert "rows" not in files["summary.json"]
    assert (manifest["seed"], manifest["kind"], manifest["settings"]) == (3, "plan", {"budget": 10})
    assert manifest["versions"]["numpy"] == np.__version__
    assert read_manifest(folder) == manifest


def test_the_same_content_in_another_place_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for place in ("here", "there"):
        out = tmp_path / place / "plan"
        out.mkdir(parents=True)
        source = tmp_path / place / "history.csv"
        source.write_text("a\n1\n")
        write_parquet(TABLE, out / "plan.parquet")
        given_settings = {"b": 1, "a": {"d": Decimal("1.10"), "c": source}}
        if place == "there":
            given_settings = dict(reversed(given_settings.items()))
        write_manifest(out, inputs={"history": source}, settings=given_settings, seed=0)
        made.append((out / "manifest.json").read_bytes())
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]


def test_inputs_are_named_hashed_and_counted(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "parts").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "parts" / name).write_text(name)
    sources: dict[str, Path | str] = {
        "file": tmp_path / "parts" / "a.csv",
        "path as text": str(tmp_path / "parts" / "b.csv"),
        "folder": tmp_path / "parts",
        "query": "postgresql://ann:s3/cr@t@db/shop select * from h",
        "settings": "host=db password=s3cret user=ann",
        "long": "select " + "x, " * 3000,
    }
    write_manifest(tmp_path / "out", inputs=sources, settings={}, seed=0)
    text = (tmp_path / "out" / "manifest.json").read_text()
    inputs = json.loads(text)["inputs"]
    assert inputs["file"] == {"name": "a.csv", "bytes": 5, "sha256": hashlib.sha256(b"a.csv").hexdigest()}
    assert (inputs["path as text"]["name"], inputs["folder"]["name"]) == ("b.csv", "parts")
    assert inputs["folder"]["bytes"] == 10
    assert inputs["query"]["text"] == "postgresql://ann:***@db/shop select * from h"
    assert inputs["settings"]["text"] == "host=db password=*** user=ann"
    assert "s3" not in text
    assert str(tmp_path) not in text
    before = inputs["folder"]["sha256"]
    (tmp_path / "parts" / "b.csv").rename(tmp_path / "parts" / "c.csv")
    write_manifest(tmp_path / "out", inputs={"folder": tmp_path / "parts"}, settings={}, seed=0)
    assert (
        json.loads((tmp_path / "out" / "manifest.json").read_text())["inputs"]["folder"]["sha256"] != before
    )


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"history\.csv"):
        write_manifest(tmp_path, inputs={"history": tmp_path / "history.csv"}, settings={}, seed=0)


def test_an_untouched_folder_is_ok_wherever_it_is_copied(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / ".DS_Store").write_text("")
    for place in (folder, tmp_path / "copy"):
        assert verdicts(place) == [("G16", "ok", "All 3 files are as they were written.")]


def test_missing_changed_and_extra_files_are_each_refused_by_name(folder: Path) -> None:
    (folder / "plan.parquet").unlink()
    summary = folder / "summary.json"
    summary.write_text(summary.read_text().replace("1.5", "2.5"))
    (folder / "audiences" / "sms.csv").write_text("x\n")
    (folder / "nowhere.csv").symlink_to("nothing")
    assert verdicts(folder) == [
        ("G16", "refuse", "plan.parquet is missing."),
        ("G16", "refuse", "summary.json was changed."),
        ("G16", "refuse", "audiences/sms.csv is not in the manifest."),
        ("G16", "refuse", "nowhere.csv is not in the manifest."),
    ]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, place: int, bit: int) -> None:
    made = tmp_path_factory.mktemp("plan")
    write_parquet(TABLE, made / "plan.parquet")
    write_manifest(made, inputs={}, settings={}, seed=0)
    content = bytearray((made / "plan.parquet").read_bytes())
    content[place % len(content)] ^= 1 << bit
    (made / "plan.parquet").write_bytes(content)
    assert verdicts(made) == [("G16", "refuse", "plan.parquet was changed.")]


def test_a_file_that_may_come_later_may_come_later(folder: Path) -> None:
    (folder / "approvals.jsonl").write_text("{}\n")
    assert check_manifest(folder)[0].verdict == "refuse"
    assert check_manifest(folder, later=["approvals.jsonl"])[0].verdict == "ok"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no manifest.json"),
        ("{", "cannot be read"),
        ("[]", "not written by"),
        ("{}", "not written by"),
    ],
)
def test_a_folder_without_a_manifest_of_ours_is_no_output(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(SettingError, match=message):
        check_manifest(tmp_path)


def test_a_manifest_whose_list_was_spoiled_is_refused(folder: Path) -> None:
    manifest = folder / "manifest.json"
    spoiled = json.loads(manifest.read_text())
    spoiled["files"] = {name: None for name in spoiled["files"]}
    manifest.write_text(json.dumps(spoiled))
    assert {verdict for _, verdict, _ in verdicts(folder)} == {"refuse"}
    spoiled["files"] = None
    manifest.write_text(json.dumps(spoiled))
    assert verdicts(folder) == [("G16", "refuse", "manifest.json lists no files.")]


def test_parquet_comes_back_equal_and_its_bytes_do_not_depend_on_chunks(tmp_path: Path) -> None:
    table = pa.table(
        {"id": [f"{i:05d}" for i in range(5000)], "x": np.random.default_rng(0).normal(size=5000)}
    )
    chunked = pa.concat_tables([table.slice(0, 7), table.slice(7, 1990), table.slice(1997)])
    labelled = chunked.replace_schema_metadata({"pandas": "made by version 3"})
    for name, version in (("a", table), ("b", labelled)):
        write_parquet(version, tmp_path / name)
        write_csv(version, tmp_path / f"{name}.csv")
    assert pq.read_table(tmp_path / "a").equals(table)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_tables_without_rows_keep_their_columns(tmp_path: Path) -> None:
    write_parquet(TABLE.slice(0, 0), tmp_path / "x.parquet")
    write_csv(TABLE.slice(0, 0), tmp_path / "x.csv")
    assert pq.read_table(tmp_path / "x.parquet").schema == TABLE.schema
    assert (tmp_path / "x.csv").read_text() == "customer_id,uplift\n"
    assert csv_shape(tmp_path / "x.csv")[0] == 0


def test_text_that_a_spreadsheet_would_run_is_made_harmless_and_numbers_stay_numbers(tmp_path: Path) -> None:
    text = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "fine", "a=b", "", None]
    table = pa.table({"=name": text, "n": [-1.5] * 11, "d": pa.array(text).dictionary_encode()})
    write_csv(table, tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["'=name", "n", "d"]
    wanted = [*(f"'{cell}" for cell in text[:7]), "fine", "a=b", "", ""]
    assert [row[0] for row in rows[1:]] == [row[2] for row in rows[1:]] == wanted
    assert {row[1] for row in rows[1:]} == {"-1.5"}


cells = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6))
numbers = st.one_of(st.none(), st.floats(allow_infinity=False))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(rows=st.lists(st.tuples(cells, numbers), max_size=8))
def test_any_table_survives_csv_and_its_rows_are_counted(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, float | None]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    texts, values = [row[0] for row in rows], [row[1] for row in rows]
    table = pa.table({"text": pa.array(texts, pa.string()), "value": pa.array(values, pa.float64())})
    write_csv(table, path)
    content = path.read_bytes()
    assert content.endswith(b"\n")
    with path.open(newline="", encoding="utf-8") as file:
        back = list(csv.reader(file))[1:]
    assert csv_shape(path) == (len(rows), [{"name": "text"}, {"name": "value"}])
    for (text, value), (cell, number) in zip(rows, back, strict=True):
        assert cell.removeprefix("'") == (text or "").removeprefix("'")
        assert (cell != (text or "")) == (text or "").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert number == "" if value is None or np.isnan(value) else float(number) == value


def test_csv_writes_values_in_their_plain_form(tmp_path: Path) -> None:
    columns = {
        "b": [True, None],
        "f": [0.1 + 0.2, 100_000.0],
        "i": [2**53 + 1, None],
        "é, x": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
    }
    write_csv(pa.table(columns), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_bytes().decode() == (
        'b,f,i,"é, x"\ntrue,0.30000000000000004,9007199254740993,1.50\n,100000,,\n'
    )


def test_rows_are_counted_across_blocks_and_quoted_line_feeds(tmp_path: Path) -> None:
    table = pa.table({"x": ['line\n"feed"', "plain"] * 120_000})
    write_csv(table, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").stat().st_size > 2 << 20
    assert csv_shape(tmp_path / "x.csv")[0] == 240_000
    (tmp_path / "y.csv").write_text("a,b\n1,2\n3,4")
    assert csv_shape(tmp_path / "y.csv")[0] == 2
    (tmp_path / "z.csv").write_text("")
    assert csv_shape(tmp_path / "z.csv") == (0, [])


def test_json_keeps_its_order_and_takes_what_numbers_come_in(tmp_path: Path) -> None:
    value = {
        "z": np.float64(1.25),
        "a": [np.int32(3), Decimal("1999.98"), None, True],
        "p": tmp_path / "h.csv",
        "v": np.arange(2),
        "é": (1.0,),
    }
    write_json(value, tmp_path / "x.json")
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    assert json.loads(text) == {
        "z": 1.25,
        "a": [3, 1999.98, None, True],
        "p": "h.csv",
        "v": [0, 1],
        "é": [1.0],
    }
    assert text.index('"z"') < text.index('"a"')
    assert text.endswith("}\n")
    assert '"é"' in text


@pytest.mark.parametrize("number", [float("nan"), np.float64("inf"), Decimal("NaN")])
def test_numbers_that_json_does_not_have_are_a_bug_that_says_where(tmp_path: Path, number: object) -> None:
    with pytest.raises(ValueError, match=r"\['roi'\]\[1\] is"):
        write_json({"roi": [1.0, number]}, tmp_path / "x.json")
    assert not (tmp_path / "x.json").exists()
