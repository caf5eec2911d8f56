"""``aclkit etag``: the hash by which tools tell whether a policy was changed."""

from __future__ import annotations

from hashlib import sha256

import click

from aclkit.cli.documents import read_formatted
from aclkit.cli.help import examples
from aclkit.cli.inputs import STDIN, policy_here
from aclkit.cli.options import stdin_filename_option
from aclkit.cli.output import say
from aclkit.cli.unusable import CLEAN, FINDINGS


@click.command(epilog=examples("aclkit etag policy.hujson", "aclkit etag --quoted"))
@click.argument("file", required=False)
@click.option("--quoted", is_flag=True, help="With quotes, as in the headers ETag and If-Match.")
@stdin_filename_option
def command(file: str | None, quoted: bool, stdin_filename: str) -> int:
    """Print the entity tag of FILE: the SHA-256 of its text after formatting.

    It equals what Tailscale's GitOps tool compares with the service's ETag, so that layout alone
    is no change. Without FILE, ./policy.hujson is read; `-` is standard input.

    Exit status: 0 printed, 1 a syntax error, 2 usage, 3 a bug in aclkit.
    """
    named = policy_here(file, "aclkit etag FILE")
    found = read_formatted(named, stdin_filename if named == STDIN else named)
    if found is None:
        return FINDINGS
    tag = sha256(found.after.encode()).hexdigest()
    say(f'"{tag}"\n' if quoted else f"{tag}\n")
    return CLEAN
