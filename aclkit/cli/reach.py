"""``aclkit reach``: what a source reaches."""

from __future__ import annotations

from functools import partial

import click

from aclkit.cli.answering import Asking, answering
from aclkit.cli.asked import require_known
from aclkit.cli.help import examples
from aclkit.cli.unusable import CLEAN, FINDINGS


@click.command(
    epilog=examples("aclkit reach alice@example.com", "aclkit reach tag:ci --format json")
)
@click.argument("source", metavar="SRC")
@answering
def command(asking: Asking, source: str) -> int:
    """Tell what SRC reaches and on which ports, destination by destination of the rules.

    SRC is a device by name, any selector of the policy language, an address or a route, such as
    alice@example.com, group:eng, laptop or 10.20.30.7.

    Exit status: 0 answered, also when it reaches nothing; 1 the policy has errors, 2 usage or an
    unknown name, 3 a bug in aclkit.
    """
    # Imported here only: whoever mistypes a name need not wait for them.
    from aclkit.analysis.destinations import reach_of
    from aclkit.report.answers_access import reach_json, reach_text

    compiled = asking.compiled("aclkit reach SRC --policy FILE")
    if compiled is None:
        return FINDINGS
    require_known(source, compiled)
    answer = reach_of(compiled, source)
    asking.answer(partial(reach_text, answer, compiled), partial(reach_json, answer, compiled))
    return CLEAN
