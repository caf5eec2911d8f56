"""Scenario files: from text to what is asked, with every mistake told at its place.

A scenario is HuJSON with one object. Its shape is described in docs/scenarios.md. Names of devices
and selectors are looked up later, when the policy is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from aclkit.diagnostics import Diagnostic, Label, error
from aclkit.hujson.parser import parse_source
from aclkit.hujson.tree import Array, Literal, Object, Value
from aclkit.limits import Limits
from aclkit.policy.lowering import kind_of
from aclkit.policy.ports import (
    ALL_PORTS,
    PortBounds,
    PortSyntaxError,
    parse_port_range,
    split_destination,
    unbracketed,
)
from aclkit.policy.spelling import Spelling
from aclkit.policy.text import Text
from aclkit.source import Source, Span
from aclkit.tailnet.model import PostureValue
from aclkit.wording import listed

Record = TypeVar("Record")

SECTIONS = ("tests", "sshTests", "whoCan", "never", "only")
_TOP = ("policy", "tailnet", "target", *SECTIONS)


@dataclass(frozen=True, slots=True)
class Reference:
    """A policy or a tailnet: the path of a file, or an object of the scenario itself."""

    span: Span
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A destination with one port; `text` is both as written."""

    text: Text
    host: Text
    port: int


@dataclass(frozen=True, slots=True)
class Supposed:
    """Posture attributes that the sources are supposed to have; None: not to have."""

    values: tuple[tuple[str, PostureValue | None], ...]


@dataclass(frozen=True, slots=True)
class AccessTest:
    """An entry of `tests`: who gets through to what, and to what not."""

    span: Span
    name: str
    src: tuple[Text, ...]
    accept: tuple[Endpoint, ...]
    deny: tuple[Endpoint, ...]
    proto: Text | None
    supposing: Supposed | None


@dataclass(frozen=True, slots=True)
class LoginTest:
    """An entry of `sshTests`."""

    span: Span
    name: str
    src: tuple[Text, ...]
    dst: tuple[Text, ...]
    accept: tuple[Text, ...]
    check: tuple[Text, ...]
    deny: tuple[Text, ...]
    supposing: Supposed | None


@dataclass(frozen=True, slots=True)
class WhoCan:
    """An entry of `whoCan`; `exactly` tells whether each of `expected` must get through."""

    span: Span
    name: str
    dst: Endpoint
    proto: Text | None
    expected: tuple[Text, ...]
    exactly: bool


