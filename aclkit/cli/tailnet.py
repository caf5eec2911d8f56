"""``aclkit tailnet``: what there is to do with tailnet files."""

from __future__ import annotations

import click

from aclkit.cli.lazy import LazyGroup

COMMANDS = {"import": "aclkit.cli.tailnet_import"}


@click.group("tailnet", cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """Make tailnet files, which tell who and what is in a tailnet.

    With one, `aclkit check --tailnet FILE` runs tests on the devices that there are, and not on
    those that the policy implies. `aclkit schema tailnet` prints the schema of such a file.
    """
