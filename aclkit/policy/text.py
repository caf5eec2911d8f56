"""A piece of text from the policy that remembers its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from aclkit.hujson.tree import Literal
from aclkit.source import Span

# White space that the control plane trims around selectors and logins, tabs included
# (recordings ssh-tab-in-user, ssh-src-leading-whitespace).
BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Text:
    """A string of the policy: what it means, and where its characters stand.

    `exact` tells whether each character of the value stands for one code point of the source. It
    does not where the string has escapes; parts of such a string can't be underlined.
    """

    value: str
    span: Span = field(compare=False)
    exact: bool = field(default=True, compare=False, repr=False)

    @classmethod
    def of(cls, literal: Literal) -> Text:
        """Return the content of a string literal, without its quotes."""
        value = literal.value
        if not isinstance(value, str):
            raise TypeError(f"not a string: {literal.text}")
        start, length = literal.start, len(literal.text)
        if length == len(value) + 2:
            return cls(value, Span(start + 1, start + length - 1))
        return cls(value, Span(start, start + length), exact=False)

    def part(self, start: int, end: int) -> Text:
        """Return the characters *start* to *end*."""
        span = self.span.part(start, end) if self.exact else self.span
        return Text(self.value[start:end], span, self.exact)

    def stripped(self) -> Text:
        """Return the text without blanks around it."""
        value = self.value
        start = len(value) - len(value.lstrip(BLANKS))
        end = len(value.rstrip(BLANKS))
        if start == 0 and end == len(value):
            return self
        return self.part(start, max(start, end))
