"""What commands that ask a compiled policy have in common: their options, and how they answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

from aclkit.cli.compiled_input import compile_files
from aclkit.cli.inputs import policy_here
from aclkit.cli.options import (
    answer_format_option,
    color_option,
    no_notes_option,
    policy_option,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say, screen_style
from aclkit.compiled import CompiledPolicy
from aclkit.report.style import Style

_OPTIONS = (
    policy_option,
    tailnet_option,
    target_option,
    answer_format_option,
    color_option,
    no_notes_option,
    stdin_filename_option,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """What the options of such a command say."""

    policy: str | None
    tailnet: str | None
    target: str
    form: str
    color: str
    quiet: bool
    stdin_filename: str

    def compiled(self, usage: str) -> CompiledPolicy | None:
        """Return the policy, compiled; None when it is refused, which has then been told.

        *usage* is how the command names a policy, for those who named none.

        Raises:
            UsageError: no policy was named, and there is none here; or both files are `-`.
            UnusableError: a file can't be read, or holds no tailnet.
        """
        return compile_files(
            policy_here(self.policy, usage),
            self.tailnet,
            self.target,
            stdin_filename=self.stdin_filename,
            quiet=self.quiet,
        )

    def answer(self, text: Callable[[Style], str], data: Callable[[], str]) -> None:
        """Print the answer, in the form that was asked for: as *text*, or as *data* in JSON."""
        if self.form == "json":
            say(data())
        else:
            say(text(screen_style(self.color, os.environ)))


def answering(function: Callable[..., int]) -> Callable[..., int]:
    """Give *function* these options, behind its own; it takes them as one `Asking`, the first."""

    @wraps(function)
    def command(**given: Any) -> int:
        options = {each.name: given.pop(each.name) for each in fields(Asking)}
        return function(Asking(**options), **given)

    decorated: Callable[..., int] = command
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
