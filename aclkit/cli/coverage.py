"""``aclkit coverage``: what the tests of a policy touch, which mistakes they would let pass."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aclkit.cli.compiled_input import compile_files
from aclkit.cli.help import examples
from aclkit.cli.inputs import STDIN, policy_here
from aclkit.cli.options import (
    answer_format_option,
    color_option,
    open_only_option,
    policy_argument,
    stdin_filename_option,
    tailnet_option,
    target_option,
)
from aclkit.cli.output import say, screen_style, write_file
from aclkit.cli.settings import variable
from aclkit.cli.unusable import CLEAN, FINDINGS, UnusableError, tell
from aclkit.compiled import CompiledPolicy
from aclkit.hujson.pointer import EditError
from aclkit.wording import counted

if TYPE_CHECKING:
    from aclkit.report.coverage_json import Findings

_PERCENT = click.FloatRange(0, 100)


@click.command(
    epilog=examples(
        "aclkit coverage --tailnet tailnet.json --mutate",
        "aclkit coverage --tailnet tailnet.json --generate better.hujson",
    )
)
@policy_argument
@tailnet_option
@target_option
@click.option("--mutate", is_flag=True, help="Try small mistakes, too: which does no test notice?")
@click.option(
    "--generate",
    is_flag=False,
    flag_value=STDIN,
    metavar="[FILE]",
    help="Write tests that notice what survives: alone to standard output, or with the policy to"
    " FILE.",
)
@click.option(
    "--scenario",
    metavar="FILE",
    help="With --generate: write what `tests` can't say to this scenario file.",
)
@click.option(
    "--min",
    "min",
    type=_PERCENT,
    envvar=variable("min"),
    show_envvar=True,
    metavar="PERCENT",
    help="Exit with 1 where less is covered.",
)
@click.option(
    "--min-mutation",
    type=_PERCENT,
    envvar=variable("min-mutation"),
    show_envvar=True,
    metavar="PERCENT",
    help="Exit with 1 where fewer mutants are noticed; --mutate is understood.",
)
@answer_format_option
@color_option
@open_only_option
@stdin_filename_option
def command(
    policy: str | None,
    tailnet: str | None,
    target: str,
    mutate: bool,
    generate: str | None,
    scenario: str | None,
    min: float | None,
    min_mutation: float | None,
    form: str,
    color: str,
    quiet: bool,
    stdin_filename: str,
) -> int:
    """Tell which rules of POLICY its tests touch, and which mistakes they would let pass.

    With --mutate, small mistakes are made one at a time: a rule is removed, a port widened, a
    member dropped. One that changes access on this tailnet and fails no test survives. --generate
    writes tests that hold today and notice the survivors; on standard output they take the place
    of the report. Without POLICY, ./policy.hujson is read; `-` is standard input.

    Exit status: 0 told, 1 below --min or --min-mutation, tests that fail, or a policy with errors;
    2 usage, 3 a bug in aclkit.
    """
    named = policy_here(policy, "aclkit coverage FILE")
    _refuse_clashes(named, tailnet, generate, scenario)
    compiled = compile_files(named, tailnet, target, stdin_filename=stdin_filename, quiet=quiet)
    if compiled is None:
        return FINDINGS
    # Imported here only: whoever mistypes an option need not wait for it.
    from aclkit.report.coverage_json import coverage_json
    from aclkit.report.coverage_text import coverage_text

    with_mutants = mutate or generate is not None or min_mutation is not None
    findings = _found(compiled, mutate=with_mutants, generate=generate is not None)
    if generate is not None:
        _write(compiled, findings, generate, alone=form == "text")
        if scenario is not None:
            names = {"policy": named if generate == STDIN else generate}
            names |= {"tailnet": tailnet} if tailnet is not None else {}
            _write_scenario(compiled, findings, Path(scenario), names)
        _tell_of_the_rest(findings, scenario)
    if form == "json":
        say(coverage_json(compiled, findings))
    elif generate != STDIN:
        style = screen_style(color, os.environ, quiet=quiet)
        say(coverage_text(compiled, findings.coverage, findings.run, style))
    missed = _below(findings, min, min_mutation)
    return FINDINGS if missed or findings.coverage.failing else CLEAN


def _refuse_clashes(
    policy: str, tailnet: str | None, generate: str | None, scenario: str | None
) -> None:
    """Refuse to write over the tailnet, or a scenario over the policy or over what is generated."""
    if scenario is not None:
        if generate is None:
            raise click.UsageError("--scenario goes with --generate")
        if STDIN in (policy, tailnet, scenario):
            raise click.UsageError("a scenario names its files, so `-` won't do")
    read_or_written = [] if tailnet is None else [tailnet]
    for name, option, more in ((generate, "--generate", policy), (scenario, "--scenario", None)):
        taken = {Path(each).resolve() for each in read_or_written if each != STDIN}
        if name not in (None, STDIN) and Path(name).resolve() in taken:
            raise click.UsageError(f"{option} would write over {name}, which is read or written")
        read_or_written += [each for each in (name, more) if each is not None]


def _found(compiled: CompiledPolicy, *, mutate: bool, generate: bool) -> Findings:
    from aclkit.analysis.coverage import coverage
    from aclkit.analysis.coverage_tests import tried_tests
    from aclkit.analysis.generate import generate as generated_tests
    from aclkit.analysis.generate_scenario import generate_scenario
    from aclkit.analysis.mutants_run import Mutation
    from aclkit.report.coverage_json import Findings

    tests = tried_tests(compiled.rules)
    if not mutate:
        return Findings(coverage(tests))
    mutation = Mutation(tests)
    run = mutation.run()
    if not generate:
        return Findings(coverage(tests), run)
    generated = generated_tests(mutation, run)
    scenario = generate_scenario(compiled, mutation, generated.left)
    return Findings(coverage(tests), run, generated, scenario)


def _write(compiled: CompiledPolicy, findings: Findings, name: str, *, alone: bool) -> None:
    """Write the tests to standard output, if they are to stand there *alone*, or into the file."""
    from aclkit.analysis.generate_text import policy_text, sections_text

    assert findings.generated is not None
    if name == STDIN:
        if alone:
            say(sections_text(findings.generated))
        return
    try:
        text = policy_text(compiled.rules.policy, findings.generated)
    except EditError as error:
        raise UnusableError(f"the tests can't be added: {error}") from error
    write_file(Path(name), text)


def _write_scenario(
    compiled: CompiledPolicy, findings: Findings, path: Path, names: dict[str, str]
) -> None:
    """Write what `tests` can't say; *names* are the files, of which it says the way from there."""
    from aclkit.analysis.generate_text import scenario_text

    assert findings.scenario is not None
    if not findings.scenario.noticed:
        return
    header = {key: os.path.relpath(name, path.parent) for key, name in names.items()}
    header["target"] = compiled.rules.policy.target.name
    write_file(path, scenario_text(findings.scenario, header))


