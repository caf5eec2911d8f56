"""``aclkit check``: syntax, names, rules and tests of policy files."""

from __future__ import annotations

import os
from pathlib import Path

import click

from aclkit.checking import Report, check, compare
from aclkit.cli.help import examples
from aclkit.cli.inputs import STDIN, policy_here, read_policy, read_tailnet, refuse_clashes
from aclkit.cli.options import (
    also_option,
    color_option,
    fail_level_option,
    format_option,
    ignore_option,
    output_option,
    quiet_option,
    select_option,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say, screen_style, write_file
from aclkit.cli.unusable import CLEAN, FINDINGS, UNUSABLE, UnusableError
from aclkit.report.formats import render_of
from aclkit.report.style import Style


@click.command(
    epilog=examples(
        "aclkit check policy.hujson --tailnet tailnet.json",
        "aclkit check *.hujson --format github --output sarif=out.sarif",
    )
)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@tailnet_option
@target_option
@also_option
@format_option
@output_option
@color_option
@fail_level_option
@ignore_option
@select_option
@quiet_option
@stdin_filename_option
def command(
    files: tuple[str, ...],
    tailnet: str | None,
    target: str,
    also: tuple[str, ...],
    format: str,
    output: tuple[tuple[str, Path], ...],
    color: str,
    fail_level: str,
    ignore: tuple[str, ...],
    select: tuple[str, ...],
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Check policy files: syntax, names, rules, and the tests that they hold.

    Without FILE, ./policy.hujson is checked; `-` is standard input.

    Exit status: 0 accepted (warnings allowed), 1 findings or failed tests, 2 usage, 3 a bug in
    aclkit; of several files, the highest.
    """
    named = files or [policy_here(None, "aclkit check FILE")]
    refuse_clashes([*named, tailnet], [path for _, path in output])
    context = read_tailnet(tailnet) if tailnet is not None else None
    status = CLEAN
    reports: list[Report] = []
    for name in named:
        try:
            text = read_policy(name)
        except UnusableError as error:
            error.show()  # the other files are still worth checking
            status = UNUSABLE
            continue
        shown = stdin_filename if name == STDIN else name
        report = check(
            text,
            tailnet=context,
            target=target,
            filename=shown,
            ignore=ignore,
            select=select,
        )
        reports.append(report)
        reports.extend(compare(text, target, other, filename=shown) for other in also)
    if any(_fails(report, fail_level) for report in reports):
        status = max(status, FINDINGS)
    for form, path in output:
        write_file(path, render_of(form)(reports, Style()))
    say(render_of(format)(reports, screen_style(color, os.environ, quiet=quiet)))
    return status


def _fails(report: Report, fail_level: str) -> bool:
    return not report.accepted or (fail_level == "warning" and bool(report.diagnostics))
