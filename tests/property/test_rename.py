"""Renaming against a textual oracle: in drawn policies no name is part of another word."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.hujson import parse
from aclkit.hujson.edit import apply_edits
from aclkit.limits import Limits
from aclkit.policy.lower import lower_policy
from aclkit.policy.model import Policy
from aclkit.policy.rename import rename
from aclkit.target import TAILSCALE, SelectorKind
from tests.property.documents import EXTRAS, dress
from tests.property.strategies import ALL, GROUPS, HOSTS, TAGS, policies, tailnets

K = SelectorKind

NAMES = [
    *((K.GROUP, name, "group:renamed") for name in GROUPS),
    *((K.TAG, name, "tag:renamed-one") for name in TAGS),
    *((K.HOST, name, "x") for name in HOSTS),
    *((K.IPSET, name, "ipset:é") for name in ("ipset:inner", "ipset:outer")),
]


def replaced(value: Any, old: str, new: str) -> Any:
    """Return *value* with the name replaced in each string and key, whatever ports follow it."""
    match value:
        case dict():
            return {replaced(k, old, new): replaced(v, old, new) for k, v in value.items()}
        case list():
            return [replaced(each, old, new) for each in value]
        case str():
            return re.sub(
                rf"(?<![\w:-])((?:\w+ )?(?:host:)?){re.escape(old)}(?=:|$)", rf"\1{new}", value
            )
        case _:
            return value


def lowered(text: str) -> Policy:
    return lower_policy(parse(text), TAILSCALE, Limits(), [])


@st.composite
def dressed_policies(draw: st.DrawFn) -> tuple[Any, str]:
    policy = draw(policies(draw(tailnets()), features=ALL))
    extras = draw(st.lists(st.one_of(EXTRAS, st.sampled_from(NAMES).map(mention)), min_size=1))
    return policy, dress(policy, itertools.cycle(extras), itertools.cycle([True, False]))


def mention(name: tuple[K, str, str]) -> str:
    return f"/* {name[1]} */"


@settings(max_examples=20)
@given(dressed_policies(), st.sampled_from(NAMES))
def test_renaming_and_reading_commute(drawn: tuple[Any, str], name: tuple[K, str, str]) -> None:
    policy, text = drawn
    kind, old, new = name
    if kind is K.IPSET and old not in policy.get("ipsets", ()):
        return
    renaming = rename(parse(text), kind, old, new)
    after = apply_edits(text, renaming.edits)
    assert {text[edit.span.start : edit.span.end] for edit in renaming.edits} == {old}
    assert renaming.left == ()

    expected = lowered(json.dumps(replaced(policy, old, new)))
    found = lowered(after)
    for field in Policy.__dataclass_fields__.values():
        if field.compare and field.name != "source":
            assert getattr(found, field.name) == getattr(expected, field.name)

    back = rename(parse(after), kind, new, old)
    assert apply_edits(after, back.edits) == text
