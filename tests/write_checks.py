"""Writes docs/checks.md and docs/mistakes.md: `python -m tests.write_checks`.

The pages show what aclkit prints; `tests/test_catalogue.py` fails when they are out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aclkit.catalogue import SECTIONS
from aclkit.catalogue.entry import Entry
from aclkit.catalogue.ignores import IGNORES
from aclkit.checking import Report, check
from aclkit.policy.lint.checks import LINT_CODES
from aclkit.report.display import visible
from aclkit.report.style import Style
from aclkit.report.text import render
from aclkit.target import find_target

ROOT = Path(__file__).resolve().parent.parent
CHECKS = ROOT / "docs" / "checks.md"
MISTAKES = ROOT / "docs" / "mistakes.md"
EXAMPLES = sorted((Path(__file__).resolve().parent / "data" / "mistakes").glob("*.hujson"))

_CHECKS_HEAD = """\
# Checks

Every code that aclkit reports, with an example, what is printed for it, why it matters and what to
do. `aclkit explain CODE` says the same in a terminal. Codes are stable.

An error means that the target refuses the file; a warning, that it takes it.

Written by `python -m tests.write_checks` from `aclkit/catalogue`.
"""

_MISTAKES_HEAD = """\
# Ten mistakes

Policies as people write them, each with a mistake that many have made, and what aclkit prints.

Written by `python -m tests.write_checks` from `tests/data/mistakes`.
"""


def checks_page() -> str:
    """Return the text of docs/checks.md."""
    parts = [_CHECKS_HEAD, *_contents()]
    for heading, entries in SECTIONS.items():
        parts.append(f"## {heading}\n")
        for entry in sorted(entries, key=lambda entry: entry.code):
            parts.extend(_check(entry))
    return "\n".join(parts)


def _contents() -> Iterator[str]:
    for heading, entries in SECTIONS.items():
        codes = sorted(entry.code for entry in entries)
        links = ",\n".join(f"[{code}](#{code})" for code in codes)
        yield f"**{heading}:**\n{links}\n"


def _check(entry: Entry) -> Iterator[str]:
    target = find_target(entry.target)
    said = entry.severity.value
    if target.name != "tailscale":
        said += f", {target.title}"
    yield f"### {entry.code}\n"
    yield f"{entry.title[0].upper()}{entry.title[1:]} ({said}). {entry.why}\n"
    if entry.example:
        yield _fence("hujson", _shown(entry.example))
        yield _fence("text", _said(report_on(entry.example, entry)))
    yield f"{entry.repair}\n"
    if entry.repaired:
        yield _fence("hujson", _shown(entry.repaired))


def mistakes_page() -> str:
    """Return the text of docs/mistakes.md."""
    parts = [_MISTAKES_HEAD]
    for path in EXAMPLES:
        head, brace, body = path.read_text(encoding="utf-8").partition("{")
        title, *story = (line.removeprefix("//").strip() for line in head.strip().split("\n"))
        parts += [f"## {title}\n", "\n".join(story) + "\n"]
        said = _said(check(brace + body, ignore=LINT_CODES))
        parts += [_fence("hujson", brace + body), _fence("text", said)]
    return "\n".join(parts)


def report_on(text: str, entry: Entry) -> Report:
    """Return the report on the example of *entry*, which need not have all that lint asks for."""
    if entry in IGNORES:
        return check(text, target=entry.target)  # a code that is off can't be ignored
    lint = {entry.code} & LINT_CODES
    return check(text, target=entry.target, ignore=LINT_CODES - lint, select=lint)


def _said(report: Report) -> str:
    return render([report], Style(quiet=True))


def _shown(text: str) -> str:
    """Return *text* with what can't be seen written out."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _fence(language: str, text: str) -> str:
    end = "" if text.endswith("\n") else "\n"
    return f"```{language}\n{text}{end}```\n"


def main() -> None:
    """Write both pages."""
    CHECKS.write_text(checks_page(), encoding="utf-8")
    MISTAKES.write_text(mistakes_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
