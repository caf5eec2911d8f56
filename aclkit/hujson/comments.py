"""Print what stands between two tokens: line feeds, comments and indentation."""

from __future__ import annotations

from aclkit.hujson.extras import breaks, has_comment, parts

# Unicode's White_Space. Python's own `str.rstrip` takes U+001C to U+001F as well.
WHITE_SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)


def print_extra(
    extra: str,
    indent: str,
    *,
    last_indent: str | None = None,
    begins_line: bool = False,
    ends_line: bool = False,
    cut_front: bool = False,
    cut_end: bool = False,
) -> str:
    """Print *extra* with its comments at *indent*.

    What follows it is indented by *last_indent* if that is given, else like the comments. With
    *begins_line* a line feed comes first, with *ends_line* the last thing but the indent is one.
    Of two line feeds at the front or at the end *cut_front* and *cut_end* leave one.
    """
    text = "\n" if begins_line else ""
    if has_comment(extra):
        text += _print_comments(extra, indent, at_line_start=begins_line)
    elif breaks(extra):
        text += "\n" * min(extra.count("\n"), 2)
    if cut_front and text.startswith("\n\n"):
        text = text[1:]
    if cut_end and text.endswith("\n\n"):
        text = text[:-1]
    if ends_line and not text.endswith("\n"):
        text += "\n"
    if text.endswith("\n"):
        return text + (indent if last_indent is None else last_indent)
    return text + " " if text else ""


def _print_comments(extra: str, indent: str, *, at_line_start: bool) -> str:
    extra = extra.replace("\r\n", "\n").replace("\n\r", "\n").replace("\r", " ")
    printed = []
    for white, comment in parts(extra):
        if breaks(white):
            printed.append("\n" * min(white.count("\n"), 2))
            at_line_start = True
        if comment:
            printed.append(indent if at_line_start else " ")
            printed.append(print_comment(comment, indent))
            at_line_start = False
    return "".join(printed)


def print_comment(comment: str, indent: str) -> str:
    """Print one comment; further lines of a block comment begin with *indent*.

    White space that all further lines begin with gives way to the indent. A column of asterisks
    stays a column, one space to the right, unless a blank line interrupts it. The last line is
    moved like the others if it only closes the comment.
    """
    first, *lines = (line.rstrip(WHITE_SPACE) for line in comment.split("\n"))
    if not lines:
        return first
    *earlier, last = lines
    only_closes = last.lstrip(" \t") == "*/"
    leading = [line for line in (earlier if only_closes else lines) if line] or [last]
    lead = _common_beginning(leading)
    unspaced = lead.lstrip(" \t")
    cut = len(lead) - len(unspaced)
    if only_closes:
        lines[-1] = " " * cut + "*/"
    if unspaced.startswith("*") and all(lines):
        indent += " "
    return "\n".join([first, *(line and indent + line[cut:] for line in lines)])


def _common_beginning(lines: list[str]) -> str:
    # What the first and the last in order have in common, all between them have as well.
    first, last = min(lines), max(lines)
    for at, character in enumerate(first):
        if last[at] != character:
            return first[:at]
    return first
