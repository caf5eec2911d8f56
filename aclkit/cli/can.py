"""``aclkit can``: whether a source reaches a destination, and why or why not."""

from __future__ import annotations

from functools import partial

import click

from aclkit.cli.answering import Asking, answering
from aclkit.cli.asked import read_destination, read_protocol, require_known
from aclkit.cli.help import examples
from aclkit.cli.options import proto_option
from aclkit.cli.unusable import CLEAN, FINDINGS, UnusableError
from aclkit.compiled import CompiledPolicy, SshVerdict, Verdict
from aclkit.evaluator.query import Allowed
from aclkit.report.answers_can import Question, can_json, can_text


@click.command(
    epilog=examples(
        "aclkit can alice@example.com tag:db:5432",
        "aclkit can laptop web-1 --ssh root --tailnet tailnet.json",
    )
)
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST:PORT")
@proto_option
@click.option(
    "--ssh",
    "login",
    metavar="LOGIN",
    help="Ask whether SRC may log in as LOGIN by SSH; DST then needs no port.",
)
@click.option(
    "--any", "any_pair", is_flag=True, help="Exit with 0 also where only some of the devices can."
)
@answering
def command(
    asking: Asking,
    source: str,
    destination: str,
    proto: str | None,
    login: str | None,
    any_pair: bool,
) -> int:
    """Tell whether SRC reaches DST:PORT, for all of their devices, for some, or for none.

    SRC and DST are a device by name, any selector of the policy language, an address or a route,
    such as web-1:22, tag:db:5432, [fd7a::1]:443, 10.0.0.0/24:443 or autogroup:internet:443. A yes
    names the rules, a no the nearest misses, each with the edit that would let it through.

    Exit status: 0 for all, 1 for some or none, or the policy has errors; 2 usage or an unknown
    name, 3 a bug in aclkit.
    """
    if login is not None and proto is not None:
        raise click.UsageError("--ssh and --proto exclude each other: SSH goes over TCP")
    compiled = asking.compiled("aclkit can SRC DST:PORT --policy FILE")
    if compiled is None:
        return FINDINGS
    question: Question
    verdict: Verdict | SshVerdict
    if login is None:
        question, verdict = _network(compiled, source, destination, proto)
    else:
        question, verdict = _ssh(compiled, source, destination, login)
    text = compiled.rules.policy.source
    asking.answer(
        partial(can_text, question, verdict, text), partial(can_json, question, verdict, text)
    )
    allowed = verdict.allowed is Allowed.ALL or (any_pair and verdict.allowed is Allowed.SOME)
    return CLEAN if allowed else FINDINGS


def _network(
    compiled: CompiledPolicy, source: str, destination: str, proto: str | None
) -> tuple[Question, Verdict]:
    number = read_protocol(proto, compiled)
    wanted = read_destination(destination, number)
    require_known(source, compiled)
    require_known(wanted.word, compiled)
    asked = Question(source, wanted.word, wanted.port, number)
    return asked, compiled.query(source, wanted.word, wanted.port, proto)


def _ssh(
    compiled: CompiledPolicy, source: str, destination: str, login: str
) -> tuple[Question, SshVerdict]:
    require_known(source, compiled)
    word = destination.removesuffix(":22")
    require_known(word, compiled)
    try:
        return Question(source, word, login=login), compiled.query_ssh(source, word, login)
    except ValueError as error:  # LOGIN is none
        raise UnusableError(str(error)) from error
