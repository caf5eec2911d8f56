"""Lists of Headscale: `nodes list -o json`, `users list -o json`, and `routes list -o json`.

Every version from 0.23 on is read, and the answers of its REST API. See
docs/reference/headscale.md: keys are in snake case or camel case, ids are numbers or strings,
times are objects or RFC 3339, and what is zero may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from aclkit.policy.other_files import FileKind
from aclkit.tailnet.importers.draft import Draft, DraftNode, DraftUser, ImportResult
from aclkit.tailnet.importers.records import (
    Record,
    entries,
    flag,
    number_text,
    record,
    text,
    texts,
    time,
)

# Headscale shows this user on tagged nodes, which have none.
_TAGGED_DEVICES = "2147455555"


def import_headscale(
    nodes: object, *, users: object = None, routes: object = None, now: int | None = None
) -> ImportResult:
    """Import a tailnet from the lists of a Headscale server, as `json.loads` gives them.

    Args:
        nodes: of `headscale nodes list -o json`, or of `/api/v1/node`.
        users: of `headscale users list -o json`, or of `/api/v1/user`.
        routes: of `headscale routes list -o json`, which up to 0.25 alone tells routes.
        now: nanoseconds since 1970, which decide what has expired; without it nothing has.

    Raises:
        TailnetError: one of them is no such list.
    """
    draft = Draft()
    found = entries(nodes, "nodes", FileKind.HEADSCALE_NODES)
    # Since 0.28 all tags are in `tags`, which is left out where it is empty.
    key_tags_count = not any("tags" in node for node in found)
    if users is None:
        draft.notes.tell("no list of users was given: the owners of nodes are all users")
        owners = [record(node.get("user")) for node in found if not _tags(node, key_tags_count)]
        _add_users(_each_once(owners), draft)
    else:
        _add_users(entries(users, "users", FileKind.HEADSCALE_USERS), draft)
    if now is None:
        draft.notes.tell("whether nodes have expired was not looked at")
    by_node = _routes_by_node(routes)
    if routes is None and not any(_has_routes(node) for node in found):
        draft.notes.tell(
            "no node tells a route; up to Headscale 0.25 routes are in `headscale routes list`"
        )
    _tell_stray_routes(by_node, found, draft)
    for node in sorted(found, key=lambda node: _by_id(number_text(node, "id"))):
        _add_node(node, key_tags_count, by_node, now, draft)
    return draft.result()


def _by_id(number: str) -> tuple[int, str]:
    return len(number), number


def _each_once(users: list[Record]) -> list[Record]:
    return list({(number_text(user, "id"), _login(user)): user for user in users}.values())


def _add_users(users: list[Record], draft: Draft) -> None:
    """Add users in the order of their ids, which is that of their creation."""
    for user in sorted(users, key=lambda user: _by_id(number_text(user, "id"))):
        login, name = _login(user), text(user, "name")
        if not login:
            continue
        draft.add_user(
            DraftUser(
                login=login,
                name=text(user, "displayname", "name"),
                provider_id=text(user, "providerid"),
            )
        )
        if text(user, "email"):
            continue
        if name in (text(user, "providerid"), number_text(user, "id")):
            draft.notes.count(
                "found no name of {} user[|s], of whom Headscale shows an id instead; no policy can"
                " name [this user|these users]",
                login,
            )
        else:
            draft.notes.count(
                "gave {} user[|s] without an email the login `name@`; up to Headscale 0.25 policies"
                " write the name alone",
                login,
            )


def _login(user: Record) -> str:
    """Return what policies call *user*: the email, else the name and an `@`.

    It is empty for the stand-in for the users of tagged nodes.
    """
    if number_text(user, "id") == _TAGGED_DEVICES:
        return ""
    email, name = text(user, "email"), text(user, "name")
    if email or not name:
        return email
    return name if "@" in name else f"{name}@"


def _add_node(
    node: Record,
    key_tags_count: bool,
    routes: Mapping[str, tuple[list[str], list[str]]],
    now: int | None,
    draft: Draft,
) -> None:
    node_id = number_text(node, "id")
    label = text(node, "givenname") or text(node, "name")
    expiry = time(node, "expiry")
    if now is not None and expiry is not None and expiry <= now:
        draft.notes.count("left out {} node[|s] that [has|have] expired", label)
        return
    if texts(node, "invalidtags"):
        draft.notes.count("left out the refused tags of {} node[|s]", label)
    if set(texts(node, "validtags")) - set(texts(node, "forcedtags")):
        draft.notes.count(
            "took {} node[|s] with requested tags for tagged only, though up to Headscale 0.27"
            " [it is|they are] the user's as well",
            label,
        )
    if _has_routes(node) or node_id not in routes:
        advertised = texts(node, "availableroutes")
        enabled = texts(node, "approvedroutes")
    else:
        advertised, enabled = routes[node_id]
    # False is left out up to 0.29.
    if advertised and not flag(node, "online"):
        draft.notes.count("took {} router[|s] for online that [is|are] offline now", label)
    draft.add_node(
        DraftNode(
            id=node_id,
            label=label,
            user=_login(record(node.get("user"))),
            tags=_tags(node, key_tags_count),
            addresses=texts(node, "ipaddresses"),
            advertised=advertised,
            enabled=enabled,
            created=time(node, "createdat"),
        )
    )


def _tags(node: Record, key_tags_count: bool) -> list[str]:
    """Return the tags that are in force.

    Since 0.28 they are all in `tags`. Before, they were forced or requested and approved; in 0.26
    and 0.27 those of the key that registered the node counted as well.
    """
    if "tags" in node:
        return texts(node, "tags")
    tags = [*texts(node, "forcedtags"), *texts(node, "validtags")]
    key = record(node.get("preauthkey"))
    # The user of a key is an object since 0.26, before it was a name.
    if key_tags_count and isinstance(key.get("user"), dict):
        tags += texts(key, "acltags")
    return tags


def _has_routes(node: Record) -> bool:
    return bool(texts(node, "availableroutes") or texts(node, "approvedroutes"))


def _routes_by_node(routes: object) -> Mapping[str, tuple[list[str], list[str]]]:
    """Return the advertised and the enabled routes, by id of the node."""
    by_node: dict[str, tuple[list[str], list[str]]] = {}
    found = [] if routes is None else entries(routes, "routes", FileKind.HEADSCALE_ROUTES)
    for route in sorted(found, key=lambda route: _by_id(number_text(route, "id"))):
        node_id = number_text(record(route.get("node")), "id")
        advertised, enabled = by_node.setdefault(node_id, ([], []))
        if flag(route, "advertised"):
            advertised.append(text(route, "prefix"))
        if flag(route, "enabled"):
            enabled.append(text(route, "prefix"))
    return by_node


def _tell_stray_routes(
    routes: Mapping[str, tuple[list[str], list[str]]], nodes: list[Record], draft: Draft
) -> None:
    """Tell of routes that are not looked at: of nodes that are not here, or tell their own."""
    readers = {number_text(node, "id") for node in nodes if not _has_routes(node)}
    for node_id in routes:
        if node_id not in readers:
            draft.notes.count(
                "did not look at the routes of {} node[|s] that [is|are] not in the list of nodes,"
                " or tell[s|] [its|their] own",
                node_id or "unnamed",
            )
