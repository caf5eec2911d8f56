"""``aclkit who-can``: who reaches a destination."""

from __future__ import annotations

import os

import click

from aclkit.cli.asked import read_destination, read_protocol, require_known
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
@click.argument("destination", metavar="DST:PORT")
@policy_option
@tailnet_option
@click.option("--proto", metavar="NAME", help="The protocol, by name or number; TCP by default.")
@target_option
@answer_format_option
@color_option
@quiet_option
@stdin_filename_option
def command(
    destination: str,
    policy: str | None,
    tailnet: str | None,
    proto: str | None,
    target: str,
    form: str,
    color: str,
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Tell who reaches DST:PORT, by source of the rules, and which rules say so.

    DST is a device by name, any selector of the policy language, an address or a route, such as
    web-1:22, tag:db:5432, [fd7a::1]:443 or autogroup:internet:443.

    Exit status: 0 answered, also when nobody does; 1 the policy has errors, 2 usage or an unknown
    name, 3 a bug in aclkit.
    """
    # Imported here only: whoever mistypes a name need not wait for them.
    from aclkit.analysis.sources import who_can
    from aclkit.report.answers_access import who_can_json, who_can_text

    named = policy_here(policy, "aclkit who-can DST:PORT --policy FILE")
    compiled = compile_files(named, tailnet, target, stdin_filename=stdin_filename, quiet=quiet)
    if compiled is None:
        return FINDINGS
    wanted = read_destination(destination, read_protocol(proto, compiled))
    require_known(wanted.word, compiled)
    answer = who_can(compiled, wanted.word, wanted.port, proto)
    if form == "json":
        say(who_can_json(answer, compiled))
    else:
        say(who_can_text(answer, compiled, screen_style(color, os.environ)))
    return CLEAN