def _tell_of_the_rest(findings: Findings, scenario: str | None) -> None:
    """Tell what the generated tests notice, and what they leave to a scenario file."""
    generated, beyond = findings.generated, findings.scenario
    assert generated is not None
    assert beyond is not None
    tests = len(generated.tests) + len(generated.ssh_tests)
    of = generated.noticed + len(generated.left)
    tell(f"{counted(tests, 'test')} generated: they notice {generated.noticed} of {of} survivors")
    if beyond.noticed and scenario is None:
        tell(f"`tests` can't ask for {beyond.noticed} of them; --scenario FILE writes what can")
    elif beyond.noticed:
        tell(f"{scenario}: notices {counted(beyond.noticed, 'survivor')} more")
    if beyond.left:
        tell(f"nothing can ask for {len(beyond.left)} of them")


def _below(findings: Findings, least: float | None, least_mutation: float | None) -> bool:
    """Tell each figure that is below its threshold, in one line; return whether any is."""
    from aclkit.report.coverage_words import percent_words

    found = [("coverage", findings.coverage.percent, "--min", least)]
    if findings.run is not None:
        found.append(("mutation", findings.run.score, "--min-mutation", least_mutation))
    missed = [each for each in found if each[3] is not None and each[1] < each[3]]
    for what, percent, option, threshold in missed:
        tell(f"{what} is {percent_words(percent)}, below {option} {threshold:g}")
    return bool(missed)
