from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import aclkit
from aclkit.hujson.tree import plain
from aclkit.limits import Limits
from aclkit.policy import lower, network, sections
from aclkit.policy.key_words import ENTRIES, SECTIONS
from aclkit.policy.load import read_policy
from aclkit.policy.records import SHAPES
from aclkit.policy.schema import policy_schema
from aclkit.source import Source
from aclkit.target import ALL_SECTIONS, TARGETS, Reading

ROOT = Path(__file__).resolve().parent.parent
VALIDATORS = {name: Draft202012Validator(policy_schema(target)) for name, target in TARGETS.items()}
OK, EXAMPLES = ROOT / "tests" / "data" / "ok", ROOT / "examples"
GOOD = sorted([*OK.glob("*.hujson"), *EXAMPLES.glob("*/policy.hujson")])
POLICIES = [*GOOD, *sorted((EXAMPLES / "broken").glob("*.hujson"))]

# What is wrong with the form of a policy, as far as a schema can tell.
STRUCTURAL = {
    *("wrong-type", "unknown-field", "bad-value", "bad-action", "missing-action"),
    *("bad-group-name", "bad-tag-name", "bad-ipset-name", "bad-posture-name"),
}
NAMES = {
    "groups": "group:a", "tagOwners": "tag:a", "ipsets": "ipset:a", "postures": "posture:a",
    "regions": "900", "routes": "10.0.0.0/8",
}  # fmt: skip
VALUES: list[Any] = [
    *(None, True, 1, 1.5, "x", "accept", " check ", "number", [], ["x"], [1], [None], {}),
    *({"group:": []}, {"tag:1": []}),
]


def samples(path: tuple[str | int, ...]) -> Iterator[Any]:
    yield from VALUES
    name = NAMES.get(str(path[-1]), "x") if path else "x"
    yield from ({name: None}, {name: []}, {name: 1})
    if path == ("acls", 0):
        yield {"#x": 1}


