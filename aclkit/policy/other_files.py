"""Files that are given in place of a policy or a tailnet, known by what stands in them.

Who mixes two files up gets one error for each key of the wrong one. So the help of such an error
names the file, and what it is good for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from aclkit.diagnostics import Diagnostic
from aclkit.hujson.tree import Document, Object, plain
from aclkit.policy.text import Text
from aclkit.source import Source
from aclkit.target import ALL_SECTIONS

Outline: TypeAlias = Mapping[str, frozenset[str]]
"""The keys of a document, each with the keys of the first object in it; of a list under ``""``.

All keys are folded: without case and underscores.
"""


@dataclass(frozen=True, slots=True)
class _Words:
    is_a: str
    advice: str


def _import(source: str, files: str = "FILE") -> str:
    return f"`aclkit tailnet import --from {source} {files}` makes a tailnet file of it"


class FileKind(Enum):
    """A kind of file that people who work with policies have at hand."""

    POLICY = _Words("a policy", "check it with `aclkit check FILE`")
    SCENARIO = _Words("a scenario", "run it with `aclkit test FILE`")
    TAILNET = _Words("a tailnet file", "give it with `--tailnet`, beside a policy")
    API_DEVICES = _Words("the API's list of devices", _import("tailscale-api"))
    API_USERS = _Words(
        "the API's list of users",
        _import("tailscale-api", "devices.json --users FILE"),
    )
    API_SERVICES = _Words(
        "the API's list of services",
        _import("tailscale-api", "devices.json --services FILE"),
    )
    API_ATTRIBUTES = _Words(
        "the attributes of devices",
        _import("tailscale-api", "devices.json --attributes FILE"),
    )
    API_ROUTES = _Words(
        "the routes of devices",
        _import("tailscale-api", "devices.json --routes FILE"),
    )
    API_SERVICE_HOSTS = _Words(
        "the hosts of services",
        _import("tailscale-api", "devices.json --services services.json --service-hosts FILE"),
    )
    API_ERROR = _Words("an error that an API answered", "ask again without the error")
    STATUS = _Words("the answer of `tailscale status --json`", _import("tailscale-status"))
    STATUS_TEXT = _Words(
        "what `tailscale status` prints for people",
        f"write the output of `tailscale status --json` to a file; {_import('tailscale-status')}",
    )
    NETMAP = _Words(
        "the answer of `tailscale debug netmap`",
        "`tailscale status --json` tells the same; "
        + _import("tailscale-status").replace("of it", "of that"),
    )
    HEADSCALE_NODES = _Words(
        "the list of `headscale nodes list`", _import("headscale", "FILE users.json")
    )
    HEADSCALE_USERS = _Words(
        "the list of `headscale users list`", _import("headscale", "nodes.json FILE")
    )
    HEADSCALE_ROUTES = _Words(
        "the list of `headscale routes list`",
        _import("headscale", "nodes.json users.json --routes FILE"),
    )
    HEADSCALE_TEXT = _Words("what `headscale` prints for people", "ask for JSON, with `-o json`")
    WEB_PAGE = _Words("a web page", "ask for the data behind it")

    @property
    def words(self) -> str:
        """Return the kind with its article, such as ``a tailnet file``."""
        return self.value.is_a

    @property
    def advice(self) -> str:
        """Return what such a file is good for, as one sentence for a help."""
        return f"this is {self.value.is_a}: {self.value.advice}"


def kind_of_data(data: object) -> FileKind | None:
    """Return what a file holds whose JSON means *data*; None when that can't be told."""
    if isinstance(data, list):
        return _kind({"": _keys_of_first(data)})
    if isinstance(data, dict):
        return _kind({_folded(key): _keys_of_first(inner) for key, inner in data.items()})
    return None


def kind_of_text(text: str) -> FileKind | None:
    """Return what a file holds that is not JSON; None when that can't be told."""
    beginning = text[:_LOOKED_AT].lstrip()
    for pattern, kind in _TEXTS:
        if pattern.match(beginning):
            return kind
    return None


def explain_other_text(source: Source, diagnostics: list[Diagnostic]) -> None:
    """Name the kind of a file that is not HuJSON in the help of the first of *diagnostics*."""
    kind = kind_of_text(source.text)
    if kind is not None and diagnostics:
        diagnostics[0] = replace(diagnostics[0], help=kind.advice)


