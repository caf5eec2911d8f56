"""The answer of `tailscale status --json`: the tailnet as one of its nodes may see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aclkit.addresses import TAILNET, AddressSyntaxError, parse_prefix
from aclkit.policy.other_files import FileKind
from aclkit.tailnet.findings import kind_of, printable
from aclkit.tailnet.importers.draft import Draft, DraftNode, DraftUser, ImportResult
from aclkit.tailnet.importers.records import (
    Record,
    flag,
    number_text,
    record,
    refuse_others,
    text,
    texts,
    time,
    wrong_document,
)

# Routes to IPv4 networks that several sites number alike lie within the tailnet's own range.
_SITE_ROUTES = parse_prefix("fd7a:115c:a1e0:b1a::/64")
_MULLVAD = ".mullvad.ts.net"
_IS_OWNER = "https://tailscale.com/cap/is-owner"
_IS_ADMIN = "https://tailscale.com/cap/is-admin"


def import_tailscale_status(status: object) -> ImportResult:
    """Import a tailnet from the answer of `tailscale status --json`.

    It holds what the policy lets that one node see, so the result is a part of the tailnet.

    Raises:
        TailnetError: *status* is no such answer, or that of a client that is logged out.
    """
    refuse_others(status, "status", FileKind.STATUS)
    top = record(status)
    own = record(top.get("self"))
    tailnet = record(top.get("currenttailnet"))
    if not own or not tailnet:
        state = text(top, "backendstate")
        found = f"that of a client in the state `{printable(state)}`" if state else kind_of(status)
        raise wrong_document(
            "status",
            FileKind.STATUS,
            found,
            "it has `Self` and `CurrentTailnet` where the client is logged in",
        )
    draft = Draft()
    draft.notes.tell(
        "this is what one node sees: devices and routes that the policy hides from it, pending"
        " devices, unapproved routes, standby routers, roles and posture are not here"
    )
    suffix = text(tailnet, "magicdnssuffix").strip(".").casefold()
    logins = _logins(top.get("user"))
    peers = top.get("peer")
    found_peers = [record(peer) for peer in peers.values()] if isinstance(peers, dict) else []
    if not found_peers:
        draft.notes.tell("the status lists no peers: was it cut with a flag?")
    kept = [each for each in [own, *found_peers] if _is_kept(each, suffix, draft)]
    _add_users(kept, own, logins, draft)
    for node in kept:
        _add_node(node, suffix, logins, draft)
    draft.add_domain(text(tailnet, "name"))
    return draft.result()


def _logins(users: object) -> Mapping[str, Record]:
    """Return the users by their id."""
    return (
        {str(key): record(user) for key, user in users.items()} if isinstance(users, dict) else {}
    )


def _is_kept(node: Record, suffix: str, draft: Draft) -> bool:
    """Return whether *node* belongs to the tailnet; tell if it does not."""
    full_name = text(node, "dnsname").rstrip(".").casefold()
    shown = full_name or text(node, "hostname", "id")
    if full_name.endswith(_MULLVAD):
        draft.notes.count("left out {} exit node[|s] of Mullvad", shown)
    elif flag(node, "shareenode"):
        draft.notes.count("left out {} device[|s] of others that something is shared with", shown)
    elif number_text(node, "altshareruserid") or not _is_own_name(full_name, suffix):
        draft.notes.count("left out {} device[|s] shared in from other tailnets", shown)
    elif flag(node, "expired"):
        draft.notes.count("left out {} device[|s] whose key has expired", shown)
    else:
        return True
    return False


def _is_own_name(full_name: str, suffix: str) -> bool:
    return not full_name or not suffix or full_name.endswith(f".{suffix}")


def _add_users(
    nodes: list[Record], own: Record, logins: Mapping[str, Record], draft: Draft
) -> None:
    """Add the owners of *nodes*, by their ids: the time of their creation is not told."""
    own_user = "" if texts(own, "tags") else number_text(own, "userid")
    user_ids = {number_text(node, "userid") for node in nodes if not texts(node, "tags")}
    known = [user_id for user_id in user_ids if "@" in text(logins.get(user_id, {}), "loginname")]
    for user_id in sorted(known, key=lambda each: (len(each), each)):
        user = logins[user_id]
        role = _role(own) if user_id == own_user else "member"
        login = text(user, "loginname")
        draft.add_user(DraftUser(login=login, name=text(user, "displayname"), role=role))
        if role != "member":
            draft.notes.tell(f"took `{login}` for {role}, as its device says")
    draft.notes.tell("users stand in the order of their ids, as nothing tells when they came")


def _role(own: Record) -> str:
    capabilities = own.get("capmap")
    if not isinstance(capabilities, dict):
        return "member"
    if _IS_OWNER in capabilities:
        return "owner"
    return "admin" if _IS_ADMIN in capabilities else "member"


def _add_node(node: Record, suffix: str, logins: Mapping[str, Record], draft: Draft) -> None:
    full_name = text(node, "dnsname").rstrip(".")
    tags = texts(node, "tags")
    addresses = texts(node, "tailscaleips")
    routes = []
    for route in texts(node, "allowedips"):
        if route.removesuffix("/32").removesuffix("/128") in addresses:
            continue
        if _is_of_service(route):
            draft.notes.count("left out {} address[|es] of services that devices host", route)
        else:
            routes.append(route)
    posture: dict[str, Any] = {}
    system = text(node, "os")
    if system:
        posture["node:os"] = system.lower()
        draft.notes.count("took the attribute node:os of {} device[|s] from their field OS", system)
    draft.add_node(
        DraftNode(
            id=text(node, "id") or number_text(node, "nodeid"),
            label=full_name.partition(".")[0] if suffix else full_name,
            full_name=full_name,
            user=text(logins.get(number_text(node, "userid"), {}), "loginname"),
            tags=tags,
            addresses=addresses,
            advertised=routes,
            enabled=routes,
            created=time(node, "created"),
            posture=posture,
        )
    )


def _is_of_service(route: str) -> bool:
    """Return whether *route* is the address of a service, and no route."""
    try:
        prefix = parse_prefix(route)
    except AddressSyntaxError:
        return False
    if not prefix.is_single or not TAILNET.contains_prefix(prefix):
        return False
    return not _SITE_ROUTES.contains(prefix)
