"""What work the engine does, counted: so that a slip in its growth fails here, on any machine.

Each thing is counted in two tailnets of the same classes, of which one has ten times the nodes.
Counted are source sets and cells resolved again, calls of functions, and texts of addresses. What
concerns a user may take longer the more devices that user has, and what concerns a route, the more
routers it has; so these are the same in both.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import pytest

import aclkit
from aclkit.addresses import Address, Family, Prefix, parse_prefix
from aclkit.affected import Affected, Kind
from aclkit.affected.nodes import Found
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.update import Update
from aclkit.engine import PolicyEngine
from aclkit.packetfilters import Renderer
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    TailnetChange,
    UserChanged,
)
from aclkit.tailnet.model import Node, Role, Tailnet, User
from aclkit.tailnet.roster import Roster

FEW, MANY = 200, 2_000
USERS = [f"user{number}@example.com" for number in range(8)]
TAGS = [f"tag:t{number}" for number in range(8)]
DORA, EMIL = "dora@example.com", "emil@example.com"
SYNCED = "group:synced@example.com"
ROUTE = parse_prefix("10.1.0.0/16")
FAR, EDGE = parse_prefix("10.2.0.0/16"), parse_prefix("10.3.0.0/16")
POLICY = """
{
    "groups": {"group:a": ["user0@example.com", "user1@example.com"]},
    "tagOwners": {"tag:t0": [], "tag:t1": [], "tag:t2": [], "tag:t3": [],
                  "tag:t4": [], "tag:t5": [], "tag:t6": [], "tag:t7": [], "tag:new": []},
    "hosts": {"lan": "10.1.0.0/16", "far": "10.2.0.0/16", "edge": "10.3.0.0/16"},
    "postures": {"posture:linux": ["node:os == 'linux'"]},
    "acls": [
        {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]},
        {"action": "accept", "src": ["group:a"], "dst": ["tag:t1:22", "tag:t2:22", "lan:443"]},
        {"action": "accept", "src": ["tag:t3", "user2@example.com"], "dst": ["tag:t4:80,443"]},
        {"action": "accept", "src": ["tag:t3", "far"], "dst": ["edge:443"]},
        {"action": "accept", "src": ["group:synced@example.com"], "dst": ["tag:t5:5432"]},
        {"action": "accept", "src": ["user3@example.com"], "dst": ["tag:t6:22"],
         "srcPosture": ["posture:linux"]},
        {"action": "accept", "src": ["tag:new"], "dst": ["tag:t7:9000"]},
    ],
    "grants": [
        {"src": ["group:a"], "dst": ["tag:t2"], "app": {"example.com/cap/x": [{"level": 1}]}},
        {"src": ["tag:t0"], "dst": ["autogroup:internet"], "ip": ["*"]},
    ],
    "ssh": [{"action": "accept", "src": ["group:a"], "dst": ["tag:t1"], "users": ["root"]}],
    "nodeAttrs": [{"target": ["tag:t2"], "attr": ["custom:x"]}],
}
"""


class Told(Address):
    """An address that counts how often its text is made."""

    __slots__ = ()
    count = 0

    def __str__(self) -> str:
        Told.count += 1
        return super().__str__()


def addresses(number: int) -> tuple[Address, ...]:
    return (
        Told(Family.V4, (100 << 24) + (64 << 16) + 1 + number),
        Told(Family.V6, (0xFD7A << 112) + (0x115CA1E0 << 80) + 1 + number),
    )


def node(number: int, **parts: Any) -> Node:
    """The node of a number. Without *parts* it is in one of 16 classes, half of them of users."""
    which = number % 16
    if "user" not in parts and "tags" not in parts:
        parts |= {"user": USERS[which]} if which < 8 else {"tags": (TAGS[which - 8],)}
    posture = parts.pop("posture", {"node:os": "linux"})
    return Node(
        f"node-{number}", addresses=addresses(number), created=number, posture=posture, **parts
    )


def router(number: int, route: Prefix = ROUTE, *, online: bool = True) -> Node:
    routes = (route,)
    return node(
        number, tags=("tag:t7",), advertised_routes=routes, approved_routes=routes, online=online
    )


def tailnet(nodes: int) -> Tailnet:
    return Tailnet(
        ("example.com",),
        tuple(User(login, login.partition("@")[0]) for login in (*USERS, DORA, EMIL)),
        {SYNCED: (USERS[4], DORA)},
        (
            *map(node, range(nodes)),
            *(node(number, user=DORA) for number in range(5_000, 5_003)),
            *(node(number, user=EMIL) for number in range(5_003, 5_006)),
            *map(router, range(5_006, 5_009)),
            router(5_009, EDGE),
        ),
    )


def state(nodes: int) -> tuple[Roster, CompiledPolicy]:
    roster = Roster.of(tailnet(nodes)).persistent()
    policy = aclkit.load_policy(POLICY)
    return roster, aclkit.compile_policy(policy, roster.tailnet, roster=roster)


def engine(nodes: int) -> PolicyEngine:
    return PolicyEngine(POLICY, tailnet(nodes), tests="skip")


def updated(nodes: int, *changes: TailnetChange) -> Update:
    """What *changes* made of the compiled rules; they must not be compiled from scratch."""
    roster, compiled = state(nodes)
    followed = compiled.after(roster.after(changes))
    assert followed is not None
    return followed[1]


def told(held: PolicyEngine, name: str) -> int:
    """Make a change, and work out whom it concerns, in all kinds."""
    change = held.apply(*CHANGES[name])
    return sum(len(change.affected(kind)) for kind in Kind)


def about(count: int) -> float:
    """A little more than *count* calls, since keys of a map may clash in one and not the other."""
    return count * 1.05 + 16


@contextmanager
def calls() -> Iterator[Counter[str]]:
    """Count the calls of functions, Python's and C's, while the block runs."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            counted[event] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield counted
    finally:
        sys.setprofile(before)


