"""``aclkit schema``: JSON Schemas of the files that aclkit reads, for editors."""

from __future__ import annotations

import json

import click

from aclkit.cli.help import examples
from aclkit.cli.options import target_option
from aclkit.cli.output import say
from aclkit.cli.unusable import CLEAN, did_you_mean
from aclkit.target import find_target

KINDS = ("policy", "tailnet")


@click.command(epilog=examples("aclkit schema policy > policy.schema.json"))
@click.argument(
    "kind",
    required=False,
    metavar="policy|tailnet",
    shell_complete=lambda _ctx, _param, start: [kind for kind in KINDS if kind.startswith(start)],
)
@target_option
def command(kind: str | None, target: str) -> int:
    """Print the JSON Schema (draft 2020-12) of policy files or of tailnet files.

    With it an editor completes keys, explains them and marks those that do not exist. What names
    and rules mean is beyond a schema: run `aclkit check`. The target counts for policies only.

    Exit status: 0 printed, 2 usage, 3 a bug in aclkit.
    """
    if kind not in KINDS:
        wrong = "no kind of file named" if kind is None else f"no schema of `{kind}`"
        hint = did_you_mean(kind, KINDS) if kind else ""
        advice = hint or "; type `aclkit schema policy` or `aclkit schema tailnet`"
        raise click.UsageError(f"{wrong}{advice}")
    # Imported here only: the shapes of a tailnet are slow to load.
    if kind == "policy":
        from aclkit.policy.schema import policy_schema

        schema = policy_schema(find_target(target))
    else:
        from aclkit.tailnet.shapes import tailnet_schema

        schema = tailnet_schema()
    say(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    return CLEAN
