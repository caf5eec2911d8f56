"""The entry point: from words on the command line to an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from aclkit.cli.help import examples
from aclkit.cli.lazy import LazyGroup
from aclkit.cli.output import flush
from aclkit.cli.settings import settings_here
from aclkit.cli.unusable import BUG, UNUSABLE, reason, tell

COMMANDS = {
    "check": "aclkit.cli.check",
    "test": "aclkit.cli.test",
    "fmt": "aclkit.cli.fmt",
    "compile": "aclkit.cli.compile",
    "can": "aclkit.cli.can",
    "who-can": "aclkit.cli.who_can",
    "reach": "aclkit.cli.reach",
    "coverage": "aclkit.cli.coverage",
    "explain": "aclkit.cli.explain",
    "schema": "aclkit.cli.schema",
    "etag": "aclkit.cli.etag",
    "tailnet": "aclkit.cli.tailnet",
}

# What people type who come from other programs.
ELSEWHERE = {
    "help": "aclkit --help",
    "lint": "aclkit check",
    "validate": "aclkit check",
    "version": "aclkit --version",
}


@click.group(
    cls=LazyGroup,
    modules=COMMANDS,
    elsewhere=ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "aclkit check policy.hujson --tailnet tailnet.json",
        "aclkit can alice@example.com tag:db:5432",
    ),
)
@click.version_option(package_name="aclkit", message="%(prog)s %(version)s")
@click.pass_context
def aclkit(ctx: click.Context) -> None:
    """Check, test and compile Tailscale and Headscale policy files, offline.

    `aclkit COMMAND --help` explains a command. Without a file most of them read ./policy.hujson.

    Exit status: 0 clean, 1 findings or failed tests, 2 usage, 3 a bug in aclkit.

    Options can stand in aclkit.toml, or under [tool.aclkit] in pyproject.toml; the nearest file
    upward from here counts.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = settings_here()
        ctx.default_map = {ctx.invoked_subcommand: ctx.obj.values}


def main(args: Sequence[str]) -> int:
    """Run the command that *args* name and return its exit status."""
    try:
        status = aclkit.main(list(args), prog_name="aclkit", standalone_mode=False)
        flush()
        return int(status or 0)
    except click.ClickException as error:
        error.show()
        return UNUSABLE
    except click.Abort:
        return 130  # as the shell says of a command that was interrupted
    except OSError as error:
        # Findings have their own types; what the system refuses is no bug of ours.
        named = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        tell(f"{named}{reason(error)}")
        return UNUSABLE
    except Exception as error:
        apologise(error)
        return BUG


def apologise(error: Exception) -> None:
    """Tell of a bug in aclkit; its traceback is for those who ask for it."""
    if os.environ.get("ACLKIT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    tell(f"{type(error).__name__}: {error}")
    tell("this is a bug in aclkit, not a mistake of yours; sorry")
    tell("please report it with the output of the same command under ACLKIT_DEBUG=1")


def run() -> None:
    """Be the program ``aclkit``."""
    sys.exit(main(sys.argv[1:]))
