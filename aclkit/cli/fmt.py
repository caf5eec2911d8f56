"""``aclkit fmt``: put policy files into the one form that the control plane's formatter gives."""

from __future__ import annotations

import sys

import click

from aclkit.cli.documents import Formatted, read_formatted, rewrite
from aclkit.cli.help import examples
from aclkit.cli.inputs import STDIN, policy_here
from aclkit.cli.options import stdin_filename_option
from aclkit.cli.output import say, say_document
from aclkit.cli.unusable import CLEAN, FINDINGS, UNUSABLE, UnusableError
from aclkit.report.display import visible


@click.command(epilog=examples("aclkit fmt policy.hujson", "aclkit fmt --check *.hujson"))
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--check", is_flag=True, help="Write nothing; list what would be reformatted.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@stdin_filename_option
def command(files: tuple[str, ...], check: bool, diff: bool, stdin_filename: str) -> int:
    """Format policy files in place.

    The form equals that of Tailscale's own formatter byte for byte, so there are no options of
    style. Values and comments stay.
    Without FILE, ./policy.hujson is formatted; `-` is from standard input to standard output.

    Exit status: 0 formatted, 1 what --check or --diff would change, or a syntax error (such a
    file stays as it is), 2 usage, 3 a bug in aclkit; of several files, the highest.
    """
    status = CLEAN
    for name in files or [policy_here(None, "aclkit fmt FILE")]:
        if name == STDIN and len(files) > 1:
            raise click.UsageError("`-` stands alone: its text goes to standard output")
        shown = stdin_filename if name == STDIN else name
        try:
            found = read_formatted(name, shown)
            if found is None:
                status = max(status, FINDINGS)
            elif check or diff:
                status = max(status, _report(found, shown, diff=diff))
            elif name == STDIN:
                say_document(found.after)
            elif found.changed:
                rewrite(name, found.after)
                say(f"reformatted {visible(name)}\n")
        except UnusableError as error:
            error.show()  # the other files can still be formatted
            status = UNUSABLE
    return status


def _report(found: Formatted, shown: str, *, diff: bool) -> int:
    """Tell what formatting would change, and return the exit status."""
    if not found.changed:
        return CLEAN
    if not diff:
        say(f"would reformat {visible(shown)}\n")
    else:
        _say_diff(found, visible(shown))
    return FINDINGS


def _say_diff(found: Formatted, name: str) -> None:
    # Imported here only: most runs have nothing to compare.
    from aclkit.cli.layout_diff import layout_diff

    diff = layout_diff(found.before, found.after, name)
    if sys.stdout.isatty():
        # A terminal obeys what it is sent, and texts may come from anyone.
        say("".join(f"{_shown(line)}\n" for line in "".join(diff).removesuffix("\n").split("\n")))
    else:
        say_document("".join(diff))


def _shown(line: str) -> str:
    """Return *line* as it is safe to print, with its tabs: they are what formatting changes."""
    return "\t".join(map(visible, line.split("\t")))
