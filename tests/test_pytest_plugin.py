"""The plugin in runs of pytest of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# Loaded here, and not anew in each run.
import aclkit.analysis.scenarios
import aclkit.checking
import aclkit.report.tests_text
from aclkit import pytest_plugin
from tests.command_line import BAD, FAILING, GOOD, UNTESTED
from tests.test_docs import PYTHON, ROOT, blocks

pytest_plugins = ["pytester"]

OFFICE = ROOT / "examples" / "office"
WEB_ONLY = '{"nodes": [{"name": "w", "tags": ["tag:web"], "addresses": ["100.64.0.1"]}]}'


# A plugin can't be loaded by its module if it is loaded by its entry point as well.
INSTALLED = any(each.name == "aclkit" for each in entry_points(group="pytest11"))
PLUGIN = "aclkit" if INSTALLED else "aclkit.pytest_plugin"
FIXED = ("-p", PLUGIN, "-p", "no:hypothesispytest", "-p", "no:cacheprovider")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what makes pytest repeat whole messages in its summary, as it does in CI."""
    for name in ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS", "FORCE_COLOR", "PY_COLORS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run pytest with the plugin, in this process: that is ten times as fast as in another."""
    return pytester.runpytest_inprocess(*FIXED, *args)


def write(pytester: pytest.Pytester, text: str, name: str = "policy.hujson") -> Path:
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


SSH = GOOD.replace(
    '  "tests"',
    '  "ssh": [{"src": ["group:eng"], "action": "accept","dst": ["tag:web"], "users": ["root"]}],\n'
    '  "sshTests": [{"src": "alice@example.com", "dst": ["tag:web"], "accept": ["root"]}],\n'
    '  "tests"',
)


def test_each_test_of_a_policy_is_an_item_with_a_readable_id(pytester: pytest.Pytester) -> None:
    write(pytester, SSH)
    result = run(pytester, "--aclkit", "policy.hujson", "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "policy.hujson::check",
        "policy.hujson::tests[0] alice@example.com",
        "policy.hujson::sshTests[0] alice@example.com",
    ]
    run(pytester, "--aclkit", "policy.hujson").assert_outcomes(passed=3)


def test_a_failed_test_is_explained_with_its_place(pytester: pytest.Pytester) -> None:
    write(pytester, FAILING)
    result = run(pytester, "--aclkit", "policy.hujson")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "policy.hujson:5:79: failed: tests[[]0[]] from `alice@example.com` to `tag:web:443`:"
            " expected deny, got accept",
            '  5 | *"deny": [[]"tag:web:443"[]]*',
            "  because: policy.hujson:4:12 acls[[]0[]] opens *",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "pytest_plugin.py" not in result.stdout.str()


def test_a_policy_with_errors_fails_its_check_and_runs_no_test(pytester: pytest.Pytester) -> None:
    write(pytester, BAD)
    result = run(pytester, "--aclkit", "policy.hujson")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["policy.hujson:4:42: error: undefined group `group:enng`*"])
    result.stdout.fnmatch_lines(["*the tests were not run, since the policy has errors*"])


def test_text_that_is_no_hujson_fails_the_check(pytester: pytest.Pytester) -> None:
    write(pytester, "{")
    result = run(pytester, "--aclkit", "policy.hujson")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["policy.hujson:1:*: error: *"])


def test_a_policy_without_tests_does_not_pass_in_silence(pytester: pytest.Pytester) -> None:
    write(pytester, UNTESTED)
    result = run(pytester, "--aclkit", "policy.hujson")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= aclkit =*", "policy.hujson: no tests in this policy"])


def test_what_was_assumed_of_the_tailnet_is_told(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    result = run(pytester, "--aclkit", "policy.hujson")
    result.stdout.fnmatch_lines(["policy.hujson: no tailnet given: assumed one device per user*"])


def test_the_tests_run_in_the_tailnet_that_is_given(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    write(pytester, WEB_ONLY, "tailnet.json")
    args = ("--aclkit", "policy.hujson", "--aclkit-tailnet", "tailnet.json")
    result = run(pytester, *args)
    result.assert_outcomes(passed=1, failed=1)
    assert "assumed one device" not in result.stdout.str()


def test_the_target_that_is_given_decides(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    args = ("--aclkit", "policy.hujson", "--aclkit-target", "headscale@0.25")
    result = run(pytester, *args)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*no tests in this policy"])


def test_a_policy_runs_beside_the_tests_that_are_there(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD, ".github/policy.hujson")
    pytester.makepyfile(test_it="def test_it(): pass")
    run(pytester, "--aclkit", ".github/policy.hujson").assert_outcomes(passed=3)
    run(pytester, "--aclkit", ".github/policy.hujson", "test_it.py").assert_outcomes(passed=3)


def test_a_policy_in_the_way_is_left_alone(pytester: pytest.Pytester) -> None:
    write(pytester, BAD)
    pytester.makepyfile(test_it="def test_it(): pass")
    run(pytester).assert_outcomes(passed=1)


def test_a_policy_runs_once_however_it_is_named(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    for args in (("policy.hujson",), (".",), (".", "policy.hujson"), ("--aclkit=./policy.hujson",)):
        run(pytester, "--aclkit", "policy.hujson", *args).assert_outcomes(passed=2)


def test_one_test_of_a_policy_can_be_named(pytester: pytest.Pytester) -> None:
    write(pytester, SSH)
    wanted = "policy.hujson::sshTests[0] alice@example.com"
    run(pytester, "--aclkit", "policy.hujson", wanted).assert_outcomes(passed=1)


def test_items_are_picked_like_others(pytester: pytest.Pytester) -> None:
    write(pytester, SSH)
    result = run(pytester, "--aclkit", "policy.hujson", "-k", "sshTests")
    result.assert_outcomes(passed=1, deselected=2)


def test_several_policies_run_in_one_session(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    write(pytester, FAILING, "sub/policy.hujson")
    args = ("--aclkit", "policy.hujson", "--aclkit", "sub/policy.hujson")
    run(pytester, *args).assert_outcomes(passed=3, failed=1)


def test_processes_of_xdist_agree_and_tell_the_notes(pytester: pytest.Pytester) -> None:
    write(pytester, UNTESTED)
    pytester.makepyfile(test_it="def test_it(): pass")
    args = (*FIXED, "--aclkit", "policy.hujson", "-n", "1")
    result = pytester.runpytest_subprocess(*args)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["policy.hujson: no tests in this policy"])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--aclkit", "nowhere.hujson"), "--aclkit: there is no file *nowhere.hujson"),
        (("--aclkit", "policy.hujson", "--aclkit-tailnet", "nowhere"), "*No such file*"),
        (("--aclkit", "policy.hujson", "--aclkit-tailnet", "policy.hujson"), "*this is a policy*"),
        (("--aclkit", "policy.hujson", "--aclkit-target", "headscle"), "*headscle*"),
        (("--aclkit-tailnet", "tailnet.json"), "*need --aclkit FILE*"),
        (("--aclkit-target", "headscale"), "*need --aclkit FILE*"),
    ],
)
def test_a_mistake_of_usage_is_told_as_one(
    pytester: pytest.Pytester, args: tuple[str, ...], told: str
) -> None:
    write(pytester, GOOD)
    result = run(pytester, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{told}*"])
    assert "Traceback" not in result.stderr.str()


ASKING = """
def test_query(aclkit_policy):
    verdict = aclkit_policy.query("alice@example.com", "tag:web", port=443)
    assert verdict.allowed.name == "ALL"

