from __future__ import annotations

import json

from aclkit.policy.schema import policy_schema
from aclkit.tailnet.shapes import tailnet_schema
from aclkit.target import find_target
from tests.command_line import invoke


def test_the_schema_of_policies_is_printed() -> None:
    result = invoke("schema", "policy")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == policy_schema()


def test_another_target_has_another_schema() -> None:
    result = invoke("schema", "policy", "--target", "headscale")
    assert json.loads(result.stdout) == policy_schema(find_target("headscale"))
    assert json.loads(result.stdout)["title"] == "Policy file for Headscale 0.29"


def test_the_schema_of_tailnets_is_printed() -> None:
    result = invoke("schema", "tailnet")
    assert (result.exit_code, json.loads(result.stdout)) == (0, tailnet_schema())


def test_any_other_file_is_a_mistake_of_usage() -> None:
    for args, told in (
        (("schema", "tailnte"), "no schema of `tailnte`; did you mean `tailnet`?"),
        (("schema", "users"), "no schema of `users`; type `aclkit schema policy` or"),
        (("schema",), "no kind of file named; type `aclkit schema policy` or"),
    ):
        result = invoke(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr
