"""What only a tailnet shows of a policy: foreign domains, unknown users and tags.

What a name stands for is the resolver's business; here is only whether the tailnet has it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from aclkit.diagnostics import Diagnostic, error, warning
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.validate.tests import selectors_of_tests
from aclkit.policy.walk import localpart_domain, named_selectors
from aclkit.source import Span
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.user_words import ambiguous_words, word_in_group, words_of
from aclkit.target import Effect, Position, SelectorKind, Undefined

K = SelectorKind


def check_names(policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]) -> None:
    """Append what only the tailnet shows, such as foreign domains and unknown users.

    In a tailnet that the policy implies, every name of a rule is known; a name that only a test
    uses is not, so a misspelt one can't make a test pass.
    """
    if policy.target.owned_domains and not tailnet.assumed:
        _refuse_foreign_domains(policy, tailnet, diagnostics)
    if not tailnet.assumed:
        _explain_devices(policy, tailnet, diagnostics)
    user_words = policy.target.meaning.user_words
    _refuse_undeclared_tags(policy, tailnet, diagnostics)
    _note_ambiguous_users(policy, tailnet, diagnostics)
    known = {user.login for user in tailnet.users}
    for user in tailnet.users:
        known.update(words_of(user.login, user.provider_id, user_words))
    _refuse_unknown_targets(policy, known, diagnostics)
    unknown = _Unknown(known, diagnostics)
    for group in policy.groups:
        known.update(m.text for m in group.members if word_in_group(m.text, user_words) in known)
    for selector in named_selectors(policy):
        unknown.note(
            selector,
            "unknown-user",
            f"the tailnet has no user `{selector.text}`",
            "the name stands for no device until that user joins",
        )
    which = (
        "that no rule or definition has" if tailnet.assumed else "that the tailnet does not have"
    )
    for selector in selectors_of_tests(policy):
        unknown.note(
            selector,
            "unknown-in-test",
            f"a test names `{selector.text}`, a user {which}; so it fails",
            "correct the login, or remove the test",
        )


def _explain_devices(policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]) -> None:
    """Say of undefined hosts that are devices of the tailnet how policies name these."""
    undefined = [at for at, found in enumerate(diagnostics) if found.code == "undefined-host"]
    if not undefined:
        return
    devices = {node.name.casefold(): node for node in tailnet.nodes}
    for at in undefined:
        span = diagnostics[at].primary.span
        name = policy.source.slice(span) if span else ""
        device = devices.get(name.casefold())
        if device is not None:
            help = (
                f"`{device.name}` is a device, and policies don't know devices by name: define"
                f" it in `hosts`, as `{device.addresses[0]}`, or name a tag or user of it"
            )
            diagnostics[at] = replace(diagnostics[at], help=help)


def _refuse_undeclared_tags(
    policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]
) -> None:
    """Refuse tags that are not in `tagOwners`, where the target takes those that a node has."""
    acls, target = policy.acls or (), policy.target
    places = (
        (Position.ACL_SRC, [selector for rule in acls for selector in rule.src]),
        (Position.ACL_DST, [each.selector for rule in acls for each in rule.dst]),
        (Position.SSH_SRC, [selector for rule in policy.ssh for selector in rule.src]),
        (Position.SSH_DST, [selector for rule in policy.ssh for selector in rule.dst]),
    )
    in_doubt = [
        (position, selectors)
        for position, selectors in places
        if target.undefined(K.TAG, position) is Undefined.UNLESS_ON_A_NODE
    ]
    if not in_doubt:
        return
    known = {tag.name.value for tag in policy.tag_owners}
    if not tailnet.assumed:
        known.update(tag for node in tailnet.nodes for tag in node.tags)
    for position, selectors in in_doubt:
        for selector in selectors:
            if selector.kind is K.TAG and selector.text not in known:
                known.add(selector.text)
                diagnostics.append(
                    error(
                        "undefined-tag",
                        f"tag `{selector.text}` is not declared, and no node has it",
                        selector.span,
                        help="declare it in `tagOwners`",
                        control_plane=target.says("undefined-tag", position, x=selector.text),
                    )
                )


def _note_ambiguous_users(policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]) -> None:
    """Tell of words that fit two users."""
    target = policy.target
    ambiguous = set(ambiguous_words(tailnet.users, target.meaning.user_words))
    for selector in named_selectors(policy):
        if selector.kind is not K.USER or selector.text not in ambiguous:
            continue
        ambiguous.remove(selector.text)
        message, help = f"`{selector.text}` fits two users", "write the id of the user's provider"
        if target.ambiguous_users is Effect.REFUSED:
            words = target.says("ambiguous-user", x=selector.text)
            diagnostics.append(
                error("ambiguous-user", message, selector.span, help=help, control_plane=words)
            )
        else:
            message += f", so to {target.title} it is nobody"
            diagnostics.append(warning("ambiguous-user", message, selector.span, help=help))


def _refuse_unknown_targets(
    policy: Policy, known: Collection[str], diagnostics: list[Diagnostic]
) -> None:
    """Refuse unknown users as targets of `nodeAttrs`, where the target does."""
    if policy.target.unknown_attribute_users is not Effect.REFUSED:
        return
    for entry in policy.node_attrs:
        for selector in entry.target:
            if selector.kind is K.USER and selector.text not in known:
                diagnostics.append(
                    error(
                        "unknown-target-user",
                        f"the tailnet has no user `{selector.text}`, which `nodeAttrs` needs",
                        selector.span,
                        help="remove it, or add the user first",
                    )
                )


@dataclass(slots=True)
class _Unknown:
    """Warns of users that are not known, of each once."""

    known: set[str]
    diagnostics: list[Diagnostic]
    spelling: Spelling = field(default_factory=Spelling)
    seen: set[str] = field(default_factory=set)

    def note(self, selector: Selector, code: str, message: str, help: str) -> None:
        """Warn of *selector* when it is a user that is neither known nor told of."""
        login = selector.text
        if selector.kind is not K.USER or login in self.known or login in self.seen:
            return
        self.seen.add(login)
        help = self.spelling.hint(login, self.known) or help
        self.diagnostics.append(warning(code, message, selector.span, help=help))


def _refuse_foreign_domains(
    policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]
) -> None:
    domains = set(tailnet.domains)  # compared with case (recording ssh-e1)
    spelling = Spelling()

    def refuse(domain: str, span: Span, prefix: str = "") -> None:
        diagnostics.append(
            error(
                "foreign-domain",
                f"`{domain}` is not a domain of this tailnet",
                span,
                help=spelling.hint(domain, domains)
                or f"domains of this tailnet: {', '.join(f'`{d}`' for d in tailnet.domains)}",
                control_plane=f"{prefix}{domain} is not associated with this Tailnet and cannot "
                "be used in user:*@<domain> expressions",
            )
        )

    for selector in named_selectors(policy):
        if selector.kind is K.DOMAIN and selector.name not in domains:
            # In the src of an SSH rule the words have a prefix (recording ssh-b4).
            refuse(
                selector.name,
                selector.span,
                "[ssh] " if _inside(policy, "ssh", selector) else "",
            )
    for rule in policy.ssh:
        for user in rule.users:
            domain = localpart_domain(user.value.strip())
            if domain is not None and domain not in domains:
                refuse(domain, user.span)


def _inside(policy: Policy, section: str, selector: Selector) -> bool:
    span = policy.sections.get(section)
    return span is not None and span.start <= selector.span.start < span.end
