"""The engine: after any changes it is as a fresh one, and says whom each of them concerns.

What is true is worked out from scratch after every step: the policy compiled for the tailnet of the
moment. What a change must report is the difference of two such results, node by node.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import aclkit
from aclkit.addresses import parse_address
from aclkit.affected import Kind
from aclkit.engine import Change, PolicyEngine, Snapshot
from aclkit.subscription import Subscription
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    ServiceChanged,
    ServiceLeft,
    TailnetChange,
    UserChanged,
    UserJoined,
    UserLeft,
)
from aclkit.tailnet.model import Node, Role, Service, Tailnet, User, creation_order
from tests.property.strategies import (
    ALL,
    DOMAINS,
    EXIT_ROUTES,
    GROUPS,
    IPV4,
    IPV6,
    LOGINS,
    ROUTES,
    STRANGER,
    SYNCED,
    TAGS,
    attributes,
    nodes,
    policies,
    some,
    tailnets,
)

FLOWS = (("tcp", 22), ("tcp", 80), ("udp", 53), ("icmp", 0), ("47", 0))
SIDES = (
    ("*", "*"),
    ("autogroup:member", TAGS[0]),
    (LOGINS[0], LOGINS[0]),
    (TAGS[0], "10.33.1.1"),
    (GROUPS[0], "autogroup:internet"),
)

REFUSED = (
    '{"acls": [',
    '{"acls": [{"action": "accept", "src": ["group:gone"], "dst": ["*:*"]}]}',
    '{"acls": [], "tests": [{"src": "alice@example.com", "accept": ["203.0.113.7:22"]}]}',
    '{"ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"],'
    ' "users": ["localpart:*@elsewhere.test"]}]}',
    b"\xff\xfe",
)

Outputs = Mapping[str, Mapping[Kind, Any]]
"""What each node is sent, by its id, in the parts that changes are told in."""


def outputs(compiled: aclkit.CompiledPolicy) -> dict[str, dict[Kind, Any]]:
    found = {}
    ids = {node.name: node.id for node in compiled.rules.nodes}
    for node in compiled.rules.nodes:
        netmap = compiled.netmap(node.name).to_dict()
        routed = [peer for peer in netmap["peers"] if peer["routes"]]
        shown = {ids[peer["name"]]: peer["routes"] for peer in routed}
        found[node.id] = {
            Kind.PACKET_FILTER: netmap["packet_filter_rules"],
            Kind.PEERS: netmap["peers"],
            Kind.SSH_RULES: netmap["ssh_rules"],
            Kind.CAPABILITIES: netmap["cap_map"],
            Kind.ROUTES: (shown, compiled.primary_routes(node.name), routed),
        }
    return found


def answers(compiled: aclkit.CompiledPolicy) -> dict[Any, Any]:
    """Everything else that can be asked, but for reasons."""
    names = [node.name for node in compiled.rules.nodes]
    found: dict[Any, Any] = {"nodes": names}
    for name in names:
        found[name] = (
            compiled.netmap(name).addresses,
            compiled.auto_approved_routes(name),
            compiled.primary_routes(name),
            [compiled.can_have_tag(name, tag) for tag in TAGS],
        )
    for src, dst in itertools.product(names, names):
        reached = [compiled.reaches(src, dst, port, proto) for proto, port in FLOWS]
        found[src, dst] = reached, compiled.ssh_check(src, dst)
    for src, dst in SIDES:
        verdict = compiled.query(src, dst, 22)
        found["query", src, dst] = verdict.allowed, verdict.sources, verdict.destinations
    for src, dst in SIDES[1:3]:
        login = compiled.query_ssh(src, dst, "root")
        found["ssh", src, dst] = login.accepts, login.checks, login.refused
    return found


class EngineMachine(RuleBasedStateMachine):
    """A tailnet and a policy that change in every way there is."""

    def __init__(self) -> None:
        super().__init__()
        self.engine: PolicyEngine
        self.tailnet: Tailnet
        self.text = ""
        self.loaded: aclkit.Policy | None = None
        self.version = 1
        self.joined = 0
        self.fresh: aclkit.CompiledPolicy
        self.sent: Outputs = {}
        self.last_read: tuple[Outputs, Mapping[str, str]] = {}, {}
        self.subscription: Subscription[Change]

    # What is true, and what of it an engine must say.

    def compiled(self, tailnet: Tailnet, text: str) -> aclkit.CompiledPolicy:
        if self.loaded is None or self.loaded.source.text != text:
            self.loaded = aclkit.load_policy(text)
        return aclkit.compile_policy(self.loaded, tailnet)

    def fits(self, tailnet: Tailnet, text: str) -> bool:
        """Whether the policy is accepted in the tailnet, which may lack a domain that it names."""
        try:
            self.compiled(tailnet, text)
        except aclkit.PolicyError:
            event("a policy and a tailnet that don't go together")
            return False
        return True

    @property
    def names(self) -> dict[str, str]:
        return {node.id: node.name for node in self.tailnet.nodes}

    def moved(
        self,
        change: Change,
        tailnet: Tailnet | None = None,
        text: str | None = None,
        *,
        joined: tuple[str, ...] = (),
    ) -> None:
        """Take the engine's change as made, and compare what it says with what is true."""
        before, names_before = self.sent, self.names
        self.tailnet = tailnet or self.tailnet
        self.text = text or self.text
        self.fresh = self.compiled(self.tailnet, self.text)
        self.sent = outputs(self.fresh)
        self.version += 1
        assert change.accepted
        assert change.refusal is None
        assert change.version == self.version
        self.told(change, before, names_before, joined)

    def told(
        self,
        change: Change,
        before: Outputs,
        names_before: Mapping[str, str],
        joined: tuple[str, ...] = (),
    ) -> None:
        """Compare who is said to be concerned with whose output is another one."""
        names = self.names
        for kind in Kind:
            least, most = differing(kind, before, names_before, self.sent, names)
            said = set(change.affected(kind))
            assert least <= said, (kind, least - said)
            assert len(change.affected(kind)) == len(said)
            assert said == {name for name in names.values() if name in change.affected(kind)}
            if change.exact:
                assert said <= most | set(joined), (kind, said - most)

    def stays(self, snapshot: Snapshot) -> None:
        assert self.engine.snapshot is snapshot
        assert self.engine.version == self.version

    @invariant()
    def every_node_is_sent_what_a_fresh_compile_gives(self) -> None:
        snapshot = self.engine.snapshot
        assert snapshot.version == self.engine.version == self.version
        assert outputs(snapshot.compiled) == self.sent
        for node in self.tailnet.nodes:
            expected = self.fresh.netmap(node.name).to_dict()
            assert snapshot.compiled.netmap(node.name).to_dict() == expected

    @invariant()
    def every_question_has_the_answer_of_a_fresh_compile(self) -> None:
        assert answers(self.engine.snapshot.compiled) == answers(self.fresh)

    @invariant()
    def the_roster_is_the_tailnet(self) -> None:
        roster = self.engine.snapshot.roster
        assert roster.tailnet == self.tailnet
        assert len(roster.nodes) == len(self.tailnet.nodes)
        for node in self.tailnet.nodes:
            number = roster.number_of(node.name.upper())
            assert number is not None
            assert node.id.casefold() in roster.by_name or roster.number_of(node.id) == number
            assert roster.nodes[number] == node

    # Steps.

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        drawn = data.draw(tailnets(max_nodes=4))
        self.tailnet = Tailnet.from_dict(drawn)
        self.text = self.drawn_policy(data)
        self.engine = PolicyEngine(self.text, self.tailnet)
        self.fresh = self.compiled(self.tailnet, self.text)
        self.sent = outputs(self.fresh)
        self.subscription = self.engine.subscribe(limit=2)
        self.last_read = self.sent, self.names

    def apply(self, *changes: TailnetChange, exact: bool = False) -> None:
        note(f"apply({', '.join(map(repr, changes))})")
        tailnet = after(self.tailnet, changes)
        change = self.engine.apply(*changes)
        if exact:
            event("a single change, told exactly" if change.exact else "a single change, not exact")
        joined = tuple(each.node.name for each in changes if isinstance(each, NodeJoined))
        self.moved(change, tailnet, joined=joined)

    def some_node(self, data: st.DataObject) -> Node:
        return data.draw(st.sampled_from(self.tailnet.nodes))

    def new_node(self, data: st.DataObject) -> Node | None:
        """A node in a place where there is none, as it could join."""
        used = {address for node in self.tailnet.nodes for address in map(str, node.addresses)}
        names = {node.name.casefold() for node in self.tailnet.nodes}
        free = [
            index
            for index in range(len(IPV4))
            if not used & {IPV4[index], IPV6[index]} and f"node-{index}" not in names
        ]
        if not free:
            return None
        index = data.draw(st.sampled_from(free))
        drawn = data.draw(nodes(index, dated=self.tailnet.created_as == "time"))
        self.joined += 1
        people = [{"login": login} for login in (*LOGINS, STRANGER)]
        (node,) = Tailnet.from_dict({"users": people, "nodes": [drawn]}).nodes
        return replace(node, id=f"joined-{self.joined}")

    @rule(data=st.data())
    def a_node_joins(self, data: st.DataObject) -> None:
        node = self.new_node(data)
        if node is not None and self.knows(node):
            self.apply(NodeJoined(node), exact=True)

    def knows(self, node: Node) -> bool:
        return node.user is None or node.user in {user.login for user in self.tailnet.users}

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_node_leaves(self, data: st.DataObject) -> None:
        self.apply(NodeLeft(self.some_node(data).id), exact=True)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_node_gets_other_tags(self, data: st.DataObject) -> None:
        node = self.some_node(data)
        tags = tuple(sorted(data.draw(some(TAGS, 1, 2))))
        self.apply(NodeChanged(replace(node, tags=tags, user=None)), exact=True)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_node_gets_an_owner(self, data: st.DataObject) -> None:
        owner = data.draw(st.sampled_from(self.tailnet.users)).login
        self.apply(NodeChanged(replace(self.some_node(data), tags=(), user=owner)), exact=True)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_node_routes_otherwise(self, data: st.DataObject) -> None:
        node = self.some_node(data)
        like = self.new_node(data) or self.some_node(data)
        routes, approved = like.advertised_routes, like.approved_routes
        changed = replace(node, advertised_routes=routes, approved_routes=approved)
        self.apply(NodeChanged(changed))

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_node_has_other_addresses(self, data: st.DataObject) -> None:
        like = self.new_node(data)
        if like is None:
            return
        self.apply(NodeChanged(replace(self.some_node(data), addresses=like.addresses)))

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data(), part=st.sampled_from(["posture", "online", "created", "name", "case"]))
    def a_node_changes(self, data: st.DataObject, part: str) -> None:
        node = self.some_node(data)
        if part == "posture":
            node = replace(node, posture=data.draw(attributes()))
        elif part == "online":
            node = replace(node, online=not node.online)
        elif part == "created":
            node = replace(node, created=data.draw(st.sampled_from([None, 1, 2, 3])))
        elif part == "name":
            self.joined += 1
            node = replace(node, name=f"renamed-{self.joined}")
        else:
            node = replace(node, name=node.name.swapcase())
        self.apply(NodeChanged(node))

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def much_happens_at_once(self, data: st.DataObject) -> None:
        node = self.some_node(data)
        other = self.some_node(data)
        changes: list[TailnetChange] = [
            NodeChanged(replace(node, online=not node.online)),
            NodeLeft(node.id),
        ]
        if other.id != node.id:
            tags = tuple(sorted(data.draw(some(TAGS, 1, 2))))
            changes.append(NodeChanged(replace(other, tags=tags, user=None)))
        if data.draw(st.booleans()):
            changes.append(NodeJoined(node))
        changes.append(GroupChanged(SYNCED, tuple(data.draw(some(LOGINS)))))
        self.apply(*changes)

    @rule(data=st.data())
    def many_come_and_go(self, data: st.DataObject) -> None:
        """Nobody stays, but the next node has a number beyond those of small sets."""
        node = self.new_node(data)
        if node is not None and self.knows(node):
            self.apply(*(NodeJoined(node), NodeLeft(node.id)) * 29)

    @rule(data=st.data())
    def a_synced_group_changes(self, data: st.DataObject) -> None:
        members = data.draw(st.one_of(st.none(), some([*LOGINS, STRANGER]).map(tuple)))
        self.apply(GroupChanged(SYNCED, members), exact=True)

    @rule(data=st.data())
    def users_come_change_and_go(self, data: st.DataObject) -> None:
        known = {user.login: user for user in self.tailnet.users}
        owners = {node.user for node in self.tailnet.nodes}
        login = data.draw(st.sampled_from([*LOGINS, STRANGER]))
        if login not in known:
            self.apply(UserJoined(User(login, "new", data.draw(st.sampled_from(list(Role))))))
        elif login in owners or data.draw(st.booleans()):
            role = data.draw(st.sampled_from(list(Role)))
            kind = data.draw(st.sampled_from(["member", "shared"]))
            shared = replace(known[login], role=Role.MEMBER, type="shared")
            plain = replace(known[login], role=role, type="member")
            self.apply(UserChanged(shared if kind == "shared" else plain))
        else:
            self.apply(UserLeft(login))

    @rule(data=st.data())
    def a_service_changes(self, data: st.DataObject) -> None:
        hosts = tuple(data.draw(some([node.name for node in self.tailnet.nodes])))
        addresses = tuple(map(parse_address, data.draw(some(["100.64.9.9", "100.64.9.8"], 1))))
        wiki = Service("svc:wiki", (), tuple(sorted(addresses)), hosts, data.draw(st.booleans()))
        known = any(service.name == "svc:wiki" for service in self.tailnet.services)
        gone = known and data.draw(st.booleans())
        self.apply(ServiceLeft("svc:wiki") if gone else ServiceChanged(wiki))

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def changes_that_contradict_the_tailnet_change_nothing(self, data: st.DataObject) -> None:
        node, before = self.some_node(data), self.engine.snapshot
        wrong: list[TailnetChange] = [
            NodeJoined(replace(node, id="another")),
            NodeJoined(replace(node, name="another", addresses=())),
            NodeLeft("nobody"),
            NodeChanged(replace(node, tags=(), user=None)),
            NodeChanged(replace(node, tags=(), user="nobody@example.com")),
            UserLeft("nobody@example.com"),
        ]
        refused = data.draw(st.sampled_from(wrong))
        with pytest.raises(aclkit.TailnetError) as raised:
            self.engine.apply(NodeChanged(replace(node, online=not node.online)), refused)
        assert {found.primary.path for found in raised.value.diagnostics} == {"changes[1]"}
        self.stays(before)

    def drawn_policy(self, data: st.DataObject) -> str:
        """A policy for the present tailnet; seldom enough by chance, it names the synced group."""
        policy = data.draw(policies(self.tailnet.to_dict(), features=ALL))
        if data.draw(st.booleans()):
            named = {"action": "accept", "src": [SYNCED], "dst": ["tag:web:22", f"{SYNCED}:80"]}
            policy["acls"] = [*policy.get("acls", ()), named]
        return json.dumps(policy)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data(), tests=st.sampled_from(["skip", "warn"]))
    def another_policy_comes(self, data: st.DataObject, tests: Any) -> None:
        text, before = self.drawn_policy(data), self.engine.snapshot
        change = self.engine.set_policy(text, tests=tests)
        if self.fits(self.tailnet, text):
            assert bool(change.tests) <= (tests == "warn")
            self.moved(change, text=text)
        else:
            assert not change.accepted
            self.stays(before)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def one_section_of_the_policy_changes(self, data: st.DataObject) -> None:
        now, other = json.loads(self.text), json.loads(self.drawn_policy(data))
        section = data.draw(st.sampled_from(["groups", "tagOwners", "ssh", "nodeAttrs", "hosts"]))
        now[section] = other.get(section, [] if section in ("ssh", "nodeAttrs") else {})
        before, change = self.engine.snapshot, self.engine.set_policy(json.dumps(now), tests="skip")
        assert change.accepted is self.fits(self.tailnet, json.dumps(now))
        if change.accepted:
            self.moved(change, text=json.dumps(now))
        else:
            self.stays(before)

    @precondition(lambda self: self.tailnet.nodes)
    @rule(data=st.data())
    def a_policy_is_tried_only(self, data: st.DataObject) -> None:
        text, before = self.drawn_policy(data), self.engine.snapshot
        change = self.engine.set_policy(text, tests="skip", dry_run=True)
        self.stays(before)
        assert change.accepted is self.fits(self.tailnet, text)
        assert change.version == self.version
        if not change.accepted:
            return
        sent = outputs(self.compiled(self.tailnet, text))
        for kind in Kind:
            least, _ = differing(kind, self.sent, self.names, sent, self.names)
            assert least <= set(change.affected(kind))

    @rule(text=st.sampled_from(REFUSED), dry_run=st.booleans())
    def a_refused_policy_changes_nothing(self, text: str | bytes, dry_run: bool) -> None:
        before = self.engine.snapshot
        change = self.engine.set_policy(text, dry_run=dry_run)
        assert not change.accepted
        assert change.refusal
        assert not any(change.affected(kind) for kind in Kind)
        assert change.version == self.version
        self.stays(before)

    @rule(data=st.data())
    def another_tailnet_comes(self, data: st.DataObject) -> None:
        tailnet = Tailnet.from_dict(data.draw(tailnets(max_nodes=4)))
        before = self.engine.snapshot
        if data.draw(st.integers(0, 3)) == 3:
            tailnet = replace(tailnet, domains=tuple(DOMAINS[:1]))
        if self.fits(tailnet, self.text):
            joined = tuple(node.name for node in tailnet.nodes)
            self.moved(self.engine.set_tailnet(tailnet), tailnet, joined=joined)
        else:
            with pytest.raises(aclkit.PolicyError):
                self.engine.set_tailnet(tailnet)
            self.stays(before)

    @rule()
    def a_slow_reader_looks(self) -> None:
        """What the reader missed, joined, covers the whole difference since the last look."""
        changes = []
        while len(self.subscription):
            changes.append(self.subscription.get(timeout=0))
        if changes:
            joined = changes[0]
            for later in changes[1:]:
                joined = joined.then(later)
            assert joined.version == self.version
            for kind in Kind:
                least, _ = differing(kind, *self.last_read, self.sent, self.names)
                assert least <= set(joined.affected(kind))
        self.last_read = self.sent, self.names


