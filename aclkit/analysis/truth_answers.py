"""What devices do, asked of the compiled rules: the measure for verdicts and for scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aclkit.analysis.outcomes import Flow
from aclkit.compiled import CompiledPolicy, Verdict, compile_policy
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.query import Allowed, Because
from aclkit.evaluator.reach import protocol_number
from aclkit.evaluator.sides import resolve_side
from aclkit.policy.ports import PORT_PROTOCOLS
from aclkit.tailnet.model import PostureValue


@dataclass(slots=True)
class Supposing:
    """A compiled policy, and the same for devices with other posture attributes."""

    compiled: CompiledPolicy
    _known: dict[tuple[object, ...], CompiledPolicy] = field(default_factory=dict)

    def having(
        self, attributes: Iterable[tuple[str, PostureValue | None]], *, only: bool
    ) -> CompiledPolicy:
        """Return the policy compiled as if all devices had *attributes*, None meaning none.

        With *only* they have no others; else they keep what they have.
        """
        policy, tailnet = self.compiled.rules.policy, self.compiled.rules.tailnet
        if not policy.postures:
            return self.compiled
        given = dict(attributes)
        # To Python 1 is equal to True; to an assertion it is not.
        key = only, *((name, type(value), value) for name, value in sorted(given.items()))
        found = self._known.get(key)
        if found is None:
            nodes = tuple(
                replace(node, posture=_changed({} if only else node.posture, given))
                for node in tailnet.nodes
            )
            found = self._known[key] = compile_policy(policy, replace(tailnet, nodes=nodes))
        return found


def _changed(
    before: Mapping[str, PostureValue], given: Mapping[str, PostureValue | None]
) -> dict[str, PostureValue]:
    after = {**before, **given}
    return {name: value for name, value in after.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the devices do, over one or several protocols of which one is enough.

    `allowed` counts pairs; `verdicts` has one for each of `protocols`.
    """

    compiled: CompiledPolicy
    src: str
    dst: str
    port: int
    protocols: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    allowed: Allowed

    @property
    def because(self) -> tuple[Because, ...]:
        """Return the rules of a yes, those of the first protocol first."""
        return tuple(dict.fromkeys(rule for each in self.verdicts for rule in each.because))

    def passing(self) -> Flow | None:
        """Return a flow that gets through."""
        for proto, verdict in zip(self.protocols, self.verdicts, strict=True):
            if verdict.allowed is not Allowed.NONE and verdict.because:
                first = verdict.because[0]
                return self.flow(*first.devices, proto, first.router)
        return None

    def stopped(self) -> Flow | None:
        """Return a flow that none of the protocols gets through."""
        return _first_stopped(self.compiled, self.src, self.dst, self.port, self.protocols)

    def flow(self, src: str, dst: str, proto: str, router: str | None = None) -> Flow:
        """Return the flow between two ends with the protocol and port of the question."""
        return flow_of(self.compiled, src, dst, proto, self.port, router)


def flow_of(
    compiled: CompiledPolicy,
    src: str,
    dst: str,
    proto: str,
    port: int,
    router: str | None = None,
) -> Flow:
    """Return a flow; it has a port only where its protocol has ports."""
    number = protocol_number(proto, compiled.rules)
    known = compiled.rules.policy.target.protocols
    names = [name for name, numbers in known.items() if name and numbers == (number,)]
    shown = proto if proto in known or not names else names[0]
    return Flow(src, dst, shown, port if number in PORT_PROTOCOLS else None, router)


def answer(
    compiled: CompiledPolicy, src: str, dst: str, port: int, protocols: tuple[str, ...]
) -> Answer:
    """Return what the devices do.

    Raises:
        UnknownSideError: a side is neither a node nor a selector.
    """
    verdicts = tuple(compiled.query(src, dst, port, proto) for proto in protocols)
    found = {verdict.allowed for verdict in verdicts}
    if Allowed.ALL in found:
        allowed = Allowed.ALL
    elif found == {Allowed.NONE}:
        allowed = Allowed.NONE
    else:
        # What one protocol leaves out another may let through.
        stopped = len(verdicts) == 1 or _first_stopped(compiled, src, dst, port, protocols)
        allowed = Allowed.SOME if stopped else Allowed.ALL
    return Answer(compiled, src, dst, port, protocols, verdicts, allowed)


def _first_stopped(
    compiled: CompiledPolicy, src: str, dst: str, port: int, protocols: Sequence[str]
) -> Flow | None:
    """Return a pair that none of *protocols* gets through, of ends told apart by class."""
    for source in _ends(compiled.rules, src):
        if not _stops(compiled, source, dst, port, protocols):
            continue
        for target in _ends(compiled.rules, dst, but=source):
            if _stops(compiled, source, target, port, protocols):
                return flow_of(compiled, source, target, protocols[0], port)
    return None


def _stops(
    compiled: CompiledPolicy, src: str, dst: str, port: int, protocols: Sequence[str]
) -> bool:
    return all(
        compiled.query(src, dst, port, proto).allowed is not Allowed.ALL for proto in protocols
    )


def _ends(rules: CompiledRules, word: str, but: str = "") -> Iterator[str]:
    """Yield a device of each class of a side, another one than *but*, then what has no device."""
    side = resolve_side(word, rules)
    for part in side.parts:
        names = (rules.nodes[node].name for node in part.nodes[:2])
        yield from [name for name in names if name != but][:1]
    yield from map(str, side.prefixes)
