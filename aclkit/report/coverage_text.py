"""Coverage for people: a line for each rule and each mutant, then the totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aclkit.analysis.coverage import Coverage, RuleCoverage
from aclkit.analysis.mutants import Mutant
from aclkit.analysis.mutants_run import MutationRun, Survivor
from aclkit.compiled import CompiledPolicy
from aclkit.diagnostics import Label
from aclkit.report.answers import shown
from aclkit.report.coverage_words import change_words, mutant_words, part_words, percent_words
from aclkit.report.place import file_name, place
from aclkit.report.style import Ink, Style
from aclkit.source import Source, Span
from aclkit.wording import counted


def coverage_text(
    compiled: CompiledPolicy, coverage: Coverage, run: MutationRun | None, style: Style
) -> str:
    """Return the text for what the tests of a policy touch and, if they were run, its mutants.

    When *style* is quiet only what tests leave open is named.
    """
    source = compiled.rules.policy.source
    blocks = [[line for rule in coverage.rules for line in _rule(rule, source, style)]]
    if run is not None:
        blocks.append(list(_mutants(compiled, run, style)))
    blocks.append([*_totals(compiled, coverage, run, style)])
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in blocks if lines)


def _rule(rule: RuleCoverage, source: Source, style: Style) -> Iterator[str]:
    name = f"{rule.section}[{rule.index}]"
    where = _where(rule.span, source, style)
    if rule.unseen:
        if not style.quiet:
            said = shown(f"not counted, since {rule.unseen}", style)
            yield f"{where} {name}: {style.paint(said, Ink.FAINT)}"
        return
    whole = rule.touched == len(rule.parts)
    if whole and style.quiet:
        return
    of = f"{rule.touched} of {counted(len(rule.parts), 'part')} touched"
    yield f"{where} {name}: {style.paint(of, Ink.PASSED if whole else Ink.WARNING)}"
    for part in rule.parts:
        if not part.touched:
            yield f"  not touched: {shown(part_words(part), style)}"


def _mutants(compiled: CompiledPolicy, run: MutationRun, style: Style) -> Iterator[str]:
    source = compiled.rules.policy.source

    def lines(survivors: Iterable[Survivor], word: str, ink: Ink) -> Iterator[str]:
        for survivor in survivors:
            yield _mutant(survivor.mutant, word, ink, source, style)
            yield f"  {shown(change_words(survivor.change, compiled.rules), style)}"

    yield from lines(run.survivors, "survives", Ink.ERROR)
    if style.quiet:
        return
    yield from lines(run.beyond, "no test can ask", Ink.FAINT)
    for mutant in run.equivalent:
        yield _mutant(mutant, "equivalent", Ink.FAINT, source, style)


def _mutant(mutant: Mutant, word: str, ink: Ink, source: Source, style: Style) -> str:
    where = _where(mutant.span, source, style)
    return f"{where} {style.paint(f'{word}:', ink)} {shown(mutant_words(mutant), style)}"


def _where(span: Span, source: Source, style: Style) -> str:
    return style.paint(f"{place(source, Label(span), style)}:", Ink.PLACE)


def _totals(
    compiled: CompiledPolicy, coverage: Coverage, run: MutationRun | None, style: Style
) -> Iterator[str]:
    policy = compiled.rules.policy
    name = file_name(policy.source, style)
    if not policy.tests and not policy.ssh_tests:
        yield f"{name}: {style.paint('note:', Ink.HELP)} no tests in this policy"
    for section, index in coverage.failing:
        failing = style.paint("failed:", Ink.ERROR)
        yield f"{name}: {failing} {section}[{index}] fails as it is, and counts for nothing"
    rules = counted(sum(not rule.unseen for rule in coverage.rules), "rule")
    touched = f"{coverage.touched} of {counted(coverage.parts, 'part')} of {rules} touched"
    yield f"{name}: coverage {percent_words(coverage.percent)}: {touched}"
    if run is not None:
        total = len(run.noticed) + len(run.survivors)
        others = [f"{len(run.survivors)} survive"]
        if run.beyond:
            others.append(f"{len(run.beyond)} no test can ask for")
        others.append(f"{len(run.equivalent)} equivalent")
        yield (
            f"{name}: mutation {percent_words(run.score)}:"
            f" {len(run.noticed)} of {counted(total, 'mutant')} noticed, {', '.join(others)}"
        )