def after(tailnet: Tailnet, changes: tuple[TailnetChange, ...]) -> Tailnet:
    """The tailnet after *changes* that fit it, by plain lists."""
    found = {node.id: node for node in tailnet.nodes}
    users = list(tailnet.users)
    groups = dict(tailnet.groups)
    services = {service.name: service for service in tailnet.services}
    ids = {node.name: node.id for node in tailnet.nodes}
    served_by = {name: [ids[host] for host in each.hosts] for name, each in services.items()}
    for change in changes:
        match change:
            case NodeJoined(node) | NodeChanged(node):
                found[node.id] = node
            case NodeLeft(node_id):
                del found[node_id]
            case UserJoined(user):
                users.append(user)
            case UserChanged(user):
                users = [user if user.login == each.login else each for each in users]
            case UserLeft(login):
                users = [user for user in users if user.login != login]
            case GroupChanged(name, None):
                groups.pop(name, None)
            case GroupChanged(name, members):
                assert members is not None
                groups[name] = members
            case ServiceChanged(service):
                services[service.name] = service
                by_name = {node.name: node.id for node in found.values()}
                served_by[service.name] = [by_name[host] for host in service.hosts]
            case ServiceLeft(name):
                del services[name]
    ordered = tuple(sorted(found.values(), key=creation_order))
    for name, service in services.items():
        hosts = tuple(found[each].name for each in served_by[name] if each in found)
        services[name] = replace(service, hosts=hosts)
    return replace(
        tailnet, nodes=ordered, users=tuple(users), groups=groups, services=tuple(services.values())
    )


