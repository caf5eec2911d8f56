"""``aclkit reach``: what a source reaches."""

from __future__ import annotations

import os

import click

from aclkit.cli.asked import require_known
from aclkit.cli.compiled_input import compile_files
from aclkit.cli.inputs import policy_here
from aclkit.cli.options import (
    answer_format_option,
    color_option,
    policy_option,
    quiet_option,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say, screen_style
from aclkit.cli.unusable import CLEAN, FINDINGS


@click.command()
@click.argument("source", metavar="SRC")
@policy_option
@tailnet_option
@target_option
@answer_format_option
@color_option
@quiet_option
@stdin_filename_option
def command(
    source: str,
    policy: str | None,
    tailnet: str | None,
    target: str,
    form: str,
    color: str,
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Tell what SRC reaches, by destination of the rules, with ports and the rules that say so.

    SRC is a device by name, any selector of the policy language, an address or a route, such as
    alice@example.com, group:eng, laptop or 10.20.30.7.

    Exit status: 0 answered, also when it reaches nothing; 1 the policy has errors, 2 usage or an
    unknown name, 3 a bug in aclkit.
    """
    # Imported here only: whoever mistypes a name need not wait for them.
    from aclkit.analysis.destinations import reach_of
    from aclkit.report.answers_access import reach_json, reach_text

    named = policy_here(policy, "aclkit reach SRC --policy FILE")
    compiled = compile_files(named, tailnet, target, stdin_filename=stdin_filename, quiet=quiet)
    if compiled is None:
        return FINDINGS
    require_known(source, compiled)
    answer = reach_of(compiled, source)
    if form == "json":
        say(reach_json(answer, compiled))
    else:
        say(reach_text(answer, compiled, screen_style(color, os.environ)))
    return CLEAN