def test_reaches(aclkit_policy):
    assert len(aclkit_policy.rules.nodes) == 2
"""


def test_the_fixture_is_the_compiled_policy(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    pytester.makepyfile(ASKING)
    run(pytester, "--aclkit", "policy.hujson").assert_outcomes(passed=4)


def test_the_fixture_needs_one_policy(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    write(pytester, GOOD, "other.hujson")
    pytester.makepyfile(ASKING)
    result = run(pytester)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["aclkit_policy needs a policy: run `pytest --aclkit *`"])
    result = run(pytester, "--aclkit", "policy.hujson", "--aclkit", "other.hujson", "-k", "query")
    result.assert_outcomes(errors=1, deselected=5)
    result.stdout.fnmatch_lines(["aclkit_policy needs one policy and not several: *"])


def test_the_fixture_tells_the_errors_of_its_policy(pytester: pytest.Pytester) -> None:
    write(pytester, BAD)
    pytester.makepyfile(ASKING)
    result = run(pytester, "--aclkit", "policy.hujson")
    result.assert_outcomes(failed=1, errors=2)
    result.stdout.fnmatch_lines(["policy.hujson:4:42: error: undefined group `group:enng`*"])


# A test knows no posture, so the rule does not count in it; for the device it does.
HIDING = """{
  "tagOwners": {"tag:web": []},
  "postures": {"posture:linux": ["node:os == 'linux'"]},
  "acls": [{
    "action": "accept",
    "src": ["alice@example.com"],
    "srcPosture": ["posture:linux"],
    "dst": ["tag:web:443"],
  }],
  "tests": [{"src": "alice@example.com", "deny": ["tag:web:443"]}],
}
"""
LINUX = """{"nodes": [
  {"name": "pc", "user": "alice@example.com", "addresses": ["100.64.0.1"],
   "posture": {"node:os": "linux"}},
  {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.3"]}
]}
"""

SCENARIO = """{
  "policy": "policy.hujson",
  "tests": [
    {"name": "web for engineers", "src": "alice@example.com", "accept": ["tag:web:443"]},
    {"src": "alice@example.com", "accept": ["tag:web:80"]},
  ],
}
"""


def test_scenario_files_are_collected_wherever_they_are(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    write(pytester, SCENARIO.replace('"policy.h', '"../policy.h'), "sub/access.acltest.hujson")
    result = run(pytester, "-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "sub/access.acltest.hujson::check PASSED*",
            "sub/access.acltest.hujson::tests[[]0[]] web for engineers PASSED*",
            "sub/access.acltest.hujson::tests[[]1[]] alice@example.com FAILED*",
            "sub/access.acltest.hujson:5:*: failed: tests[[]1[]] from *",
        ]
    )


def test_a_scenario_can_be_given_like_a_policy(pytester: pytest.Pytester) -> None:
    write(pytester, GOOD)
    write(pytester, SCENARIO, ".hidden/access.acltest.hujson")
    write(pytester, GOOD, ".hidden/policy.hujson")
    args = ("--aclkit", ".hidden/access.acltest.hujson", "--aclkit", "policy.hujson")
    run(pytester, *args).assert_outcomes(passed=4, failed=1)


def test_the_target_is_who_refuses(pytester: pytest.Pytester) -> None:
    write(pytester, BAD)
    asks = '"never": [{"src": "*", "dst": "tag:web"}]'
    scenario = f'{{"policy": "policy.hujson", "target": "headscale", {asks}}}'
    write(pytester, scenario, "a.acltest.hujson")
    result = run(pytester, "--aclkit", "policy.hujson", "--aclkit-target", "headscale")
    result.assert_outcomes(failed=2)
    says = [line for line in result.outlines if " says: " in line]
    assert len(says) == 2
    assert all("Headscale 0.29 says: " in line for line in says)


def test_a_scenario_without_tests_does_not_pass_in_silence(pytester: pytest.Pytester) -> None:
    write(pytester, '{"policy": {}}', "empty.acltest.hujson")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["empty.acltest.hujson:1:1: error: *"])


def test_what_a_verdict_hides_is_told(pytester: pytest.Pytester) -> None:
    write(pytester, HIDING)
    write(pytester, LINUX, "tailnet.json")
    args = ("--aclkit", "policy.hujson", "--aclkit-tailnet", "tailnet.json")
    result = run(pytester, *args)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*= aclkit =*", "policy.hujson:*: truth: *"])


def test_a_scenario_with_mistakes_is_told_with_its_place(pytester: pytest.Pytester) -> None:
    write(pytester, '{"policy": "nowhere.hujson"}', "access.acltest.hujson")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["access.acltest.hujson:1:*: error: *"])
    assert "pytest_plugin.py" not in result.stdout.str()


def test_a_policy_can_not_command_the_terminal(pytester: pytest.Pytester) -> None:
    text = FAILING.replace('"src": "alice@', '"src": "a\\u001b[2Jlice@')
    write(pytester, text)
    result = run(pytester, "--aclkit", "policy.hujson", "-v")
    assert "\x1b" not in result.stdout.str()


def test_scenarios_have_one_name_everywhere() -> None:
    assert pytest_plugin.SCENARIO == aclkit.analysis.scenarios.SUFFIX


def test_loading_the_plugin_loads_nothing_else_of_aclkit() -> None:
    code = (
        "import sys, aclkit.pytest_plugin\n"
        "loaded = {name for name in sys.modules if name.startswith('aclkit')}\n"
        "assert loaded == {'aclkit', 'aclkit.pytest_plugin'}, loaded\n"
        "assert not {'lark', 'pydantic', 'click', 'rich'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_about_the_plugin_does_what_it_says(pytester: pytest.Pytester) -> None:
    (block,) = (block for block, _ in PYTHON if block.page.name == "pytest.md")
    write(pytester, block.text, "test_access.py")
    for name in ("policy.hujson", "tailnet.json"):
        write(pytester, (OFFICE / name).read_text(encoding="utf-8"), name)
    page = block.page.read_text(encoding="utf-8")
    for folder in ("broken", "startup"):
        shutil.copytree(ROOT / "examples" / folder, pytester.path / "examples" / folder)
    (shown,) = (each.text for each in blocks(block.page) if each.language == "text")
    path = shown.partition(":")[0]
    args = ("--aclkit", path, "--aclkit-tailnet", "examples/startup/tailnet.json")
    assert shown in run(pytester, *args, "-k", "tests").stdout.str()

    command = "pytest test_access.py --aclkit policy.hujson --aclkit-tailnet tailnet.json"
    assert f"\n{command}\n" in page
    result = pytester.runpytest_subprocess(*FIXED, *command.split()[1:])
    result.assert_outcomes(passed=9)
