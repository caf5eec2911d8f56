"""``aclkit tailnet import``: what an API or a command tells of a tailnet, made a tailnet file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from aclkit.cli.inputs import STDIN, read_inventory, refuse_clashes, tell_findings
from aclkit.cli.options import no_notes_option
from aclkit.cli.output import say_document, write_file
from aclkit.cli.unusable import CLEAN, UnusableError, tell
from aclkit.diagnostics import TailnetError
from aclkit.tailnet.importers import (
    import_headscale,
    import_tailscale_api,
    import_tailscale_status,
    parse_inventory,
)
from aclkit.tailnet.model import Tailnet


@dataclass(frozen=True, slots=True)
class _Form:
    """What one source of inventories takes.

    Attributes:
        usage: the files that follow ``--from``, for people.
        roles: what the files stand for that are given by their position.
        options: what else may be given, each by an option of that name.
    """

    usage: str
    roles: tuple[str, ...]
    options: frozenset[str] = frozenset()


_FORMS = {
    "tailscale-api": _Form(
        "tailscale-api devices.json [--users users.json]",
        ("devices",),
        frozenset({"users", "attributes", "routes", "services", "service_hosts", "tailnet_name"}),
    ),
    "tailscale-status": _Form("tailscale-status status.json", ("status",)),
    "headscale": _Form(
        "headscale nodes.json users.json", ("nodes", "users"), frozenset({"users", "routes"})
    ),
}


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option(
    "--from",
    "source",
    type=click.Choice(tuple(_FORMS)),
    help="Who wrote the files; must be given.",
)
@click.option("--users", metavar="FILE", help="The list of users.")
@click.option(
    "--attributes",
    metavar="FILE",
    help="tailscale-api: an object from id of a device to its posture attributes.",
)
@click.option(
    "--routes",
    metavar="FILE",
    help="tailscale-api: an object from id of a device to its routes."
    " headscale, to 0.25: the list of `headscale routes list`.",
)
@click.option("--services", metavar="FILE", help="tailscale-api: the list of services.")
@click.option(
    "--service-hosts",
    metavar="FILE",
    help="tailscale-api: an object from name of a service to its hosts.",
)
@click.option(
    "--tailnet-name",
    metavar="NAME",
    help="tailscale-api: the organisation's name; a domain of the tailnet if it is a domain.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the tailnet to this file: all of it, or nothing.",
)
@no_notes_option
def command(
    files: tuple[str, ...],
    source: str | None,
    output: Path | None,
    quiet: bool,
    **given: str | None,
) -> int:
    """Make a tailnet file of what a service tells of its devices and users.

    \b
    --from tailscale-api devices.json [--users users.json] [--attributes FILE]
        GET /api/v2/tailnet/-/devices?fields=all, and /users?type=all
    --from tailscale-status status.json
        tailscale status --json: what one device sees
    --from headscale nodes.json users.json
        headscale nodes list -o json, and users list -o json, from 0.23 on

    What was left out, assumed or missing is told on standard error; --quiet leaves that out. A
    file may be `-`, for standard input. docs/importing.md has more.

    Exit status: 0 imported, 2 usage, or a file that is no such inventory, 3 a bug in aclkit.
    """  # noqa: D301 - click keeps the lines of the paragraph that begins with a backspace
    if source is None:
        raise click.UsageError(f"say who wrote the files; type one of{_usages(_FORMS.values())}")
    options = {role: value for role, value in given.items() if value is not None}
    named = _by_role(source, files, options)
    name = named.pop("tailnet_name", None)
    if output == Path(STDIN):
        raise click.UsageError("leave out --output for standard output")
    refuse_clashes(list(named.values()), [] if output is None else [output])
    tailnet, notes = _imported(source, named, name)
    if not quiet:
        for note in notes:
            tell(note)
    text = "".join(_lines(tailnet.to_dict()))
    if output is None:
        say_document(text)
    else:
        write_file(output, text)
    return CLEAN


def _by_role(source: str, files: Sequence[str], options: Mapping[str, str]) -> dict[str, str]:
    """Return what is given, by what it stands for.

    Raises:
        UsageError: a file is missing, or there is one too many.
    """
    form = _FORMS[source]
    for role in options:
        if role not in form.options:
            flag = role.replace("_", "-")
            raise click.UsageError(f"--{flag} is nothing for --from {source}")
    positions = [role for role in form.roles if role not in options]
    if not files or len(files) > len(positions):
        wrong = "a file is missing" if not files else "these are too many files"
        raise click.UsageError(f"{wrong}; type{_usages([form])}")
    return {**dict(zip(positions, files, strict=False)), **options}


def _usages(forms: Iterable[_Form]) -> str:
    return "".join(f"\n  aclkit tailnet import --from {form.usage}" for form in forms)


def _imported(
    source: str, named: Mapping[str, str], tailnet_name: str | None
) -> tuple[Tailnet, tuple[str, ...]]:
    """Return the tailnet that the files tell of, and what there is to tell about it.

    Raises:
        UnusableError: a file can't be read, or is no such inventory; what is wrong has then been
            told on standard error.
    """
    texts = {role: read_inventory(file) for role, file in named.items()}
    documents: dict[str, Any] = {}
    role = ""
    try:
        for role, text in texts.items():
            documents[role] = parse_inventory(text)
        match source:
            case "tailscale-status":
                result = import_tailscale_status(documents["status"])
            case "headscale":
                result = import_headscale(**documents, now=time.time_ns())
            case _:
                name = tailnet_name or ""
                result = import_tailscale_api(**documents, tailnet_name=name, now=time.time_ns())
        return Tailnet.from_dict(result.tailnet_dict), result.notes
    except TailnetError as error:
        # An importer names the document; a text that is no JSON is the one that was read last.
        wrong = texts.get(error.diagnostics[0].primary.path, texts[role])
        tell_findings(error.diagnostics, wrong)
        raise UnusableError(f"{wrong.name}: nothing was imported") from error


def _lines(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield JSON with one line for each user, node and service, so that diffs show these."""
    separator = "{\n"
    for key, section in data.items():
        yield f"{separator}  {_json(key)}: "
        if isinstance(section, list) and section and isinstance(section[0], dict):
            yield "[\n"
            yield ",\n".join(f"    {_json(entry)}" for entry in section)
            yield "\n  ]"
        else:
            yield _json(section)
        separator = ",\n"
    yield "\n}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
