"""Rename a tag, group, host or ipset: where it is defined and everywhere that it is named.

Only the names themselves change. What stands around them, comments and layout included, stays as it
is, byte for byte. Comments that mention the name are not touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aclkit.diagnostics import Diagnostic, PolicyError
from aclkit.hujson.edit import TextEdit, apply_edits
from aclkit.hujson.parser import parse
from aclkit.hujson.tree import Document, Literal, Object, Value, children
from aclkit.limits import Limits
from aclkit.policy.lower import lower_policy
from aclkit.policy.model import Grant, NodeAttribute, Policy
from aclkit.policy.ports import split_destination
from aclkit.policy.selectors import SelectorSyntaxError, parse_selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.text import Text
from aclkit.policy.validate.checks import validate_policy
from aclkit.policy.walk import named_selectors
from aclkit.source import Span
from aclkit.target import TAILSCALE, SelectorKind, Target

K = SelectorKind

_DEFAULT_LIMITS = Limits()

# Capabilities whose values hold tags, and under which key.
_TAGS_IN_VALUES = {
    "tailscale.com/app-connectors": "connectors",
    "tailscale.com/cap/kubernetes": "recorder",
}


class RenameError(ValueError):
    """A name that can't be changed, or not into the new one. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """What a renaming changes.

    Attributes:
        edits: the edits of the text, in order.
        left: strings that are equal to the old name and stay as they are, because only the
            application that they are meant for knows whether they mean it.
    """

    edits: tuple[TextEdit, ...]
    left: tuple[Span, ...] = ()


def rename(
    document: Document,
    kind: SelectorKind,
    old: str,
    new: str,
    *,
    target: Target = TAILSCALE,
    limits: Limits = _DEFAULT_LIMITS,
) -> Renaming:
    """Return what to change so that *old*, which the policy in *document* defines, is called *new*.

    Names are written as in policies: ``tag:web``, ``group:eng``, ``ipset:lab``, and hosts without
    a prefix. An escaped name is replaced by one without escapes. Sections that *target* ignores
    stay as they are.

    Raises:
        RenameError: there are no names of this *kind* to be changed, *old* is not defined, or
            *new* is no name or is used already.
        PolicyError: *target* would refuse the policy as it is.
    """
    policy = _read(document, target, limits)
    known = _defined(policy, kind)
    if old not in known:
        hint = Spelling().hint(old, known)
        raise RenameError(f"the policy does not define `{old}`" + (f"; {hint}" if hint else ""))
    if old == new:
        return Renaming(())
    _refuse_name(document, policy, kind, new)
    mentions = _Mentions(document, policy, kind, old)
    written = json.dumps(new, ensure_ascii=False)[1:-1]
    edits = tuple(sorted(TextEdit(place, written) for place in mentions.places()))
    _refuse_unless_accepted(document, edits, new, target, limits)
    return Renaming(edits, tuple(sorted(mentions.left())))


def _read(document: Document, target: Target, limits: Limits) -> Policy:
    diagnostics: list[Diagnostic] = []
    policy = lower_policy(document, target, limits, diagnostics)
    validate_policy(policy, diagnostics)
    if any(found.is_error for found in diagnostics):
        raise PolicyError(diagnostics, source=document.source)
    if any(found.code == "overridden-name" for found in diagnostics):
        # What is overridden would come to life under a name of its own.
        raise RenameError("the policy gives a name twice, and the last one counts; join the two")
    return policy


def _defined(policy: Policy, kind: SelectorKind) -> Mapping[str, Text]:
    """Return the names of *kind* that the policy defines, and where."""
    match kind:
        case K.GROUP:
            names = [group.name for group in policy.groups]
        case K.TAG:
            names = [tag.name for tag in policy.tag_owners]
        case K.HOST:
            names = [host.name for host in policy.hosts]
        case K.IPSET:
            names = [ipset.name for ipset in policy.ipsets]
        case _:
            raise RenameError(f"{kind.value} has no name that a policy defines")
    return {name.value: name for name in names}


def _refuse_name(document: Document, policy: Policy, kind: SelectorKind, new: str) -> None:
    """Refuse what is no name of *kind*, and a name that means something already."""
    if _kind_of(policy, new) is not kind or "," in new:
        raise RenameError(f"`{new}` is not the name of {kind.value}")
    if new in _defined(policy, kind):
        raise RenameError(f"the policy defines `{new}` already")
    if any(_Mentions(document, policy, None, new).places()):
        raise RenameError(f"the policy uses `{new}` already, though it does not define it")


def _kind_of(policy: Policy, name: str) -> SelectorKind | None:
    """Return as what *name* is read where it stands for itself; None if it can't."""
    try:
        found = parse_selector(Text(name, Span(0, 0)), policy.target.names)
    except SelectorSyntaxError:
        return None
    return found.kind if found.text == name else None


def _refuse_unless_accepted(
    document: Document, edits: Iterable[TextEdit], new: str, target: Target, limits: Limits
) -> None:
    """Refuse a name with which the policy would be refused; only the target knows all names."""
    text = apply_edits(document.source.text, edits)
    try:
        _read(parse(text, name=document.source.name, limits=limits), target, limits)
    except PolicyError as refused:
        first = next(found for found in refused.diagnostics if found.is_error)
        raise RenameError(f"`{new}` can't be the new name: {first.message}") from refused


