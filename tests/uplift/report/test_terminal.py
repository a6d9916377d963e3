from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from uplift import Finding
from uplift.report import render_evaluation, render_findings, render_terminal

Summary = dict[str, object]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("which", ["personalised", "uniform", "refused"])
@pytest.mark.parametrize("width", [80, 60, 120])
def test_every_line_fits_and_none_is_cut(which: str, width: int, request: pytest.FixtureRequest) -> None:
    text = render_terminal(request.getfixturevalue(which), width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    assert "\n\n\n" not in text


def test_large_amounts_and_long_names_are_wrapped_and_not_cut(personalised: Summary) -> None:
    name = "a channel whose name is rather longer than its column can be"
    rows = [{"arm": name, "contacts": 4_000_000, "spend": 123456789.01, "incremental_margin": 987654321.98}]
    text = render_terminal({**personalised, "by_action": rows, "spend": 123456789.01})
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "987,654,321.98" in text
    assert "…" not in text


def test_colour_adds_codes_and_changes_no_word(personalised: Summary) -> None:
    plain = render_terminal(personalised)
    coloured = render_terminal(personalised, colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == plain.splitlines()


def test_the_environment_changes_nothing(personalised: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    before = render_terminal(personalised, colour=True)
    for name, value in (("COLUMNS", "40"), ("NO_COLOR", "1"), ("TERM", "dumb"), ("FORCE_COLOR", "1")):
        monkeypatch.setenv(name, value)
    assert render_terminal(personalised, colour=True) == before


def test_the_answer_comes_first(personalised: Summary) -> None:
    assert render_terminal(personalised).startswith(
        "Spend 1,999.98 of 2,000.00 USD on 31,234 customers; expect"
    )


def test_overrides_and_refusals_are_printed_before_any_number(uniform: Summary, refused: Summary) -> None:
    overridden = render_terminal(uniform)
    assert overridden.index("Overridden by name: G2") < overridden.index("Incremental margin")
    assert "OVERRIDDEN G2" in overridden
    text = render_terminal(refused)
    assert text.startswith("Refused: G8")
    assert text.index("REFUSED G8") < text.index("Incremental margin")
    assert "undefined" in text


def test_the_model_score_is_a_ratio_and_never_money(personalised: Summary) -> None:
    text = render_terminal(personalised)
    assert "1.30 times the forecast" in text
    assert "10,946.22" not in text


def test_small_cells_are_hidden_with_their_money(personalised: Summary) -> None:
    text = render_terminal(personalised)
    assert re.search(r"no consent for any channel that would be worth it +<50\n", text)
    assert re.search(r"channel or send time is full +hidden\n", text)
    assert "50,000" in text


def test_the_sparkline_has_a_step_for_every_budget(personalised: Summary) -> None:
    spark = re.search(r"[▁▂▃▄▅▆▇█]{2,}", render_terminal(personalised))
    assert spark is not None
    assert len(spark[0]) == 25
    assert spark[0].startswith("▁")


def test_findings_say_what_was_measured_and_what_to_do_next() -> None:
    findings = [
        Finding("G1", "ok", "There is a control."),
        Finding("G6", "refuse", "Only 12 buyers in sms at 8.", 12.0, 30.0, "Wait for more buyers."),
    ]
    text = render_findings(findings)
    assert text.startswith(
        "1 of 2 checks needs attention.\n\nREFUSED G6: Only 12 buyers in sms at 8. (measured 12, limit 30)"
    )
    assert "  Next: Wait for more buyers.\n" in text
    assert text.endswith("ok G1: There is a control.\n")


def test_an_evaluation_shows_deciles_calibration_candidates_and_effects(personalised: Summary) -> None:
    keys = (
        "deciles",
        "calibration",
        "comparison",
        "average_effects",
        "candidates",
        "response_model",
        "learner",
    )
    text = render_evaluation({key: personalised[key] for key in (*keys, "findings", "currency")})
    for shown in (
        "0.97 (90 %: 0.71 to 1.22)",
        "0.6200",
        "pooled x",
        "AUC of 0.714",
        "mail at 21",
        "3,927.94",
    ):
        assert shown in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_an_evaluation_of_effects_without_deciles_says_what_there_is() -> None:
    text = render_evaluation(
        {"average_effects": [{"arm": "a", "point": 0.1, "lower": -0.1, "upper": 0.3, "n": 900}]}
    )
    assert text.startswith("0 of 1 actions work on average; a most, with 0.1000 (90 %: -0.1000 to 0.3000)")
