"""Source keys: what identifies a rule's list of sources, without the list being rendered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aclkit.addresses import Family
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import SourceSet
from aclkit.compiler.compiled_rules import CompiledRules


class SourceKey:
    """What identifies a list of sources; equal keys mean equal lists.

    It is hashed when it is made, and only then: its sets are large, and it outlives many states.

    Attributes:
        classes: classes of which all nodes are in the list.
        texts: all other sources, as they are written.
    """

    __slots__ = ("_hash", "classes", "texts")

    def __init__(self, classes: int, texts: frozenset[str]) -> None:
        self.classes = classes
        self.texts = texts
        self._hash = hash((classes, texts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SourceKey):
            return NotImplemented
        return self.classes == other.classes and self.texts == other.texts

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return SourceKey, (self.classes, self.texts)  # texts have other hashes in another process

    def __bool__(self) -> bool:
        """Return whether the list has anything in it."""
        return bool(self.classes or self.texts)


@dataclass(slots=True)
class SourceKeys:
    """The keys of source sets; what did not change keeps its key from state to state.

    `changed` are the classes that have other nodes than in the state of which the keys were taken
    over, and `taken` says which classes were marked there.
    """

    rules: CompiledRules
    _keys: dict[int, SourceKey] = field(default_factory=dict)
    _marked: int = -1
    _taken: int = -1
    _changed: int = 0

    def following(self, rules: CompiledRules, changed: int) -> SourceKeys:
        """Return the keys of the next state, in which the classes *changed* have other nodes."""
        keys = self._keys.copy()
        mentions = rules.mentions
        if mentions is None:
            return SourceKeys(rules)
        touched = {
            at
            for number in members(changed)
            for each in (self.rules.classes, rules.classes)
            if number < len(each.classes)
            for at in mentions.sources(each.classes[number], each)
        }
        for now, was in zip(rules.sources, self.rules.sources, strict=True):
            if now is not was:
                touched.add(now.number)
        for number in touched:
            keys.pop(number, None)
        prepared = self._marked >= 0
        return SourceKeys(
            rules,
            keys,
            _taken=self._marked if prepared else self._taken,
            _changed=changed if prepared else self._changed | changed,
        )

    @property
    def marked(self) -> int:
        """The classes of which a node may be told by its address alone.

        Such an address may make two lists equal that were written differently, so the addresses
        of these classes take part in keys as text.
        """
        if self._marked < 0:
            marked = self.rules.classes.named_by_address()
            for source in self.rules.sources:
                if source.postures:
                    marked |= (source.covers4 | source.covers6) & ~source.identity
            if (marked ^ max(self._taken, 0)) & ~self._changed:
                self._keys = {}
            self._marked = marked
        return self._marked

    def numbered(self, number: int) -> SourceKey:
        """Return what identifies the list of a source set, given by its number."""
        return self.of(self.rules.sources[number])

    def all(self) -> dict[int, SourceKey]:
        """Return the keys of all source sets, by their numbers."""
        marked, keys = self.marked, self._keys
        for source in self.rules.sources:
            if source.number not in keys:
                keys[source.number] = self._key(source, marked)
        return {source.number: keys[source.number] for source in self.rules.sources}

    def of(self, source: SourceSet) -> SourceKey:
        """Return what identifies the list of a source set."""
        marked = self.marked
        key = self._keys.get(source.number)
        if key is None:
            key = self._keys[source.number] = self._key(source, marked)
        return key

    def _key(self, source: SourceSet, marked: int) -> SourceKey:
        rules = self.rules
        texts: set[str] = set()
        for number in members(source.identity & marked):
            for node in rules.classes.classes[number].nodes:
                texts.update(map(str, rules.addresses(node)))
        if source.postures:
            # Narrowed to nodes: what was named by address is now these nodes' addresses.
            for covers, family in ((source.covers4, Family.V4), (source.covers6, Family.V6)):
                for number in members(covers & ~source.identity):
                    texts.update(self._texts_of(number, family))
        else:
            for literal in source.literals:
                texts.update(literal.tokens)
            if source.routes:
                texts.update(route.token for route in rules.classes.routes)
        identity = source.identity & ~marked & (rules.classes.has4 | rules.classes.has6)
        return SourceKey(identity, frozenset(texts))

    def own(self, source: SourceSet | None, user: str) -> SourceKey:
        """Return what identifies the untagged nodes of *user* that *source* holds (None: all)."""
        classes = self.rules.classes
        whole, texts = [], set[str]()
        for number in classes.by_user.get(user, ()):
            has4, has6 = classes.has4 >> number & 1, classes.has6 >> number & 1
            in4 = source.covers4 >> number & 1 if source else has4
            in6 = source.covers6 >> number & 1 if source else has6
            if not in4 and not in6:
                continue
            if in4 == has4 and in6 == has6 and not self.marked >> number & 1:
                whole.append(number)
                continue
            if in4:
                texts.update(self._texts_of(number, Family.V4))
            if in6:
                texts.update(self._texts_of(number, Family.V6))
        return SourceKey(bitset(whole), frozenset(texts))

    def _texts_of(self, number: int, family: Family) -> Iterable[str]:
        for node in self.rules.classes.classes[number].nodes:
            for address in self.rules.addresses(node):
                if address.family is family:
                    yield str(address)
