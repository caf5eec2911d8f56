"""The scenarios of docs/answers.md: a policy, a tailnet, a question and what is answered.

Each is a file under tests/data/answers/scenarios, named after the code that it shows; those that
begin with `yes-` show the reasons of a yes. The comment at its head is a title and a story.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import aclkit
from aclkit.compiled import CompiledPolicy, SshVerdict, Verdict
from aclkit.hujson.tree import Object, plain
from aclkit.report.answers_can import Question, can_text
from aclkit.report.style import Style

DATA = Path(__file__).resolve().parent / "data" / "answers" / "scenarios"
YES = "yes-"


@dataclass(frozen=True)
class Scenario:
    """One scenario; `texts` are its parts as they are written."""

    name: str
    title: str
    story: str
    texts: dict[str, str]
    data: dict[str, Any]

    @property
    def is_yes(self) -> bool:
        """Whether the answer is yes."""
        return self.name.startswith(YES)

    @property
    def world(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The policy and the tailnet, as data."""
        return self.data["policy"], self.data["tailnet"]

    @cached_property
    def compiled(self) -> CompiledPolicy:
        """The policy, compiled for the tailnet."""
        policy = aclkit.load_policy(self.texts["policy"])
        return aclkit.compile_policy(policy, aclkit.Tailnet.from_dict(self.data["tailnet"]))

    def asked(self, compiled: CompiledPolicy) -> Verdict | SshVerdict:
        """Ask *compiled* the question of the scenario."""
        asked = self.data["ask"]
        if "login" in asked:
            return compiled.query_ssh(asked["src"], asked["dst"], asked["login"])
        return compiled.query(asked["src"], asked["dst"], asked["port"], asked.get("proto"))

    @property
    def answer(self) -> str:
        """What a person is told."""
        asked = self.data["ask"]
        numbers = self.compiled.rules.policy.target.protocols
        proto = numbers[asked.get("proto", "tcp")][0]
        port, login = asked.get("port", 22), asked.get("login")
        question = Question(asked["src"], asked["dst"], port, proto, login)
        source = self.compiled.rules.policy.source
        return can_text(question, self.asked(self.compiled), source, Style())

    @property
    def command(self) -> str:
        """The command that asks it."""
        asked = self.data["ask"]
        if "login" in asked:
            return f"aclkit can {asked['src']} {asked['dst']} --ssh {asked['login']}"
        proto = f" --proto {asked['proto']}" if "proto" in asked else ""
        port = f":{asked['port']}" if asked["port"] else ""
        return f"aclkit can {asked['src']} {asked['dst']}{port}{proto}"


def scenarios() -> Iterator[Scenario]:
    """Yield all scenarios, by name."""
    for path in sorted(DATA.glob("*.hujson")):
        text = path.read_text(encoding="utf-8")
        head = [line[2:].strip() for line in text.split("\n{")[0].split("\n")]
        tree = aclkit.hujson.parse(text)
        assert isinstance(tree.value, Object)
        texts = {
            str(member.name.value): dedent(
                "  " + text[member.value.span.start : member.value.span.end]
            )
            for member in tree.value.members
        }
        yield Scenario(path.stem, head[0], "\n".join(head[1:]), texts, plain(tree.value))
