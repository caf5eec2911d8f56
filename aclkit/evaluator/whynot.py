"""Why something does not get through: reasons for examples of all that is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice

from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.device_reasons import default_posture, of_devices
from aclkit.evaluator.edits import is_declared
from aclkit.evaluator.grounds import Ends
from aclkit.evaluator.query import Pair, Question
from aclkit.evaluator.reasons import WhyNot, in_order
from aclkit.evaluator.region_reasons import from_region, to_region
from aclkit.evaluator.sides import Side
from aclkit.target import SelectorKind

EXAMPLES = 64
"""How many examples are looked at; pairs that no rule tells apart need one between them."""


def why_not(question: Question) -> tuple[WhyNot, ...]:
    """Return the reasons of a no, the nearest miss first, each code and rule once."""
    return in_order(_reasons(question))


def _reasons(question: Question) -> Iterator[WhyNot]:
    for side, what in ((question.src, "source"), (question.dst, "destination")):
        yield from nobody(side, what, question.rules)
    stopped = (answer.of for answer in question.answers() if not answer.passes)
    for each in islice(stopped, EXAMPLES):
        yield from _of_pair(question, each.example())
    if question.stopped:
        yield from default_posture(question.src, question.rules)


def _of_pair(question: Question, pair: Pair) -> Iterator[WhyNot]:
    if not pair.over4 and not pair.over6:
        src, dst = Ends(question.rules, pair).names
        message = f"{src} and {dst} have no address family in common"
        yield WhyNot("no-common-family", message)
    elif pair.behind is not None and pair.src is None:
        yield from from_region(question, pair.behind)
    elif pair.beyond is not None:
        yield from to_region(question, pair, pair.beyond)
    else:
        yield from of_devices(question, pair)


def nobody(side: Side, what: str, rules: CompiledRules) -> Iterator[WhyNot]:
    """Yield that a side stands for nothing, if it does."""
    if not side.is_empty:
        return
    message = f"no device is `{side.text}`, the {what}"
    is_tag = side.selector is not None and side.selector.kind is SelectorKind.TAG
    if is_tag and not is_declared(side.text, rules):
        known = [tag.name.value for tag in rules.policy.tag_owners]
        near = get_close_matches(side.text, known, n=1)
        message += ", and `tagOwners` does not have that tag"
        message += f"; did you mean `{near[0]}`?" if near else ""
    yield WhyNot("no-such-device", message)
