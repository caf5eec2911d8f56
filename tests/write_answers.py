"""Writes docs/answers.md: `python -m tests.write_answers`.

The page shows what `aclkit can` prints; `tests/test_reasons.py` fails when it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aclkit.evaluator.reasons import CODES
from tests.answer_scenarios import Scenario, scenarios

ANSWERS = Path(__file__).resolve().parent.parent / "docs" / "answers.md"

_HEAD = """\
# Answers

What `aclkit can` and `CompiledPolicy.query` tell of a question: for a yes the rules, for a no the
reasons, the nearest miss first. Codes are stable.

A source and a destination are a device by name, any selector of the policy language, an address or
a route. The answer is over all pairs of a device of each: ALL, SOME or NONE of them get through. A
device is not asked to reach itself, unless nothing else is.

Each reason of a no has the edit that would let it through: in words, and as the operations of a
JSON patch (`aclkit can --format json`), of the policy or of the tailnet. Nothing is edited. An edit
adds a rule for just what was asked, and never widens one that is there. There is none where no file
can help: no such device, a posture that the device does not meet, no router, a route that is not
offered, no address family in common.

Written by `python -m tests.write_answers` from `tests/data/answers/scenarios`.
"""


def answers_page() -> str:
    """Return the text of docs/answers.md."""
    found = list(scenarios())
    yes = [scenario for scenario in found if scenario.is_yes]
    no = sorted((each for each in found if not each.is_yes), key=lambda each: _place(each.name))
    parts = [_HEAD, "## The reasons of a yes\n"]
    for scenario in yes:
        parts.extend(_shown(f"### {scenario.title}\n", scenario))
    parts += ["## The reasons of a no\n", *_contents()]
    previous = ""
    for scenario in no:
        code = code_of(scenario)
        heading = f"### {code}\n\n{scenario.title}. " if code != previous else f"{scenario.title}. "
        parts.extend(_shown(heading, scenario))
        previous = code
    return "\n".join(parts)


def code_of(scenario: Scenario) -> str:
    """Return the code that a scenario shows: the longest that its name begins with."""
    return max((code for code in CODES if scenario.name.startswith(code)), key=len)


def _place(name: str) -> tuple[int, str]:
    code = max((code for code in CODES if name.startswith(code)), key=len)
    return CODES.index(code), name


def _contents() -> Iterator[str]:
    links = ",\n".join(f"[{code}](#{code})" for code in CODES)
    yield f"From the nearest miss to the farthest:\n{links}\n"


def _shown(heading: str, scenario: Scenario) -> Iterator[str]:
    lead = heading if heading.endswith("\n") else ""
    yield f"{heading}{scenario.story}\n" if not lead else f"{lead}\n{scenario.story}\n"
    yield _fence("hujson", scenario.texts["policy"])
    yield _fence("hujson", scenario.texts["tailnet"])
    yield _fence("text", f"$ {scenario.command}\n{scenario.answer}")


def _fence(language: str, text: str) -> str:
    end = "" if text.endswith("\n") else "\n"
    return f"```{language}\n{text}{end}```\n"


def main() -> None:
    """Write the page."""
    ANSWERS.write_text(answers_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
