"""Characters that make a text look like another one: turned around, invisible, from another script.

They are looked for also where the text is no policy: a name that is undefined because one of its
letters is Cyrillic shows nothing of it. An escape can be seen, so what is invisible may be written
as one; a name that looks like another one stays so wherever it is shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from aclkit.diagnostics import Diagnostic, Label, warning
from aclkit.hujson.parser import pieces
from aclkit.policy.lint.linting import strings
from aclkit.policy.text import Text
from aclkit.source import Source, Span

# Embeddings, overrides and isolates, and what ends them: they move what stands after them. The
# marks U+200E, U+200F and U+061C do not, and comments in Arabic or Hebrew need them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")

# Format characters, fillers and odd white space. Joiners are left alone between characters beyond
# ASCII, where emoji and several scripts need them.
_INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000-\u200b\u200e\u200f"
    "\u2028\u2029\u202f\u205f-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
    "|(?<=[\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\x00-\x7f])"
)

ENOUGH = 100

_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

# Scripts with letters that look like those of another one of them.
_ALIKE = {"LATIN": "Latin", "CYRILLIC": "Cyrillic", "GREEK": "Greek", "ARMENIAN": "Armenian",
          "CHEROKEE": "Cherokee", "COPTIC": "Coptic"}  # fmt: skip

# Letters of those scripts, by the Latin letter that they can't be told from.
_TWINS = {
    "A": "\u0410\u0391", "B": "\u0412\u0392", "C": "\u0421\u03f9", "E": "\u0415\u0395",
    "F": "\u03dc", "G": "\u050c", "H": "\u041d\u0397", "I": "\u0406\u0399", "J": "\u0408\u037f",
    "K": "\u041a\u039a", "M": "\u041c\u039c", "N": "\u039d", "O": "\u041e\u039f\u0555",
    "P": "\u0420\u03a1", "Q": "\u051a", "S": "\u0405\u054f", "T": "\u0422\u03a4", "W": "\u051c",
    "X": "\u0425\u03a7", "Y": "\u04ae\u03a5", "Z": "\u0396",
    "a": "\u0430\u03b1", "c": "\u0441\u03f2", "d": "\u0501", "e": "\u0435", "g": "\u0581",
    "h": "\u04bb\u0570", "i": "\u0456\u03b9", "j": "\u0458\u03f3", "l": "\u04cf", "n": "\u0578",
    "o": "\u043e\u03bf\u0585", "p": "\u0440\u03c1", "q": "\u051b", "s": "\u0455",
    "u": "\u057d\u03c5", "v": "\u03bd\u0475", "w": "\u051d\u0461", "x": "\u0445\u03c7",
    "y": "\u0443\u04af",
}  # fmt: skip
_LATIN = {ord(twin): letter for letter, twins in _TWINS.items() for twin in twins}


def turned_texts(source: Source) -> Iterator[Diagnostic]:
    """Find characters that turn the direction of a line, the first of each line.

    Lines beyond `ENOUGH` are not told of: by then nobody trusts the file.
    """
    if source.text.isascii():
        return
    first_of_lines: dict[int, int] = {}
    for match in _TURNING.finditer(source.text):
        first_of_lines.setdefault(source.position(match.start()).line, match.start())
        if len(first_of_lines) == ENOUGH:
            break
    for at in first_of_lines.values():
        yield warning(
            "bidirectional-control",
            f"the character {_named(source.text[at])} makes this line look other than it is read",
            Span(at, at + 1),
            help="remove it; where a name needs it, write it as an escape",
        )


def invisible_characters(source: Source) -> Iterator[Diagnostic]:
    """Find characters in strings that can't be seen, the first of each string."""
    if source.text.isascii():
        return
    for kind, start, end in pieces(source.text):
        match = _INVISIBLE.search(source.text, start + 1, end - 1) if kind == "STRING" else None
        if match is not None:
            found = _named(match.group())
            yield warning(
                "invisible-character",
                f"this string holds the character {found}, which can't be told from nothing"
                if unicodedata.category(match.group()) != "Zs"
                else f"this string holds the character {found}, which looks like a space",
                Span(*match.span()),
                help="remove it; where it is meant, write it as an escape",
            )


def lookalike_names(source: Source) -> Iterator[Diagnostic]:
    """Find strings that look like another name of the file, or that mix scripts in one word."""
    if source.text.isascii() and "\\u" not in source.text:
        return
    texts = {text.value: text for text in reversed(list(strings(source)))}
    names: dict[str, Text] = {}
    # Those in ASCII first: the other one is the strange one, wherever it stands.
    for text in sorted(texts.values(), key=lambda text: (not text.value.isascii(), text.span)):
        forms = _forms(text)
        hidden = _TURNING.search(text.value) or _INVISIBLE.search(text.value)
        if not text.value.isascii() and not hidden:
            known = ((name, names[look]) for look, name in forms if look in names)
            twin = next((found for name, found in known if found != name), None)
            yield from _strange(text, twin)
        for look, name in forms:
            names.setdefault(look, name)


def _forms(text: Text) -> list[tuple[str, Text]]:
    """Return the names that *text* may hold, each with its look: itself, and without ports."""
    host = text.value.rfind(":")
    forms = [text] if host <= 0 else [text, text.part(0, host)]
    return [(_look(name.value), name) for name in forms]


def _strange(text: Text, twin: Text | None) -> Iterator[Diagnostic]:
    at = _first_strange(text.value)
    help = "retype the name"
    if at is not None:
        help += f": its letter {_named(text.value[at])} is none of the Latin alphabet"
    if twin is not None:
        yield warning(
            "lookalike-name",
            f"`{text.value}` looks like `{twin.value}`, but is another name",
            text.span,
            related=[Label(twin.span, "the other name")],
            help=help,
        )
    elif at is not None and (scripts := _mixed(text.value)):
        message = f"a word of `{text.value}` mixes {scripts} letters"
        yield warning("lookalike-name", message, text.part(at, at + 1).span, help=help)


def _look(text: str) -> str:
    """Return what *text* looks like, as far as this tells names apart."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_LATIN))


def _first_strange(text: str) -> int | None:
    """Return where the first letter stands that is no Latin one, but may look like it."""
    for match in _BEYOND_ASCII.finditer(text):
        script = _script(match.group())
        if script in _ALIKE and script != "LATIN":
            return match.start()
    return None


def _mixed(text: str) -> str:
    """Return the scripts of the first word that mixes them; empty when none does."""
    for match in _WORD.finditer(text):
        scripts = sorted({_script(letter) for letter in match.group()} & set(_ALIKE))
        if len(scripts) > 1:
            return " and ".join(_ALIKE[script] for script in scripts)
    return ""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name.lower()})" if name else "")