def differing(
    kind: Kind,
    before: Outputs,
    names_before: Mapping[str, str],
    now: Outputs,
    names: Mapping[str, str],
) -> tuple[set[str], set[str]]:
    """Return who must be told at least, and at most, by present names.

    At least: nodes that joined, and whose part differs. Left open is whether a renamed node counts
    as one that joined, and whether routes are others when the peer that they are shown on is, or
    stands elsewhere.
    """
    of_name = {names_before[each].casefold(): parts for each, parts in before.items()}
    least, most = set(), set()
    for each, parts in now.items():
        name = names[each]
        old = before.get(each)
        if old is None or unordered(kind, old[kind]) != unordered(kind, parts[kind]):
            least.add(name)
        known = of_name.get(name.casefold())
        if old is None or old[kind] != parts[kind] or known is None or known[kind] != parts[kind]:
            most.add(name)
    return least, most


def unordered(kind: Kind, part: Any) -> Any:
    return part[:2] if kind is Kind.ROUTES else part


@st.composite
def tailnets_with_routers(draw: st.DrawFn) -> dict[str, Any]:
    """Tailnets in which most nodes route something, and some the same; nobody serves services."""
    drawn = draw(tailnets())
    drawn.pop("services", None)
    for node in drawn["nodes"]:
        routes = draw(st.one_of(st.none(), some(ROUTES, 1, 2)))
        if routes is not None:
            node["advertised_routes"] = [*routes, *draw(st.sampled_from([[], EXIT_ROUTES]))]
            node.pop("approved_routes", None)
            if draw(st.integers(0, 2)):
                node["approved_routes"] = node["advertised_routes"]
    return drawn


