"""``aclkit compile``: what each node is sent, as wire JSON or as a table."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence

import click

from aclkit.cli.compiled_input import compile_files
from aclkit.cli.help import examples
from aclkit.cli.inputs import policy_here
from aclkit.cli.options import (
    color_option,
    no_notes_option,
    policy_argument,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say_each, screen_style
from aclkit.cli.unusable import CLEAN, FINDINGS, UnusableError
from aclkit.compiled import CompiledPolicy, Netmap
from aclkit.compiler.approximations import approximations
from aclkit.report.display import visible
from aclkit.report.style import Style
from aclkit.source import Source
from aclkit.tailnet.model import UnknownNameError

FORMAT_VERSION = 1


# The format has a name of its own among the parameters: the setting `format` is one of reports.
@click.command(
    epilog=examples(
        "aclkit compile policy.hujson --tailnet tailnet.json",
        "aclkit compile --node web-1 --format table",
    )
)
@policy_argument
@tailnet_option
@target_option
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="NAME",
    help="Only this node; may be given several times.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "table")),
    default="json",
    show_default=True,
    help="What is written to standard output.",
)
@color_option
@no_notes_option
@stdin_filename_option
def command(
    policy: str | None,
    tailnet: str | None,
    target: str,
    nodes: tuple[str, ...],
    form: str,
    color: str,
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Compile POLICY and print what each node is sent.

    JSON has rules, capabilities and peers in the form of the wire. The table has the rules, and
    names the entry of the policy behind each. What differs from the target's own output is said:
    see docs/reference/headscale.md. The policy's tests are not run: that is what `aclkit check`
    does. Without POLICY, ./policy.hujson is compiled; `-` is standard input.

    Exit status: 0 compiled, 1 the policy has errors, 2 usage, 3 a bug in aclkit.
    """
    compiled = compile_files(
        policy_here(policy, "aclkit compile FILE"),
        tailnet,
        target,
        stdin_filename=stdin_filename,
        quiet=quiet,
        with_approximations=form == "json",
    )
    if compiled is None:
        return FINDINGS
    rules = compiled.rules
    differing = approximations(rules.policy, rules.tailnet)
    netmaps = _netmaps(compiled, nodes)
    if form == "json":
        say_each(_json(netmaps, target, differing))
    else:
        style = screen_style(color, os.environ)
        say_each(_tables(netmaps, rules.policy.source, differing, style))
    return CLEAN


def _netmaps(compiled: CompiledPolicy, names: Sequence[str]) -> Iterable[Netmap]:
    """Return the netmaps of the nodes called *names*, or of all nodes in order of creation.

    Nothing of them is built before it is read: all together may be larger than any memory.
    """
    if not names:
        return (compiled.netmap(node.name) for node in compiled.rules.tailnet.nodes)
    try:
        found = [compiled.netmap(name) for name in names]
    except UnknownNameError as error:
        raise UnusableError(str(error)) from error
    return {netmap.name: netmap for netmap in found}.values()


def _json(netmaps: Iterable[Netmap], target: str, differing: Sequence[str]) -> Iterator[str]:
    """Yield one JSON document: a line for each node."""
    yield f'{{"format_version": {FORMAT_VERSION}, "target": {json.dumps(target)}, '
    if differing:
        yield f'"approximations": {json.dumps(differing)}, '
    yield '"nodes": {'
    separator = "\n"
    for netmap in netmaps:
        yield f"{separator}{json.dumps(netmap.name)}: {json.dumps(netmap.to_dict())}"
        separator = ",\n"
    yield "\n}}\n"


def _tables(
    netmaps: Iterable[Netmap], source: Source, differing: Sequence[str], style: Style
) -> Iterator[str]:
    # Imported here only: programs ask for JSON.
    from aclkit.cli.rule_table import rule_table

    separator = ""
    for netmap in netmaps:
        yield separator + rule_table(netmap, source, style)
        separator = "\n"
    for sentence in differing:
        yield f"{separator}note: {visible(sentence, ascii=style.ascii)}\n"
        separator = ""
