"""``aclkit who-can``: who reaches a destination."""

from __future__ import annotations

from functools import partial

import click

from aclkit.cli.answering import Asking, answering
from aclkit.cli.asked import read_destination, read_protocol, require_known
from aclkit.cli.help import examples
from aclkit.cli.options import proto_option
from aclkit.cli.unusable import CLEAN, FINDINGS


@click.command(epilog=examples("aclkit who-can tag:db:5432", "aclkit who-can web-1:53 --proto udp"))
@click.argument("destination", metavar="DST:PORT")
@proto_option
@answering
def command(asking: Asking, destination: str, proto: str | None) -> int:
    """Tell who reaches DST:PORT, source by source of the rules that say so.

    DST is a device by name, any selector of the policy language, an address or a route, such as
    web-1:22, tag:db:5432, [fd7a::1]:443 or autogroup:internet:443.

    Exit status: 0 answered, also when nobody does; 1 the policy has errors, 2 usage or an unknown
    name, 3 a bug in aclkit.
    """
    # Imported here only: whoever mistypes a name need not wait for them.
    from aclkit.analysis.sources import who_can
    from aclkit.report.answers_access import who_can_json, who_can_text

    compiled = asking.compiled("aclkit who-can DST:PORT --policy FILE")
    if compiled is None:
        return FINDINGS
    wanted = read_destination(destination, read_protocol(proto, compiled))
    require_known(wanted.word, compiled)
    answer = who_can(compiled, wanted.word, wanted.port, proto)
    asking.answer(partial(who_can_text, answer, compiled), partial(who_can_json, answer, compiled))
    return CLEAN