class _Mentions:
    """The places at which a policy mentions one name, as *kind* or, with None, as whatever."""

    def __init__(
        self, document: Document, policy: Policy, kind: SelectorKind | None, name: str
    ) -> None:
        self._text = document.source.text
        self._policy = policy
        self._kind, self._name = kind, name
        self._literals: dict[int, Literal] = {}
        self._members: dict[int, Value] = {}
        pending = [document.value]
        while pending:
            value = pending.pop()
            if isinstance(value, Literal):
                self._literals[value.span.start] = value
            elif isinstance(value, Object):
                for member in value.members:
                    self._literals[member.name.span.start] = member.name
                    self._members[member.name.span.start] = member.value
            pending.extend(children(value))

    def places(self) -> Iterator[Span]:
        """Yield where the name stands, without quotes and without what stands around it."""
        if self._kind is not None:
            yield self._span(_defined(self._policy, self._kind)[self._name].span)
        for selector in named_selectors(self._policy):
            if selector.text == self._name and self._kind in (selector.kind, None):
                yield self._span(selector.span)
            elif selector.text == f"host:{self._name}" and self._kind in (K.HOST, None):
                yield self._span(selector.span, behind="host:")
        # Texts have no kinds of their own: there a name is what it is anywhere.
        if self._kind in (_kind_of(self._policy, self._name), None):
            for text in _texts(self._policy):
                if text.value == self._name:
                    yield self._span(text.span)
            yield from self._in_known_values()

    def left(self) -> Iterator[Span]:
        """Yield the strings in values of capabilities that equal the name and stay."""
        known = set(self._in_known_values())
        for _, values in self._capabilities():
            for literal in _strings(values):
                if literal.value == self._name and self._part(literal) not in known:
                    yield literal.span

    def _span(self, span: Span, behind: str = "") -> Span:
        """Return the part of *span* that is the name *behind* something."""
        if self._text[span.start : span.end] == behind + self._name:
            return Span(span.start + len(behind), span.end)
        return self._part(self._literals[span.start], behind)

    def _part(self, literal: Literal, behind: str = "") -> Span:
        """Return the part of a string, perhaps with escapes, that is the name."""
        # What stands before a name (blanks, `add`) never looks like it.
        start = str(literal.value).index(behind + self._name) + len(behind)
        offsets = _offsets(literal.text[1:-1])
        at = literal.span.start + 1
        return Span(at + offsets[start], at + offsets[start + len(self._name)])

    def _capabilities(self) -> Iterator[tuple[str, Value]]:
        """Yield the names of capabilities, and the trees of their values."""
        entries: tuple[Grant | NodeAttribute, ...] = (
            *(self._policy.grants or ()),
            *self._policy.node_attrs,
        )
        for entry in entries:
            for name, _ in entry.app:
                yield name.value, self._members[name.span.start - name.exact]

    def _in_known_values(self) -> Iterator[Span]:
        """Yield the places in uninterpreted values whose keys are known to hold names."""
        for capability, values in self._capabilities():
            if (key := _TAGS_IN_VALUES.get(capability)) is not None:
                yield from self._listed(values, key)
        config = self._policy.sections.get("attrConfig")
        if config is not None:
            yield from self._listed(self._members[config.start], "broadcastToPeers")

    def _listed(self, value: Value, key: str) -> Iterator[Span]:
        """Yield where the name stands in lists under *key* of the objects in *value*."""
        for entry in children(value):
            for member in entry.members if isinstance(entry, Object) else ():
                if str(member.name.value).casefold() == key.casefold():
                    for literal in _strings(member.value):
                        if str(literal.value).strip() == self._name:
                            yield self._part(literal)


def _texts(policy: Policy) -> Iterator[Text]:
    """Yield the texts that are names, in tests and as keys, without blanks and ports."""
    for service in policy.auto_approvers.services:
        yield service.name
    for test in policy.tests:
        yield from _stripped(test.src)
        for destination in (*test.accept, *test.deny):
            yield from _stripped(destination)  # which lacks its port, but names what it means
            if (parts := split_destination(destination)) is not None:
                yield from _stripped(parts[0])
    for ssh_test in policy.ssh_tests:
        yield from _stripped(ssh_test.src)
        for text in ssh_test.dst:
            yield from _stripped(text)


def _stripped(text: Text | None) -> Iterator[Text]:
    if text is not None:
        yield text.stripped()


def _strings(value: Value) -> Iterator[Literal]:
    """Yield the strings in *value*, names of members not counted."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, Literal) and isinstance(each.value, str):
            yield each
        pending.extend(children(each))


_CHARACTER = re.compile(r"\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]", re.DOTALL)


def _offsets(written: str) -> list[int]:
    """Return where each character of a string begins in its JSON, and where the last one ends."""
    return [match.start() for match in _CHARACTER.finditer(written)] + [len(written)]