@st.composite
def changes(draw: st.DrawFn, tailnet: Tailnet, gone: tuple[Node, ...]) -> TailnetChange:
    """One join, leave, retag or group edit."""
    ways = ["group", *["join"] * bool(gone), *["leave", "tags", "owner"] * bool(tailnet.nodes)]
    way = draw(st.sampled_from(ways))
    if way == "group":
        return GroupChanged(SYNCED, tuple(draw(some([*LOGINS, STRANGER]))))
    if way == "join":
        return NodeJoined(draw(st.sampled_from(gone)))
    node = draw(st.sampled_from(tailnet.nodes))
    if way == "leave":
        return NodeLeft(node.id)
    if way == "tags":
        tags = tuple(sorted(draw(some(TAGS, 1, 2))))
        return NodeChanged(replace(node, tags=tags, user=None))
    return NodeChanged(replace(node, tags=(), user=draw(st.sampled_from(LOGINS))))


@settings(max_examples=settings().max_examples // 3)
@given(st.data())
def test_a_single_change_around_routers_concerns_exactly_whose_output_differs(
    data: st.DataObject,
) -> None:
    drawn = data.draw(tailnets_with_routers())
    policy = data.draw(policies(drawn, features=ALL - {"tests"}))
    rule = {"action": "accept", "src": [SYNCED], "dst": ["tag:web:22", f"{SYNCED}:80"]}
    policy["acls"] = [*policy.get("acls", ()), rule]
    everybody = Tailnet.from_dict(drawn)
    tailnet = replace(everybody, nodes=everybody.nodes[::2])
    engine = PolicyEngine(json.dumps(policy), tailnet, tests="skip")
    sent = outputs(engine.snapshot.compiled)
    for _ in range(4):
        here = {node.id for node in tailnet.nodes}
        gone = tuple(node for node in everybody.nodes if node.id not in here)
        one = data.draw(changes(tailnet, gone))
        change = engine.apply(one)
        names = {node.id: node.name for node in tailnet.nodes}
        before, tailnet = sent, after(tailnet, (one,))
        sent = outputs(aclkit.compile_policy(engine.snapshot.policy, tailnet))
        assert outputs(engine.snapshot.compiled) == sent
        event("told exactly" if change.exact else "compiled from scratch")
        joined = {one.node.name} if isinstance(one, NodeJoined) else set()
        for kind in Kind:
            now = {node.id: node.name for node in tailnet.nodes}
            least, most = differing(kind, before, names, sent, now)
            said = set(change.affected(kind))
            assert least <= said, (kind, least - said)
            assert not change.exact or said <= most | joined, (kind, said - most)


TestEngine = EngineMachine.TestCase
# An example is a whole story; the deep profile tells thousands.
TestEngine.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=12)
