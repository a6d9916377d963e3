"""The options that commands share, and the kinds of values they take."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from uplift.errors import did_you_mean

from .console import Console

GATES = tuple(f"G{i}" for i in range(1, 17))
COMMON = ("project", "seed", "threads", "as_json", "quiet", "verbose")
Function = Callable[..., None]


def lead_with(example: str, formatter: click.HelpFormatter) -> None:
    """Write an example, to be copied as it stands."""
    formatter.write("Example:\n\n")
    for line in example.splitlines():
        formatter.write(f"  {line}\n")
    formatter.write("\n")


class Command(click.Command):
    """A command whose help leads with an example that runs as printed."""

    def __init__(self, *args: Any, example: str, **settings: Any) -> None:  # noqa: ANN401 - click's own signature
        super().__init__(*args, **settings)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; of an unknown option's likely names only the nearest is suggested."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:
                del error.possibilities[1:]
            raise

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then what click writes."""
        lead_with(self.example, formatter)
        super().format_help(ctx, formatter)


def number(low: float = 0.0, high: float = math.inf, *, inside: bool = False) -> Callable[[str], float]:
    """Return what reads a finite number within limits; "12,5" and "1_000" are not guessed at.

    Args:
        low: The least it may be.
        high: The most it may be.
        inside: The limits themselves are out.
    """

    def read(text: str) -> float:
        try:
            found = float("nan" if "_" in text else text)
        except ValueError:
            found = math.nan
        allowed = low < found < high if inside else low <= found <= high
        if not (math.isfinite(found) and allowed):
            raise click.BadParameter(f"{text!r} is not {_limits(low, high, inside=inside)}.")
        return found

    return read


def _limits(low: float, high: float, *, inside: bool) -> str:
    """Return the limits of a number in words."""
    if inside:
        return f"a number between {low:g} and {high:g}, such as 0.9"
    end = "" if math.isinf(high) else f" and at most {high:g}"
    return f"a number of at least {low:g}{end}, written as in 1234.5"


def cost(text: str) -> tuple[str, float]:
    """Return the label and the amount of LABEL=AMOUNT; the last "=" parts them, because labels may hold one.

    >>> cost("Mens E-Mail=0.10")
    ('Mens E-Mail', 0.1)
    """
    label, equals, amount = text.rpartition("=")
    if not equals or not label:
        raise click.BadParameter(f"{text!r} should be LABEL=AMOUNT, as in email=0.02.")
    return label, number()(amount)


def one_cost_each(
    ctx: click.Context, option: click.Parameter, costs: tuple[tuple[str, float], ...]
) -> tuple[tuple[str, float], ...]:
    """Refuse two costs for one label."""
    del ctx, option
    found: dict[str, float] = {}
    for label, amount in costs:
        if label in found:
            raise click.BadParameter(
                f"{label!r} has two costs, {found[label]:g} and {amount:g}. Keep one of them."
            )
        found[label] = amount
    return costs


def gate(text: str) -> str:
    """Return the code of a gate in capitals, G1 to G16."""
    code = text.upper()
    if code not in GATES:
        raise click.BadParameter(f"{text!r} is no gate; they are G1 to G16.{did_you_mean(code, GATES)}")
    return code


