"""From what a caller hands over to a text: UTF-8, and not too large."""

from __future__ import annotations

from aclkit.diagnostics import Diagnostic, error
from aclkit.hujson.charges import over_bytes
from aclkit.limits import Limits
from aclkit.source import Source, Span

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode(
    text: str | bytes, name: str, limits: Limits, diagnostics: list[Diagnostic]
) -> Source | None:
    """Return *text* as a source called *name*.

    Returns None when it is too large or not UTF-8, and appends why to *diagnostics*. The span then
    counts in the text as `bytes.decode(errors="replace")` gives it.
    """
    diagnostic: Diagnostic | None
    if isinstance(text, bytes):
        diagnostic = _bytes_over(text, limits)
        if diagnostic is None:
            try:
                return Source(name, text.decode("utf-8"))
            except UnicodeDecodeError as broken:
                diagnostic = _not_utf8(text, broken)
    else:
        diagnostic = _text_over(text, limits)
        if diagnostic is None:
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as broken:
                diagnostic = _surrogate(text, broken)
            else:
                return Source(name, text)
    diagnostics.append(diagnostic)
    return None


def _bytes_over(data: bytes, limits: Limits) -> Diagnostic | None:
    if len(data) <= limits.bytes:
        return None
    at = len(data[: limits.bytes].decode("utf-8", errors="replace"))
    return over_bytes(limits, Span(at, at))


def _text_over(text: str, limits: Limits) -> Diagnostic | None:
    # A code point takes one to four bytes, so most texts need not be encoded to be measured.
    if 4 * len(text) <= limits.bytes:
        return None
    head = text[: limits.bytes + 1].encode("utf-8", errors="surrogatepass")
    if len(head) <= limits.bytes:
        return None
    at = len(head[: limits.bytes].decode("utf-8", errors="ignore"))
    return over_bytes(limits, Span(at, at))


def _not_utf8(data: bytes, broken: UnicodeDecodeError) -> Diagnostic:
    at = len(data[: broken.start].decode("utf-8"))
    looks = "this looks like UTF-16; " if data.startswith(_UTF16_MARKS) else ""
    return error(
        "not-utf-8",
        f"the text is not UTF-8: byte {data[broken.start]:#04x} at offset {broken.start}",
        Span(at, at),
        help=f"{looks}save the file as UTF-8 without a byte order mark",
    )


def _surrogate(text: str, broken: UnicodeEncodeError) -> Diagnostic:
    return error(
        "lone-surrogate",
        f"half of a surrogate pair, U+{ord(text[broken.start]):04X}, is no character",
        Span(broken.start, broken.start + 1),
        help="write the whole character; text with halves of one can't be saved as UTF-8",
    )
