"""Console: data to stdout, messages and progress to stderr."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from uplift.findings import Finding


Progress = Callable[[str, int, int], None]


def _silent(step: str, done: int, total: int) -> None:
    """Report nothing."""
    del step, done, total


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command prints.

    Attributes:
        as_json: One JSON object on stdout, and nothing else there.
        quiet: No notes, warnings, progress or next command; errors and refusals still show.
        verbose: Details too.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def width(self) -> int:
        """The terminal's columns; 80 where there is no terminal."""
        return shutil.get_terminal_size((80, 24)).columns

    @property
    def colour(self) -> bool:
        """Whether stdout takes colour: a terminal that is not dumb, and NO_COLOR not set."""
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def data(self, values: Mapping[str, object], text: str) -> None:
        """Print a result: as one JSON object, or in words for people."""
        if self.as_json:
            text = json.dumps(values, allow_nan=False, ensure_ascii=False)
        click.echo(text.rstrip("\n"), color=self.colour)

    def note(self, message: str) -> None:
        """Print a message on stderr."""
        if not self.quiet:
            click.echo(message, err=True)

    def detail(self, message: str) -> None:
        """Print a message on stderr when details are asked for."""
        if self.verbose:
            self.note(message)

    def warnings(self, findings: tuple[Finding, ...]) -> None:
        """Print what reading found and did not refuse."""
        for finding in findings:
            if finding.verdict != "ok":
                self.note(f"Note: {finding.message} {finding.next}".rstrip())

    def refusal(self, reason: str) -> None:
        """Print why a gate refused; even -q shows it."""
        click.echo(f"Refused: {one_line(reason)}", err=True)

    def next(self, *command: object) -> None:
        """Suggest the next command, as the last line."""
        self.note("Next: " + " ".join(_word(word) for word in command))

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Yield what long work tells its step, the tasks done and all tasks; shown in a terminal only."""
        if self.quiet or not sys.stderr.isatty():
            yield _silent
            return
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Bars(*columns, console=Terminal(stderr=True), transient=True) as bars:
            task = bars.add_task("starting", total=None)
            yield lambda step, done, total: bars.update(task, description=step, completed=done, total=total)


def one_line(message: object) -> str:
    """Return a message without its line breaks."""
    return " ".join(line.strip() for line in str(message).splitlines() if line.strip())


def _word(word: object) -> str:
    """Return one word of a command to copy; capitals such as AMOUNT stay as they are."""
    return shlex.quote(str(word)) if isinstance(word, Path) else str(word)