def calls_of(work: Callable[[], object]) -> int:
    with calls() as counted:
        work()
    return counted.total()


def texts_of(work: Callable[[], object]) -> int:
    """How many texts of addresses *work* makes."""
    before = Told.count
    work()
    return Told.count - before


# Of nodes that both tailnets have.
NEW = 10_000
CHANGES: dict[str, tuple[TailnetChange, ...]] = {
    "a node of a class joins": (NodeJoined(node(NEW)),),
    "a node of a class leaves": (NodeLeft("node-20"),),
    "a node goes from one class to another": (NodeChanged(node(26, tags=("tag:t3",))),),
    "a node is the first of its class": (NodeJoined(node(NEW, tags=("tag:new",))),),
    "a node with a posture of its own joins": (NodeJoined(node(NEW + 3, posture={})),),
    "a router joins": (NodeJoined(router(NEW)),),
    "the first router of a subnet joins": (NodeJoined(router(NEW, FAR)),),
    "the last router of a subnet leaves": (NodeLeft("node-5009"),),
    "a router goes offline": (NodeChanged(router(5_006, online=False)),),
    "a group loses a member": (GroupChanged(SYNCED, (USERS[4],)),),
    "a group gains a member": (GroupChanged(SYNCED, (USERS[4], DORA, EMIL)),),
    "a user has another role": (UserChanged(User(DORA, "dora", Role.ADMIN)),),
}
RESOLVED = {
    "a node of a class joins": 0,
    "a node of a class leaves": 0,
    "a node goes from one class to another": 0,
    "a node is the first of its class": 2,  # its source set, and the cell of the internet
    "a node with a posture of its own joins": 4,
    "a router joins": 0,
    "the first router of a subnet joins": 3,  # the source set `far`, its tag's and internet's cell
    "the last router of a subnet leaves": 3,  # the cell `edge`, and the latter two
    "a router goes offline": 0,
    "a group loses a member": 1,  # the source set that names the group
    "a group gains a member": 1,
    "a user has another role": 0,
}
WITHOUT_NEW_CLASSES = (
    "a node of a class joins",
    "a node of a class leaves",
    "a node goes from one class to another",
    "a router joins",
    "a router goes offline",
)

each_change = pytest.mark.parametrize("name", CHANGES)


def test_classes_source_sets_and_cells_do_not_grow_with_the_nodes() -> None:
    few, many = state(FEW)[1].rules, state(MANY)[1].rules
    assert len(few.classes.classes) == len(many.classes.classes) == 20
    assert len(few.sources) == len(many.sources)
    assert len(few.cells) == len(many.cells)
    for one, other in zip(few.cells, many.cells, strict=True):
        assert one.bearers.bit_count() == other.bearers.bit_count()
        assert one.source.reaches.bit_count() == other.source.reaches.bit_count()


@each_change
def test_a_change_resolves_what_names_it_and_no_more_in_a_large_tailnet(name: str) -> None:
    few, many = updated(FEW, *CHANGES[name]), updated(MANY, *CHANGES[name])
    assert few.resolved == many.resolved == RESOLVED[name]


