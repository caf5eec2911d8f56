from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from aclkit.target import (
    ALIASES,
    ALL_SECTIONS,
    HEADSCALE_0_24,
    HEADSCALE_0_25,
    HEADSCALE_0_29,
    HEADSCALE_0_30,
    HEADSCALES,
    TAILSCALE,
    TARGETS,
    Position,
    Reading,
    SelectorKind,
    Target,
    UnknownTargetError,
    find_target,
)


def test_every_version_has_a_target() -> None:
    versions = [f"headscale@0.{minor}" for minor in range(23, 31)]
    assert list(TARGETS) == ["tailscale", *versions]
    assert all(find_target(name).name == name for name in TARGETS)


def test_headscale_alone_is_its_newest_release() -> None:
    assert ALIASES == {"headscale": "headscale@0.29"}
    assert find_target("headscale") is HEADSCALE_0_29


@pytest.mark.parametrize("name", ["", "Tailscale", "headscale@0.22", "headscale@0.29.2"])
def test_an_unknown_target_is_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownTargetError, match=r"tailscale, headscale@0\.23") as problem:
        find_target(name)
    assert f"`{name}`" in str(problem.value)


def test_the_title_is_for_people() -> None:
    assert TAILSCALE.title == "Tailscale"
    assert HEADSCALE_0_29.title == "Headscale 0.29"


def test_a_target_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        TAILSCALE.version = "1"  # type: ignore[misc]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_each_section_is_read_in_one_way(target: Target) -> None:
    assert set(target.sections) == set(ALL_SECTIONS)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_what_is_dead_at_a_position_is_allowed_there(target: Target) -> None:
    for position, kinds in target.dead.items():
        assert kinds <= target.selectors[position]
        assert all(target.is_dead(position, kind) for kind in kinds)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_autogroups_stand_only_where_autogroups_may(target: Target) -> None:
    for position, names in target.autogroups.items():
        assert all(name.startswith("autogroup:") for name in names)
        assert target.allows(position, SelectorKind.AUTOGROUP) or not names


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_source_of_self_may_be_a_source_at_all(target: Target) -> None:
    sources = {Position.ACL_DST: Position.ACL_SRC, Position.GRANT_DST: Position.GRANT_SRC}
    for position, allowed in target.self_sources.items():
        source = sources[position]
        words = {each for each in allowed if isinstance(each, str)}
        assert words <= target.autogroups[source]
        assert allowed - words <= target.selectors[source]


@pytest.mark.parametrize("target", HEADSCALES, ids=lambda target: target.name)
def test_a_position_of_a_section_that_is_not_read_takes_nothing(target: Target) -> None:
    if target.sections["grants"] is not Reading.READ:
        assert not target.allows(Position.GRANT_SRC, SelectorKind.USER)
        assert not target.allows(Position.NODE_ATTR_TARGET, SelectorKind.USER)


def differing(one: Target, other: Target) -> set[str]:
    names = [field.name for field in fields(Target)]
    return {name for name in names if getattr(one, name) != getattr(other, name)}


def test_0_25_is_0_24_by_another_name() -> None:
    assert differing(HEADSCALE_0_24, HEADSCALE_0_25) == {"name", "version"}


def test_0_30_adds_one_capability_to_0_29() -> None:
    assert differing(HEADSCALE_0_29, HEADSCALE_0_30) == {"name", "version", "app_names"}
    assert HEADSCALE_0_30.app_names - HEADSCALE_0_29.app_names == {"secrets"}


def test_words_of_a_position_go_before_words_of_the_case() -> None:
    target = replace(
        TAILSCALE,
        words={
            "case": "plain {x}",
            ("case", Position.VIA): "by way of {x}",
            "case/detail": "in detail {x}",
        },
    )
    assert target.says("case", x="a") == "plain a"
    assert target.says("case", Position.VIA, x="a") == "by way of a"
    assert target.says("case/detail", Position.VIA, x="a") == "in detail a"
    assert target.says("case/other", Position.VIA, x="a") == "by way of a"
    assert target.says("case/other", x="{x}") == "plain {x}"
    assert target.says("none", x="a") is None
