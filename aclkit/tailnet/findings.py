"""What is wrong with a tailnet, gathered by path before it is known whether there is a text.

A path such as ``("nodes", 3, "tags", 0)`` leads through the data; where the data was read from a
text, it leads to a span as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.source import Span

Path: TypeAlias = tuple[str | int, ...]
Locate: TypeAlias = "Callable[[Place], Span | None]"

_SHOWN = 80
_MOST_FINDINGS = 1_000
# Looking for near misses costs some microseconds per candidate.
_MOST_SUGGESTIONS = 20
_MOST_CANDIDATES = 5_000


class FieldError(ValueError):
    """One value that can't be what its field needs; it knows no path yet."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


class TooManyFindingsError(Exception):
    """So much is wrong that reading on helps nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value in the data, or with *at_name* the name of a member."""

    path: Path
    at_name: bool = False

    @property
    def text(self) -> str:
        """Return the path as people write it, such as ``nodes[3].tags[0]``."""
        parts = []
        for step in self.path:
            if isinstance(step, int):
                parts.append(f"[{step}]")
            elif step.isidentifier():
                parts.append(f".{step}")
            else:
                parts.append(f'["{printable(step)}"]')
        return "".join(parts).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Finding:
    """An error of a tailnet before it becomes a `Diagnostic`."""

    code: str
    message: str
    place: Place
    help: str | None = None
    related: tuple[tuple[Place, str], ...] = ()

    def diagnostic(self, locate: Locate) -> Diagnostic:
        """Return this as a diagnostic whose labels have the spans that *locate* finds."""
        return Diagnostic(
            self.code,
            Severity.ERROR,
            self.message,
            Label(locate(self.place), "", self.place.text),
            tuple(Label(locate(place), text, place.text) for place, text in self.related),
            self.help,
        )


@dataclass(slots=True)
class Findings:
    """Collects the errors of one tailnet."""

    found: list[Finding] = field(default_factory=list)
    _suggestions_left: int = _MOST_SUGGESTIONS

    def add(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        at_name: bool = False,
        help: str | None = None,
        first: tuple[Path, str] | None = None,
    ) -> None:
        """Note an error at *path*; *first* is an earlier place and what is to be said of it.

        Raises:
            TooManyFindingsError: a thousand errors were noted; a last one says so.
        """
        related = ((Place(first[0]), first[1]),) if first else ()
        self.found.append(Finding(code, message, Place(path, at_name), help, related))
        if len(self.found) >= _MOST_FINDINGS:
            self.found.append(
                Finding(
                    "limit-tailnet-errors",
                    f"reading stopped after {_MOST_FINDINGS:,} errors",
                    Place(path),
                    "is this a tailnet file? Repair what is listed, then read it again",
                )
            )
            raise TooManyFindingsError

    def note(
        self,
        fault: FieldError,
        path: Path,
        *,
        at_name: bool = False,
        first: tuple[Path, str] | None = None,
    ) -> None:
        """Note *fault* at *path*, as `add` does."""
        self.add(fault.code, fault.message, path, at_name=at_name, help=fault.help, first=first)

    def near_miss(self, word: str, known: Collection[str]) -> str | None:
        """Return ``did you mean `x`?`` for the nearest of *known*, None when nothing is near.

        The first few calls search, later ones do not: a file with every name wrong must not cost
        the square of its size.
        """
        if not self._suggestions_left or len(known) > _MOST_CANDIDATES or len(word) > _SHOWN:
            return None
        self._suggestions_left -= 1
        near = get_close_matches(word, known, n=1)
        return f"did you mean `{near[0]}`?" if near else None

    def diagnostics(self, locate: Locate = lambda place: None) -> list[Diagnostic]:
        """Return all errors, with the spans that *locate* finds."""
        return [finding.diagnostic(locate) for finding in self.found]

    def raise_if_any(self) -> None:
        """Raise all errors as one `TailnetError`, without spans, if there are any."""
        if self.found:
            raise TailnetError(self.diagnostics())


def printable(text: str) -> str:
    """Return *text* for a message: short, on one line, without what a terminal would act on."""
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if shown.isprintable():
        return shown
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in shown)


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """Return what *value* is in the words of JSON."""
    return _KINDS.get(type(value), f"a Python {type(value).__name__}")
