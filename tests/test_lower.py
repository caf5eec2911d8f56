"""From the tree to the policy: keys, types, null, places and budgets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from aclkit.checking import check
from aclkit.diagnostics import Diagnostic, PolicyError
from aclkit.limits import Limits
from aclkit.policy.load import load_policy
from aclkit.policy.model import AclRule, Policy
from aclkit.policy.selectors import Selector
from aclkit.source import Span
from aclkit.target import SelectorKind
from tests.test_expectations import SOUND, read_case

K = SelectorKind


def refused(text: str, target: str = "tailscale", limits: Limits | None = None) -> PolicyError:
    with pytest.raises(PolicyError) as found:
        load_policy(text, target, limits=limits or Limits())
    return found.value


def codes(text: str, target: str = "tailscale") -> list[str]:
    return [found.code for found in refused(text, target).diagnostics]


def underlined(text: str, found: Diagnostic) -> str:
    assert found.primary.span is not None
    return text[found.primary.span.start : found.primary.span.end]


def test_an_absent_section_differs_from_an_empty_one() -> None:
    assert load_policy("{}").acls is None
    assert load_policy('{"acls": null}').acls is None
    assert load_policy('{"acls": []}').acls == ()
    assert load_policy('{"grants": []}').grants == ()
    assert load_policy("{}").groups == ()


def test_a_rule_is_read_field_by_field() -> None:
    text = (
        '{"tagOwners": {"tag:web": []}, "acls": [{"action": "accept", "proto": "TCP", '
        '"src": ["alice@example.com", "10.1.2.3/8"], "dst": ["tag:web:80,8000-8100"]}]}'
    )
    (rule,) = load_policy(text).acls or ()
    assert rule.action is not None
    assert rule.action.value == "accept"
    assert rule.proto is not None
    assert (rule.proto.text, rule.proto.numbers) == ("tcp", (6,))
    assert [(each.kind, each.text) for each in rule.src] == [
        (K.USER, "alice@example.com"),
        (K.CIDR, "10.0.0.0/8"),
    ]
    (destination,) = rule.dst
    assert destination.selector.text == "tag:web"
    assert destination.ports == ((80, 80), (8000, 8100))
    assert text[destination.ports_span.start : destination.ports_span.end] == "80,8000-8100"
    assert text[rule.src[0].span.start : rule.src[0].span.end] == "alice@example.com"
    assert text[rule.span.start] == "{"
    assert text[rule.span.end - 1] == "}"


def test_old_and_new_names_of_fields_give_the_same_policy() -> None:
    old = '{"acls": [{"action": "accept", "users": ["*"], "ports": ["*:22"]}]}'
    new = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22"]}]}'
    assert load_policy(old).acls == load_policy(new).acls
    old_test = '{"tests": [{"user": "a@b", "allow": ["c@d:1"]}]}'
    new_test = '{"tests": [{"src": "a@b", "accept": ["c@d:1"]}]}'
    assert load_policy(old_test).tests == load_policy(new_test).tests


@pytest.mark.parametrize("key", ["acls", "ACLs", "Acls", "aCLS"])
def test_the_case_of_a_field_does_not_count(key: str) -> None:
    assert load_policy(f'{{"{key}": []}}').acls == ()


def test_the_case_of_a_name_counts() -> None:
    policy = load_policy('{"groups": {"group:a": [], "group:A": []}, "hosts": {"B": "10.0.0.1"}}')
    assert [group.name.value for group in policy.groups] == ["group:a", "group:A"]
    assert [host.name.value for host in policy.hosts] == ["B"]


def test_no_field_is_known_by_the_name_that_python_gives_it() -> None:
    for key in ("src_posture", "span", "check_period"):
        assert codes(f'{{"acls": [{{"{key}": [], "action": "accept"}}]}}') == ["unknown-field"]
    assert codes('{"tag_owners": {}}') == ["unknown-field"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = '{"groups": [], "hosts": {"a": 1}, "acls": [{"x": 1, "src": "*"}], "y": 1}'
    assert codes(text) == [
        "wrong-type",
        "wrong-type",
        "unknown-field",
        "wrong-type",
        "unknown-field",
    ]


def test_a_part_of_a_text_with_escapes_is_not_told_apart() -> None:
    plain = '{"acls": [{"action": "accept", "src": [], "dst": ["tag:web:ssh"]}]}'
    escaped = plain.replace("tag:web:ssh", r"tag:w\u0065b:ssh")
    assert underlined(plain, refused(plain).diagnostics[0]) == "ssh"
    assert underlined(escaped, refused(escaped).diagnostics[0]) == r'"tag:w\u0065b:ssh"'


def test_characters_beyond_the_basic_plane_keep_places_exact() -> None:
    text = '{"groups": {"group:😀": ["a@b", "group:x"]}}'
    assert underlined(text, refused(text).diagnostics[0]) == "group:x"


def test_a_duplicate_shows_where_the_first_one_is() -> None:
    text = '{"hosts": {"a": "10.0.0.1",\n"a": "10.0.0.2"}}'
    (found,) = refused(text).diagnostics
    (first,) = found.related
    assert found.primary.span == Span(text.rindex('"a"') + 1, text.rindex('"a"') + 2)
    assert first.span == Span(text.index('"a"') + 1, text.index('"a"') + 2)
    assert found.control_plane == 'duplicate name "a" in object (lines 1:13 and 2:2)'


def test_of_ipset_operations_the_order_is_kept() -> None:
    text = '{"ipsets": {"ipset:a": ["add 10.0.0.0/8", "remove 10.1.0.0/16", "add 10.1.1.1"]}}'
    (ipset,) = load_policy(text).ipsets
    assert [(adds, each.text) for adds, each in ipset.operations] == [
        (True, "10.0.0.0/8"),
        (False, "10.1.0.0/16"),
        (True, "10.1.1.1"),
    ]
    assert ipset.removes


def test_more_rules_than_allowed_are_one_error_at_the_first_too_many() -> None:
    rule = '{"action": "accept", "src": ["*"], "dst": ["*:1"]}'
    text = f'{{"acls": [{", ".join([rule] * 9)}], "tests": [{{}}, {{}}]}}'
    assert load_policy(text, limits=Limits(rules=11)).acls
    (found,) = refused(text, limits=Limits(rules=10)).diagnostics
    assert found.code == "limit-rules"
    assert found.primary.span == Span(text.rindex("{}"), text.rindex("{}") + 2)


def test_more_names_than_allowed_are_one_error() -> None:
    text = '{"groups": {"group:a": ["a@b", "c@d"], "group:b": ["a@b"]}}'
    assert load_policy(text, limits=Limits(members=5)).groups
    (found,) = refused(text, limits=Limits(members=4)).diagnostics
    assert found.code == "limit-members"
    assert underlined(text, found) == '["a@b"]'


def test_ipsets_are_charged_for_what_they_name() -> None:
    ipsets = ", ".join(f'"ipset:s{at}": ["ipset:s{at + 1}", "10.0.{at}.0/31"]' for at in range(200))
    text = f'{{"ipsets": {{{ipsets}, "ipset:s200": ["10.1.0.0/16"]}}}}'
    assert load_policy(text).ipsets
    (found,) = refused(text, limits=Limits(expansions=10_000)).diagnostics
    assert found.code == "limit-expansions"
    assert underlined(text, found).startswith("ipset:s")


def with_comments(text: str) -> str:
    """Return *text* with a comment at each of its spaces and line ends outside of strings."""
    parts = text.split('"')
    for at in range(0, len(parts), 2):
        parts[at] = parts[at].replace(" ", " /* , */ ").replace("\n", "// ]\n")
    return '"'.join(parts)


def bare(policy: Policy) -> Policy:
    """Return *policy* without its text."""
    fields = {name: getattr(policy, name) for name in Policy.__slots__}
    return Policy(**{**fields, "source": policy.source.__class__("", "")})


PLAIN = [
    path for path in SOUND if '\\"' not in path.read_text(encoding="utf-8")
    and "//" not in path.read_text(encoding="utf-8").replace("https://", "")
    and "/*" not in path.read_text(encoding="utf-8")
]  # fmt: skip


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_comments_change_nothing(path: Path) -> None:
    case = read_case(path)
    commented = with_comments(case.text)
    assert commented != case.text
    assert bare(load_policy(commented, case.target)) == bare(load_policy(case.text, case.target))


def test_there_are_policies_to_put_comments_in() -> None:
    assert len(PLAIN) >= 20


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_policy_survives_pickling(path: Path) -> None:
    case = read_case(path)
    policy = load_policy(case.text, case.target)
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_the_places_of_selectors_do_not_count_in_comparisons() -> None:
    first = Selector(K.TAG, "tag:a", Span(1, 6))
    assert first == Selector(K.TAG, "tag:a", Span(7, 12))
    assert AclRule(span=Span(0, 1), src=(first,)) == AclRule(span=Span(2, 3), src=(first,))


@pytest.mark.parametrize(
    "text", ["[]", '"x"', "1", "null", "true", "{}", '{"acls": {}}', '{"acls": [[]]}']
)
def test_any_json_is_a_policy_or_refused(text: str) -> None:
    report = check(text)
    assert report.accepted == (text == "{}")