def explain_other_file(document: Document, diagnostics: list[Diagnostic]) -> None:
    """Name the kind of a file that is no policy in the help of each key that policies don't have.

    *diagnostics* are those of reading *document* as a policy.
    """
    root = document.value
    spans = {root.span}
    if isinstance(root, Object):
        spans.update(Text.of(member.name).span for member in root.members)
    at = [
        index
        for index, found in enumerate(diagnostics)
        if found.code in _SHAPE_CODES and found.primary.span in spans
    ]
    kind = kind_of_data(plain(root)) if at else None
    if kind is not None and kind is not FileKind.POLICY:
        for index in at:
            diagnostics[index] = replace(diagnostics[index], help=kind.advice)


_SHAPE_CODES = frozenset({"unknown-field", "ignored-field", "wrong-type"})

_LOOKED_AT = 1_000
_TEXTS = (
    (re.compile(r"(?:100\.\d+\.\d+\.\d+|fd7a:[0-9a-f:]+)\s+\S+\s+\S+"), FileKind.STATUS_TEXT),
    (re.compile(r"(?:Logged out\.|Tailscale is stopped\.)"), FileKind.STATUS_TEXT),
    (re.compile(r"(?:\x1b\[[0-9;]*m)*ID\s+\|"), FileKind.HEADSCALE_TEXT),
    (re.compile(r"- (?:id|machine_key|name):"), FileKind.HEADSCALE_TEXT),
    (re.compile(r"<(?:!doctype )?html", re.IGNORECASE), FileKind.WEB_PAGE),
)

# Tailnet files have `groups` as well, and lists of the API have `hosts`.
_OF_POLICIES = frozenset(name.casefold() for name in ALL_SECTIONS) - {"groups", "hosts"}
_TESTS = frozenset({"tests", "sshtests"})
# Scenarios have tests as well.
_OF_SCENARIOS = frozenset({"whocan", "never", "only"})
_OF_TAILNETS = frozenset({"domains", "users", "groups", "nodes", "services"})


def _kind(outline: Outline) -> FileKind | None:
    if "" in outline:
        return _kind_of_entries(outline[""])
    keys = outline.keys()
    for key, kind in _BY_KEY.items():
        if key in keys:
            return kind
    if "self" in keys and not keys.isdisjoint({"peer", "backendstate", "currenttailnet"}):
        return FileKind.STATUS
    if not _OF_SCENARIOS.isdisjoint(keys) or ("policy" in keys and not _TESTS.isdisjoint(keys)):
        return FileKind.SCENARIO
    if not _OF_POLICIES.isdisjoint(keys):
        return FileKind.POLICY
    if "message" in keys and keys <= {"message", "data", "code", "details"}:
        return FileKind.API_ERROR
    for key in ("nodes", "users", "routes"):
        if len(keys) == 1 and (entries := _kind_of_entries(outline.get(key, frozenset()))):
            return entries
    if keys <= _OF_TAILNETS and not keys.isdisjoint({"domains", "nodes"}):
        return FileKind.TAILNET
    if keys <= _OF_TAILNETS and "login" in outline.get("users", frozenset()):
        return FileKind.TAILNET
    for mark, kind in _BY_ANSWER.items():
        if outline and all(mark in inner for inner in outline.values()):
            return kind
    return None


_BY_KEY = {
    "devices": FileKind.API_DEVICES,
    "vipservices": FileKind.API_SERVICES,
    "selfnode": FileKind.NETMAP,
}

# Of objects from ids or names to answers: a key that all of these have.
_BY_ANSWER = {
    "attributes": FileKind.API_ATTRIBUTES,
    "enabledroutes": FileKind.API_ROUTES,
    "hosts": FileKind.API_SERVICE_HOSTS,
}


def _kind_of_entries(keys: Collection[str]) -> FileKind | None:
    """Return what has a list of which the first entry has *keys*."""
    for marks, kind in _BY_ENTRY:
        if marks <= frozenset(keys):
            return kind
    return None


_BY_ENTRY = (
    (frozenset({"ipaddresses"}), FileKind.HEADSCALE_NODES),
    (frozenset({"machinekey", "givenname"}), FileKind.HEADSCALE_NODES),
    (frozenset({"loginname"}), FileKind.API_USERS),
    (frozenset({"nodeid", "addresses"}), FileKind.API_DEVICES),
    (frozenset({"hostname", "addresses"}), FileKind.API_DEVICES),
    (frozenset({"node", "prefix"}), FileKind.HEADSCALE_ROUTES),
    (frozenset({"id", "name", "createdat"}), FileKind.HEADSCALE_USERS),
)


def _folded(key: object) -> str:
    return str(key).replace("_", "").casefold()


def _keys_of_first(value: object) -> frozenset[str]:
    first = value[0] if isinstance(value, list) and value else value
    return frozenset(map(_folded, first)) if isinstance(first, dict) else frozenset()
