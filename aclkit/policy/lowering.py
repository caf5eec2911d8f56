"""What lowering carries along: the source, the target, the findings, the budget.

Readers append what they find here and go on; nothing is raised but `OverLimit`, which ends the
lowering with its one error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aclkit.diagnostics import Diagnostic, Label, error, warning
from aclkit.hujson.tree import Array, Literal, Object, Value
from aclkit.limits import Limits
from aclkit.policy.ports import PortBounds
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.text import Text
from aclkit.source import Source, Span
from aclkit.target import Duplicates, Target


class OverLimit(Exception):  # noqa: N818 - it ends a phase, it is no error of the program
    """A budget of `Limits` is spent; the diagnostic for it is already recorded."""


@dataclass(slots=True)
class Lowering:
    """The state of one lowering.

    Most strings of a policy stand in it many times. So it keeps what was read without a finding:
    `selectors` by their literals, and `hosts` and `ports` by the parts of a destination's literal
    before and after its last colon, quotes included. None of these literals has an escape.
    """

    source: Source
    target: Target
    limits: Limits
    diagnostics: list[Diagnostic]
    rules: int = 0
    members: int = 0
    legacy_names: list[Literal] = field(default_factory=list)
    current_names: list[Literal] = field(default_factory=list)
    host_names: frozenset[str] = frozenset()
    record_keys: dict[str, Mapping[str, str]] = field(default_factory=dict)
    selectors: dict[str, Selector] = field(default_factory=dict)
    hosts: dict[str, Selector] = field(default_factory=dict)
    ports: dict[str, tuple[PortBounds, ...]] = field(default_factory=dict)
    spelling: Spelling = field(default_factory=Spelling)

    def charge_rule(self, entry: Value) -> None:
        """Count one entry of a rule section."""
        self.rules += 1
        if self.rules > self.limits.rules:
            self._over("limit-rules", f"more than {self.limits.rules} rules and tests", entry.span)

    def charge_members(self, count: int, names: Value | Text) -> None:
        """Count the *count* entries of *names*, a list of names."""
        self.members += count
        if self.members > self.limits.members:
            self._over(
                "limit-members", f"more than {self.limits.members} names in lists", names.span
            )

    def _over(self, code: str, message: str, span: Span) -> None:
        help = "this is a guard against hostile input; raise the limit if the policy is sound"
        self.diagnostics.append(error(code, message, span, help=help))
        raise OverLimit

    def report(self, diagnostic: Diagnostic) -> None:
        """Record a finding."""
        self.diagnostics.append(diagnostic)

    def wrong_type(
        self, value: Value, expected: str, help: str | None = None, words: str | None = None
    ) -> None:
        """Record that *value* is not what its place takes.

        *help* is what to write, *words* what the target says where it has words of its own.
        """
        message = f"expected {expected}, found {kind_of(value)}"
        advice = help or _type_help(value, expected)
        self.report(error("wrong-type", message, value.span, help=advice, control_plane=words))

    def text(self, value: Value, expected: str = "a string") -> Text | None:
        """Return a string value, or record that it is none."""
        if isinstance(value, Literal) and isinstance(value.value, str):
            return Text.of(value)
        self.wrong_type(value, expected)
        return None

    def elements(self, value: Value, expected: str) -> tuple[Value, ...]:
        """Return the elements of an array; `null` is an empty one."""
        if isinstance(value, Array):
            return value.elements
        if not is_null(value):
            self.wrong_type(value, expected)
        return ()

    def strings(self, value: Value) -> list[Literal]:
        """Return the strings of an array; `null` is an empty one."""
        elements = self.elements(value, "a list of strings")
        self.charge_members(len(elements), value)
        found = []
        for element in elements:
            if isinstance(element, Literal) and isinstance(element.value, str):
                found.append(element)
            else:
                self.wrong_type(element, "a string")
        return found

    def texts(self, value: Value) -> tuple[Text, ...]:
        """Return the contents of the strings of an array; `null` is an empty one."""
        return tuple([Text.of(literal) for literal in self.strings(value)])

    def entries(self, value: Value, expected: str) -> list[tuple[Text, Value]]:
        """Return the members of an object whose names are data; a repeated name is an error."""
        if not isinstance(value, Object):
            if not is_null(value):
                self.wrong_type(value, expected)
            return []
        self.charge_members(len(value.members), value)
        entries: dict[str, tuple[Text, Value]] = {}
        for member in value.members:
            name = Text.of(member.name)
            if (first := entries.get(name.value)) and not self.takes_again(name, first[0]):
                continue
            entries[name.value] = (name, member.value)
        return list(entries.values())

    def takes_again(self, name: Text, first: Text) -> bool:
        """Record that *name* was given before, and return whether the target takes it again."""
        if self.target.duplicates is not Duplicates.REFUSED:
            self.report(
                warning(
                    "overridden-name",
                    f"`{name.value}` is given twice, and {self.target.title} takes the last",
                    first.span,
                    related=[Label(name.span, "given again here")],
                    help="join the two, or remove one",
                )
            )
            return True
        here, there = self.source.position(name.span.start), self.source.position(first.span.start)
        words = self.target.says(
            "duplicate-name",
            x=name.value,
            first=f"{there.line}:{there.column}",
            second=f"{here.line}:{here.column}",
        )
        self.report(
            error(
                "duplicate-name",
                f"`{name.value}` is given twice",
                name.span,
                related=[Label(first.span, "first given here")],
                help="join the two, or remove one",
                control_plane=words,
            )
        )
        return False


def is_null(value: Value) -> bool:
    """Return whether *value* is `null`."""
    return isinstance(value, Literal) and value.value is None


def kind_of(value: Value) -> str:
    """Return what *value* is, in words."""
    match value:
        case Object():
            return "an object"
        case Array():
            return "a list"
        case Literal(value=None):
            return "`null`"
        case Literal(value=bool()):
            return f"`{value.text}`"
        case Literal(value=str()):
            return "a string"
        case _:
            return "a number"


def _type_help(value: Value, expected: str) -> str:
    """Return how *value* becomes what is expected, or what that looks like."""
    if isinstance(value, Literal) and value.value is None:
        return "remove it"
    if expected.startswith("a list"):
        short = isinstance(value, Literal) and len(value.text) <= 60
        content = value.text if short and isinstance(value, Literal) else "…"
        return f"write a list: `[{content}]`"
    if expected.startswith("an object"):
        return 'write an object: `{"name": …}`'
    if "true" in expected:
        return "write `true` or `false`, without quotes"
    if isinstance(value, Literal) and "string" in expected:
        return f'write it in quotes: `"{value.text}"`'
    if isinstance(value, Array) and len(value.elements) > 1:
        return f"write {expected}, one value only"
    return f"write {expected}"
