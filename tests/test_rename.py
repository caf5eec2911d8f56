from __future__ import annotations

from pathlib import Path

import pytest

import aclkit
from aclkit.hujson import parse
from aclkit.hujson.edit import apply_edits
from aclkit.policy.rename import RenameError, rename
from aclkit.target import SelectorKind, find_target

K = SelectorKind

POLICY = r"""{
  // tag:web is for group:eng
  "groups": {"group:eng": ["alice@example.com"]},
  "hosts":  {"db": "10.0.0.1", "lan": "10.0.0.0/8",},
  "tagOwners": {"tag:web": ["group:eng"], "tag:db": ["tag:web"]},
  "autoApprovers": {
    "routes": {"10.0.0.0/8": ["tag:web", "group:eng"]},
    "exitNode": ["tag:web"],
    "services": {"tag:web": ["tag:db"]},
  },
  "ipsets": {
    "ipset:lab": ["add host:db", "remove 10.0.0.9"],
    "ipset:all": ["ipset:lab", "host:lan"],
  },
  "attrConfig": {"custom:tier": {"type": "string", "broadcastToPeers": ["tag:web", "group:eng"]}},
  "nodeAttrs": [
    {"target": ["tag:web", "db", "group:eng"], "attr": ["tag:web"]},
    {"target": ["*"], "app": {"tailscale.com/app-connectors": [
      {"name": "tag:web", "connectors": ["tag:web", "tag:db"], "domains": ["db"]},
    ]}},
  ],
  "grants": [
    {"src": ["group:eng"], "dst": ["tag:web", "db", "ipset:lab"], "ip": ["*"]},
    {"src": ["tag:db"], "dst": ["10.0.0.0/8"], "ip": ["*"], "via": ["tag:web"]},
    {"src": ["tag:web"], "dst": ["tag:db"], "app": {"a.io/cap/tag:web": [{"for": "tag:web"}]}},
  ],
  "acls": [
    {"action": "accept", "src": [" tag:web ", "db"], "dst": ["tag:web:443,80", "db:*"]},
    {"action": "accept", "src": ["\u0074ag:we\u0062"], "dst": ["tag:web\u003a22", "d\u0062:22"]},
  ],
  "ssh": [{
    "action": "check", "src": ["group:eng"], "dst": ["tag:web"], "users": ["tag:web", "group:eng"],
    "recorder": ["tag:db"],
  }],
  "tests": [
    {"src": "tag:web", "accept": ["tag:web:443", "db:80"], "deny": ["group:eng:22"]},
    {"src": "db", "accept": ["tag:web:22"]},
  ],
  "sshTests": [{"src": "group:eng", "dst": ["tag:web"], "deny": ["tag:web"]}],
}
"""


def renamed(kind: K, old: str, new: str, text: str = POLICY, target: str = "tailscale") -> str:
    edits = rename(parse(text), kind, old, new, target=find_target(target)).edits
    return apply_edits(text, edits)


def changed_lines(kind: K, old: str, new: str) -> str:
    """Return the lines that changed, as they are now, without blanks at their ends."""
    after = renamed(kind, old, new).splitlines()
    lines = zip(POLICY.splitlines(), after, strict=True)
    return "\n".join(new.strip() for old, new in lines if old != new)


def test_a_tag_is_renamed_wherever_it_is_named() -> None:
    assert changed_lines(K.TAG, "tag:web", "tag:front") == (
        r"""
"tagOwners": {"tag:front": ["group:eng"], "tag:db": ["tag:front"]},
"routes": {"10.0.0.0/8": ["tag:front", "group:eng"]},
"exitNode": ["tag:front"],
"services": {"tag:front": ["tag:db"]},
"attrConfig": {"custom:tier": {"type": "string", "broadcastToPeers": ["tag:front", "group:eng"]}},
{"target": ["tag:front", "db", "group:eng"], "attr": ["tag:web"]},
{"name": "tag:web", "connectors": ["tag:front", "tag:db"], "domains": ["db"]},
{"src": ["group:eng"], "dst": ["tag:front", "db", "ipset:lab"], "ip": ["*"]},
{"src": ["tag:db"], "dst": ["10.0.0.0/8"], "ip": ["*"], "via": ["tag:front"]},
{"src": ["tag:front"], "dst": ["tag:db"], "app": {"a.io/cap/tag:web": [{"for": "tag:web"}]}},
{"action": "accept", "src": [" tag:front ", "db"], "dst": ["tag:front:443,80", "db:*"]},
{"action": "accept", "src": ["tag:front"], "dst": ["tag:front\u003a22", "d\u0062:22"]},
"action": "check", "src": ["group:eng"], "dst": ["tag:front"], "users": ["tag:web", "group:eng"],
{"src": "tag:front", "accept": ["tag:front:443", "db:80"], "deny": ["group:eng:22"]},
{"src": "db", "accept": ["tag:front:22"]},
"sshTests": [{"src": "group:eng", "dst": ["tag:front"], "deny": ["tag:web"]}],
""".strip()
    )