def places(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[Any]:
    """Yield the path to every value that *schema* speaks of, as keys and indices."""
    yield path
    for key, inner in schema.get("properties", {}).items():
        yield from places(inner, (*path, key))
    if "items" in schema:
        yield from places(schema["items"], (*path, 0))
    if isinstance(schema.get("additionalProperties"), dict):
        name = NAMES.get(str(path[-1]), "name")
        yield from places(schema["additionalProperties"], (*path, name))


def policy_with(path: tuple[str | int, ...], value: Any) -> Any:
    """Return a policy that holds nothing but *value* at *path*, and what rules need."""
    value = deepcopy(value)
    for step in reversed(path):
        value = [value] if isinstance(step, int) else {step: value}
    for section in ("acls", "ssh"):
        if path[:2] == (section, 0) and isinstance(value[section][0], dict):
            value[section][0].setdefault("action", "accept")
    return value


def structural_errors(policy: Any, target: str) -> set[str]:
    diagnostics: list[aclkit.Diagnostic] = []
    source = Source("policy.hujson", json.dumps(policy))
    read_policy(source, TARGETS[target], Limits(), diagnostics)
    return {found.code for found in diagnostics if found.is_error} & STRUCTURAL


@pytest.mark.parametrize("name", TARGETS)
def test_the_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(policy_schema(TARGETS[name]))


@pytest.mark.parametrize("name", TARGETS)
def test_the_schema_refuses_what_reading_refuses_by_its_form_and_nothing_else(name: str) -> None:
    for path in places(policy_schema(TARGETS[name])):
        for value in samples(path):
            policy = policy_with(path, value)
            errors = structural_errors(policy, name)
            assert (path, value, VALIDATORS[name].is_valid(policy)) == (path, value, not errors)


@pytest.mark.parametrize("name", TARGETS)
def test_every_key_has_a_description_and_every_reference_leads_to_one(name: str) -> None:
    schema = policy_schema(TARGETS[name])
    pending: list[Any] = [schema]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            for key in each.get("properties", {}).values():
                assert key["description"][-1] in ".]}`"
            if "$ref" in each:
                found: Any = schema
                for step in each["$ref"].split("/")[1:]:
                    found = found[step]
                assert "description" in found
            pending.extend(each.values())


def test_the_keys_are_those_that_are_read() -> None:
    assert set(SECTIONS) == set(ALL_SECTIONS) == set(lower._SECTIONS)
    read = {shape.section: set(shape.keys) for shape in SHAPES.values()}
    read["autoApprovers"] = set(sections._APPROVER_KEYS)
    read["attrConfig"] = set(network._ATTRIBUTE)
    read["derpMap"] = set(network._DERP_MAP)
    read["derpMap.regions"] = set(network._REGION)
    read["derpMap.regions.nodes"] = set(network._NODE)
    assert {name: set(words) for name, words in ENTRIES.items()} == read


def test_a_schema_has_the_keys_of_its_target_only() -> None:
    headscale = policy_schema(TARGETS["headscale@0.29"])["properties"]
    assert "postures" not in headscale
    assert set(headscale["autoApprovers"]["properties"]) == {"routes", "exitNode"}
    assert "users" not in headscale["acls"]["items"]["properties"]
    for name, target in TARGETS.items():
        read = {
            key for key, how in target.sections.items() if how in (Reading.READ, Reading.UNUSED)
        }
        assert (name, set(policy_schema(target)["properties"])) == (name, read)


def test_older_names_are_marked() -> None:
    rule = policy_schema()["properties"]["acls"]["items"]["properties"]
    assert rule["users"] == {
        **rule["src"],
        "description": "Older name of `src`.",
        "deprecated": True,
    }


@pytest.mark.parametrize("key", ["ACLs", "acls", "Acls", "TagOwners", "tagowners", "oneCGNATRoute"])
def test_a_key_is_taken_in_any_case(key: str) -> None:
    value: dict[str, Any] = {"acls": [], "tagowners": {}, "onecgnatroute": ""}
    assert VALIDATORS["tailscale"].is_valid({key: value[key.lower()]})
    assert not VALIDATORS["tailscale"].is_valid({key: 1})


def test_dashes_count_for_some_targets_only() -> None:
    policy: dict[str, Any] = {"Tag_Owners": {}, "auto-approvers": None}
    assert VALIDATORS["headscale@0.29"].is_valid(policy)
    assert not VALIDATORS["tailscale"].is_valid(policy)


def is_readable(text: str, target: str) -> bool:
    try:
        aclkit.load_policy(text, target)
    except aclkit.PolicyError:
        return False
    return True


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_policy_that_can_be_read_fits_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = [name for name in TARGETS if is_readable(text, name)]
    assert targets or path not in GOOD or path.parent.name == "mistake"
    for name in targets:
        errors = list(VALIDATORS[name].iter_errors(plain(aclkit.hujson.parse(text).value)))
        assert (name, errors) == (name, [])


def test_a_recorded_policy_fits_the_schema(recordings: Path) -> None:
    count = 0
    for path in sorted(recordings.rglob("*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        policy = recording.get("policy")
        if isinstance(policy, str) and recording["response"]["code"] == 200:
            value = plain(aclkit.hujson.parse(policy).value)
            assert (path.name, list(VALIDATORS["tailscale"].iter_errors(value))) == (path.name, [])
            count += 1
    assert count > 300


def wrong_values(entry: dict[str, Any]) -> Iterator[Any]:
    """Yield *entry* with each of its values replaced by one that nothing takes."""
    yield from ({**entry, key: 7.5} for key in entry if key[0] != "#")  # which is a comment


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_policy_with_a_key_too_many_or_a_wrong_value_is_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    validator = VALIDATORS["tailscale" if is_readable(text, "tailscale") else "headscale@0.29"]
    policy = plain(aclkit.hujson.parse(text).value)
    for section, value in policy.items():
        assert not validator.is_valid({**policy, section: 7.5})
        assert not validator.is_valid({**policy, f"{section}s": value})
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, dict):
                for wrong in [{**entry, "sources": []}, *wrong_values(entry)]:
                    changed = [*value[:index], wrong, *value[index + 1 :]]
                    assert not validator.is_valid({**policy, section: changed})
