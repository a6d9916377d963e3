from __future__ import annotations

import hashlib
import html
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from uplift import DataError
from uplift.report import render_page, render_terminal

Summary = dict[str, object]
ROOT = Path(__file__).parents[3]
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """A page, taken apart: its tags with their attributes, its visible text, and whether every tag closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(params=["personalised", "uniform", "refused"])
def summary(request: pytest.FixtureRequest) -> Summary:
    found: Summary = request.getfixturevalue(request.param)
    return found


def test_every_tag_closes_and_every_id_is_used_once(summary: Summary) -> None:
    page = Page(render_page(summary))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"].removeprefix("#") for a in page.all("a")}
    labels = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert links | labels <= set(ids)


def test_nothing_is_loaded_and_nothing_runs(summary: Summary) -> None:
    text = render_page(summary)
    page = Page(text)
    assert "http:" not in text
    assert "https:" not in text
    assert not page.all("script")
    assert not [a for _, a in page.tags if "src" in a or any(key.startswith("on") for key in a)]
    assert {link["href"] for link in page.all("link")} == {"data:,"}
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert "@import" not in text


def test_drawings_have_no_ids_that_could_clash(personalised: Summary) -> None:
    drawings = re.findall(r"<svg.*?</svg>", render_page(personalised), re.S)
    assert len(drawings) == 8
    assert not [drawing for drawing in drawings if " id=" in drawing or "url(" in drawing]


def test_the_same_summary_gives_the_same_bytes(summary: Summary) -> None:
    assert render_page(summary) == render_page(summary)


def test_another_process_with_other_hashes_gives_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from uplift.report import render_page\n"
        "rows = [{'channel': c, 'send_time': t, 'contacts': 90, 'spend': 1.0, 'incremental_margin': 2.0}\n"
        "        for c in ('sms', 'email') for t in ('Tue', 'Mon', '8')]\n"
        "curve = [{'budget': b, 'profit': b, 'lower': b - 1.0, 'upper': b + 1.0} for b in (0.0, 1.0)]\n"
        "page = render_page({'by_action': rows, 'frontier': curve, 'contacts': 540})\n"
        "print(hashlib.sha256(page.encode()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_the_first_heading_is_the_answer_and_headings_are_in_order(summary: Summary) -> None:
    text = render_page(summary)
    headings = re.findall(r"<h([1-6])[^>]*>(.*?)</h", text, re.S)
    assert [level for level, _ in headings] == ["1"] + ["2"] * (len(headings) - 1)
    answer = " ".join(html.unescape(headings[0][1]).split())
    assert " ".join(render_terminal(summary).split()).startswith(answer)


def test_a_reader_who_does_not_see_it_is_told_language_landmarks_and_drawings(summary: Summary) -> None:
    page = Page(render_page(summary))
    assert page.all("html")[0]["lang"] == "en"
    for landmark in ("header", "main", "nav", "footer"):
        assert len(page.all(landmark)) == 1
    drawings = page.all("svg")
    assert drawings
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"]) > 80
    assert all(attributes["scope"] for attributes in page.all("th"))


def test_every_figure_has_a_title_and_a_table_of_the_same_numbers(summary: Summary) -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", render_page(summary), re.S)
    assert figures
    for figure in figures:
        title = re.search(r"<figcaption><strong>(.*?)</strong>", figure, re.S)
        assert title is not None
        assert len(title[1]) > 15
        assert re.search(r"<details>.*<table>.*</table>.*</details>", figure, re.S)


def test_figures_have_units_on_their_axes_and_the_number_of_customers(personalised: Summary) -> None:
    text = render_page(personalised)
    for axis in (
        "Budget (USD)",
        "Profit (USD)",
        "Predicted (USD per customer)",
        "Observed (USD per customer)",
        "Effect (USD per customer)",
    ):
        assert text.count(f">{axis}</text>") >= 2
    for n in ("n = 50,000 customers", "n = 200,000 customers", "n = 129,744 customers"):
        assert n in text


def main_numbers(summary: Summary) -> list[str]:
    forecast = summary["forecast"]
    assert isinstance(forecast, dict)
    numbers = [
        f"{forecast[key][bound]:,.2f}"
        for key in ("incremental_margin", "profit", "roi")
        for bound in ("point", "lower", "upper")
        if forecast[key][bound] is not None
    ]
    comparison = summary["comparison"]
    assert isinstance(comparison, list)
    numbers += [f"{row['profit'][bound]:,.2f}" for row in comparison for bound in ("point", "lower", "upper")]
    numbers += [f"{row['plan_minus_this']['lower']:,.2f}" for row in comparison if row["policy"] != "plan"]
    if not summary["refused"]:
        numbers += [f"{summary[key]:,.2f}" for key in ("budget", "spend")]
        numbers += [f"{summary['contacts']:,}", f"{summary['holdout']:,}", f"{summary['audience']:,}"]
    return numbers


def test_page_and_terminal_say_the_same_numbers_to_the_cent(summary: Summary) -> None:
    page, terminal = Page(render_page(summary)).text, render_terminal(summary)
    for number in main_numbers(summary):
        shown = re.compile(rf"(?<![\d.,]){re.escape(number)}(?![\d])")
        assert shown.search(page), number
        assert shown.search(terminal), number


def test_every_number_behind_the_figures_is_in_the_page(personalised: Summary) -> None:
    text = Page(render_page(personalised)).text
    for key, fields, decimals in (
        ("frontier", ("budget", "incremental_margin", "profit", "lower", "upper"), 2),
        ("deciles", ("predicted", "observed", "lower", "upper"), 4),
        ("average_effects", ("point", "lower", "upper"), 4),
    ):
        rows = personalised[key]
        assert isinstance(rows, list)
        for row in rows:
            for field in fields:
                assert f"{row[field]:,.{decimals}f}" in text


def test_the_model_score_is_a_ratio_and_never_money(personalised: Summary) -> None:
    text = render_page(personalised)
    assert "1.30 times the forecast" in text
    assert "10,946.22" not in text
    assert "10946.22" not in text


def test_small_cells_are_hidden_everywhere_and_totals_remain(personalised: Summary) -> None:
    rows = personalised["by_action"]
    assert isinstance(rows, list)
    text = Page(render_page(personalised)).text
    hidden = [row for row in rows if 0 < row["contacts"] < 50]
    assert len(hidden) == 3
    for row in hidden:
        for number in (f"{row['spend']:,.2f}", f"{row['incremental_margin']:,.2f}", str(row["contacts"])):
            assert not re.search(rf"(?<![\d.,%:=])\b{re.escape(number)}\b(?![\d.,])", text), number
    assert "Total 31,234 1,999.98 8,420.17" in text
    # Each hidden cell stands in the grid and in the table: its channel's total would give it away.
    assert "All times 23,500" in text
    assert text.count("<50") >= 6


def test_the_grid_adds_up_to_the_plan(personalised: Summary) -> None:
    rows = personalised["by_action"]
    assert isinstance(rows, list)
    assert sum(row["contacts"] for row in rows) == personalised["contacts"]
    emails = [row for row in rows if row["channel"] == "email"]
    total = f"{sum(row['contacts'] for row in emails):,}\n{sum(row['spend'] for row in emails):,.2f}"
    assert total in render_page(personalised)


def test_the_total_of_a_channel_with_a_hidden_cell_is_hidden_too(personalised: Summary) -> None:
    rows = personalised["by_action"]
    assert isinstance(rows, list)
    text = render_page(personalised)
    for channel, shown in (("email", True), ("push", True), ("sms", False), ("mail", False)):
        contacts = sum(row["contacts"] for row in rows if row["channel"] == channel)
        assert (f'<td class="number">{contacts:,}\n' in text) == shown, channel


def test_arms_without_a_send_time_are_listed_without_a_grid(uniform: Summary) -> None:
    text = render_page(uniform)
    assert 'class="grid"' not in text
    assert "Mens E-Mail" in text
    assert "offered instead, to customers drawn by lot where the budget does not reach all" in text


def test_refusals_and_overrides_stand_before_the_figures(uniform: Summary, refused: Summary) -> None:
    overridden = render_page(uniform)
    assert overridden.index("Overridden by name: G2") < overridden.index("<figure>")
    assert overridden.index("Overridden G2") < overridden.index("Simpler claim G10")
    text = render_page(refused)
    assert text.index("Refused G8") < text.index("<figure>")
    assert "Nothing is planned" in text


def test_hostile_labels_are_text_and_nothing_else(personalised: Summary) -> None:
    evil = '</title></svg></style><script>alert("1")</script><img src=x onerror=alert(2)>'
    rows = [{"channel": evil, "send_time": 8, "contacts": 900, "spend": 1.0, "incremental_margin": 2.0}]
    effects = [
        {"channel": evil, "send_time": 8, "point": 0.1, "lower": 0.0, "upper": 0.2, "n": 900, "buyers": 90}
    ]
    text = render_page(
        {
            **personalised,
            "run": evil,
            "currency": evil,
            "learner": evil,
            "by_action": rows,
            "average_effects": effects,
            "assumptions": {evil: {evil: evil}},
            "reasons": {evil: 60},
            "refused": evil,
            "overrides": [evil],
            "findings": [{"code": evil, "verdict": "refuse", "message": evil, "next": evil}],
        }
    )
    page = Page(text)
    assert not page.all("script")
    assert not page.all("img")
    assert page.open == []
    assert 'alert("1")' in page.text


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"refused": "G1: there is no control."},
        {
            "frontier": [{"budget": 0.0, "profit": 0.0}, {"budget": 5.0, "profit": None}],
            "by_action": [{"arm": "a"}],
        },
        {
            "deciles": [{"decile": 1, "n": 3, "predicted": 0.1}],
            "comparison": [{"policy": "plan"}],
            "forecast": {"rows": 3},
        },
    ],
)
def test_a_summary_with_little_in_it_still_makes_a_page(summary: Summary) -> None:
    page = Page(render_page(summary))
    assert page.open == []
    assert len(page.all("h1")) == 1


def test_a_summary_with_text_for_a_number_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="under 'spend', where a number was needed"):
        render_page({"spend": "much"})


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_on_its_ground(scheme: int) -> None:
    css = resources.files("uplift.report").joinpath("page.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", css, re.S)[scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
    pairs = [
        ("ink", "paper"),
        ("ink", "sheet"),
        ("soft", "paper"),
        ("soft", "sheet"),
        ("accent", "paper"),
        ("bad", "paper"),
        ("bad", "bad-sheet"),
        ("ink", "bad-sheet"),
        ("warn", "warn-sheet"),
        ("ink", "warn-sheet"),
        ("good", "sheet"),
    ]
    for text, ground in pairs:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    # The strongest shade of the grid is 45 % accent on the sheet.
    mixed = [
        round(0.45 * int(colours["accent"][i : i + 2], 16) + 0.55 * int(colours["sheet"][i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    assert contrast(colours["ink"], "#" + "".join(f"{part:02x}" for part in mixed)) >= 4.5


def test_a_page_is_small_enough_to_mail(personalised: Summary) -> None:
    assert len(render_page(personalised).encode()) < 250_000


def test_the_bytes_do_not_depend_on_the_order_of_keys(personalised: Summary) -> None:
    turned = dict(reversed(list(personalised.items())))
    digests = {
        hashlib.sha256(render_page(summary).encode()).hexdigest() for summary in (personalised, turned)
    }
    assert len(digests) == 1
