"""Generated tests as text: alone, within the policy, and as a scenario file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aclkit.analysis.generate import Generated
from aclkit.analysis.generate_scenario import GeneratedScenario
from aclkit.hujson.edit import add, apply_edits
from aclkit.hujson.format import format_document
from aclkit.hujson.parser import parse
from aclkit.hujson.pointer import write_pointer
from aclkit.hujson.tree import Array, Document, Object
from aclkit.policy.model import Policy


def sections_text(generated: Generated) -> str:
    """Return the sections `tests` and `sshTests`, as an object in HuJSON."""
    return _formatted({}, _sections(generated))


def scenario_text(scenario: GeneratedScenario, header: Mapping[str, str]) -> str:
    """Return a scenario file; *header* holds the paths of policy and tailnet, and the target."""
    return _formatted(header, _sections(scenario))


def policy_text(policy: Policy, generated: Generated) -> str:
    """Return the text of *policy* with the tests added, each behind those that are there.

    Every other byte stays. In a policy that is formatted the tests are too.

    Raises:
        EditError: a section of tests is there twice.
    """
    text = policy.source.text
    sections = _sections(generated)
    if not sections:
        return text
    document = parse(text)
    was_formatted = format_document(document) == text
    for section, entries in sections.items():
        name = _spelled(section, policy, document)
        for entry in entries:
            text = _added(text, name, _expanded(entry) if was_formatted else _written(entry))
    return format_document(parse(text)) if was_formatted else text


def _spelled(section: str, policy: Policy, document: Document) -> str:
    """Return the name of a section as the policy writes it, in whatever case."""
    assert isinstance(document.value, Object)
    span = policy.sections.get(section)
    for member in document.value.members:
        if span is not None and member.name.span.start == span.start:
            return str(member.name.value)
    return section


def _added(text: str, name: str, entry: str) -> str:
    """Return *text* with *entry* behind those that the section *name* has."""
    document = parse(text)
    assert isinstance(document.value, Object)
    held = next((m.value for m in document.value.members if m.name.value == name), None)
    if isinstance(held, Array):
        return apply_edits(text, add(document, write_pointer([name, "-"]), entry))
    return apply_edits(text, add(document, write_pointer([name]), f"[\n{entry}\n]"))


def _sections(tests: Generated | GeneratedScenario) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of each section that has any."""
    sections = {
        "tests": [test.to_dict() for test in tests.tests],
        "sshTests": [test.to_dict() for test in tests.ssh_tests],
    }
    return {name: entries for name, entries in sections.items() if entries}


def _formatted(header: Mapping[str, str], sections: Mapping[str, Iterable[dict[str, Any]]]) -> str:
    """Return one object in HuJSON, in the layout of a formatted policy."""
    lines = [f"{json.dumps(name)}: {_written(value)}," for name, value in header.items()]
    for name, entries in sections.items():
        lines.append(f"{json.dumps(name)}: [")
        lines += (f"{_expanded(entry)}," for entry in entries)
        lines.append("],")
    return format_document(parse("{\n" + "\n".join(lines) + "\n}\n"))


def _expanded(entry: Mapping[str, Any]) -> str:
    """Return *entry* with its members, and those of its members, on lines of their own."""
    members = (
        f"{_written(name)}: {_expanded(value) if isinstance(value, dict) else _written(value)}"
        for name, value in entry.items()
    )
    return "{\n" + ",\n".join(members) + "\n}"


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
