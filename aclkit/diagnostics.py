"""What aclkit tells about an input: one frozen type for every finding of every phase.

The model knows places, not their looks: `aclkit.report` turns spans into lines and colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from aclkit.source import Source, Span


class Severity(Enum):
    """How much a finding weighs. An error means that the input is refused."""

    ERROR = "error"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """Return 0 for the gravest."""
        return 0 if self is Severity.ERROR else 1


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be said of it.

    `span` is None only where the input has no text (a tailnet given as data); `path` then names
    the place, such as ``nodes[3].tags[0]``.
    """

    span: Span | None
    message: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is stable, in kebab-case, and explained in the catalogue. `message` is one sentence in
    lower case without a full stop, user input in backticks. `help` says what to do. `control_plane`
    is the text with which the target itself refuses this, where that is known.
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    related: tuple[Label, ...] = ()
    help: str | None = None
    control_plane: str | None = None

    @property
    def is_error(self) -> bool:
        """Return whether this finding means that the input is refused."""
        return self.severity is Severity.ERROR


def error(
    code: str,
    message: str,
    span: Span,
    *,
    label: str = "",
    related: Iterable[Label] = (),
    help: str | None = None,
    control_plane: str | None = None,
) -> Diagnostic:
    """Return an error at *span*."""
    return Diagnostic(
        code, Severity.ERROR, message, Label(span, label), tuple(related), help, control_plane
    )


def warning(
    code: str,
    message: str,
    span: Span,
    *,
    label: str = "",
    related: Iterable[Label] = (),
    help: str | None = None,
) -> Diagnostic:
    """Return a warning at *span*."""
    return Diagnostic(code, Severity.WARNING, message, Label(span, label), tuple(related), help)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return *diagnostics* sorted by position, then weight, then code, each once.

    This is the only place where findings are sorted and where repeated ones are dropped.
    """

    def key(diagnostic: Diagnostic) -> tuple[int, int, str, int, str, str]:
        span = diagnostic.primary.span
        start, end = (span.start, span.end) if span else (-1, -1)
        path = re.sub("[0-9]+", lambda digits: digits[0].zfill(9), diagnostic.primary.path)
        return start, end, path, diagnostic.severity.rank, diagnostic.code, diagnostic.message

    return tuple(sorted(dict.fromkeys(diagnostics), key=key))


class PolicyError(Exception):
    """A policy (or HuJSON text) that can't be accepted; `diagnostics` say why and where.

    The diagnostics hold at least one error and are sorted by position. `refusal` is what the target
    answers, and `target` its name, None where no product is asked. As text, the error is its first
    diagnostic, with its place where *source* is given.
    """

    def __init__(
        self,
        diagnostics: Iterable[Diagnostic],
        refusal: str | None = None,
        source: Source | None = None,
        target: str | None = None,
    ) -> None:
        self.diagnostics = in_order(diagnostics)
        errors = [found for found in self.diagnostics if found.is_error]
        if not errors:
            raise ValueError("a PolicyError needs an error among its diagnostics")
        first = errors[0]
        self.refusal = refusal or first.control_plane or first.message
        self.source = source
        self.target = target
        place = ""
        if source is not None and first.primary.span is not None:
            at = source.position(min(first.primary.span.start, len(source.text)))
            place = f"{source.name}:{at.line}:{at.column}: "
        super().__init__(place + _and_more(first.message, len(errors) - 1))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.diagnostics, self.refusal, self.source, self.target)


class TailnetError(Exception):
    """A tailnet that can't be read; `diagnostics` say why and where (span, or path in the data)."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        if not self.diagnostics:
            raise ValueError("a TailnetError needs a diagnostic")
        first = self.diagnostics[0]
        place = f"{first.primary.path}: " if first.primary.path else ""
        super().__init__(place + _and_more(first.message, len(self.diagnostics) - 1))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.diagnostics,)


def _and_more(message: str, others: int) -> str:
    return f"{message} (and {others} more)" if others else message
