"""Policies and their tests as tests of pytest: ``pytest --aclkit policy.hujson``.

pytest loads this module where aclkit is installed, in runs that have nothing to do with policies,
too; so it imports the rest of aclkit when there is a policy, and not before. aclkit does not depend
on pytest: nothing but pytest imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aclkit.analysis.outcomes import Outcome, TestRun
    from aclkit.compiled import CompiledPolicy
    from aclkit.diagnostics import Diagnostic
    from aclkit.source import Source
    from aclkit.tailnet.model import Tailnet

# As in `analysis.scenarios`, which is not loaded before there is such a file.
SCENARIO = ".acltest.hujson"

# Under this name items carry what was assumed or left out; such properties reach the process that
# prints the report, where tests run in others.
_NOTE = "aclkit"


@dataclass(frozen=True, slots=True)
class _Given:
    """What the options say."""

    files: tuple[Path, ...]
    tailnet: Tailnet | None
    target: str

    @property
    def policies(self) -> tuple[Path, ...]:
        """Return the policies among the files."""
        return tuple(path for path in self.files if not path.name.endswith(SCENARIO))


_GIVEN = pytest.StashKey[_Given]()


class FailedTest(Exception):  # noqa: N818 - a test failed, nothing went wrong
    """What an item tells of its failure: text that is ready to be shown."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("aclkit", "policies of Tailscale and Headscale")
    group.addoption(
        "--aclkit",
        action="append",
        default=[],
        metavar="FILE",
        help="run the tests of this policy or scenario too; may be given several times",
    )
    group.addoption(
        "--aclkit-tailnet",
        metavar="FILE",
        help="the tailnet of the policies; without it, the one that each policy implies",
    )
    group.addoption(
        "--aclkit-target",
        metavar="NAME",
        default="tailscale",
        help="who will run the policies: tailscale (default), headscale, headscale@0.29, ...",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read the options, and refuse what can't be meant."""
    given = config.getoption("aclkit")
    tailnet = config.getoption("aclkit_tailnet")
    target = config.getoption("aclkit_target")
    if not given:
        if tailnet is not None or target != "tailscale":
            raise pytest.UsageError("--aclkit-tailnet and --aclkit-target need --aclkit FILE")
        return
    folder = config.invocation_params.dir
    files = tuple(dict.fromkeys((folder / name).resolve() for name in given))
    for path in files:
        if not path.is_file():
            raise pytest.UsageError(f"--aclkit: there is no file {path}")
    tailnet_read = _read_tailnet(folder / tailnet) if tailnet is not None else None
    config.stash[_GIVEN] = _Given(files, tailnet_read, _target_name(target))


def _target_name(name: str) -> str:
    from aclkit.target import UnknownTargetError, find_target

    try:
        return find_target(name).name
    except UnknownTargetError as error:
        raise pytest.UsageError(f"--aclkit-target: {error}") from error


def _read_tailnet(path: Path) -> Tailnet:
    from aclkit.diagnostics import TailnetError
    from aclkit.source import Source
    from aclkit.tailnet.load import load_tailnet

    try:
        return load_tailnet(path)
    except OSError as error:
        raise pytest.UsageError(f"--aclkit-tailnet: {path}: {error.strerror}") from error
    except TailnetError as error:
        said = _told(error.diagnostics, Source.of(fspath(path), path.read_bytes()))
        raise pytest.UsageError(f"--aclkit-tailnet: no tailnet can be read\n{said}") from error


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenarios wherever they are, and policies that are named like a test.

    A policy that only stands in a folder of tests is none of ours.
    """
    if file_path.name.endswith(SCENARIO):
        return ScenarioFile.from_parent(parent, path=file_path)
    given = parent.config.stash.get(_GIVEN, None)
    if given is not None and file_path.resolve() in given.files and _is_named(file_path, parent):
        return PolicyFile.from_parent(parent, path=file_path)
    return None


def _is_named(path: Path, parent: pytest.Collector) -> bool:
    folder = parent.config.invocation_params.dir
    named = (folder / str(arg).partition("::")[0] for arg in parent.config.args)
    return any(each.resolve() == path.resolve() for each in named)


@pytest.hookimpl(tryfirst=True)  # before those that pick from the items, such as -k
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the tests of ``--aclkit FILE``, in whatever folder that is."""
    given = config.stash.get(_GIVEN, None)
    if given is None:
        return
    collected = {item.path.resolve() for item in items}
    for path in given.files:
        if path not in collected:
            kind = ScenarioFile if path.name.endswith(SCENARIO) else PolicyFile
            items.extend(session.genitems(kind.from_parent(session, path=path)))


class ScenarioFile(pytest.File):
    """A scenario: the item ``check``, which fails when it can't be run, and its tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items."""
        from aclkit.analysis.scenarios import ScenarioError, run_scenario
        from aclkit.diagnostics import PolicyError
        from aclkit.source import Source

        name = _shown(self.path, self.config)
        try:
            run = run_scenario(self.path, name=name)
        except ScenarioError as error:
            yield _check_item(self, _told(error.diagnostics, error.source))
            return
        except PolicyError as error:
            source = error.source or Source(name, "")
            yield _check_item(self, _told(error.diagnostics, source, error.target))
            return
        yield _check_item(self, notes=run.assumptions)
        yield from _items(self, run)


class PolicyFile(pytest.File):
    """A policy: the item ``check``, which fails when the target refuses it, and its tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items."""
        from aclkit.analysis.scenarios import test_results
        from aclkit.checking import check
        from aclkit.report.findings import notes

        given = self.config.stash[_GIVEN]
        name = _shown(self.path, self.config)
        text = self.path.read_bytes()
        report = check(text, tailnet=given.tailnet, target=given.target, filename=name)
        errors = [found for found in report.diagnostics if found.is_error]
        yield _check_item(self, _told(errors, report.source, report.target), notes(report))
        if not errors:
            yield from _items(self, test_results(text, given.tailnet, given.target, filename=name))


def _check_item(parent: pytest.File, failure: str = "", notes: Iterable[str] = ()) -> pytest.Item:
    # The types of pytest know no arguments but its own.
    made: Any = CheckItem.from_parent
    name = _shown(parent.path, parent.config)
    said = [f"{name}: {note}" for note in notes]
    item: pytest.Item = made(parent, name="check", failure=failure, notes=said)
    return item


def _items(parent: pytest.File, run: TestRun) -> Iterator[pytest.Item]:
    made: Any = OutcomeItem.from_parent
    for outcome in run.outcomes:
        yield made(parent, name=_item_name(outcome), run=run, outcome=outcome)


def _item_name(outcome: Outcome) -> str:
    """Return a name such as ``tests[0] alice@example.com``; section and index make it unique."""
    from aclkit.report.display import visible
    from aclkit.report.failures import name_of

    words = (name_of(outcome.result), outcome.name or outcome.result.src)
    return visible(" ".join(filter(None, words)))


class _AclItem(pytest.Item):
    """An item that says itself what failed."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what is shown of a failure: no traceback, which would be one of aclkit."""
        if isinstance(excinfo.value, FailedTest):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CheckItem(_AclItem):
    """Whether the target takes a policy, its tests apart; whether a scenario can be run."""

    def __init__(self, *, failure: str, notes: Iterable[str], **rest: Any) -> None:
        super().__init__(**rest)
        self._failure = failure
        self.user_properties.extend((_NOTE, note) for note in notes)

    def runtest(self) -> None:
        """Fail if there are errors."""
        if self._failure:
            raise FailedTest(self._failure)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place."""
        return self.path, 0, self.name


class OutcomeItem(_AclItem):
    """One test of a policy or of a scenario."""

    def __init__(self, *, run: TestRun, outcome: Outcome, **rest: Any) -> None:
        super().__init__(**rest)
        self._run = run
        self._outcome = outcome
        if outcome.result.passed:
            self.user_properties.extend((_NOTE, note) for note in _hidden(run, outcome))

    def runtest(self) -> None:
        """Fail if the test failed."""
        if not self._outcome.result.passed:
            raise FailedTest(_explained(self._run, self._outcome))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place, with the line counted from 0."""
        start = self._outcome.result.span.start
        return self.path, self._run.source.position(start).line - 1, self.name


def _explained(run: TestRun, outcome: Outcome) -> str:
    """Return all that is to be said of one test: of one that passed, what its verdict hides."""
    from aclkit.report.style import Style
    from aclkit.report.tested import report_of
    from aclkit.report.tests_text import render

    return render([report_of(replace(run, outcomes=(outcome,)))], Style(quiet=True)).rstrip("\n")


def _hidden(run: TestRun, outcome: Outcome) -> Iterator[str]:
    """Yield what the verdict on a test that passed hides, a line for each."""
    from aclkit.diagnostics import Label
    from aclkit.report.place import place
    from aclkit.report.style import Style

    where = place(run.source, Label(outcome.result.span), Style())
    for line in _explained(run, outcome).splitlines():
        yield f"{where}: {line.strip()}"


def _told(diagnostics: Iterable[Diagnostic], source: Source, target: str | None = None) -> str:
    from aclkit.report.style import Style
    from aclkit.report.text import render_findings

    return render_findings(diagnostics, source, Style(), target)


def _shown(path: Path, config: pytest.Config) -> str:
    """Return *path* as people call it who see the output: from the folder where pytest runs."""
    folder = config.invocation_params.dir
    return fspath(path.relative_to(folder) if path.is_relative_to(folder) else path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was assumed or left out: no test passes in silence."""
    notes = {
        str(value): None
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == _NOTE
    }
    if notes:
        terminalreporter.section("aclkit")
        for note in notes:
            terminalreporter.line(note)


@pytest.fixture(scope="session")
def aclkit_policy(pytestconfig: pytest.Config) -> CompiledPolicy:
    """Return the policy of ``--aclkit``, compiled for the tailnet of ``--aclkit-tailnet``.

    The test fails if none is given or several are, and if the policy has errors.
    """
    from aclkit.compiled import compile_policy
    from aclkit.diagnostics import PolicyError
    from aclkit.policy.load import load_policy
    from aclkit.source import Source
    from aclkit.tailnet.implied import implied_tailnet

    given = pytestconfig.stash.get(_GIVEN, None)
    if given is None or len(given.policies) != 1:
        wrong = "one policy and not several" if given and given.policies else "a policy"
        pytest.fail(
            f"aclkit_policy needs {wrong}: run `pytest --aclkit policy.hujson`", pytrace=False
        )
    (path,) = given.policies
    name = _shown(path, pytestconfig)
    text = path.read_bytes()
    try:
        policy = load_policy(text, given.target, filename=name)
        return compile_policy(policy, given.tailnet or implied_tailnet(policy))
    except PolicyError as error:
        source = error.source or Source.of(name, text)
        pytest.fail(_told(error.diagnostics, source, error.target), pytrace=False)
