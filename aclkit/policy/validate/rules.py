"""Checks of `acls` and `grants`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aclkit.policy.model import AclRule, Grant
from aclkit.policy.selectors import Selector, is_service_name
from aclkit.policy.text import Text
from aclkit.policy.validate.validation import Validation
from aclkit.target import ROLE_AUTOGROUPS, Position, SelectorKind

K = SelectorKind
P = Position

_CAPABILITY = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/.+", re.ASCII)


def check_acls(validation: Validation) -> None:
    """Check the access rules, in order."""
    for rule in validation.policy.acls or ():
        _action(validation, rule)
        validation.selectors(rule.src, P.ACL_SRC)
        selectors = [destination.selector for destination in rule.dst]
        for selector in selectors:
            _destination(validation, selector, P.ACL_DST)
            _everything(validation, selector)
        _self(validation, rule.src, selectors, P.ACL_DST)
        _ports_on_portless(validation, rule)
        validation.posture_names(rule.src_posture)


def _action(validation: Validation, rule: AclRule) -> None:
    action = rule.action
    if action is None:
        if validation.is_incomplete(rule.span):
            return
        if validation.target.missing_action:
            message = f"a rule without `action` means accept to {validation.target.title}"
            help = 'write `"action": "accept"`'
            validation.warning("missing-action", message, rule.span, help=help)
            return
        message, span, value = "this access rule has no `action`", rule.span, ""
        words = validation.target.says("bad-action/acl-missing")
    elif action.value == "accept":
        return
    else:
        message, span, value = f"unknown action `{action.value}`", action.span, action.value
        words = validation.target.says("bad-action/acl", x=value)
    help = 'write `"action": "accept"`'
    if value.casefold() in ("deny", "drop", "reject", "block"):
        help = "what no rule accepts is denied: remove this rule, or narrow the ones that accept"
    elif value.casefold() == "check":
        help = "only SSH rules can ask users to authenticate: write `accept`, or move it to `ssh`"
    validation.error("bad-action", message, span, words=words, help=help)


def _destination(validation: Validation, selector: Selector, position: Position) -> None:
    sound = validation.selector(selector, position)
    if sound and selector.kind is K.SERVICE and not is_service_name(selector.text):
        validation.error(
            "bad-service-name",
            f"`{selector.text}` is not the name of a service",
            selector.span,
            help="write `svc:` and a DNS label",
        )


def _everything(validation: Validation, selector: Selector) -> None:
    """Warn of a destination that grants refuse; for access rules no answer is known."""
    prefix = validation.prefix_of(selector)
    if validation.target.acls_to_everything is None and prefix is not None and prefix.is_default:
        validation.warning(
            "unproven",
            f"whether an access rule may name `{prefix}` is not proven",
            selector.span,
            help="write `autogroup:internet` for the internet by way of exit nodes, or `*`",
        )


def _self(
    validation: Validation,
    src: Iterable[Selector],
    dst: Iterable[Selector],
    position: Position,
) -> None:
    """Check who may reach `autogroup:self`: a list is as bad as its worst element."""
    allowed = validation.target.self_sources.get(position)
    if allowed is None or not any(selector.is_autogroup("self") for selector in dst):
        return
    for selector in src:
        if selector.kind in allowed or selector.text in allowed:
            continue
        if selector.is_autogroup("self"):
            continue  # reported as a source already
        what = "a grant" if position is P.GRANT_DST else "an access rule"
        validation.error(
            "bad-self-source",
            f"`{selector.text}` can't be a source of `autogroup:self` in {what}",
            selector.span,
            words=validation.target.says("bad-self-source", position),
            help="`autogroup:self` is the user's own devices: name users, groups or "
            "`autogroup:member` as `src`",
        )


def _ports_on_portless(validation: Validation, rule: AclRule) -> None:
    proto, language = rule.proto, validation.target.ports
    if proto is None or language.on_portless is True:
        return
    if proto.has_ports and (language.on_numbers or not proto.text.isdecimal()):
        return
    for destination in rule.dst:
        if all(bounds == (0, 65535) for bounds in destination.ports):
            continue
        message = f"protocol `{proto.text}` has no ports"
        help = "write `*` as port: `tag:web:*`"
        if proto.has_ports:
            message = f"`{proto.text}` with ports is written by name on {validation.target.title}"
            help = "write `tcp`, `udp` or `sctp` in place of its number"
        if language.on_portless is False:
            words = validation.target.says("port-on-portless-protocol", x=proto.text)
            validation.error(
                "port-on-portless-protocol", message, destination.ports_span, words=words, help=help
            )
        else:
            validation.warning(
                "port-on-portless-protocol",
                f"{message}, so this destination never matches",
                destination.ports_span,
                help=help + "; that Tailscale refuses this is documented but not proven",
            )


def check_grants(validation: Validation) -> None:
    """Check the grants, in order."""
    for grant in validation.policy.grants or ():
        if not grant.ip and not grant.app and not validation.is_incomplete(grant.span):
            validation.error(
                "empty-grant",
                "this grant allows nothing: it has neither `ip` nor `app`",
                grant.span,
                words=validation.target.says("empty-grant"),
                help='say what it allows, such as `"ip": ["tcp:443"]`',
            )
        validation.selectors(grant.src, P.GRANT_SRC)
        for selector in grant.dst:
            _grant_destination(validation, grant, selector)
        _self(validation, grant.src, grant.dst, P.GRANT_DST)
        for name, _ in grant.app:
            _capability(validation, name)
        validation.selectors(grant.via, P.VIA)
        validation.posture_names(grant.src_posture)


def _grant_destination(validation: Validation, grant: Grant, selector: Selector) -> None:
    _destination(validation, selector, P.GRANT_DST)
    prefix = validation.prefix_of(selector)
    if prefix is not None and prefix.is_default:
        validation.error(
            "grant-to-everything",
            f"a grant can't name `{prefix}`",
            selector.span,
            words=validation.target.says("grant-to-everything", x=prefix),
            help="write `autogroup:internet` for the internet by way of exit nodes, or `*`",
        )
    if grant.app and selector.is_autogroup("internet"):
        validation.error(
            "app-to-internet",
            "a grant with `app` can't have `autogroup:internet` as destination",
            selector.span,
            words=validation.target.says("app-to-internet"),
            help="grant capabilities on nodes of the tailnet; split the grant if it has `ip` too",
        )
    if grant.app and selector.text in ROLE_AUTOGROUPS:
        validation.error(
            "app-to-role",
            f"a grant with `app` can't have `{selector.text}` as destination",
            selector.span,
            help="name the devices, by tag or user",
        )


def _capability(validation: Validation, name: Text) -> None:
    text, target = name.value, validation.target
    domain, slash, path = text.partition("/")
    known = target.app_names
    if "://" in text or not (target.free_app_names or _CAPABILITY.fullmatch(text)):
        message = f"`{text}` is not the name of a capability"
        words = target.says("bad-capability/form")
        help = "write a domain of yours, a slash and a path, without `https://`"
    elif slash and domain in target.app_domains:
        kind, _, cap = path.partition("/")
        is_known = kind == "cap" and cap in known
        for_connectors = path.startswith(("conn25/", "cap/conn25/")) or path == "conn25"
        if domain == "tailscale.com" and (is_known or (for_connectors and target.app_connectors)):
            return
        message = f"`{text}` is in a domain that Tailscale keeps to itself"
        words = target.says("bad-capability/domain", domain=domain)
        help = "known are: " + ", ".join(f"`tailscale.com/cap/{cap}`" for cap in sorted(known))
    else:
        return
    validation.error("bad-capability", message, name.span, words=words, help=help)
