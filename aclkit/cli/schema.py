"""``aclkit schema``: JSON Schemas of the files that aclkit reads, for editors."""

from __future__ import annotations

import json

import click

from aclkit.cli.options import target_option
from aclkit.cli.output import say
from aclkit.cli.unusable import CLEAN
from aclkit.target import find_target


@click.command()
@click.argument("file", type=click.Choice(("policy", "tailnet")), metavar="policy|tailnet")
@target_option
def command(file: str, target: str) -> int:
    """Print the JSON Schema (draft 2020-12) of policy files or of tailnet files.

    With it an editor completes keys, explains them and marks those that do not exist. What names
    and rules mean is beyond a schema: run `aclkit check`. The target counts for policies only.
    """
    # Imported here only: the shapes of a tailnet are slow to load.
    if file == "policy":
        from aclkit.policy.schema import policy_schema

        schema = policy_schema(find_target(target))
    else:
        from aclkit.tailnet.shapes import tailnet_schema

        schema = tailnet_schema()
    say(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    return CLEAN
