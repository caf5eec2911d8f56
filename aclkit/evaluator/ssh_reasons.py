"""Why somebody logs in by SSH, or does not: the SSH rules, and those that open port 22."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from aclkit.compiler.bitsets import members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.compiler.ssh import CompiledSshRule
from aclkit.evaluator.device_reasons import default_posture, name_users, unmet_postures
from aclkit.evaluator.edits import (
    PolicyEdit,
    both,
    is_declared,
    policy_edit,
    tagging,
    words_for,
    words_of_node,
)
from aclkit.evaluator.grounds import Ends, add_cells
from aclkit.evaluator.query import Because, Pair
from aclkit.evaluator.reach import TCP
from aclkit.evaluator.reasons import Edit, WhyNot, in_order
from aclkit.evaluator.sshquery import SSH_PORT, Login, SshAnswer, SshQuestion
from aclkit.evaluator.whynot import EXAMPLES, nobody
from aclkit.target import Position, SelectorKind
from aclkit.wording import listed

K = SelectorKind
P = Position

_TAG = re.compile(r"tag:[A-Za-z][A-Za-z0-9-]*", re.ASCII)


def because_ssh(question: SshQuestion) -> tuple[Because, ...]:
    """Return the rules of a yes: entries of `ssh` as they are tried, then what opens port 22.

    Without all of them, nobody would get in.
    """
    entries: dict[int, Because] = {}
    rules: dict[tuple[str, int, str], Because] = {}
    for login in question.logins():
        if login.answer is SshAnswer.NO:
            continue
        pair = login.example()
        for place in members(login.rules):
            if place not in entries:
                rule = question.rules.ssh.rules[place]
                entries[place] = _of_rule(question.rules, rule, pair)
        add_cells(rules, login.cells, pair, question.rules, TCP)
    return (*(entries[place] for place in sorted(entries)), *rules.values())


def _of_rule(rules: CompiledRules, rule: CompiledSshRule, pair: Pair) -> Because:
    assert pair.dst is not None
    ends = Ends(rules, pair)
    sources = [each for each in dict.fromkeys(rule.rule.src) if ends.is_source(each)]
    expansions = [ends.of_source(selector) for selector in sources]
    own = (selector for selector in rule.rule.dst if selector.is_autogroup("self"))
    named = (selector for selector in rule.rule.dst if ends.is_destination(selector))
    destination = next(named, None) or next(own, None)
    if destination is not None:
        expansions.append(ends.of_destination(destination))
    return Because(
        origin_of(rule),
        tuple(selector.text for selector in sources),
        # A rule with `localpart:` lets into the devices of its sources, whatever it names.
        destination.text if destination else listed(user.value for user in rule.rule.users),
        ends.names,
        expansions=tuple(expansions),
        action="accept" if rule.action.accept else "check",
        recorders=tuple(selector.text for selector in rule.rule.recorder),
    )


def origin_of(rule: CompiledSshRule) -> Origin:
    """Return the entry of `ssh` that a rule is."""
    return Origin("ssh", rule.number, rule.rule.span)


def why_not_ssh(question: SshQuestion) -> tuple[WhyNot, ...]:
    """Return the reasons of a no, the nearest miss first, each code and rule once."""
    return in_order(_reasons(question))


def _reasons(question: SshQuestion) -> Iterator[WhyNot]:
    for side, what in ((question.src, "source"), (question.dst, "destination")):
        yield from nobody(side, what, question.rules)
        for prefix in side.prefixes[:1]:
            message = f"{prefix} is no device, and SSH is a matter of devices alone"
            yield WhyNot("no-such-device", message)
    refused = (login for login in question.logins() if login.answer is SshAnswer.NO)
    for login in islice(refused, EXAMPLES):
        yield from _of_login(question, login, login.example())
    if question.counts[SshAnswer.NO]:
        yield from default_posture(question.src, question.rules)


def _of_login(question: SshQuestion, login: Login, pair: Pair) -> Iterator[WhyNot]:
    rules = question.rules
    src, dst = Ends(rules, pair).names
    if not pair.over4 and not pair.over6:
        message = f"{src} and {dst} have no address family in common"
        yield WhyNot("no-common-family", message)
        return
    edit = _edit(question, login, pair)
    if login.rules and question.deciding(login).lets_in(question.login):
        rule = question.deciding(login)
        message = f"the SSH rule lets {src} in, but no rule opens port 22 of {dst}"
        yield WhyNot("ssh-port-closed", message, origin_of(rule), edit)
        return
    assert pair.src is not None
    assert pair.dst is not None
    found = False
    for rule in rules.ssh.rules:
        for reason in _near(question, rule, pair, edit):
            found = True
            yield reason
    owner = rules.nodes[pair.dst].user
    if owner is not None and owner != rules.nodes[pair.src].user:
        message = f"{dst} belongs to {owner}, and SSH rules open the devices of users to their "
        yield WhyNot("ssh-device-of-a-user", message + "owner alone", None, edit)
        found = True
    number = rules.classes.class_of[pair.src]
    if not any(rule.sources >> number & 1 for rule in rules.ssh.rules):
        message = f"no SSH rule is for {src}"
        yield WhyNot("ssh-no-rule", message, None, edit)
    elif not found:
        message = f"no SSH rule lets {src} into {dst} as `{question.login}`"
        yield WhyNot("ssh-no-rule", message, None, edit)


def _near(
    question: SshQuestion, rule: CompiledSshRule, pair: Pair, edit: Edit | None
) -> Iterator[WhyNot]:
    """Yield what keeps an SSH rule from letting in, if it comes near."""
    rules = question.rules
    assert pair.src is not None
    assert pair.dst is not None
    class_of, nodes = rules.classes.class_of, rules.nodes
    a, b = class_of[pair.src], class_of[pair.dst]
    source, target = nodes[pair.src], nodes[pair.dst]
    same_user = source.user is not None and source.user == target.user
    into = bool(rule.destinations >> b & 1) or (rule.own and same_user)
    covered = bool(rule.sources >> a & 1)
    logins = listed(user.value for user in rule.rule.users)
    if covered and into:
        message = f"the SSH rule lets {source.name} in as {logins}, not as `{question.login}`"
        yield WhyNot("ssh-wrong-login", message, origin_of(rule), edit)
        return
    # A login that the rule knows is taken also where nobody is a source of it.
    if not rule.knows(question.login) and not rule.takers(question.login, rules.classes):
        return
    if covered and rule.own:
        if target.user is None:  # that of another user is told of whatever the rules are
            message = f"the SSH rule opens the devices of {source.user} to that user alone, and "
            message += f"{target.name} is tagged and belongs to no user"
            yield WhyNot("self-of-other-user", message, origin_of(rule), edit)
    elif covered:
        named = listed(selector.text for selector in rule.rule.dst)
        message = f"the SSH rule lets {source.name} into {named}, and {target.name} is not among "
        yield WhyNot("ssh-other-destination", message + "them", origin_of(rule), edit)
    elif into and rule.anybody >> a & 1:
        message = unmet_postures(rules, pair.src, rule.postures)
        yield WhyNot("posture-not-met", message, origin_of(rule))
    elif into and source.is_tagged and name_users(rule.rule.src):
        message = f"{source.name} is tagged, so rules for users do not apply to it"
        yield WhyNot("source-is-tagged", message, origin_of(rule), edit)
    elif into:
        named = listed(selector.text for selector in rule.rule.src)
        message = f"{source.name} is not among the sources of the SSH rule: {named}"
        yield WhyNot("source-not-in-rule", message, origin_of(rule), edit)


def _edit(question: SshQuestion, login: Login, pair: Pair) -> Edit | None:
    """Return the edit that lets a login in: an SSH rule, a rule for port 22, or both."""
    rules = question.rules
    edit = policy_edit(rules, question.src)
    if edit is None or pair.src is None or pair.dst is None:
        return None
    if login.rules and question.deciding(login).lets_in(question.login):
        return _opened(question, edit)
    user, owner = rules.nodes[pair.src].user, rules.nodes[pair.dst].user
    sources = words_for(question.src, P.SSH_SRC, rules)
    targets = words_of_node(pair.dst, P.SSH_DST, rules)
    if user is not None and user == owner:
        own = "autogroup:self" in rules.policy.target.autogroups.get(P.SSH_DST, frozenset())
        users = words_of_node(pair.src, P.SSH_SRC, rules)
        if not users:
            return None
        edit.log_in(users, "autogroup:self" if own else (targets or users)[0], question.login)
    elif not sources:
        return None
    elif owner is not None:
        return _tagged(question, edit, pair.dst, sources)
    elif targets:
        edit.log_in(sources, targets[0], question.login)
    else:
        return None
    return edit.edit() if login.cells else _opened(question, edit)


def _opened(question: SshQuestion, edit: PolicyEdit) -> Edit:
    """Return *edit* with a rule that opens port 22 for all of the question."""
    rules = question.rules
    sources = words_for(question.src, P.ACL_SRC, rules)
    edit.open(sources, words_for(question.dst, P.ACL_DST, rules), TCP, SSH_PORT)
    return edit.edit()


def _tagged(question: SshQuestion, edit: PolicyEdit, node: int, sources: list[str]) -> Edit | None:
    """Return the edit that makes the device of a user one of a tag of its own, and opens it."""
    if question.dst.selector is not None and question.dst.selector.kind is not K.IP:
        return None  # what was asked would no longer stand for the device
    tag = f"tag:{question.rules.nodes[node].name.partition('.')[0]}"
    if not _TAG.fullmatch(tag) or is_declared(tag, question.rules):
        tag = "tag:ssh"
    edit.log_in(sources, tag, question.login)
    edit.open(words_for(question.src, P.ACL_SRC, question.rules), [tag], TCP, SSH_PORT)
    return both(tagging(question.rules, node, tag), edit.edit())
