"""What the checks share: the policy's names, and the two questions asked of every selector.

May a selector of this kind stand here, and does the name that it uses exist?
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aclkit.addresses import Prefix
from aclkit.diagnostics import Diagnostic, Label, error, warning
from aclkit.policy.model import (
    GroupDefinition,
    HostDefinition,
    IpSetDefinition,
    Policy,
    PostureDefinition,
    TagDefinition,
)
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import Position, SelectorKind, Target, Undefined, UserWords
from aclkit.wording import listed

K = SelectorKind
P = Position

NONROOT = "autogroup:nonroot"

# Taken, though nobody has shown that the target does; and what is safe to write.
UNPROVEN = {(P.NODE_ATTR_TARGET, K.DOMAIN): "write `autogroup:member`, or name a group"}


@dataclass(slots=True)
class Validation:
    """The state of one validation."""

    policy: Policy
    diagnostics: list[Diagnostic]
    groups: Mapping[str, GroupDefinition] = field(init=False)
    hosts: Mapping[str, HostDefinition] = field(init=False)
    tags: Mapping[str, TagDefinition] = field(init=False)
    ipsets: Mapping[str, IpSetDefinition] = field(init=False)
    postures: Mapping[str, PostureDefinition] = field(init=False)
    autogroups: frozenset[str] = field(init=False)
    spelling: Spelling = field(default_factory=Spelling)
    _unread: list[int] = field(init=False)
    _undefined: set[tuple[str, str]] = field(default_factory=set)
    _sound: dict[Position, dict[str, SelectorKind]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policy = self.policy
        self.groups = {group.name.value: group for group in policy.groups}
        self.hosts = {host.name.value: host for host in policy.hosts}
        self.tags = {tag.name.value: tag for tag in policy.tag_owners}
        self.ipsets = {ipset.name.value: ipset for ipset in policy.ipsets}
        self.postures = {posture.name.value: posture for posture in policy.postures}
        self.autogroups = frozenset().union(*self.target.autogroups.values())
        spans = (found.primary.span for found in self.diagnostics if found.is_error)
        self._unread = sorted(span.start for span in spans if span is not None)

    @property
    def target(self) -> Target:
        """Return whom the policy is meant for."""
        return self.policy.target

    def is_incomplete(self, span: Span) -> bool:
        """Return whether something in *span* could not be read, so what lacks may be there."""
        return bisect_left(self._unread, span.start) < bisect_left(self._unread, span.end)

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        words: str | None = None,
        help: str | None = None,
        related: Iterable[Label] = (),
    ) -> None:
        """Record an error."""
        self.diagnostics.append(
            error(code, message, span, help=help, control_plane=words, related=related)
        )

    def warning(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        help: str | None = None,
        related: Iterable[Label] = (),
    ) -> None:
        """Record a warning."""
        self.diagnostics.append(warning(code, message, span, help=help, related=related))

    def selector(self, selector: Selector, position: Position) -> bool:
        """Check that *selector* may stand at *position* and that its name exists."""
        # Sound once, sound at the same position ever after; most selectors stand in many lists.
        sound = self._sound.setdefault(position, {})
        if sound.get(selector.text) is selector.kind:
            return True
        findings = len(self.diagnostics)
        is_sound = self._is_sound(selector, position)
        if is_sound and len(self.diagnostics) == findings:
            sound[selector.text] = selector.kind
        return is_sound

    def _is_sound(self, selector: Selector, position: Position) -> bool:
        if not self.target.allows(position, selector.kind):
            self._refuse_kind(selector, position)
            return False
        if self.target.is_dead(position, selector.kind):
            self.dead_selector(selector, "names no user and no group")
            return True
        if (position, selector.kind) in UNPROVEN:
            self.warning(
                "unproven",
                f"whether {selector.kind.value} may stand in {position.value} is not proven",
                selector.span,
                help=UNPROVEN[position, selector.kind],
            )
        match selector.kind:
            case K.USER:
                self._wildcard_login(selector)
                self._dead_login(selector, position)
                return True
            case K.AUTOGROUP:
                return self._autogroup(selector, position)
            case K.GROUP:
                return self._group(selector, position)
            case K.TAG:
                return self._tag(selector, position)
            case K.HOST | K.HOST_MEMBER:
                return self._host(selector, position)
            case K.IPSET:
                return self._defined(
                    selector, self.ipsets, "ipset", position, "define it in `ipsets`"
                )
            case _:
                return True

    def selectors(self, selectors: Iterable[Selector], position: Position) -> bool:
        """Check each of *selectors*; True when all are sound."""
        sound = [self.selector(selector, position) for selector in selectors]
        return all(sound)

    def prefix_of(self, selector: Selector) -> Prefix | None:
        """Return the address or CIDR that a selector names, itself or as a host."""
        host = self.hosts.get(selector.text) if selector.kind is K.HOST else None
        return host.prefix if host else selector.prefix

    def _wildcard_login(self, selector: Selector) -> None:
        if "*" in selector.text and self.first_use("login", selector.text):
            domain = selector.text.rpartition("@")[2]
            self.warning(
                "wildcard-in-login",
                f"`{selector.text}` is nobody: a login has no wildcards",
                selector.span,
                help=f"write `user:*@{domain}` for all users of that domain"
                if self.target.allows(P.ACL_SRC, K.DOMAIN)
                else "name the users, or a group",
            )

    def _dead_login(self, selector: Selector, position: Position) -> None:
        """Tell of words for users that the target takes, but compares with nobody's name."""
        text, has_domain = selector.text, not selector.text.endswith("@")
        match self.target.meaning.user_words:
            case UserWords.NAME if "@" in text and (position is not P.GROUP_MEMBER):
                self.dead_selector(selector, "is compared with names of users, without a domain")
            case UserWords.NAME | UserWords.PLAIN if "@" in text and not has_domain:
                self.dead_selector(selector, "is nobody: local users are written without `@`")
            case _ if text != text.strip():
                self.dead_selector(selector, "is nobody: blanks are part of the name")

    def dead_selector(self, selector: Selector, why: str) -> None:
        """Warn of a selector that the target takes, though it does nothing."""
        self.warning(
            "dead-selector",
            f"`{selector.text}` {why}, though {self.target.title} takes it",
            selector.span,
            help="remove it, or write what was meant",
        )

    def _refuse_kind(self, selector: Selector, position: Position) -> None:
        text = selector.text
        words = self.target.says(
            f"selector-not-allowed/{selector.kind.name.lower()}",
            position,
            x=text,
            kind=self.target.kind_words.get(selector.kind, selector.kind.name.lower()),
        )
        message = f"{selector.kind.value} can't stand in {position.value}: `{text}`"
        if self._is_bare_login(selector, position):
            message = f"`{text}` is not a login"
        help = self._instead(selector, position)
        self.error("selector-not-allowed", message, selector.span, words=words, help=help)

    def _is_bare_login(self, selector: Selector, position: Position) -> bool:
        bare = selector.kind is K.HOST and selector.text not in self.hosts
        return bare and self.target.allows(position, K.USER)

    def _instead(self, selector: Selector, position: Position) -> str:
        """Return what to write in place of a selector of a kind that *position* does not take."""
        allowed = self.target.selectors.get(position, frozenset())
        match selector.kind:
            case K.HOST if self._is_bare_login(selector, position):
                return "a login has an `@`, such as `alice@example.com` or `alice@github`"
            case K.HOST_MEMBER:
                return f"write `{selector.name}`: the prefix `host:` is for `ipsets` only"
            case K.RANGE:
                return "write CIDRs, or define the range in `ipsets`"
            case K.WILDCARD if "autogroup:member" in self._autogroups_at(position):
                return "write `autogroup:member` for all users, `autogroup:tagged` for all tags"
            case K.WILDCARD if "autogroup:self" in self._autogroups_at(position):
                return "write `autogroup:self` for a user's own devices, or name tags"
        names = ", ".join(kind.value for kind in SelectorKind if kind in allowed)
        return f"{self.target.title} takes here: {names}"

    def _autogroups_at(self, position: Position) -> frozenset[str]:
        return self.target.autogroups.get(position, frozenset())

    def _autogroup(self, selector: Selector, position: Position) -> bool:
        text = selector.text
        allowed = self._autogroups_at(position)
        if text in allowed:
            return True
        if text not in self.autogroups and text != NONROOT:
            near = self.spelling.nearest(text, allowed) or self.spelling.nearest(
                text, self.autogroups
            )
            self.error(
                "unknown-autogroup",
                f"{self.target.title} has no `{text}`",
                selector.span,
                words=self.target.says(f"unknown-autogroup/{text}", position, x=text),
                help=self._meant_autogroup(selector.name, near, allowed),
            )
            return False
        words = self.target.says(f"autogroup-not-allowed/{text}", position, x=text)
        help = _allowed_here(allowed)
        if text == NONROOT:
            help = "it stands in `users` of an SSH rule, for every login but root"
        self.error(
            "autogroup-not-allowed",
            f"`{text}` can't stand in {position.value}",
            selector.span,
            words=words,
            help=help,
        )
        return False

    def _meant_autogroup(self, name: str, near: str | None, allowed: frozenset[str]) -> str:
        if near:
            return f"did you mean `{near}`?"
        if name.casefold() in _EVERYBODY and "autogroup:member" in allowed:
            return "write `autogroup:member` for the devices of all users"
        return _allowed_here(allowed)

    def _group(self, selector: Selector, position: Position) -> bool:
        if self.is_synced(selector):
            return True
        help = "define it in `groups`"
        if self.target.synced_groups:
            help += ", or write the synced group as `group:name@domain`"
        return self._defined(selector, self.groups, "group", position, help)

    def is_synced(self, selector: Selector) -> bool:
        """Return whether a group comes from an identity provider, and so from outside the file."""
        is_group = selector.kind is K.GROUP
        return is_group and "@" in selector.name and self.target.synced_groups

    def _tag(self, selector: Selector, position: Position) -> bool:
        return self._defined(
            selector, self.tags, "tag", position,
            "declare it in `tagOwners`; an empty list of owners leaves it to the admins",
        )  # fmt: skip

    def _host(self, selector: Selector, position: Position) -> bool:
        name = selector.name
        help = "define it in `hosts`; a user is written with `@`"
        if _NUMBERS.fullmatch(name):
            help = "define it in `hosts`; it is no IPv4 address, which has four numbers up to 255"
        elif (role := f"autogroup:{name}") in self.autogroups:
            help = f"write `{role}`"
        elif f"group:{name}" in self.groups:
            help = f"write `group:{name}`"
        elif f"tag:{name}" in self.tags:
            help = f"write `tag:{name}`"
        return self._defined(selector, self.hosts, "host", position, help)

    def _defined(
        self,
        selector: Selector,
        known: Mapping[str, object],
        what: str,
        position: Position,
        help: str,
    ) -> bool:
        name = selector.name if selector.kind is K.HOST_MEMBER else selector.text
        if name in known:
            return True
        match self.target.undefined(selector.kind, position):
            case Undefined.UNLESS_ON_A_NODE:
                return True  # the resolver asks the tailnet
            case Undefined.DEAD:
                self.dead_selector(selector, "is not defined, so it names nobody")
                return True
        if self.first_use(what, name):
            if "," in name:
                help = "write each name as a string of its own"
            elif "*" in name:
                help = f"names have no wildcards; {help}"
            self.error(
                f"undefined-{what}",
                f"undefined {what} `{name}`",
                selector.span,
                words=self.target.says(f"undefined-{what}", position, x=name),
                help=self.spelling.hint(name, known) or help,
            )
        return False

    def first_use(self, what: str, name: str) -> bool:
        """Return whether the undefined *name* was not met before; each is reported once."""
        before = len(self._undefined)
        self._undefined.add((what, name))
        return len(self._undefined) > before

    def posture_names(self, names: Iterable[Text]) -> None:
        """Check the postures that a rule asks for."""
        for name in names:
            if name.value not in self.postures and self.first_use("posture", name.value):
                self.error(
                    "undefined-posture",
                    f"undefined posture `{name.value}`",
                    name.span,
                    help=self.spelling.hint(name.value, self.postures)
                    or "define it in `postures`, as `posture:name`",
                )


def _allowed_here(autogroups: Iterable[str]) -> str:
    named = listed(sorted(autogroups))
    return f"allowed here: {named}" if named else "name users, groups or tags"


# Names under which people look for all users.
_EVERYBODY = frozenset({"all", "any", "anyone", "everybody", "everyone", "user", "users"})
# Names that were meant to be addresses.
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]*)+")
