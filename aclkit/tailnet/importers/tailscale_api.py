"""Answers of Tailscale's API: devices, and where given users, posture, routes and services.

See docs/reference/inventories.md. None of the calls lists the domains of the tailnet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aclkit.policy.other_files import FileKind
from aclkit.tailnet.importers.draft import Draft, DraftNode, DraftUser, ImportResult
from aclkit.tailnet.importers.records import (
    Record,
    answers,
    entries,
    flag,
    number_text,
    parse_any_time,
    record,
    text,
    texts,
    time,
)

# The stable id first; the other one names the same device.
_IDS = ("nodeid", "id")
_NO_ACCESS = ("suspended", "needs-approval", "over-billing-limit")


def import_tailscale_api(
    devices: object,
    *,
    users: object = None,
    services: object = None,
    service_hosts: object = None,
    attributes: object = None,
    routes: object = None,
    tailnet_name: str = "",
    now: int | None = None,
) -> ImportResult:
    """Import a tailnet from answers of the API, as `json.loads` gives them.

    Args:
        devices: of `/tailnet/{t}/devices?fields=all`.
        users: of `/tailnet/{t}/users?type=all`.
        services: of `/tailnet/{t}/services`.
        service_hosts: of `/tailnet/{t}/services/{name}/devices`, by name of the service.
        attributes: of `/device/{id}/attributes`, by either id of the device.
        routes: of `/device/{id}/routes`, by either id of the device.
        tailnet_name: the organisation's name; it is a domain if it looks like one.
        now: nanoseconds since 1970, which decide what has expired; without it nothing has.

    Raises:
        TailnetError: one of these is no such answer.
    """
    draft = Draft()
    found = entries(devices, "devices", FileKind.API_DEVICES)
    if users is not None:
        _add_users(users, draft)
    else:
        draft.notes.tell("no list of users was given: the owners of devices count as members")
    by_device = _ByDevice(
        answers(attributes, "attributes", FileKind.API_ATTRIBUTES),
        answers(routes, "routes", FileKind.API_ROUTES),
    )
    kept = [device for device in found if _is_kept(device, now, draft)]
    if now is None:
        draft.notes.tell("whether keys and attributes have expired was not looked at")
    if kept and not any("enabledroutes" in device for device in kept) and not by_device.routes:
        draft.notes.tell(
            "the list tells no routes, so no device has any here: ask for it with `fields=all`"
        )
    if attributes is None:
        draft.notes.tell(
            "no posture attributes were given: assertions about others than `node:os` do not hold"
        )
    by_device.tell_strays(found, draft)
    suffix = _commonest_suffix(kept)
    for device in kept:
        _add_device(device, suffix, by_device, now, draft)
    hosts = answers(service_hosts, "service_hosts", FileKind.API_SERVICE_HOSTS)
    if services is not None:
        _add_services(services, hosts, kept, draft)
    draft.add_domain(tailnet_name)
    return draft.result()


@dataclass(frozen=True, slots=True)
class _ByDevice:
    """Answers about single devices, by either id of the device."""

    attributes: Mapping[str, object]
    routes: Mapping[str, object]

    def tell_strays(self, devices: list[Record], draft: Draft) -> None:
        """Tell of answers about devices that the list does not have."""
        ids = {number_text(device, key) for device in devices for key in _IDS}
        for what, given in (("attributes", self.attributes), ("routes", self.routes)):
            for device_id in given:
                if device_id not in ids:
                    draft.notes.count(
                        f"did not look at the {what} of {{}} device[|s] that [is|are] not in the"
                        " list",
                        device_id,
                    )


def _add_users(users: object, draft: Draft) -> None:
    found = entries(users, "users", FileKind.API_USERS)
    found.sort(key=lambda user: (*_age(user), text(user, "loginname")))
    for user in found:
        login, status = text(user, "loginname"), text(user, "status")
        draft.add_user(
            DraftUser(
                login=login,
                name=text(user, "displayname"),
                role=text(user, "role") or "member",
                is_shared=text(user, "type") == "shared",
            )
        )
        if status in _NO_ACCESS:
            draft.notes.count(
                f"kept {{}} user[|s] with the status {status}, who may have no access now", login
            )


def _age(found: Record) -> tuple[bool, int]:
    created = time(found, "created")
    return created is None, created or 0


def _is_kept(device: Record, now: int | None, draft: Draft) -> bool:
    """Return whether *device* takes part in the tailnet; tell if it does not."""
    shown = text(device, "name", "hostname") or _id(device)
    if flag(device, "isexternal"):
        draft.notes.count("left out {} device[|s] shared in from other tailnets", shown)
        return False
    if device.get("authorized") is False:
        draft.notes.count("left out {} device[|s] that wait[s|] for approval", shown)
        return False
    expires = time(device, "expires")
    disabled = flag(device, "keyexpirydisabled")
    if now is not None and expires is not None and not disabled and expires <= now:
        draft.notes.count("left out {} device[|s] whose key has expired", shown)
        return False
    if flag(device, "blocksincomingconnections"):
        draft.notes.count(
            "kept {} device[|s] that block[s|] all incoming connections, whatever the policy says",
            shown,
        )
    if text(device, "tailnetlockerror"):
        draft.notes.count("kept {} device[|s] that others refuse under tailnet lock", shown)
    return True


def _add_device(
    device: Record,
    suffix: str,
    by_device: _ByDevice,
    now: int | None,
    draft: Draft,
) -> None:
    full_name = text(device, "name").rstrip(".")
    label, _, rest = full_name.partition(".")
    own_routes = _answer(device, by_device.routes) or device
    # The field for advertised routes was misspelt in the API's schema for a time.
    advertised = texts(own_routes, "advertisedroutes", "advertiseroutes")
    enabled = texts(own_routes, "enabledroutes") if "enabledroutes" in own_routes else None
    draft.add_node(
        DraftNode(
            id=_id(device),
            label=label if rest.casefold() == suffix else full_name,
            full_name=full_name,
            user=text(device, "user"),
            tags=texts(device, "tags"),
            addresses=texts(device, "addresses"),
            advertised=advertised,
            enabled=enabled,
            created=time(device, "created"),
            posture=_posture(device, by_device.attributes, now, draft),
        )
    )


def _id(device: Record) -> str:
    return number_text(device, *_IDS)


def _answer(device: Record, answers: Mapping[str, object]) -> Record:
    """Return what *answers* holds for *device*, by either of its ids."""
    for key in _IDS:
        answer = answers.get(number_text(device, key))
        if answer is not None:
            return record(answer)
    return {}


def _posture(
    device: Record, attributes: Mapping[str, object], now: int | None, draft: Draft
) -> dict[str, Any]:
    answer = _answer(device, attributes)
    if answer and not isinstance(answer.get("attributes"), dict):
        draft.notes.count("found no `attributes` in the answer about {} device[|s]", _id(device))
    # The keys of these two are data, and not folded.
    values, expiries = answer.get("attributes"), answer.get("expiries")
    posture: dict[str, Any] = {}
    for name, value in values.items() if isinstance(values, dict) else ():
        expiry = parse_any_time(expiries.get(name)) if isinstance(expiries, dict) else None
        if now is not None and expiry is not None and expiry <= now:
            draft.notes.count("dropped {} posture attribute[|s] that [has|have] expired", name)
        else:
            posture[name] = value
    system = text(device, "os")
    if system and not any(name.casefold() == "node:os" for name in posture):
        posture["node:os"] = system.lower()
        draft.notes.count("took the attribute node:os of {} device[|s] from their field os", system)
    return posture


def _commonest_suffix(devices: list[Record]) -> str:
    """Return what most names end with after their first label: the tailnet's own suffix."""
    names = (text(device, "name").rstrip(".").casefold() for device in devices)
    suffixes = Counter(name.partition(".")[2] for name in names)
    return min(suffixes, key=lambda suffix: (-suffixes[suffix], suffix), default="")


def _add_services(
    services: object, hosts: Mapping[str, object], devices: list[Record], draft: Draft
) -> None:
    ids = {number_text(device, key): _id(device) for device in devices for key in _IDS}
    for service in entries(services, "services", FileKind.API_SERVICES, key="vipServices"):
        name = text(service, "name")
        approved = []
        if name not in hosts:
            draft.notes.count("left {} service[|s] without a host, as none were given", name)
        for each in entries(
            hosts.get(name), "service_hosts", FileKind.API_SERVICE_HOSTS, key="hosts"
        ):
            host = number_text(each, "stablenodeid")
            if text(each, "approvallevel").startswith("approved:"):
                approved.append(ids.get(host, host))
            else:
                draft.notes.count(
                    "left out {} host[|s] that may not serve [its|their] service", host
                )
        draft.add_service(name, texts(service, "tags"), texts(service, "addrs"), approved)
