from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli.console import Console, one_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of both streams; called by the test itself, since capturing resets them."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return screen


def test_a_terminal_gets_colour_unless_no_color_is_set_or_it_is_dumb(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_terminal(monkeypatch)
    assert Console().colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Console().colour
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert not Console().colour


def test_a_pipe_gets_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    assert not Console().colour


def test_progress_shows_in_a_terminal_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_terminal(monkeypatch)
    with Console().progress() as report:
        report("fitting effects", 1, 10)
    assert "fitting effects" in terminal.getvalue()
    for console, screen in ((Console(quiet=True), Terminal()), (Console(), io.StringIO())):
        monkeypatch.setattr(sys, "stderr", screen)
        with console.progress() as report:
            report("fitting effects", 2, 10)
        assert screen.getvalue() == ""


def test_quiet_silences_notes_but_never_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(quiet=True)
    console.note("by the way")
    console.next("uplift", "plan")
    console.refusal("G2: no.\n  Do this.")
    assert capsys.readouterr().err == "Refused: G2: no. Do this.\n"


def test_json_refuses_what_json_cannot_hold_rather_than_printing_it() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Console(as_json=True).data({"x": float("nan")}, "")


def test_the_next_command_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    Console().next("uplift plan -p", Path("my demo"), "--budget AMOUNT")
    assert capsys.readouterr().err == "Next: uplift plan -p 'my demo' --budget AMOUNT\n"


def test_a_message_of_several_lines_becomes_one() -> None:
    assert one_line("  a\n\n  b ") == "a b"
