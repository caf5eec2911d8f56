"""From the files that a command is given to a compiled policy, and what had to be assumed.

Several commands ask a compiled policy: each reads its files, tells errors and tells of assumptions
in the same words.
"""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.cli.inputs import STDIN, read_policy, read_tailnet, refuse_clashes, tell_findings
from aclkit.cli.unusable import tell
from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.compiler.approximations import approximations
from aclkit.diagnostics import PolicyError
from aclkit.policy.load import load_policy
from aclkit.source import Source
from aclkit.tailnet.assumptions import assumptions
from aclkit.tailnet.implied import implied_tailnet
from aclkit.wording import counted


def compile_files(
    policy: str,
    tailnet: str | None,
    target: str,
    *,
    stdin_filename: str,
    quiet: bool = False,
    with_approximations: bool = True,
) -> CompiledPolicy | None:
    """Return the policy in file *policy* compiled for the tailnet in file *tailnet*.

    Either may be ``-``, for standard input; not both. Without *tailnet*, the tailnet that the
    policy implies is taken. What was assumed is told on standard error, unless *quiet*; so is what
    is approximated, but for a caller that tells it itself. None when the policy is refused: its
    diagnostics have then been told on standard error, and the exit status is FINDINGS.

    The text of the policy, under the name that it is reported with, is `rules.policy.source`.

    Raises:
        UsageError: both files are standard input.
        UnusableError: a file can't be read, or holds no tailnet.
    """
    refuse_clashes([policy, tailnet])
    given = read_tailnet(tailnet) if tailnet is not None else None
    shown = stdin_filename if policy == STDIN else policy
    text = read_policy(policy)
    try:
        loaded = load_policy(text, target, filename=shown)
        compiled = compile_policy(loaded, implied_tailnet(loaded) if given is None else given)
    except PolicyError as error:
        source = error.source or Source.of(shown, text)
        tell_findings(error.diagnostics, source, error.target)
        return None
    if not quiet:
        for note in _notes(compiled, with_approximations=with_approximations):
            tell(f"{shown}: {note}")
    return compiled


def _notes(compiled: CompiledPolicy, *, with_approximations: bool) -> Iterator[str]:
    policy, tailnet = compiled.rules.policy, compiled.rules.tailnet
    yield from assumptions(policy, tailnet)
    if warnings := len(policy.warnings) + len(compiled.warnings):
        yield f"{counted(warnings, 'warning')}: `aclkit check` tells more"
    if with_approximations:
        yield from approximations(policy, tailnet)
