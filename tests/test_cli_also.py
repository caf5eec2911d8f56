"""`aclkit check --also`: what another target would make of the policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from aclkit.checking import compare
from tests.command_line import invoke

POLICY = """{
  "groups": {"group:ops": ["ann@example.com"]},
  "postures": {"posture:linux": ["node:os == 'linux'"]},
  "acls": [{"action": "accept", "src": ["group:ops"], "dst": ["*:22"]}],
  "tests": [{"src": "ann@example.com", "accept": ["ann@example.com:22"]}],
}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.hujson"
    path.write_text(POLICY, encoding="utf-8")
    return str(path)


def test_what_the_other_refuses_stands_at_its_place(policy: str) -> None:
    result = invoke("check", policy, "--also", "headscale", "--format", "concise")
    assert result.exit_code == 1
    assert ":3:4: error: " in result.output
    assert "[refused-by-other]" in result.output


def test_an_upgrade_is_the_same_question(policy: str) -> None:
    arguments = ["check", policy, "--target", "headscale@0.28", "--upgrade-to", "headscale@0.29"]
    result = invoke(*arguments, "--format", "concise")
    assert "for Headscale 0.29: what it would refuse or mean otherwise than" in result.output


def test_an_unknown_other_target_is_a_mistake_of_usage(policy: str) -> None:
    result = invoke("check", policy, "--also", "hedscale")
    assert result.exit_code == 2
    assert "did you mean `headscale`" in result.output


def test_a_policy_that_both_take_alike_is_accepted() -> None:
    text = '{"acls": [{"action": "accept", "src": ["a@example.com"], "dst": ["100.64.0.9:22"]}]}'
    report = compare(text, "headscale@0.29", "headscale@0.30")
    assert report.accepted
    assert report.target == "headscale@0.30"
    assert not report.diagnostics


def test_of_a_comparison_no_test_is_said_to_be_missing(policy: str) -> None:
    taken = ["check", policy, "--target", "headscale@0.28", "--also", "headscale@0.30"]
    result = invoke(*taken)
    assert "no tests in this policy" not in result.output
    assert "2 reports: " in result.output
    also = [line for line in result.output.splitlines() if ": Headscale 0.30: " in line]
    assert len(also) == 1
    for form in ("concise", "markdown", "json"):
        assert "no tests in this policy" not in invoke(*taken, "--format", form).output


def test_where_nothing_differs_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "policy.hujson"
    path.write_text(
        '{"acls": [{"action": "accept", "src": ["a@example.com"], "dst": ["100.64.0.9:22"]}]}'
    )
    result = invoke("check", str(path), "--target", "headscale@0.29", "--also", "headscale@0.30")
    assert f"{path}: Headscale 0.30: accepted: no differences\n" in result.output
