"""The public names: what they are, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import aclkit


def loaded_after(statements: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after *statements*."""
    probe = f"{statements}\nimport sys\nprint(*sys.modules, sep='\\n')"
    result = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_the_public_names_are_sorted_and_there() -> None:
    assert list(aclkit.__all__) == sorted(aclkit.__all__)
    for name in aclkit.__all__:
        assert getattr(aclkit, name) is not None


def test_names_that_are_not_there_are_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute `chekc`"):
        aclkit.chekc  # noqa: B018


def test_importing_aclkit_loads_next_to_nothing() -> None:
    modules = loaded_after("import aclkit")
    unwanted = {"click", "rich", "pygments", "netaddr", "json5", "lark", "pydantic"}
    assert not unwanted & modules


def test_importing_the_library_builds_no_parser() -> None:
    statements = (
        "import aclkit, aclkit.checking, aclkit.compiled\n"
        "from aclkit.hujson import grammatical, quick, scanner, terminals\n"
        "from aclkit.policy import postures\n"
        "modules = (grammatical, quick, scanner, terminals, postures)\n"
        "built = [f for module in modules for f in vars(module).values()\n"
        "         if hasattr(f, 'cache_info')]\n"
        "assert built, 'no cached builder found'\n"
        "assert all(f.cache_info().currsize == 0 for f in built)"
    )
    assert "aclkit.hujson.parser" in loaded_after(statements)


def test_checking_a_policy_loads_no_library() -> None:
    modules = loaded_after("import aclkit\naclkit.check('{}')")
    assert "aclkit.checking" in modules
    unwanted = {"rich", "pygments", "click", "json5", "netaddr", "pydantic", "lark"}
    assert not unwanted & modules


def test_importing_a_submodule_does_not_shadow_a_public_name() -> None:
    statements = (
        "import aclkit.checking, aclkit.compiled, aclkit.policy.load, aclkit.tailnet.load\n"
        "import aclkit\n"
        "assert callable(aclkit.check) and callable(aclkit.load_policy)\n"
        "assert callable(aclkit.compile_policy) and callable(aclkit.load_tailnet)"
    )
    assert "aclkit" in loaded_after(statements)


def test_check_takes_text_and_a_tailnet_and_says_so() -> None:
    with pytest.raises(TypeError, match="takes the text of a policy, not dict"):
        aclkit.check({})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a Tailnet"):
        aclkit.check("{}", tailnet="tailnet.json")  # type: ignore[arg-type]


def test_an_error_of_loading_names_its_place() -> None:
    with pytest.raises(aclkit.PolicyError) as refused:
        aclkit.load_policy('{"acls":\n [{"action": "accept", "src": ["group:x"], "dst": ["*:*"]}]}')
    assert str(refused.value) == "policy.hujson:2:33: undefined group `group:x`"
    (found,) = refused.value.diagnostics
    assert found.code == "undefined-group"