def test_a_group_is_renamed_wherever_it_is_named() -> None:
    assert changed_lines(K.GROUP, "group:eng", "group:all") == (
        r"""
"groups": {"group:all": ["alice@example.com"]},
"tagOwners": {"tag:web": ["group:all"], "tag:db": ["tag:web"]},
"routes": {"10.0.0.0/8": ["tag:web", "group:all"]},
"attrConfig": {"custom:tier": {"type": "string", "broadcastToPeers": ["tag:web", "group:all"]}},
{"target": ["tag:web", "db", "group:all"], "attr": ["tag:web"]},
{"src": ["group:all"], "dst": ["tag:web", "db", "ipset:lab"], "ip": ["*"]},
"action": "check", "src": ["group:all"], "dst": ["tag:web"], "users": ["tag:web", "group:eng"],
{"src": "tag:web", "accept": ["tag:web:443", "db:80"], "deny": ["group:all:22"]},
"sshTests": [{"src": "group:all", "dst": ["tag:web"], "deny": ["tag:web"]}],
""".strip()
    )


def test_a_host_is_renamed_wherever_it_is_named() -> None:
    assert changed_lines(K.HOST, "db", "data base") == (
        r"""
"hosts":  {"data base": "10.0.0.1", "lan": "10.0.0.0/8",},
"ipset:lab": ["add host:data base", "remove 10.0.0.9"],
{"target": ["tag:web", "data base", "group:eng"], "attr": ["tag:web"]},
{"src": ["group:eng"], "dst": ["tag:web", "data base", "ipset:lab"], "ip": ["*"]},
{"action": "accept", "src": [" tag:web ", "data base"], "dst": ["tag:web:443,80", "data base:*"]},
{"action": "accept", "src": ["\u0074ag:we\u0062"], "dst": ["tag:web\u003a22", "data base:22"]},
{"src": "tag:web", "accept": ["tag:web:443", "data base:80"], "deny": ["group:eng:22"]},
{"src": "data base", "accept": ["tag:web:22"]},
""".strip()
    )


def test_an_ipset_is_renamed_wherever_it_is_named() -> None:
    assert changed_lines(K.IPSET, "ipset:lab", "ipset:x") == (
        r"""
"ipset:x": ["add host:db", "remove 10.0.0.9"],
"ipset:all": ["ipset:x", "host:lan"],
{"src": ["group:eng"], "dst": ["tag:web", "db", "ipset:x"], "ip": ["*"]},
""".strip()
    )


def test_what_only_an_application_understands_is_left_and_told() -> None:
    renaming = rename(parse(POLICY), K.TAG, "tag:web", "tag:front")
    around = [POLICY[span.start - 8 : span.end] for span in renaming.left]
    assert around == ['"name": "tag:web"', '{"for": "tag:web"']


def test_a_recorder_of_kubernetes_sessions_is_renamed() -> None:
    text = """{"tagOwners": {"tag:rec": [], "tag:k8s": []}, "grants": [{
      "src": ["autogroup:member"], "dst": ["tag:k8s"],
      "app": {"tailscale.com/cap/kubernetes": [{"recorder": ["tag:rec"], "enforceRecorder": true}]},
    }]}"""
    assert '"recorder": ["tag:film"]' in renamed(K.TAG, "tag:rec", "tag:film", text)


def test_quotes_in_a_name_are_escaped() -> None:
    assert '{"d\\"b": "10.0.0.1"' in renamed(K.HOST, "db", 'd"b')


