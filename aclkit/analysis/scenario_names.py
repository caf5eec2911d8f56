"""The names in a scenario, looked up in its policy and tailnet.

A misspelt name must not make a test pass that expects nothing to get through, so a name that stands
for nothing is a mistake unless the policy or the tailnet declares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aclkit.analysis.scenario_files import Scenario
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.diagnostics import Diagnostic, error
from aclkit.evaluator.reach import TSMP
from aclkit.evaluator.sides import UnknownSideError, resolve_side
from aclkit.policy.ports import PortSyntaxError, parse_protocol
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.text import Text
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(slots=True)
class Names:
    """Looks up the names of one scenario; what is unknown is noted."""

    rules: CompiledRules
    diagnostics: list[Diagnostic]
    _spelling: Spelling = field(default_factory=Spelling)
    _known: dict[str, str | None] = field(default_factory=dict)

    def check(self, scenario: Scenario) -> None:
        """Look up each name of *scenario*."""
        for text in _ends(scenario):
            if text.value not in self._known:
                self._known[text.value] = self._wrong(text.value)
            wrong = self._known[text.value]
            if wrong is not None:
                help = self._spelling.hint(text.value, self._declared())
                self._report("scenario-unknown-name", wrong, text, help or _HELP)
        for text, has_ports in _protocols(scenario):
            self._check_protocol(text, has_ports=has_ports)

    def _wrong(self, word: str) -> str | None:
        """Return what is wrong with *word*; None when it stands for something, or could."""
        try:
            side = resolve_side(word, self.rules)
        except UnknownSideError as problem:
            return str(problem)
        if not side.is_empty or side.selector is None or self._is_declared(side.selector):
            return None
        return f"neither the policy nor the tailnet knows `{word}`"

    def _is_declared(self, selector: Selector) -> bool:
        policy, tailnet = self.rules.policy, self.rules.tailnet
        word = selector.text
        match selector.kind:
            case K.GROUP:
                return word in tailnet.groups or any(g.name.value == word for g in policy.groups)
            case K.TAG:
                return any(owned.name.value == word for owned in policy.tag_owners)
            case K.USER:
                members = (each.text for group in policy.groups for each in group.members)
                return word in members or any(user.login == word for user in tailnet.users)
            case K.AUTOGROUP:
                known = policy.target.autogroups.values()
                return any(word in names for names in known)
            case K.SERVICE:
                return any(service.name == word for service in tailnet.services)
            case K.DOMAIN:
                return selector.name in tailnet.domains
            case _:
                return True

    def _declared(self) -> list[str]:
        policy, tailnet = self.rules.policy, self.rules.tailnet
        return [
            *(node.name for node in tailnet.nodes),
            *(user.login for user in tailnet.users),
            *(group.name.value for group in policy.groups),
            *tailnet.groups,
            *(owned.name.value for owned in policy.tag_owners),
            *(host.name.value for host in policy.hosts),
            *(service.name for service in tailnet.services),
        ]

    def _check_protocol(self, text: Text, *, has_ports: bool) -> None:
        try:
            proto = parse_protocol(text, self.rules.policy.target)
        except PortSyntaxError as problem:
            help = problem.help or "name a protocol, such as `tcp`"
            self._report("scenario-bad-protocol", problem.message, text, help)
            return
        if TSMP in proto.numbers:
            message = "TSMP passes between all devices whatever the rules say"
            self._report("scenario-bad-protocol", message, text, "ask about another protocol")
        elif has_ports and not proto.has_ports:
            message = f"`{text.value}` has no ports"
            self._report("scenario-bad-protocol", message, text, "remove `ports`")

    def _report(self, code: str, message: str, text: Text, help: str) -> None:
        self.diagnostics.append(error(code, message, text.span, help=help))


_HELP = "name a device of the tailnet, a selector as in the policy, or an address"


def _ends(scenario: Scenario) -> Iterator[Text]:
    for test in scenario.tests:
        yield from test.src
        yield from (end.host for end in (*test.accept, *test.deny))
    for ssh in scenario.ssh_tests:
        yield from (*ssh.src, *ssh.dst)
    for who in scenario.who_can:
        yield from (who.dst.host, *who.expected)
    for invariant in (*scenario.never, *scenario.only):
        yield from (*invariant.src, *invariant.dst)


def _protocols(scenario: Scenario) -> Iterable[tuple[Text, bool]]:
    for proto in (
        *(test.proto for test in scenario.tests),
        *(who.proto for who in scenario.who_can),
    ):
        if proto is not None:
            yield proto, False
    for invariant in (*scenario.never, *scenario.only):
        if invariant.proto is not None:
            yield invariant.proto, invariant.ports_text is not None
