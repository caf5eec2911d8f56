"""
Reports on policies that want to do harm: whatever their author can choose holds any character.

The findings are those of the checks; a few are made by hand, so that each part of a finding holds
such text, also where today's checks put none.
"""

from __future__ import annotations

import json

from hypothesis import strategies as st

import aclkit
from aclkit.checking import Report, TestFailure, TestResult
from aclkit.diagnostics import Diagnostic, Label, Severity
from aclkit.source import Source, Span
from tests.render_cases import report

# What means something in XML, in Markdown, in workflow commands, in SARIF and to a terminal.
PIECES = [
    *("`", "``", "|", "\\", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\u202e", "\ufffe", "]]>", "  "),
    *("<b>", "<!--", "&lt;", "[x](1)", "![x](y)", "https://x.test", "www.x.test", "@team", "#1"),
    *("::error::x", "%0A", "##[add-mask]x", ":", ",", "%", "{0}", "{", "*x*", "_x_", "~~", "---"),
    *("é", "設", "𝔘", "a", "tag:web", "alice@example.com", "group:eng"),
]
NAMES = [
    *("policy.hujson", "./a/b c.hujson", "<stdin>", "::error::x.hujson", "a|b`c\\|.hujson"),
    *("/root/ü.hujson", "a:b,c%.hujson", "\x1b[31m.hujson", "half\udcff.hujson", "##[group]x"),
]

# Marks are left out: whether one is shown depends on the character before it.
CHARACTERS = st.characters(exclude_categories=("Cs", "Mn", "Me", "Mc"))
pieces = st.sampled_from(PIECES)
words = st.builds("".join, st.tuples(pieces, pieces, st.text(CHARACTERS, max_size=3))) | pieces


@st.composite
def policies(draw: st.DrawFn) -> str:
    """Draw a policy with any words in it, in the place of names, or no policy at all."""
    if draw(st.integers(0, 4)) == 0:
        return draw(words)
    policy = {
        "tagOwners": {"tag:web": []},
        "acls": [
            {"action": "accept", "src": [draw(words)], "dst": [f"{draw(words)}:22"]}
            for _ in range(draw(st.integers(0, 2)))
        ],
        "tests": [
            {"src": draw(words | st.just("alice@example.com")), "accept": ["tag:web:22"]}
            for _ in range(draw(st.integers(0, 2)))
        ],
    }
    return json.dumps(policy, ensure_ascii=draw(st.booleans()), indent=1)


@st.composite
def handmade(draw: st.DrawFn) -> Report:
    """Draw a report in which each part of a finding holds any words."""
    text = draw(words)
    offsets = st.integers(0, len(text))

    def span() -> Span:
        start, end = sorted((draw(offsets), draw(offsets)))
        return Span(start, end)

    def label() -> Label:
        # Beyond the text: what the bytes that gave no text are told to hold.
        where = draw(st.sampled_from([span(), None, Span(len(text) + 1, len(text) + 2)]))
        return Label(where, draw(words), draw(words) if where is None else "")

    diagnostics = [
        Diagnostic(
            draw(st.sampled_from(["undefined-group", "unused-host"])),
            draw(st.sampled_from(Severity)),
            draw(words) + "?",
            label(),
            tuple(Label(span(), draw(words)) for _ in range(draw(st.integers(0, 1)))),
            draw(st.none() | words),
            draw(st.none() | words),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    failures = [
        TestFailure(draw(words), "accept", draw(st.sampled_from(["deny", ""])), draw(words), span())
        for _ in range(draw(st.integers(0, 2)))
    ]
    tests = (
        TestResult("tests", 0, draw(words), not failures, span(), tuple(failures)),
        TestResult("sshTests", 0, draw(words), True, span()),
    )
    source = Source(draw(st.sampled_from(NAMES)), text)
    return report(source, *diagnostics, tests=tests, assumptions=(f"assumed {draw(words)}",))


def checked() -> st.SearchStrategy[Report]:
    """Return reports of the checks."""
    return st.builds(
        lambda text, name: aclkit.check(text, filename=name), policies(), st.sampled_from(NAMES)
    )


def several() -> st.SearchStrategy[list[Report]]:
    """Return reports on up to two files, which may have one name."""
    return st.lists(checked() | handmade(), max_size=2)


def findings_told(reports: list[Report]) -> list[tuple[str, str]]:
    """Return severity and code of all that a report must tell, in order."""
    told: list[tuple[str, str]] = []
    for each in reports:
        told += [(found.severity.value, found.code) for found in each.diagnostics]
        told += [("error", "failed-test") for test in each.tests for _ in test.failures]
    return told
