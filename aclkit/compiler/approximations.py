"""What of a compiled policy differs from what the target itself would send, in sentences.

Two things can: the form, where rules are written as another version writes them, and facts that the
target knows and the tailnet does not tell. Of two readings, the one with less access is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.policy.walk import named_selectors
from aclkit.tailnet.model import Tailnet
from aclkit.target import SelectorKind, TaggedNodes, UserWords

K = SelectorKind

_COUNT_FOR_USERS = {
    TaggedNodes.IN_GROUPS: "as members of their users' groups too",
    TaggedNodes.UNLESS_FORCED: "for their users too, unless the tag came by command line or key",
}


def approximations(policy: Policy, tailnet: Tailnet) -> tuple[str, ...]:
    """Return what is approximated in the output of *policy* for *tailnet*; none where nothing is.

    Each is a sentence in lower case and without a full stop. Only what concerns the two is told.
    """
    return (*_form(policy), *_identity(policy, tailnet), *_ssh(policy))


def _form(policy: Policy) -> Iterator[str]:
    target = policy.target
    if target.output_of:
        yield (
            f"the rules allow what {target.title} allows, but their order and merging, and who is"
            f" shown whom, are those of {target.output_of}"
        )
    if not target.meaning.policy_port_setting:
        yield (
            f"with {target.title}, `randomize_client_port` is a setting of the server, so no"
            " capability tells of it"
        )


def _identity(policy: Policy, tailnet: Tailnet) -> Iterator[str]:
    target, meaning = policy.target, policy.target.meaning
    tagged = sum(node.is_tagged for node in tailnet.nodes)
    if tagged and meaning.tagged_nodes in _COUNT_FOR_USERS:
        yield (
            f"the tailnet does not tell whose its tagged nodes are, so they count for their tags"
            f" alone; {target.title} counts them {_COUNT_FOR_USERS[meaning.tagged_nodes]}"
        )
    if meaning.advertised_tags:
        yield (
            "the tailnet does not tell which tags a node asked for itself: those that it lists are"
            " in force, whoever may set them, and no node is taken to have asked for others"
        )
    if meaning.user_words is UserWords.NAME and _has_email(named_selectors(policy)):
        yield (
            "e-mail addresses in groups are cut down to names, as with `oidc.strip_email_domain`,"
            " the default"
        )


def _has_email(selectors: Iterable[Selector]) -> bool:
    return any(each.kind is K.USER and "@" in each.text for each in selectors)


def _ssh(policy: Policy) -> Iterator[str]:
    meaning = policy.target.meaning
    sources = {selector.kind for rule in policy.ssh for selector in rule.src}
    logins = {login.value for rule in policy.ssh for login in rule.users}
    if meaning.ssh_logins_as_principals and not sources.isdisjoint({K.USER, K.GROUP}):
        yield (
            "users in SSH rules are sent by the name that the tailnet gives them, and only those"
            " with an untagged node"
        )
    if meaning.ssh_root_as_requested and not logins.isdisjoint({"root", "*"}):
        yield (
            "root is let in under the name that was asked for, which clients since 27 July 2026"
            " refuse"
        )
