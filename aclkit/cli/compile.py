"""``aclkit compile``: what each node is sent, as wire JSON or as a table."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

from aclkit.cli.inputs import STDIN, read_policy, read_tailnet
from aclkit.cli.options import (
    color_option,
    quiet_option,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import screen_style
from aclkit.cli.unusable import CLEAN, FINDINGS, UnusableError, tell
from aclkit.compiled import CompiledPolicy, Netmap, compile_policy
from aclkit.diagnostics import PolicyError
from aclkit.policy.load import load_policy
from aclkit.policy.model import Policy
from aclkit.report.style import Style
from aclkit.report.text import render_findings
from aclkit.source import Source
from aclkit.tailnet.implied import implied_tailnet
from aclkit.tailnet.model import Tailnet, UnknownNameError

FORMAT_VERSION = 1


# The format has a name of its own among the parameters: the setting `format` is one of reports.
@click.command()
@click.argument("policy")
@tailnet_option
@target_option
@click.option("--node", "nodes", multiple=True, metavar="NAME", help="This node; repeatable.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "table")),
    default="json",
    show_default=True,
    help="What is written to standard output.",
)
@color_option
@quiet_option
@stdin_filename_option
def command(
    policy: str,
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
    names the entry of the policy behind each. The policy's tests are not run: that is what
    `aclkit check` does. POLICY may be `-`, for standard input.

    Exit status: 0 compiled, 1 the policy has errors, 2 usage, 3 a bug in aclkit.
    """
    if policy == tailnet == STDIN:
        raise click.UsageError("standard input can be read once only")
    given = read_tailnet(tailnet) if tailnet is not None else None
    shown = stdin_filename if policy == STDIN else policy
    text = read_policy(policy)
    try:
        loaded = load_policy(text, target, filename=shown)
        compiled = compile_policy(loaded, implied_tailnet(loaded) if given is None else given)
    except PolicyError as error:
        source = error.source or Source(shown, text.decode("utf-8", "replace"))
        click.echo(render_findings(error.diagnostics, source, Style()), err=True, nl=False)
        return FINDINGS
    if not quiet:
        for note in _notes(loaded, compiled):
            tell(f"{shown}: {note}")
    netmaps = _netmaps(compiled, nodes)
    if form == "json":
        _write(_json(netmaps, target))
    else:
        _write(_tables(netmaps, loaded.source, screen_style(color, os.environ)))
    return CLEAN


def _netmaps(compiled: CompiledPolicy, names: Sequence[str]) -> Iterable[Netmap]:
    """Return the netmaps of the nodes called *names*, or of all nodes in order of creation.

    Nothing of them is built before it is read: all together may be larger than any memory.
    """
    if not names:
        return (compiled.netmap(node.name) for node in compiled.rules.nodes)
    try:
        found = [compiled.netmap(name) for name in names]
    except UnknownNameError as error:
        raise UnusableError(str(error)) from error
    return {netmap.name: netmap for netmap in found}.values()


def _json(netmaps: Iterable[Netmap], target: str) -> Iterator[str]:
    """Yield one JSON document: a line for each node."""
    yield f'{{"format_version": {FORMAT_VERSION}, "target": {json.dumps(target)}, "nodes": {{'
    separator = "\n"
    for netmap in netmaps:
        yield f"{separator}{json.dumps(netmap.name)}: {json.dumps(netmap.to_dict())}"
        separator = ",\n"
    yield "\n}}\n"


def _tables(netmaps: Iterable[Netmap], source: Source, style: Style) -> Iterator[str]:
    # Imported here only: programs ask for JSON.
    from aclkit.cli.rule_table import rule_table

    separator = ""
    for netmap in netmaps:
        yield separator + rule_table(netmap, source, style)
        separator = "\n"


def _write(pieces: Iterable[str]) -> None:
    """Write *pieces* to standard output, and stop where nobody reads any more."""
    try:
        for piece in pieces:
            sys.stdout.write(piece)
    except BrokenPipeError:
        return  # what is held back is dropped when the program ends


def _notes(policy: Policy, compiled: CompiledPolicy) -> Iterator[str]:
    """Yield what was assumed, and what there is to tell that is told elsewhere."""
    tailnet: Tailnet = compiled.rules.tailnet
    if tailnet.assumed:
        devices = _counted(len(tailnet.nodes), "device")
        yield f"no tailnet given: assumed one device per user and tag that it names ({devices})"
    else:
        routers = sum(
            bool(node.advertised_routes) and node.approved_routes is None for node in tailnet.nodes
        )
        if routers:
            nodes = _counted(routers, "node")
            yield f"no `approved_routes` given for {nodes}: what the policy auto-approves counts"
    if warnings := len(policy.warnings) + len(compiled.warnings):
        yield f"{_counted(warnings, 'warning')}: `aclkit check` tells more"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
