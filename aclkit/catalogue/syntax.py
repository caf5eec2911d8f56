"""The codes of texts that are not HuJSON, or not read at all."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _entry(
    code: str, title: str, *, why: str, example: str, repair: str, repaired: str = ""
) -> Entry:
    return Entry(
        code=code,
        severity=Severity.ERROR,
        title=title,
        why=why,
        example=example,
        repair=repair,
        repaired=repaired,
    )


_REFUSED = "A file that is not HuJSON is refused as a whole; the policy in force stays."

_STRUCTURE = (
    _entry(
        "unexpected-token",
        "something stands where something else belongs",
        why=_REFUSED,
        example='{"groups": {"group:ops": "alice@example.com": []}}\n',
        repair="Write what the message says is expected.",
        repaired='{"groups": {"group:ops": ["alice@example.com"]}}\n',
    ),
    _entry(
        "missing-comma",
        "no comma between two members or elements",
        why=_REFUSED,
        example='{"hosts": {"db": "100.64.0.1" "web": "100.64.0.2"}}\n',
        repair="Put a comma after each member and element. After the last one it is optional.",
        repaired='{"hosts": {"db": "100.64.0.1", "web": "100.64.0.2"}}\n',
    ),
    _entry(
        "missing-colon",
        "no colon between a name and its value",
        why=_REFUSED,
        example='{"hosts": {"db" "100.64.0.1"}}\n',
        repair="Write a colon after the name; a name alone is no member.",
        repaired='{"hosts": {"db": "100.64.0.1"}}\n',
    ),
    _entry(
        "missing-value",
        "no value after a colon",
        why=_REFUSED,
        example='{"acls": , "hosts": {}}\n',
        repair="Write a value, or delete the member.",
        repaired='{"acls": [], "hosts": {}}\n',
    ),
    _entry(
        "bad-name",
        "a name that is not a string",
        why=_REFUSED,
        example='{"hosts": {100: "100.64.0.1"}}\n',
        repair="Write the name in double quotes.",
        repaired='{"hosts": {"100": "100.64.0.1"}}\n',
    ),
    _entry(
        "double-comma",
        "nothing between two commas",
        why="Either an entry was deleted and its comma left behind, or an entry is missing.",
        example='{"acls": [],, "hosts": {}}\n',
        repair="Delete one of the commas.",
        repaired='{"acls": [], "hosts": {}}\n',
    ),
    _entry(
        "stray-comma",
        "a comma right after an opening bracket",
        why="A trailing comma needs an element before it: `[,]` and `{,}` are refused.",
        example='{"acls": [,]}\n',
        repair="Delete the comma.",
        repaired='{"acls": []}\n',
    ),
    _entry(
        "unclosed-bracket",
        "the file ends within an object or array",
        why=_REFUSED,
        example='{"acls": [\n',
        repair="Close the bracket where its content ends; the label shows where it was opened.",
        repaired='{"acls": [\n]}\n',
    ),
    _entry(
        "mismatched-bracket",
        "a closing bracket without an opening one of its kind",
        why="About the other brackets that are open there nothing can be said for sure. Further "
        "mistakes may show when this one is repaired.",
        example='{"acls": [}\n',
        repair="Close the brackets in the reverse order of their opening.",
        repaired='{"acls": []}\n',
    ),
    _entry(
        "trailing-content",
        "something follows the value of the file",
        why="A file holds one value. What follows it would be ignored, rules included.",
        example='{"acls": []}\n{"hosts": {}}\n',
        repair="Merge the values into one, or delete what follows.",
        repaired='{"acls": [], "hosts": {}}\n',
    ),
    _entry(
        "empty-document",
        "the file holds no value",
        why="An empty file is not an empty policy.",
        example="// nothing but this\n",
        repair="Write an object, `{}` at least.",
        repaired="{} // nothing but this\n",
    ),
    _entry(
        "too-many-errors",
        "the rest of the file was not looked at",
        why="With 50 syntax errors a file is hardly meant to be HuJSON. An example would need as "
        "many mistakes.",
        example="",
        repair="Repair the errors before this one first.",
    ),
)

_LITERALS = (
    _entry(
        "unclosed-string",
        "a string that its line does not close",
        why=_REFUSED,
        example='{"hosts": {"db": "100.64.0.1}}\n',
        repair="Put a double quote at its end. A line break within a string is written `\\n`.",
        repaired='{"hosts": {"db": "100.64.0.1"}}\n',
    ),
    _entry(
        "bad-escape",
        "an unknown escape in a string",
        why=_REFUSED,
        example='{"tests": ["\\x41"]}\n',
        repair='Use the escapes of JSON: `\\"`, `\\\\`, `\\/`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t` '
        "and `\\u` with four hexadecimal digits.",
        repaired='{"tests": ["\\u0041"]}\n',
    ),
    _entry(
        "control-character",
        "a raw control character in a string",
        why=_REFUSED,
        example='{"hosts": {"a\tb": "100.64.0.1"}}\n',
        repair="Write the character as an escape.",
        repaired='{"hosts": {"a\\tb": "100.64.0.1"}}\n',
    ),
    _entry(
        "lone-surrogate",
        "half of a surrogate pair",
        why="Half of a pair is no character. Programs disagree on what it becomes, so two of them "
        "could read two different names.",
        example='{"hosts": {"\\ud83d": "100.64.0.1"}}\n',
        repair="Write the character itself, or the escapes of both halves.",
        repaired='{"hosts": {"\\ud83d\\ude00": "100.64.0.1"}}\n',
    ),
    _entry(
        "bad-number",
        "a number that JSON does not have",
        why="JSON has no leading zeros, no plus sign, no hexadecimal numbers and no NaN, and it "
        "needs digits on both sides of a decimal point.",
        example='{"randomizeClientPort": 0x1}\n',
        repair="Write the number in decimal. Put it in double quotes if it is a string.",
        repaired='{"randomizeClientPort": 1}\n',
    ),
    _entry(
        "bad-literal",
        "a word that is no value",
        why=_REFUSED,
        example='{"randomizeClientPort": True}\n',
        repair="The only words are `true`, `false` and `null`. Put strings in double quotes.",
        repaired='{"randomizeClientPort": true}\n',
    ),
    _entry(
        "odd-quotes",
        "a string in quotes that are not double quotes",
        why="Text that was copied from a web page or a word processor may have curved quotes.",
        example="{“acls”: []}\n",
        repair='Use `"`.',
        repaired='{"acls": []}\n',
    ),
    _entry(
        "json5-single-quotes",
        "a string in single quotes",
        why="JSON5 and JavaScript allow them, HuJSON does not.",
        example="{'acls': []}\n",
        repair='Use `"`.',
        repaired='{"acls": []}\n',
    ),
    _entry(
        "json5-unquoted-key",
        "a name without quotes",
        why="JSON5 and JavaScript allow it, HuJSON does not.",
        example="{acls: []}\n",
        repair="Put the name in double quotes.",
        repaired='{"acls": []}\n',
    ),
)

_MARKS = (
    _entry(
        "unclosed-comment",
        "a block comment without an end",
        why="All that follows is comment, so nothing more is said about the file.",
        example='{"acls": []} /* open\n',
        repair="End it with `*/`. Block comments do not nest.",
        repaired='{"acls": []} /* closed */\n',
    ),
    _entry(
        "comment-without-line-feed",
        "the file ends within a line comment",
        why="A line comment ends with a line feed. The end of the file is none, and neither is a "
        "carriage return alone.",
        example='{"acls": []} // rules',
        repair="End the last line.",
        repaired='{"acls": []} // rules\n',
    ),
    _entry(
        "hash-comment",
        "a comment that begins with a hash",
        why="YAML and Python have such comments, HuJSON does not.",
        example='{"acls": []} # rules\n',
        repair="Begin the comment with `//`.",
        repaired='{"acls": []} // rules\n',
    ),
    _entry(
        "unexpected-character",
        "a character that means nothing in HuJSON",
        why="Text that was copied from elsewhere may hold white space that only looks like a "
        "space.",
        example='{"acls":\u00a0[]}\n',
        repair="Replace it by a space, or delete it.",
        repaired='{"acls": []}\n',
    ),
    _entry(
        "byte-order-mark",
        "a byte order mark",
        why="Some editors put it in front of a file. The control plane refuses it.",
        example='\ufeff{"acls": []}\n',
        repair="Save the file as UTF-8 without a byte order mark.",
        repaired='{"acls": []}\n',
    ),
    _entry(
        "not-utf-8",
        "bytes that are not UTF-8",
        why="HuJSON is UTF-8, in comments too. No text can show this, only a file of bytes.",
        example="",
        repair="Save the file as UTF-8.",
    ),
)

_LIMITS = (
    _entry(
        "limit-bytes",
        "the file is larger than allowed",
        why="Files of others must not take all memory. An example would fill pages.",
        example="",
        repair="Split the file, or raise the limit for files that you trust.",
    ),
    _entry(
        "limit-depth",
        "brackets are nested deeper than allowed",
        why="No policy needs 128 levels.",
        example="[" * 129 + "]" * 129 + "\n",
        repair="Close the brackets that were left open.",
        repaired="[" * 128 + "]" * 128 + "\n",
    ),
    _entry(
        "limit-tokens",
        "the file has more tokens than allowed",
        why="Files of others must not take all memory. An example would fill pages.",
        example="",
        repair="Split the file, or raise the limit for files that you trust.",
    ),
)

SYNTAX: tuple[Entry, ...] = (*_STRUCTURE, *_LITERALS, *_MARKS, *_LIMITS)
