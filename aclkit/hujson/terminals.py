"""The terminals of the grammar as regular expressions, read from its text without Lark.

To import Lark and to build its parser takes longer than to read a policy, so whoever needs no more
than the terminals takes them from here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from aclkit.grammars import grammar_text

# A definition such as `COMMA.5: ","` or `WHITE_SPACE.7: /[ \t\r\n]++/`, on a line of its own.
_DEFINITION = re.compile(
    r'^(?P<name>[A-Z_]+)\.(?P<priority>[0-9]+): (?:"(?P<word>.+)"|/(?P<pattern>.+)/)$',
    re.MULTILINE,
)


@functools.cache
def terminals() -> Mapping[str, str]:
    """Return the pattern of each terminal, in the order in which they are tried."""
    found = sorted(
        _DEFINITION.finditer(grammar_text("hujson")), key=lambda each: -int(each["priority"])
    )
    return {
        each["name"]: re.escape(each["word"]) if each["word"] else each["pattern"] for each in found
    }