@dataclass(frozen=True, slots=True)
class Invariant:
    """An entry of `never` or `only`.

    For `only`, `src` are the sources that may get through.
    """

    section: str
    span: Span
    name: str
    src: tuple[Text, ...]
    dst: tuple[Text, ...]
    proto: Text | None
    ports: tuple[PortBounds, ...]
    ports_text: Text | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario file asks."""

    source: Source
    policy: Reference
    tailnet: Reference | None
    target: Text | None
    tests: tuple[AccessTest, ...] = ()
    ssh_tests: tuple[LoginTest, ...] = ()
    who_can: tuple[WhoCan, ...] = ()
    never: tuple[Invariant, ...] = ()
    only: tuple[Invariant, ...] = ()


def read_scenario(source: Source, diagnostics: list[Diagnostic], limits: Limits) -> Scenario | None:
    """Return what *source* asks, appending all that is wrong to *diagnostics*.

    None when there is an error.
    """
    before = len(diagnostics)
    document = parse_source(source, limits, diagnostics)
    if document is None:
        return None
    scenario = _Reader(source, diagnostics).scenario(document.value)
    return scenario if len(diagnostics) == before else None


@dataclass(slots=True)
class _Reader:
    """Reads values; what is wrong is noted, and reading goes on."""

    source: Source
    diagnostics: list[Diagnostic]
    spelling: Spelling = field(default_factory=Spelling)

    def scenario(self, value: Value) -> Scenario | None:
        """Return the whole file."""
        found = self._members(value, _TOP, ("policy",), "a scenario")
        if found is None or "policy" not in found:
            return None
        if not any(section in found for section in SECTIONS):
            sections = listed(SECTIONS)
            self._error(
                "scenario-asks-nothing", "this scenario asks nothing", value.span,
                f"write at least one of {sections}",
            )  # fmt: skip
        return Scenario(
            self.source,
            self._reference(found["policy"], "a policy"),
            self._reference(found["tailnet"], "a tailnet") if "tailnet" in found else None,
            self._text(found["target"]) if "target" in found else None,
            self._entries(found.get("tests"), self._access),
            self._entries(found.get("sshTests"), self._login),
            self._entries(found.get("whoCan"), self._who_can),
            self._entries(found.get("never"), lambda entry: self._invariant("never", entry)),
            self._entries(found.get("only"), lambda entry: self._invariant("only", entry)),
        )

    def _access(self, value: Value) -> AccessTest | None:
        keys = ("name", "src", "accept", "deny", "proto", "supposing")
        found = self._members(value, keys, ("src",), "an entry of `tests`")
        if found is None:
            return None
        accept, deny = (self._endpoints(found.get(key)) for key in ("accept", "deny"))
        if not ("accept" in found or "deny" in found):
            self._asks_nothing("a test needs `accept` or `deny`", value)
        return AccessTest(
            value.span, self._name(found), self._texts(found.get("src")), accept, deny,
            self._optional_text(found.get("proto")), self._supposed(found.get("supposing")),
        )  # fmt: skip

    def _login(self, value: Value) -> LoginTest | None:
        lists = ("accept", "check", "deny")
        keys = ("name", "src", "dst", *lists, "supposing")
        found = self._members(value, keys, ("src", "dst"), "an entry of `sshTests`")
        if found is None:
            return None
        if not any(key in found for key in lists):
            self._asks_nothing("an SSH test needs `accept`, `check` or `deny`", value)
        accept, check, deny = (self._texts(found.get(key)) for key in lists)
        return LoginTest(
            value.span, self._name(found), self._texts(found.get("src")),
            self._texts(found.get("dst")), accept, check, deny,
            self._supposed(found.get("supposing")),
        )  # fmt: skip

    def _who_can(self, value: Value) -> WhoCan | None:
        keys = ("name", "dst", "proto", "exactly", "atMost")
        found = self._members(value, keys, ("dst",), "an entry of `whoCan`")
        if found is None or "dst" not in found:
            return None
        if ("exactly" in found) is ("atMost" in found):
            self._asks_nothing("write one of `exactly` and `atMost`", value)
        endpoint = self._endpoint(self._text(found["dst"]))
        if endpoint is None:
            return None
        listed = found.get("exactly", found.get("atMost"))
        return WhoCan(
            value.span, self._name(found), endpoint, self._optional_text(found.get("proto")),
            self._texts(listed, empty=True), "exactly" in found,
        )  # fmt: skip

    def _invariant(self, section: str, value: Value) -> Invariant | None:
        keys = ("name", "src", "dst", "ports", "proto")
        found = self._members(value, keys, ("src", "dst"), f"an entry of `{section}`")
        if found is None:
            return None
        ports_text = self._optional_text(found.get("ports"))
        return Invariant(
            section, value.span, self._name(found),
            self._texts(found.get("src"), empty=section == "only"),
            self._texts(found.get("dst")), self._optional_text(found.get("proto")),
            self._ports(ports_text), ports_text,
        )  # fmt: skip

    def _members(
        self, value: Value, known: tuple[str, ...], needed: Iterable[str], where: str
    ) -> dict[str, Value] | None:
        """Return the members of an object by key; None when *value* is none."""
        if not isinstance(value, Object):
            self._wrong_type(value, f"an object, {where}")
            return None
        found: dict[str, Value] = {}
        first: dict[str, Span] = {}
        meant: set[str | None] = set()
        for member in value.members:
            key = str(member.name.value)
            if key not in known:
                names = listed(known)
                near = self.spelling.nearest(key, known)
                meant.add(near)
                help = f"did you mean `{near}`?" if near else f"known here: {names}"
                message = f"unknown key `{key}` in {where}"
                self._error("scenario-unknown-key", message, member.name.span, help)
            elif key in first:
                message = f"`{key}` is given twice"
                label = Label(first[key], "first given here")
                self.diagnostics.append(
                    error("scenario-duplicate-key", message, member.name.span,
                          related=[label], help="join the two, or remove one")
                )  # fmt: skip
            else:
                first[key] = member.name.span
                found[key] = member.value
        for key in needed:
            if key not in found and key not in meant:
                message = f"{where} needs `{key}`"
                self._error("scenario-missing-key", message, value.span, _NEEDS[key])
        return found

    def _entries(
        self, value: Value | None, read: Callable[[Value], Record | None]
    ) -> tuple[Record, ...]:
        if value is None:
            return ()
        if not isinstance(value, Array):
            self._wrong_type(value, "a list")
            return ()
        found = (read(element) for element in value.elements)
        return tuple(record for record in found if record is not None)

    def _reference(self, value: Value, what: str) -> Reference:
        if isinstance(value, Object):
            return Reference(value.span)
        text = self._text(value, f"{what}: the path of a file, or an object")
        if text is not None and not text.value:
            self._error("scenario-wrong-type", "no path given", value.span, "name a file")
        return Reference(value.span, text.value if text else "")

    def _name(self, found: dict[str, Value]) -> str:
        text = self._optional_text(found.get("name"))
        return text.value if text else ""

    def _text(self, value: Value, expected: str = "a string") -> Text | None:
        if isinstance(value, Literal) and isinstance(value.value, str):
            return Text.of(value)
        self._wrong_type(value, expected)
        return None

    def _optional_text(self, value: Value | None) -> Text | None:
        return None if value is None else self._text(value)

    def _texts(self, value: Value | None, *, empty: bool = False) -> tuple[Text, ...]:
        """Return one string, or those of a list; *empty* tells whether that may hold none."""
        if value is None:
            return ()
        if not isinstance(value, Array):
            text = self._text(value, "a string or a list of strings")
            return () if text is None else (text,)
        if not value.elements and not empty:
            self._asks_nothing("this list is empty, so nothing would be tested", value)
        found = (self._text(element) for element in value.elements)
        return tuple(text for text in found if text is not None)

    def _endpoints(self, value: Value | None) -> tuple[Endpoint, ...]:
        found = (self._endpoint(text) for text in self._texts(value))
        return tuple(endpoint for endpoint in found if endpoint is not None)

    def _endpoint(self, text: Text | None) -> Endpoint | None:
        if text is None:
            return None
        parts = split_destination(text)
        host, ports = parts or (text, None)
        if ports is None or not ports.value.isascii() or not ports.value.isdecimal():
            message = f"`{text.value}` does not end with one port"
            help = "write a port behind a colon, such as `web-1:443`; an IPv6 address in brackets"
            self._error("scenario-bad-port", message, text.span, help)
            return None
        if int(ports.value[:6]) > 65535:
            message = f"`{ports.value}` is no port (at most 65535)"
            self._error("scenario-bad-port", message, ports.span, "write a port up to 65535")
            return None
        return Endpoint(text, unbracketed(host), int(ports.value))

    def _ports(self, text: Text | None) -> tuple[PortBounds, ...]:
        if text is None:
            return (ALL_PORTS,)
        try:
            return parse_port_range(text)
        except PortSyntaxError as problem:
            help = problem.help or "write `*`, a port, a range, or several of them with commas"
            self._error("scenario-bad-port", str(problem), problem.span, help)
            return (ALL_PORTS,)

    def _supposed(self, value: Value | None) -> Supposed | None:
        if value is None:
            return None
        if not isinstance(value, Object):
            self._wrong_type(value, "an object of posture attributes")
            return None
        return Supposed(tuple(self._attributes(value)))

    def _attributes(self, value: Object) -> Iterator[tuple[str, PostureValue | None]]:
        for member in value.members:
            if isinstance(member.value, Literal):
                yield str(member.name.value), member.value.value
            else:
                self._wrong_type(member.value, "a string, a number, a bool or `null`")

    def _asks_nothing(self, message: str, value: Value) -> None:
        help = "write what is expected"
        self._error("scenario-asks-nothing", message, value.span, help)

    def _wrong_type(self, value: Value, expected: str) -> None:
        message = f"expected {expected}, found {kind_of(value)}"
        self._error("scenario-wrong-type", message, value.span, f"write {expected}")

    def _error(self, code: str, message: str, span: Span, help: str) -> None:
        self.diagnostics.append(error(code, message, span, help=help))


_NEEDS = {
    "policy": "name a policy file, relative to this file, or write the policy as an object",
    "src": "name devices, users, groups, tags or addresses",
    "dst": "name devices, users, groups, tags or addresses",
}
