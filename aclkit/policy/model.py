"""The typed policy: what a policy file says, without a word of HuJSON.

Every part knows its place in the source. Spans never count in comparisons. `None` for a section
means that the file does not have it, which differs from an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

from aclkit.addresses import Prefix
from aclkit.diagnostics import Diagnostic
from aclkit.policy.ports import Destination, IpEntry, Protocol
from aclkit.policy.postures import Assertion
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.source import Source, Span
from aclkit.target import AbsentRules, Target

Json: TypeAlias = Any
"""A JSON value as the standard library's json module gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AclRule:
    """One entry of `acls`. `users` and `ports` are older names of `src` and `dst`."""

    span: Span = field(compare=False)
    action: Text | None = None
    src: tuple[Selector, ...] = ()
    dst: tuple[Destination, ...] = ()
    proto: Protocol | None = None
    src_posture: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One entry of `grants`."""

    span: Span = field(compare=False)
    src: tuple[Selector, ...] = ()
    dst: tuple[Selector, ...] = ()
    ip: tuple[IpEntry, ...] = ()
    app: tuple[tuple[Text, Json], ...] = ()
    via: tuple[Selector, ...] = ()
    src_posture: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SshRule:
    """One entry of `ssh`."""

    span: Span = field(compare=False)
    action: Text | None = None
    src: tuple[Selector, ...] = ()
    dst: tuple[Selector, ...] = ()
    users: tuple[Text, ...] = ()
    check_period: Text | None = None
    accept_env: tuple[Text, ...] = ()
    recorder: tuple[Selector, ...] = ()
    enforce_recorder: bool | None = None
    src_posture: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAttribute:
    """One entry of `nodeAttrs`."""

    span: Span = field(compare=False)
    target: tuple[Selector, ...] = ()
    attr: tuple[Text, ...] = ()
    app: tuple[tuple[Text, Json], ...] = ()
    ip_pool: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One entry of `tests`, as written: a malformed one fails when it is run.

    `user` and `allow` are older names of `src` and `accept`.
    """

    span: Span = field(compare=False)
    src: Text | None = None
    accept: tuple[Text, ...] = ()
    deny: tuple[Text, ...] = ()
    proto: Text | None = None
    src_posture_attrs: tuple[tuple[Text, str | int | float | bool], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTest:
    """One entry of `sshTests`, as written."""

    span: Span = field(compare=False)
    src: Text | None = None
    dst: tuple[Text, ...] = ()
    accept: tuple[Text, ...] = ()
    check: tuple[Text, ...] = ()
    deny: tuple[Text, ...] = ()
    src_posture_attrs: tuple[tuple[Text, str | int | float | bool], ...] | None = None


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """A group and its members."""

    name: Text
    members: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class HostDefinition:
    """A name for an address or a CIDR."""

    name: Text
    prefix: Prefix
    value: Text


@dataclass(frozen=True, slots=True)
class TagDefinition:
    """A tag and those who may give it to a node."""

    name: Text
    owners: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class RouteApproval:
    """Who may advertise a route inside `prefix` without a human's approval."""

    prefix: Prefix
    name: Text
    approvers: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class ServiceApproval:
    """Who may host a service, named by `svc:` or by a tag of it."""

    name: Text
    approvers: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class AutoApprovers:
    """The section `autoApprovers`."""

    routes: tuple[RouteApproval, ...] = ()
    exit_node: tuple[Selector, ...] = ()
    services: tuple[ServiceApproval, ...] = ()


@dataclass(frozen=True, slots=True)
class PostureDefinition:
    """A posture and its assertions, all of which must hold."""

    name: Text
    assertions: tuple[Assertion, ...]


@dataclass(frozen=True, slots=True)
class IpSetDefinition:
    """An ipset and its operations, in order: `add` (True) or `remove` (False) and what."""

    name: Text
    operations: tuple[tuple[bool, Selector], ...]
    removes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy file, read and typed for one target.

    Attributes:
        source: the text that it was read from.
        target: whom it is meant for.
        warnings: what reading and validating had to tell; no errors.
        sections: where each section that the file has begins, by its canonical name.
    """

    source: Source = field(repr=False)
    target: Target = field(repr=False)
    sections: Mapping[str, Span] = field(default_factory=dict, compare=False)
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)
    groups: tuple[GroupDefinition, ...] = ()
    hosts: tuple[HostDefinition, ...] = ()
    tag_owners: tuple[TagDefinition, ...] = ()
    auto_approvers: AutoApprovers = AutoApprovers()
    ipsets: tuple[IpSetDefinition, ...] = ()
    postures: tuple[PostureDefinition, ...] = ()
    default_src_posture: tuple[Text, ...] = ()
    acls: tuple[AclRule, ...] | None = None
    grants: tuple[Grant, ...] | None = None
    ssh: tuple[SshRule, ...] = ()
    node_attrs: tuple[NodeAttribute, ...] = ()
    tests: tuple[PolicyTest, ...] = ()
    ssh_tests: tuple[SshTest, ...] = ()
    randomize_client_port: bool = False
    disable_ipv4: bool = False
    one_cgnat_route: str = ""
    attr_config: Json = None
    derp_map: Json = None

    @property
    def absent_rules(self) -> AbsentRules:
        """Return what the policy allows when it has neither `acls` nor `grants`."""
        meaning = self.target.meaning
        if not self.source.text and meaning.empty_file is not None:
            return meaning.empty_file
        if self.names_self and meaning.absent_rules_beside_self is not None:
            return meaning.absent_rules_beside_self
        return meaning.absent_rules

    @property
    def names_self(self) -> bool:
        """Return whether a rule has the destination `autogroup:self`."""
        destinations = chain(
            (destination.selector for rule in self.acls or () for destination in rule.dst),
            (selector for grant in self.grants or () for selector in grant.dst),
            (selector for rule in self.ssh for selector in rule.dst),
        )
        return any(selector.is_autogroup("self") for selector in destinations)
