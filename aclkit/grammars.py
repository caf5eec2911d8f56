"""Find the grammars and build Lark parsers from them.

A wheel carries the grammars inside the package (`aclkit/_grammar`). A checkout, also when installed
as editable, has them beside it (`grammar`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lark import Lark, Transformer


def _folders() -> tuple[Path, ...]:
    """Return the places where the grammars can be, the best first."""
    package = Path(__file__).resolve().parent
    return package / "_grammar", package.parent / "grammar"


def grammar_text(name: str) -> str:
    """Return the text of the grammar *name*, such as ``hujson``.

    Raises:
        FileNotFoundError: the grammar is in none of the places where it belongs, which means that
            the installation is broken.
    """
    folders = _folders()
    for folder in folders:
        file = folder / f"{name}.lark"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    places = " nor in ".join(str(folder) for folder in folders)
    raise FileNotFoundError(
        f"the grammar {name}.lark is not in {places}: aclkit is not installed completely"
    )


def build_parser(name: str, transformer: Transformer[Any, Any] | None = None) -> Lark:
    """Build a new parser of the grammar *name*, which takes some ten milliseconds.

    The *transformer* is applied while parsing. It is shared by all threads that share the parser,
    so it must not hold state. Whoever needs a parser more than once keeps it with
    `functools.cache`; Lark's own cache would unpickle files of the folder for temporary files.
    """
    from lark import Lark

    return Lark(
        grammar_text(name),
        parser="lalr",
        lexer="basic",
        transformer=transformer,
        maybe_placeholders=False,
    )
