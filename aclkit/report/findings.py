"""What the formats for other programs tell: each diagnostic, and each expectation not met.

Those programs have no place for tests of a policy. So an expectation that was not met is an error
with the code `failed-test`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath

from aclkit.checking import Report, TestFailure, TestResult
from aclkit.diagnostics import Diagnostic, Label, Severity
from aclkit.report.display import named, visible
from aclkit.report.failures import verdict_on
from aclkit.report.fingerprint import failure_fingerprints, fingerprints
from aclkit.report.place import place
from aclkit.report.style import Style
from aclkit.source import Source
from aclkit.target import find_target

FAILED_TEST = "failed-test"

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to tell of a policy.

    Attributes:
        code: of the catalogue, or `failed-test`.
        severity: how much it weighs.
        message: one sentence in lower case, with user input as it is.
        primary: where it is.
        related: other places that belong to it.
        said: the target's own text, one line for each error that it would tell.
        speaker: who says that.
        help: what to do.
        fingerprint: its name within the file, whatever its line.
    """

    code: str
    severity: Severity
    message: str
    primary: Label
    related: tuple[Label, ...] = ()
    said: tuple[str, ...] = ()
    speaker: str = ""
    help: str | None = None
    fingerprint: str

    @property
    def is_error(self) -> bool:
        """Return whether the policy is refused for this."""
        return self.severity is Severity.ERROR


def findings(report: Report) -> tuple[Finding, ...]:
    """Return the diagnostics of *report* in their order, then the failures of its tests."""
    return (*diagnosed(report), *chain.from_iterable(unmet(report)))


def diagnosed(report: Report) -> tuple[Finding, ...]:
    """Return one finding for each diagnostic of *report*."""
    title = find_target(report.target).title
    return tuple(
        _of_diagnostic(diagnostic, title, fingerprint)
        for diagnostic, fingerprint in zip(report.diagnostics, fingerprints(report), strict=True)
    )


def unmet(report: Report) -> tuple[tuple[Finding, ...], ...]:
    """Return the findings of each test of *report*: one for each failure, none where it passed."""
    names = iter(failure_fingerprints(report))
    return tuple(
        tuple(_of_failure(test, failure, next(names)) for failure in test.failures)
        for test in report.tests
    )


def _of_diagnostic(diagnostic: Diagnostic, title: str, fingerprint: str) -> Finding:
    return Finding(
        code=diagnostic.code,
        severity=diagnostic.severity,
        message=diagnostic.message,
        primary=diagnostic.primary,
        related=diagnostic.related,
        # Headscale names all its errors at once, one per line.
        said=tuple((diagnostic.control_plane or "").splitlines()),
        speaker=title,
        help=diagnostic.help,
        fingerprint=fingerprint,
    )


def _of_failure(test: TestResult, failure: TestFailure, fingerprint: str) -> Finding:
    return Finding(
        code=FAILED_TEST,
        severity=Severity.ERROR,
        message=f"{verdict_on(test, failure, Style())} ({failure.detail})",
        primary=Label(failure.span),
        fingerprint=fingerprint,
    )


def paragraphs(finding: Finding, *, ascii: bool = False) -> list[str]:
    """Return all that is said of *finding* as lines that are safe to print, message first."""
    label = f" ({finding.primary.message})" if finding.primary.message else ""
    lines = [f"{finding.message}{label}"]
    lines += [f"{finding.speaker} says: {words}" for words in finding.said]
    if finding.help is not None:
        lines.append(f"help: {finding.help}")
    return [visible(line, ascii=ascii) for line in lines]


def related_lines(finding: Finding, source: Source, style: Style) -> list[str]:
    """Return each related place of *finding* with what is to be said of it."""
    return [
        f"{place(source, label, style)}: {visible(label.message, ascii=style.ascii)}"
        for label in finding.related
    ]


def path_of(report: Report) -> str:
    """Return the file's name as services compare it: with slashes, without a leading ``./``.

    Half of a surrogate pair, which stands for a byte of a name that is not UTF-8, is named, since
    no UTF-8 can hold it.
    """
    name = PurePath(report.source.name).as_posix()
    return _SURROGATE.sub(lambda half: named(half[0]).text, name)


def notes(report: Report) -> list[str]:
    """Return what was assumed or skipped, as sentences; a policy without tests is told as well."""
    told = list(report.assumptions)
    if report.is_untested:
        told.append("no tests in this policy")
    return [visible(note) for note in told]
