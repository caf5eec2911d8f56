"""The list of all lint checks, and which codes are on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

from aclkit.catalogue import CATALOGUE
from aclkit.catalogue.lint import LINT
from aclkit.diagnostics import Diagnostic, Severity
from aclkit.policy.lint.characters import invisible_characters, lookalike_names, turned_texts
from aclkit.policy.lint.coverage import pointless_rules
from aclkit.policy.lint.linting import Linting
from aclkit.policy.lint.lists import repeated_entries, repeated_members, repeated_tests
from aclkit.policy.lint.unused import (
    similar_domains,
    unused_groups,
    unused_hosts,
    unused_ipsets,
    unused_postures,
    unused_tags,
)
from aclkit.policy.lint.whole import (
    absent_sources,
    absent_tests,
    dead_ip_entries,
    empty_sources,
    ownerless_tags,
    roots_for_many,
    rules_for_all,
)
from aclkit.policy.model import Policy
from aclkit.source import Source

# Of a text, whether it is a policy or not.
TEXT_CHECKS = (turned_texts, invisible_characters, lookalike_names)

# Of a policy without errors: of any other nobody knows what it was meant to say.
POLICY_CHECKS = (
    absent_tests,
    unused_groups,
    unused_hosts,
    unused_ipsets,
    unused_postures,
    unused_tags,
    similar_domains,
    pointless_rules,
    dead_ip_entries,
    repeated_members,
    repeated_entries,
    repeated_tests,
    rules_for_all,
    roots_for_many,
    ownerless_tags,
    empty_sources,
    absent_sources,
)

LINT_CODES = frozenset(entry.code for entry in LINT)

# What is sound in many a policy: for those who want to know.
OFF_BY_DEFAULT = frozenset(
    {"allow-all", "ssh-root-for-all", "ownerless-tag", "empty-source", "absent-source"}
)


class CodeError(ValueError):
    """A code that can't be switched; `code` is what was asked for."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def silent_codes(ignore: Collection[str] = (), select: Collection[str] = ()) -> frozenset[str]:
    """Return the codes that are not reported: those off by default and not selected, and *ignore*.

    A code in both is ignored.

    Raises:
        CodeError: there is no such code, or *ignore* names one of an error.
        TypeError: one of both is a string in place of a collection of strings.
    """
    for name, codes in (("ignore", ignore), ("select", select)):
        if isinstance(codes, str):
            raise TypeError(f"`{name}` is a collection of codes, not a string")
    for code in chain(ignore, select):
        if code not in CATALOGUE:
            raise CodeError(f"no code `{code}`", code)
    for code in ignore:
        if CATALOGUE[code].severity is Severity.ERROR:
            raise CodeError(f"`{code}` is an error, which can't be ignored", code)
    return (OFF_BY_DEFAULT - frozenset(select)) | frozenset(ignore)


def lint(
    source: Source, policy: Policy | None, words: frozenset[str] | None
) -> Iterator[Diagnostic]:
    """Yield what the checks find, also those that are off.

    Args:
        policy: what *source* holds; None when it has errors.
        words: the words of all nodes of the tailnet; None where no tailnet is given.
    """
    for text_check in TEXT_CHECKS:
        yield from text_check(source)
    if policy is not None:
        linting = Linting(policy, words)
        for policy_check in POLICY_CHECKS:
            yield from policy_check(linting)
