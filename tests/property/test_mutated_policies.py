"""Sound policies, mutated: whatever is dropped, doubled or replaced, every place is in the text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aclkit.checking import check
from aclkit.limits import Limits
from aclkit.report.style import Style
from aclkit.report.text import render
from tests.test_expectations import SOUND, read_case

CASES = [read_case(path) for path in SOUND]
WORD = re.compile(r"[\w@.*-]+|[^\w\s]|\s+")
WORDS = [
    '"', ",", ":", "{", "}", "[", "]", "null", "true", "0", "-1", "1e99", "//", "/*", "*/", "\\",
    "\\u0000", "\\ud800", "*", "tag:", "group:", "autogroup:", "autogroup:self", "ipset:", "svc:",
    "host:", "user:*@", "localpart:*@", "posture:", "@", "10.0.0.0/8", "::/0", "1-2-3", "65536",
    "accept", "deny", "check", "src", "dst", "acls", "tests", "😀", "\t", "\r\n", "", "\ufeff",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a policy with some of its words dropped, doubled, swapped or replaced; and a target."""
    case = draw(st.sampled_from(CASES))
    words = WORD.findall(case.text)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        match draw(st.sampled_from(("drop", "double", "replace", "swap", "cut"))):
            case "drop":
                del words[at : at + draw(st.integers(1, 5))]
            case "double":
                words[at:at] = words[at : at + draw(st.integers(1, 5))]
            case "replace":
                words[at] = draw(st.sampled_from(WORDS))
            case "swap":
                other = draw(st.integers(0, len(words) - 1))
                words[at], words[other] = words[other], words[at]
            case _:
                del words[at + 1 :]
        if not words:
            return "", case.target
    target = draw(st.sampled_from((case.target, "tailscale", "headscale@0.29", "headscale@0.25")))
    return "".join(words), target


@given(mutated())
def test_every_finding_of_a_mutated_policy_lies_inside_the_text(policy: tuple[str, str]) -> None:
    text, target = policy
    report = check(text, target=target)
    spans = [
        label.span for found in report.diagnostics for label in (found.primary, *found.related)
    ]
    spans += [failure.span for test in report.tests for failure in test.failures]
    spans += [test.span for test in report.tests]
    for span in spans:
        assert span is not None
        assert 0 <= span.start <= span.end <= len(text)
    errors = any(found.is_error for found in report.diagnostics)
    assert report.accepted == (not errors and all(test.passed for test in report.tests))
    assert (report.refusal is None) == report.accepted
    assert render([report], Style())


@given(mutated(), st.integers(0, 40))
def test_a_limit_gives_one_more_error_and_nothing_worse(policy: tuple[str, str], most: int) -> None:
    text, target = policy
    report = check(text, target=target, limits=Limits(rules=most, members=most, expansions=most))
    over = [found for found in report.diagnostics if found.code.startswith("limit-")]
    assert len(over) <= 1
    assert not over or not report.accepted
