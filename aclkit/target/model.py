"""What one product, or one version of it, accepts and means: a frozen table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aclkit.target.kinds import (
    AbsentRules,
    Brings,
    Checks,
    Duplicates,
    Effect,
    Login,
    Periods,
    Position,
    Reading,
    SelectorKind,
    TaggedNodes,
    TagNames,
    Undefined,
    UserWords,
    Wildcard,
)

Words: TypeAlias = Mapping[str | tuple[str, Position], str]
"""Refusals by case, or by case and position. Cases are codes of diagnostics, `/` and a detail
where one code has several texts. `{x}` is what the user wrote."""

_REFUSED_LOGINS = (Login.NONE, Login.BLANK, Login.WILDCARD)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpLanguage:
    """How the `ip` entries of grants are written.

    Attributes:
        lists: whether an entry may list several ports with commas.
        protocol_case: whether protocol names are in lower case only.
        any_protocol: whether `*:80` means the same as `80`.
        no_protocol: whether `:80` means the same as `80`.
        protocol_first: whether an error of the protocol is told before one of the ports.
    """

    lists: bool = False
    protocol_case: bool = False
    any_protocol: bool = True
    no_protocol: bool = False
    protocol_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLanguage:
    """How ports and protocols are written.

    Attributes:
        missing: what becomes of a destination without ports.
        zero: whether `0` is a port.
        zero_first: whether a range may begin with 0.
        backwards: what becomes of a range such as `9-1`.
        stray_dashes: whether more dashes than one do not count, as in `-80--90-`.
        brackets: whether `[v6]:port` is read.
        ipv6_in_brackets: whether a destination in brackets that is no IPv6 address is refused for
            that alone.
        ip: how the `ip` entries of grants are written.
        protocol_case: whether protocol names are in lower case only.
        any_integer: whether any integer in a string is a protocol, with sign and leading zeros.
        zero_protocol: whether 0 is a protocol.
        leading_zeros: whether a protocol number may begin with 0.
        bare_numbers: whether a protocol number needs no quotes.
        on_portless: whether ports on a protocol without ports are taken; None: yes, but whether
            the target means it is not proven.
        on_numbers: whether tcp, udp and sctp have ports also when written as numbers.
        told_lower: whether refusals name ports, and all of an `ip` entry, in lower case.
        told_whole: whether refusals name all of a list of ports, not the part that is wrong.
        protocols_told_lower: whether refusals name the protocol of an access rule in lower case.
    """

    missing: Effect = Effect.REFUSED
    zero: bool = False
    zero_first: bool = False
    backwards: Effect = Effect.REFUSED
    stray_dashes: bool = False
    brackets: bool = True
    ipv6_in_brackets: bool = False
    ip: IpLanguage = IpLanguage()
    protocol_case: bool = False
    any_integer: bool = False
    zero_protocol: bool = False
    leading_zeros: bool = True
    bare_numbers: bool = False
    on_portless: bool | None = None
    on_numbers: bool = True
    told_lower: bool = True
    told_whole: bool = False
    protocols_told_lower: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NameLanguage:
    """How names are written, and what becomes of odd ones.

    Attributes:
        prefixes: the selector kinds that are told by a prefix such as `tag:`.
        at_sign_first: a word with `@` is a user whatever its prefix.
        bare_users: a word that is nothing else is a user.
        any_word: a word of no kind is taken and names nobody, such as `svc:web`.
        ranges: whether `a-b` is a range of addresses, and words that Tailscale keeps to other
            places are told as such.
        trims: whether blanks around names do not count.
        trims_destinations: whether they do not count around names that ports follow either.
        loose_internet: whether `autogroup:internet` may go on with anything.
        undefined: what becomes of names that the policy does not define, by kind and position;
            those that are not listed are refused.
        nested_groups: whether a group in a group is refused; DEAD: only where the outer group is
            used in a rule.
        group_names: what becomes of a key of `groups` without `group:`.
        tag_names: which keys of `tagOwners` are taken.
        host_colons: whether names of hosts may hold a colon.
        host_at_signs: whether names of hosts may hold an `@`.
        owner_cycles: whether tags may own each other in a circle.
        bad_route_keys: what becomes of a key of `autoApprovers.routes` that is no CIDR.
        bare_ipv6_bits: the prefix length of an IPv6 address in `hosts` without one.
    """

    prefixes: frozenset[SelectorKind]
    at_sign_first: bool = False
    bare_users: bool = False
    any_word: bool = False
    ranges: bool = False
    trims: bool = True
    trims_destinations: bool = True
    loose_internet: bool = False
    undefined: Mapping[tuple[SelectorKind, Position], Undefined] = field(default_factory=dict)
    nested_groups: Effect = Effect.REFUSED
    group_names: Effect = Effect.REFUSED
    tag_names: TagNames = TagNames.STRICT
    host_colons: bool = True
    host_at_signs: bool = False
    owner_cycles: bool = True
    bad_route_keys: Effect = Effect.REFUSED
    bare_ipv6_bits: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class SshLanguage:
    """How SSH rules are written.

    Attributes:
        logins: what becomes of the special forms of `users`.
        missing_action: what becomes of a rule without action.
        periods: how `checkPeriod` is read.
        period_required: whether a rule with `check` needs `checkPeriod`.
        period_of_checks_only: whether `checkPeriod` is not even looked at beside `accept`.
        always: whether `checkPeriod` may be `always`.
        longest_period: hours; None for no limit.
        negative_periods: whether `checkPeriod` may be negative.
        period_on_accept: what becomes of `checkPeriod` beside `accept`; None: taken without
            effect, but whether the target refuses it is not known.
        same_user_only: whether a user in `dst` must be the only source too.
        tagged_to_people: whether tagged sources may stand beside destinations of people.
    """

    logins: Mapping[Login, Effect] = field(
        default_factory=lambda: dict.fromkeys(_REFUSED_LOGINS, Effect.REFUSED)
    )
    missing_action: Effect = Effect.REFUSED
    periods: Periods = Periods.GO
    period_required: bool = False
    period_of_checks_only: bool = False
    always: bool = True
    longest_period: int | None = 168
    negative_periods: bool = False
    period_on_accept: Effect | None = None
    same_user_only: bool = True
    tagged_to_people: bool = False

    def login(self, form: Login) -> Effect:
        """Return what becomes of a form of `users`."""
        return self.logins.get(form, Effect.WORKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMeaning:
    """How a target decides `tests` and `sshTests`.

    Attributes:
        own_and_via: rules with `autogroup:self` or `via` count.
        protocols: those of which one must get through where a test names none.
        any_destination: it is enough that each source reaches one address of a destination, of
            whatever family; else each must reach all of its own family.
        check_is_accept: a check rule satisfies `accept` in an SSH test.
        as_clients: a rule lets pass what a client's filter lets pass; else its own protocols and
            ports only.
        hosts_as_written: a host that is written as a CIDR is one, be it of a single address.
    """

    __test__ = False

    own_and_via: bool = True
    protocols: tuple[int, ...] = (6, 17)
    any_destination: bool = False
    check_is_accept: bool = False
    as_clients: bool = True
    hosts_as_written: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a policy means, where targets that accept it differ.

    Attributes:
        absent_rules: what a policy without rule sections allows.
        absent_rules_beside_self: the same where `ssh` names `autogroup:self`; None for no
            difference.
        empty_file: what a file of zero bytes allows; None where it is refused.
        wildcard_source: what `*` stands for as a source.
        default_protocols: the protocols of a rule that names none; None for the client's own
            choice: TCP, UDP and ICMP.
        host_brings, cidr_brings: what hosts, and IP addresses and CIDRs, bring along.
        user_words: which words name a user.
        tagged_nodes: whether a tagged node counts for its user too.
        advertised_tags: whether tags that a node asks for count at each evaluation, where an
            owner may set them.
        broken_groups: one unknown member empties its group in access rules, where the policy
            uses `autogroup:self`.
        internet_as_cidrs: `autogroup:internet` is sent as CIDRs, not as ranges.
        advertised_routes: routers are sent rules for advertised routes, approved or not.
        exits_serve_internet: approved exit nodes are sent rules for any destination that lies in
            the internet, not for `autogroup:internet` alone.
        app_on_routes: capabilities for an address or CIDR go to approved routers of it too.
        approves_on_change: routes are approved when the policy changes too, not only when they
            are advertised.
        check: what the SSH action `check` does.
        ssh_forwarding: what an SSH accept lets through: `agent`, `local`, `remote`.
        ssh_logins_as_principals: users are sent to SSH servers as logins, not as addresses.
        ssh_root_as_requested: `root` is sent as the requested name, which newer clients refuse.
        policy_port_setting: `randomizeClientPort` is of the policy; else of the server's
            configuration.
        tests: how tests are decided.
    """

    absent_rules: AbsentRules = AbsentRules.TAILNET
    absent_rules_beside_self: AbsentRules | None = None
    empty_file: AbsentRules | None = None
    wildcard_source: Wildcard = Wildcard.TAILNET
    default_protocols: tuple[int, ...] | None = None
    host_brings: Brings = Brings.NOTHING
    cidr_brings: Brings = Brings.NOTHING
    user_words: UserWords = UserWords.LOGIN
    tagged_nodes: TaggedNodes = TaggedNodes.TAG_ONLY
    advertised_tags: bool = False
    broken_groups: bool = False
    internet_as_cidrs: bool = False
    advertised_routes: bool = False
    exits_serve_internet: bool = False
    app_on_routes: bool = False
    approves_on_change: bool = False
    check: Checks = Checks.ASK
    ssh_forwarding: frozenset[str] = frozenset({"agent", "local", "remote"})
    ssh_logins_as_principals: bool = False
    ssh_root_as_requested: bool = False
    policy_port_setting: bool = True
    tests: TestMeaning = TestMeaning()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One product, or one version of it.

    Attributes:
        name: as given with `--target`, such as ``tailscale`` or ``headscale@0.29``.
        product: the product's name for people.
        version: the version for people; empty for a hosted service.
        selectors: the selector kinds that each position allows.
        dead: those of them that do nothing there.
        autogroups: the autogroups that each position allows.
        self_sources: who may stand beside the destination `autogroup:self`, as kinds and
            autogroups, by the destination's position; anybody where a position is not listed.
        sections: how each known top-level key is read.
        absent_keys: keys of inner objects, as ``acls.users``, that this target does not know.
        unknown_keys: what becomes of keys that the target does not know.
        duplicates: what becomes of a name that an object has twice.
        fold_dashes: `-` and `_` in field names do not count either.
        hash_keys: keys of an access rule that begin with `#` are comments.
        empty_policies: whether a policy without groups, hosts and access rules is taken.
        missing_action: whether an access rule without action means accept.
        all_errors: the target names all errors, not just the first.
        decoded: the codes, besides those of the shape of the JSON, of errors that the target finds
            while it reads the JSON, and at the first of which it stops; as `section/code` where
            that is so in one section only.
        protocols: the numbers behind each protocol name.
        test_protocols: the protocols that `tests` may name; None for all.
        malformed_tests_refuse: a test of a wrong shape refuses the policy, instead of failing.
        undefined_hosts_in_tests: an undefined host in a test only fails that test.
        synced_groups: a group with an `@` comes from an identity provider.
        acls_to_everything: whether access rules may name `0.0.0.0/0` and `::/0`, which grants may
            not; None: taken, but whether the target means it is not proven.
        owned_domains: `user:*@domain` and `localpart:*@domain` need a domain of the tailnet.
        ambiguous_users: what becomes of a word that fits two users; DEAD: it names nobody.
        unknown_attribute_users: what becomes of an unknown user as target of `nodeAttrs`.
        refused_attributes: attributes that `nodeAttrs` may not give.
        ip_pools: whether `nodeAttrs` may give addresses.
        app_names: the capabilities under tailscale.com/cap that grants may give.
        app_domains: the domains in which grants may give no other capabilities.
        app_connectors: grants may give the capabilities of app connectors, `conn25/<app>`.
        free_app_names: the names of capabilities need no domain and no path.
        output_of: the title of the version whose order and merging of rules is compiled, where its
            own is not known; empty: its own.
        words: the texts of its refusals.
        kind_words: how these texts call the kinds of selectors.
    """

    name: str
    product: str
    version: str = ""
    selectors: Mapping[Position, frozenset[SelectorKind]]
    dead: Mapping[Position, frozenset[SelectorKind]] = field(default_factory=dict)
    autogroups: Mapping[Position, frozenset[str]]
    self_sources: Mapping[Position, frozenset[SelectorKind | str]] = field(default_factory=dict)
    sections: Mapping[str, Reading]
    absent_keys: frozenset[str] = frozenset()
    unknown_keys: Reading = Reading.REFUSED
    duplicates: Duplicates = Duplicates.REFUSED
    fold_dashes: bool = False
    hash_keys: bool = False
    empty_policies: bool = True
    missing_action: bool = False
    all_errors: bool = False
    decoded: frozenset[str] = frozenset()
    protocols: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    test_protocols: frozenset[str] | None = None
    malformed_tests_refuse: bool = False
    undefined_hosts_in_tests: bool = True
    synced_groups: bool = True
    acls_to_everything: bool | None = True
    owned_domains: bool = True
    ambiguous_users: Effect = Effect.DEAD
    unknown_attribute_users: Effect = Effect.DEAD
    refused_attributes: frozenset[str] = frozenset()
    ip_pools: bool = True
    app_names: frozenset[str] = frozenset()
    app_domains: frozenset[str] = frozenset({"tailscale.com", "tailscale.io"})
    app_connectors: bool = True
    free_app_names: bool = False
    names: NameLanguage
    ports: PortLanguage = PortLanguage()
    ssh: SshLanguage = SshLanguage()
    meaning: Meaning = Meaning()
    output_of: str = ""
    words: Words = field(default_factory=dict, repr=False)
    kind_words: Mapping[SelectorKind, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return the product and its version, for messages."""
        return f"{self.product} {self.version}".rstrip()

    def allows(self, position: Position, kind: SelectorKind) -> bool:
        """Return whether a selector of *kind* may stand at *position*."""
        return kind in self.selectors.get(position, frozenset())

    def is_dead(self, position: Position, kind: SelectorKind) -> bool:
        """Return whether a selector of *kind* does nothing at *position*."""
        return kind in self.dead.get(position, frozenset())

    def undefined(self, kind: SelectorKind, position: Position) -> Undefined:
        """Return what becomes of an undefined name of *kind* at *position*."""
        return self.names.undefined.get((kind, position), Undefined.REFUSED)

    def says(self, case: str, position: Position | None = None, **what: object) -> str | None:
        """Return the words with which this target refuses *case*; None where not known.

        Where there are none for the part of *case* behind `/`, those for the part before it are
        said. *what* fills the places of the text: `x` is what the user wrote.
        """
        for key in (case, case.partition("/")[0]):
            text = self.words.get((key, position)) if position else None
            if text is None:
                text = self.words.get(key)
            if text is not None:
                return text.format(**what)
        return None