def test_a_name_that_stays_needs_no_edits() -> None:
    assert rename(parse(POLICY), K.TAG, "tag:web", "tag:web").edits == ()


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        (K.TAG, "tag:wbe", "tag:a", "does not define `tag:wbe`; did you mean `tag:web`?"),
        (K.GROUP, "tag:web", "group:a", "does not define `tag:web`"),
        (K.TAG, "tag:web", "tag:db", "the policy defines `tag:db` already"),
        (K.TAG, "tag:web", "tag:9", "`tag:9` is not the name of a tag"),
        (K.TAG, "tag:web", "tag:", "`tag:` is not the name of a tag"),
        (K.TAG, "tag:web", "front", "`front` is not the name of a tag"),
        (K.TAG, "tag:web", " tag:front", "` tag:front` is not the name of a tag"),
        (K.GROUP, "group:eng", "group:a,b", "`group:a,b` is not the name of a group"),
        (K.HOST, "db", "10.0.0.1", "`10.0.0.1` is not the name of a host"),
        (K.HOST, "db", "*", "`*` is not the name of a host"),
        (K.HOST, "db", "a:b", "`a:b` is not the name of a host"),
        (K.HOST, "db", "a@b", "`a@b` is not the name of a host"),
        (K.HOST, "db", "", "`` is not the name of a host"),
        (K.HOST, "db", "[ab]", "`[ab]` can't be the new name: undefined host `ab`"),
        (K.HOST, "db", "\ud800", "can't be the new name"),
        (K.USER, "alice@example.com", "bob@x.org", "a user has no name that a policy defines"),
    ],
)  # fmt: skip
def test_a_name_that_can_not_be_given_is_refused(kind: K, old: str, new: str, message: str) -> None:
    with pytest.raises(RenameError) as raised:
        rename(parse(POLICY), kind, old, new)
    assert message in str(raised.value)


def test_a_name_that_only_a_test_uses_is_not_given_to_another() -> None:
    text = POLICY.replace('"src": "db"', '"src": "nobody"')
    with pytest.raises(RenameError, match="uses `nobody` already, though it does not define it"):
        rename(parse(text), K.HOST, "db", "nobody")


def test_a_policy_with_errors_is_not_renamed() -> None:
    with pytest.raises(aclkit.PolicyError, match="undefined group `group:enng`"):
        rename(parse(POLICY.replace('["group:eng"]', '["group:enng"]')), K.TAG, "tag:web", "tag:a")


def test_a_target_decides_what_is_a_name() -> None:
    text = '{"tagOwners": {"tag:a": []}, "acls": []}'
    assert "tag:b_c" in renamed(K.TAG, "tag:a", "tag:b_c", text, "headscale@0.29")
    with pytest.raises(RenameError, match="`tag:b_c` is not the name of a tag"):
        rename(parse(text), K.TAG, "tag:a", "tag:b_c")


def test_a_word_that_is_a_user_to_the_target_is_no_host() -> None:
    text = """{
      "hosts": {"lee": "10.0.0.1"},
      "groups": {"group:a": ["lee"]},
      "acls": [{"action": "accept", "src": ["group:a", "lee", "kim"], "dst": ["lee:22"]}],
    }"""
    after = renamed(K.HOST, "lee", "srv", text, "headscale@0.23")
    assert '"group:a": ["lee"]' in after
    assert '"src": ["group:a", "srv", "kim"], "dst": ["srv:22"]' in after
    with pytest.raises(RenameError, match="uses `kim` already"):
        renamed(K.HOST, "lee", "kim", text, "headscale@0.23")


def test_a_definition_that_is_overridden_is_joined_first() -> None:
    text = '{"tagOwners": {"tag:a": []}, "groups": {"group:a": ["x@"], "group:a": []}, "acls": []}'
    with pytest.raises(RenameError, match="twice"):
        renamed(K.GROUP, "group:a", "group:b", text, "headscale@0.26")


def test_an_example_with_other_names_is_accepted_like_before() -> None:
    folder = Path(__file__).resolve().parent.parent / "examples" / "startup"
    text = (folder / "policy.hujson").read_text(encoding="utf-8")
    tailnet = aclkit.load_tailnet(folder / "tailnet.json")
    policy = aclkit.load_policy(text)
    for group in policy.groups:
        text = renamed(K.GROUP, group.name.value, f"{group.name.value}-new", text)
    for host in policy.hosts:
        text = renamed(K.HOST, host.name.value, f"{host.name.value}-new", text)
    report = aclkit.check(text, tailnet=tailnet)
    assert report.accepted
    assert report.diagnostics == ()
