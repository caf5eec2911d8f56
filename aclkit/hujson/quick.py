"""Read a right text into the lossless tree, several times faster than the grammar's parser.

The pieces are cut by the grammar's own terminals; how they make up objects and arrays is written
out here. The grammar stays the judge: what is not read here, for whatever reason, goes to its
parser, which alone refuses texts and says why. Property tests hold the two equal.
"""

from __future__ import annotations

import functools
import re
from itertools import islice
from typing import Any

from aclkit.hujson.terminals import terminals
from aclkit.hujson.tree import Array, Literal, Member, Object, Value
from aclkit.hujson.values import bare_value, string_value
from aclkit.limits import Limits

# What comes next in a container. At its begin and after a comma, that can be its bracket as well.
_NAME, _VALUE, _BRACKET = range(3)

# So many comments in a row are read here: each takes memory until the step is done.
_COMMENTS = 1000


def read_quickly(text: str, limits: Limits) -> Value | None:
    """Return the value of *text* if that is an object or array, in time linear in its length.

    None when the grammar's parser must look at it: it is not HuJSON, a literal alone, or perhaps
    over a limit.
    """
    # How many tokens are allowed beyond those counted so far, which are too many rather than too
    # few: two for an element, four for a member, two brackets.
    tokens = limits.tokens - text.count("//") - text.count("/*")
    around: list[tuple[list[Any], str, Literal | None, int, str]] = []
    # The innermost open container, or the text as a whole: what is in it, its closing bracket, the
    # name whose value is read, its offset and the extra before it.
    items: list[Any] = []
    closing, name, start, lead = "", None, 0, ""
    due = _VALUE
    at = 0
    for match in islice(_step().finditer(text), max(tokens, 0)):
        before, scalar, after, mark, gap = match.groups()
        at += len(before)
        if scalar is not None:
            is_string = scalar[0] == '"'
            value = string_value(scalar) if is_string else bare_value(scalar)
            literal = Literal(scalar, value, at, before, after if mark in ",:" else "")
            at += len(scalar) + len(after) + 1
            if mark == ":":
                if due != _NAME or not is_string:
                    return None
                name, due = literal, _VALUE
                continue
            if due != _VALUE:
                return None
            if name is None:
                items.append(literal)
            else:
                items.append(Member(name, literal))
                name, due = None, _NAME
            if mark == ",":
                continue
            tail, trailing_comma = after, False
        elif mark == "[" or mark == "{":
            if due != _VALUE or len(around) == limits.depth:
                return None
            around.append((items, closing, name, start, lead))
            items, name, start, lead = [], None, at, before
            closing, due = ("]", _VALUE) if mark == "[" else ("}", _NAME)
            at += 1
            continue
        else:
            if name is not None and due == _VALUE:
                return None
            tail, trailing_comma = before, due != _BRACKET and bool(items)
            at += 1
        if mark != closing or not around:
            return None
        tokens -= len(items) * (2 if mark == "]" else 4) + 2
        kind = Array if mark == "]" else Object
        container = kind(tuple(items), start, at, lead, gap or "", tail, trailing_comma)
        items, closing, name, start, lead = around.pop()
        if not around:
            is_all = gap is not None and at + len(gap) == len(text) and not items
            return container if is_all and tokens >= 0 else None
        items.append(container if name is None else Member(name, container))
        if gap is None:
            due = _BRACKET
        else:
            at += len(gap) + 1
            name, due = None, _NAME if closing == "}" else _VALUE
    return None


@functools.cache
def _step() -> re.Pattern[str]:
    """Return the pattern of one step: at most one literal, and one punctuation mark.

    Its groups are an extra, the literal, the extra after the literal, the mark, and the extra
    between a closing bracket and a comma or the end of the text. At the first place where HuJSON
    does not go on it matches without a mark, so nothing is ever searched for. Its last part can be
    empty, so no group before that ever gives back what it took; those that could stop half-way are
    not possessive, since Python goes on there before 3.11.5 (gh-106052).
    """
    patterns = terminals()
    white = f"(?:{patterns['WHITE_SPACE']})?"
    comment = f"(?:{patterns['LINE_COMMENT']}|{patterns['BLOCK_COMMENT']})"
    extra = f"({white}(?:{comment}{white}){{0,{_COMMENTS}}})"
    literal = f"({patterns['STRING']}|{patterns['NUMBER']}|{patterns['CONSTANT']})"
    end = rf"(?:(?<=[\]}}]){extra}(?:,|\Z))?"
    return re.compile(rf"{extra}(?:{literal}{extra})?([,:\[\]{{}}]?+){end}")