def currency(text: str) -> str:
    """Return a currency's three capital letters."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise click.BadParameter(f"{text!r} should be three capital letters, as in USD.")
    return text


@dataclass(frozen=True, slots=True)
class Common:
    """What every command takes.

    Attributes:
        project: The project's folder.
        seed: Of every random draw.
        threads: Workers, or None for all usable cores.
        console: Where to print.
    """

    project: Path
    seed: int
    threads: int | None
    console: Console


def common(function: Function) -> Function:
    """Add the options every command has; the command gets them as one `Common`."""
    options = (
        click.option("-p", "--project", type=click.Path(path_type=Path), default=Path(), metavar="DIR",
                     help="Folder of uplift.toml.  [default: here]"),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
                     help="Seed of every random draw."),
        click.option("--threads", type=click.IntRange(min=1), metavar="N",
                     help="Threads; results do not depend on it.  [default: all cores]"),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="Errors and refusals only on stderr."),
        click.option("-v", "--verbose", is_flag=True, help="Details on stderr."),
    )  # fmt: skip

    @functools.wraps(function)
    def packed(**values: Any) -> None:  # noqa: ANN401 - click passes values by name
        shared = {name: values.pop(name) for name in COMMON}
        console = Console(*(shared.pop(name) for name in ("as_json", "quiet", "verbose")))
        function(Common(console=console, **shared), **values)

    return _stacked(packed, options)


def flags(function: Function) -> Function:
    """Hand all options but the common ones to the command as one mapping."""

    @functools.wraps(function)
    def packed(shared: Common, **values: Any) -> None:  # noqa: ANN401 - click passes values by name
        if values.get("treatment") and (values.get("channel") or values.get("send_time")):
            raise click.UsageError(
                "Arms come from one column (--treatment) or from pairs (--channel with --send-time), not from "
                "both. Keep one of them.",
                click.get_current_context(),
            )
        function(shared, values)

    return packed


def history_options(function: Function) -> Function:
    """Add the options that say where a history is and what its columns mean."""
    column = functools.partial(click.option, metavar="COL")
    options = (
        click.option(
            "--history", metavar="PATH|URL", help="Campaign history: CSV, Parquet, DuckDB or a database."
        ),
        click.option("--history-query", metavar="SQL", help="Query, where the history is a database."),
        click.option(
            "--audience", metavar="PATH|URL", help="Customers to plan for.  [default: the history's]"
        ),
        click.option("--audience-query", metavar="SQL", help="Query, where the audience is a database."),
        column("--customer", help="Column of customer ids."),
        column("--treatment", help="Column of arms; or else --channel."),
        column("--channel", help="Column of channels."),
        column("--send-time", help="Column of send times, with --channel."),
        click.option("--control", metavar="LABEL", help="Label of the customers who got nothing."),
        column("--probability", help="Column of the probability of the arm given."),
        column("--outcome", help="Column of the money that came of it."),
        column("--response", help="Column that says who responded."),
        column("--cluster", help="Column of households."),
        column("--exclude", multiple=True, help="Column that is not a feature; repeat it."),
    )
    return _stacked(function, options)


def money_options(function: Function) -> Function:
    """Add the options that put money on outcomes and contacts, and the overrides of gates."""
    options = (
        click.option("--margin", type=number(), metavar="SHARE", help="Share of the outcome that is margin."),
        click.option("--cost", type=cost, multiple=True, metavar="LABEL=AMOUNT", callback=one_cost_each,
                     help="Cost per contact of a channel or arm; repeat it."),
        click.option("--currency", type=currency, metavar="CODE", help="Three letters, as in USD."),
        click.option("--override", type=gate, multiple=True, metavar="CODE",
                     help="Go on where this gate refuses, and say so everywhere; repeat it."),
    )  # fmt: skip
    return _stacked(function, options)


def plan_options(function: Function) -> Function:
    """Add the numbers a plan is made with."""
    options = (
        click.option("--budget", type=number(), metavar="AMOUNT", help="Money for the whole plan."),
        click.option("--holdout", type=number(0, 0.99), metavar="SHARE",
                     help="Share of customers kept out at random.  [default: 0.05]"),
        click.option("--min-roi", type=number(), metavar="RATIO", help="Floor of profit / cost."),
        click.option("--level", type=number(0, 1, inside=True), metavar="SHARE",
                     help="Level of the intervals.  [default: 0.9]"),
        click.option("--risk-aversion", type=number(), metavar="K",
                     help="Plan on value − K × standard error."),
    )  # fmt: skip
    return _stacked(function, options)


def output_options(required: bool = False) -> Callable[[Function], Function]:
    """Add the folder to write and the leave to replace it."""

    def decorate(function: Function) -> Function:
        kind = click.Path(path_type=Path, file_okay=False)
        options = (
            click.option("--out", type=kind, required=required, metavar="DIR", help="Folder to write."),
            click.option("--yes", is_flag=True, help="Replace what is there."),
        )
        return _stacked(function, options)

    return decorate


def _stacked(function: Function, options: tuple[Callable[[Function], Function], ...]) -> Function:
    """Apply decorators so that help lists the options in the order given."""
    for option in reversed(options):
        function = option(function)
    return function