@pytest.mark.parametrize("name", WITHOUT_NEW_CLASSES)
def test_sources_and_cells_are_shared_where_no_class_comes_or_goes(name: str) -> None:
    roster, compiled = state(FEW)
    followed = compiled.after(roster.after(CHANGES[name]))
    assert followed is not None
    assert followed[0].rules.sources is compiled.rules.sources
    assert followed[0].rules.cells is compiled.rules.cells


@each_change
def test_a_change_calls_as_many_functions_in_a_small_tailnet_as_in_a_large_one(name: str) -> None:
    few, many = engine(FEW), engine(MANY)
    counted = calls_of(lambda: few.apply(*CHANGES[name]))
    assert calls_of(lambda: many.apply(*CHANGES[name])) <= about(counted)


@each_change
def test_counting_and_finding_the_affected_takes_no_longer_in_a_large_tailnet(name: str) -> None:
    few, many = engine(FEW).apply(*CHANGES[name]), engine(MANY).apply(*CHANGES[name])
    for kind in Kind:
        one, other = few.affected(kind), many.affected(kind)
        counted = calls_of(partial(len, one))
        assert calls_of(partial(len, other)) <= about(counted)
        found = calls_of(partial(one.__contains__, "node-1"))
        assert calls_of(partial(other.__contains__, "node-1")) == found < 20


@each_change
def test_a_change_and_whom_it_concerns_take_no_texts_of_whole_classes(name: str) -> None:
    few, many = engine(FEW), engine(MANY)
    assert texts_of(partial(told, few, name)) == texts_of(partial(told, many, name))


def test_whom_a_change_concerns_is_not_worked_out_before_it_is_asked() -> None:
    worked = Counter[str]()

    def work() -> Found:
        worked["out"] += 1
        return Found(classes=1)

    rules = state(FEW)[1].rules
    affected = Affected(rules, work)
    assert "nobody" not in affected
    assert "node-1 " not in affected
    assert worked["out"] == 0
    assert len(affected) == len(rules.classes.classes[0].nodes)
    assert "node-0" in affected
    assert "node-1" not in affected
    assert next(iter(affected)) == "node-0"
    assert worked["out"] == 1


def test_asking_for_one_kind_works_out_that_kind_only() -> None:
    change = engine(MANY).apply(*CHANGES["a node goes from one class to another"])
    assert calls_of(lambda: [change.affected(kind) for kind in Kind]) < 60
    for kind in Kind:
        first = calls_of(partial(len, change.affected(kind)))
        assert calls_of(partial(len, change.affected(kind))) < first


def test_compiling_and_asking_who_reaches_whom_make_no_text() -> None:
    def ask() -> None:
        _, compiled = state(FEW)
        names = [node.name for node in compiled.rules.nodes]
        for src in names[:40]:
            for dst in names[:40]:
                compiled.reaches(src, dst, 22)
        for number in range(16):
            compiled.visibility.visible_classes(number)

    assert texts_of(ask) == 0


def test_a_question_that_was_asked_before_takes_as_few_calls_in_a_large_tailnet() -> None:
    counts = []
    for nodes in (FEW, MANY):
        _, compiled = state(nodes)
        compiled.reaches("node-0", "node-9", 22)
        # Other nodes of the same classes, then nodes that were asked about.
        others = calls_of(partial(compiled.reaches, "node-16", "node-25", 22))
        counts.append((others, calls_of(partial(compiled.reaches, "node-0", "node-25", 22))))
    assert counts[0] == counts[1]
    for_others, once_more = counts[0]
    assert for_others <= 25
    assert once_more <= 12


def test_a_list_of_sources_is_rendered_once_for_all_nodes() -> None:
    _, compiled = state(FEW)
    tagged = [node.name for node in compiled.rules.nodes if node.tags == ("tag:t1",)]
    sources = [node for node in compiled.rules.nodes if node.user in USERS[:2]]
    own = 2
    first = texts_of(lambda: compiled.netmap(tagged[0]).packet_filter_rules)
    assert first == 2 * len(sources) + own
    for name in tagged[1:]:
        assert texts_of(partial(compiled.filters.node_rules, compiled.node_number(name))) == own
    lists = {id(compiled.netmap(name).packet_filter_rules[0].src_ips) for name in tagged}
    assert len(lists) == 1


def test_lists_of_sources_without_a_change_are_not_rendered_again() -> None:
    held = engine(FEW)
    before = Renderer(held.snapshot.compiled)
    before.rules("node-9")
    held.apply(NodeChanged(node(20, tags=("tag:t3",), user=None)))
    after = before.following(held.snapshot.compiled)
    assert texts_of(lambda: after.rules("node-25")) == 2
    assert held.snapshot.compiled.netmap("node-25").packet_filter_rules
