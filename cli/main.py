"""The `uplift` command: a group whose commands are imported when they are asked for."""

from __future__ import annotations

import importlib
import signal
from typing import ClassVar

import click

from uplift.errors import Refused, UpliftError, did_you_mean

from .console import one_line
from .gates import EXIT_CODE
from .options import lead_with

COMMANDS = ("init", "simulate", "check", "fit", "evaluate", "plan", "explain", "doctor")


EXAMPLE = "uplift init demo\nuplift plan -p demo --budget 1000"


class Failure(click.ClickException):
    """One line on stderr, and exit code 1."""

    label: ClassVar[str] = "Error: "

    def show(self, file: object = None) -> None:
        """Print the line on stderr."""
        click.echo(f"{self.label}{one_line(self.message)}", err=True)


class Refusal(Failure):
    """A gate refused."""

    exit_code = EXIT_CODE
    label = "Refused: "


class Interruption(Failure):
    """Ctrl-C."""

    exit_code = 130
    label = ""


class Commands(click.Group):
    """A group that prints this project's own errors as one line; a bug keeps its traceback."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then what click writes."""
        lead_with(EXAMPLE, formatter)
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is a usage error with the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; exit 1 on our own errors, 3 on a refusal, 130 on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            raise Refusal(str(error)) from error
        except UpliftError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt as error:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            raise Interruption("Interrupted; nothing was written.") from error


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from .version import version

        click.echo(f"uplift {version()}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version.",
)
def application() -> None:
    """Decide whom a campaign should contact, how and when, and say honestly what that will earn."""


def _insist(_number: int, _frame: object) -> None:
    """Raise KeyboardInterrupt, and again in two seconds: one that falls into a callback is printed and lost."""
    signal.setitimer(signal.ITIMER_REAL, 2.0)
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGINT, _insist)
        signal.signal(signal.SIGALRM, _insist)
    application.main(prog_name="uplift")


if __name__ == "__main__":
    main()
