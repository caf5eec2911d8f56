"""``aclkit test``: the tests of policies, and scenario files, with what their verdicts hide."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from aclkit.cli.help import examples
from aclkit.cli.inputs import (
    STDIN,
    policy_here,
    policy_within,
    read_policy,
    read_tailnet,
    refuse_clashes,
)
from aclkit.cli.options import (
    color_option,
    fail_level_option,
    format_option,
    output_option,
    quiet_option,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say, screen_style, write_file
from aclkit.cli.unusable import CLEAN, FINDINGS, UNUSABLE, UnusableError, reason, tell
from aclkit.diagnostics import PolicyError
from aclkit.report.style import Style
from aclkit.report.tested import TestReport, report_of, report_of_mistakes, without_outcomes
from aclkit.source import Source
from aclkit.tailnet.model import Tailnet

SCENARIOS = "*.acltest.hujson"


@click.command(
    epilog=examples(
        "aclkit test policy.hujson --tailnet tailnet.json", "aclkit test scenarios -k printer"
    )
)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@tailnet_option
@target_option
@click.option(
    "-k",
    "select",
    metavar="TEXT",
    default="",
    help="Only tests with TEXT in their name, source or destinations, in any case of letters.",
)
@format_option
@output_option
@color_option
@fail_level_option
@quiet_option
@stdin_filename_option
def command(
    files: tuple[str, ...],
    tailnet: str | None,
    target: str,
    select: str,
    format: str,
    output: tuple[tuple[str, Path], ...],
    color: str,
    fail_level: str,
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Run the tests of policies, and scenario files; explain what fails.

    Tests of a policy get the verdicts of the control plane. Where one hides that devices get on
    otherwise, the truth stands beside it. FILE is a policy, a scenario (*.acltest.hujson), or a
    folder that is searched for scenarios. Without FILE, ./policy.hujson is tested; `-` is a policy
    on standard input. A scenario names its own tailnet and target.

    Exit status: 0 all passed, 1 failed tests or a policy with errors, 2 usage or a scenario that
    can't be run, 3 a bug in aclkit. With --fail-level warning, a verdict that hides something
    counts as failed.
    """
    named = list(_found(files or [policy_here(None, "aclkit test FILE")]))
    refuse_clashes([*named, tailnet], [path for _, path in output])
    context = read_tailnet(tailnet) if tailnet is not None else None
    if all(map(_is_scenario, named)):
        _tell_of_unused(("tailnet", "target"))
    status = CLEAN
    reports: list[TestReport] = []
    for name in named:
        try:
            if _is_scenario(name):
                report, worst = _scenario(name, select)
            else:
                shown = stdin_filename if name == STDIN else name
                report, worst = _policy(read_policy(name), context, target, shown, select)
        except UnusableError as error:
            error.show()  # the other files are still worth testing
            status = UNUSABLE
            continue
        reports.append(report)
        if worst == CLEAN and (not report.accepted or _hides(report, fail_level)):
            worst = FINDINGS
        status = max(status, worst)
    if select and reports and not any(report.outcomes or report.diagnostics for report in reports):
        raise UnusableError(f"no test holds `{select}` in its name, source or destinations")
    for form, path in output:
        write_file(path, _rendered(form, reports, Style()))
    say(_rendered(format, reports, screen_style(color, os.environ, quiet=quiet)))
    return status


def _policy(
    text: bytes, tailnet: Tailnet | None, target: str, name: str, select: str
) -> tuple[TestReport, int]:
    # Imported here only: whoever mistypes an option need not wait for it.
    from aclkit.analysis import scenarios

    try:
        run = scenarios.test_results(text, tailnet, target, filename=name, select=select)
    except PolicyError as error:
        source = error.source or Source.of(name, text)
        return report_of_mistakes(error.diagnostics, source, target), FINDINGS
    return report_of(run), CLEAN


def _scenario(name: str, select: str) -> tuple[TestReport, int]:
    from aclkit.analysis import scenarios

    try:
        run = scenarios.run_scenario(name, select=select)
    except scenarios.ScenarioError as error:
        return report_of_mistakes(error.diagnostics, error.source, "tailscale"), UNUSABLE
    except PolicyError as error:
        source = error.source or Source(name, "")
        return report_of_mistakes(error.diagnostics, source, error.target or "tailscale"), FINDINGS
    except OSError as error:
        raise UnusableError(f"{name}: {reason(error)}") from error
    return report_of(run), CLEAN


def _rendered(form: str, reports: Sequence[TestReport], style: Style) -> str:
    from aclkit.report import tests_text
    from aclkit.report.formats import render_of

    if form == "text":
        return tests_text.render(reports, style)
    if form in ("json", "junit"):
        return render_of(form)(reports, style)
    return render_of(form)([without_outcomes(report) for report in reports], style)


def _hides(report: TestReport, fail_level: str) -> bool:
    return fail_level == "warning" and report.hides


def _tell_of_unused(names: Sequence[str]) -> None:
    """Say which options have no effect where only scenarios are run."""
    given = click.get_current_context().get_parameter_source
    for name in names:
        if given(name) is ParameterSource.COMMANDLINE:
            tell(f"--{name} is not used: a scenario names its own")


def _is_scenario(name: str) -> bool:
    return name.endswith(SCENARIOS.removeprefix("*"))


def _found(names: Sequence[str]) -> Iterator[str]:
    """Yield *names*, and in place of each folder the scenarios in it, by name.

    Raises:
        UnusableError: a folder holds no scenario.
    """
    for name in names:
        if name == STDIN or not Path(name).is_dir():
            yield name
            continue
        within = sorted(str(path) for path in Path(name).rglob(SCENARIOS) if path.is_file())
        if not within:
            raise UnusableError(f"{name}: no {SCENARIOS} in this folder{policy_within(Path(name))}")
        yield from within
