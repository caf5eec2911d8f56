"""Reports to be rendered, one for each feature of the layout.

Their policies are `tests/data/render/<name>.hujson`. The findings are made here and not by the
checks, so that a new wording of a message does not touch the layout's goldens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aclkit.checking import Report, TestFailure, TestResult
from aclkit.diagnostics import Diagnostic, Label, error, in_order, warning
from aclkit.source import Source, Span

DATA = Path(__file__).resolve().parent / "data" / "render"


def source_of(name: str) -> Source:
    path = DATA / f"{name}.hujson"
    return Source("policy.hujson", path.read_bytes().decode())


def at(source: Source, text: str, occurrence: int = 0) -> Span:
    """Return the span of *text*, of its first occurrence or a later one."""
    start = source.text.index(text)
    for _ in range(occurrence):
        start = source.text.index(text, start + 1)
    return Span(start, start + len(text))


def report(
    source: Source,
    *diagnostics: Diagnostic,
    tests: tuple[TestResult, ...] = (),
    target: str = "tailscale",
    assumptions: tuple[str, ...] = (),
) -> Report:
    first = next((diagnostic for diagnostic in diagnostics if diagnostic.is_error), None)
    accepted = first is None and all(test.passed for test in tests)
    refusal = first.message if first else None if accepted else "test(s) failed"
    return Report(
        accepted=accepted,
        refusal=refusal,
        diagnostics=in_order(diagnostics),
        tests=tests,
        source=source,
        target=target,
        assumptions=assumptions,
    )


def one_error(source: Source) -> Report:
    finding = error(
        "undefined-group",
        "undefined group `group:enng`",
        at(source, "group:enng"),
        help="did you mean `group:eng`?",
        control_plane='group "group:enng" is not defined',
    )
    return report(source, finding)


def errors_of_all_weights(source: Source) -> Report:
    return report(
        source,
        warning("unused-host", "host `db` is never used", at(source, '"db"')),
        error("bad-port", "`70000` is no port", at(source, "70000"), label="at most 65535"),
        error("undefined-tag", "tag `tag:x` has no owner", at(source, "tag:x")),
    )


def related_places(source: Source) -> Report:
    first, second = at(source, '"group:eng"'), at(source, '"group:eng"', 1)
    finding = error(
        "duplicate-key",
        "group `group:eng` is defined twice",
        second,
        label="defined again",
        related=[Label(first, "first defined here")],
        help="keep one of them",
    )
    return report(source, finding)


def several_lines(source: Source) -> Report:
    start = source.text.index("[", source.text.index("acls"))
    span = Span(start, source.text.rindex("]") + 1)
    return report(source, error("bad-type", "`acls` must be an object", span, label="an array"))


def long_line(source: Source) -> Report:
    return report(
        source,
        error("undefined-group", "undefined group `group:left`", at(source, "group:left")),
        error("undefined-group", "undefined group `group:middle`", at(source, "group:middle")),
        error("undefined-group", "undefined group `group:right`", at(source, "group:right")),
    )


def long_part(source: Source) -> Report:
    start = source.text.index('"aaa')
    span = Span(start, source.text.index('aaa"') + 4)
    return report(source, error("bad-name", "this name is too long", span))


def tabs(source: Source) -> Report:
    return report(source, error("undefined-host", "undefined host `db`", at(source, '"db"')))


def wide_characters(source: Source) -> Report:
    return report(
        source,
        error("bad-group", "`group:設計部` is no group name", at(source, "group:設計部")),
        error("bad-group", "`group:e\u0301quipe` is no group name", at(source, "group:e\u0301q")),
        error("bad-group", "`group:한글` is no group name", at(source, "group:한글")),
    )


def hostile_characters(source: Source) -> Report:
    user = source.text.split('"')[5]
    return report(
        source,
        error("bad-user", f"`{user}` is no user", at(source, user), help=f"delete `{user}`"),
        error("bad-mark", "marks without end", at(source, "o\u0300")),
        error("bad-space", "this is no space of JSON", at(source, "\u00a0")),
    )


def line_end(source: Source) -> Report:
    missing = source.text.index("\n", source.text.index("alice"))
    return report(
        source,
        error("missing-comma", "expected `,`", Span(missing, missing)),
        error("unexpected-end", "the text ends inside an object", Span(*[len(source.text)] * 2)),
    )


def crlf(source: Source) -> Report:
    return report(source, error("bad-type", "`hosts` must be an object", at(source, "[]\r\n")))


def failed_tests(source: Source) -> Report:
    def result(index: int, src: str, *failures: TestFailure) -> TestResult:
        span = at(source, f'{{"src": "{src}"')
        return TestResult("tests", index, src, not failures, span, failures)

    def failure(destination: str, expected: str, got: str, detail: str) -> TestFailure:
        span = at(source, destination, source.text.count(destination) - 1)
        return TestFailure(destination, expected, got, detail, span)

    pair = "100.64.0.2 to 100.64.0.3"
    nobody = TestFailure("", "", "", "a test needs a `src`", at(source, '{"src": ""'))
    return report(
        source,
        tests=(
            result(0, "alice@example.com"),
            result(
                1,
                "bob@example.com",
                failure("tag:db:5432", "accept", "deny", pair),
                failure("tag:web:22", "deny", "accept", pair),
            ),
            result(2, "eve@example.com", failure("tag:wb:443", "deny", "", "`tag:wb` is unknown")),
            result(3, "", nobody),
        ),
        assumptions=("no tailnet given: one device per user and tag of the policy",),
    )


def accepted(source: Source) -> Report:
    passed = TestResult("tests", 0, "alice@example.com", True, Span(0, 1), ())
    return report(
        source,
        warning("unused-host", "host `db` is never used", at(source, '"db"')),
        tests=(passed, passed),
    )


def all_errors(source: Source) -> Report:
    finding = error(
        "undefined-group",
        "undefined group `group:enng`",
        at(source, "group:enng"),
        control_plane="group not defined: group:enng\ntag not defined: tag:x",
    )
    return report(source, finding, target="headscale@0.29")


CASES: dict[str, Callable[[Source], Report]] = {
    "accepted": accepted,
    "all-errors": all_errors,
    "crlf": crlf,
    "errors-of-all-weights": errors_of_all_weights,
    "failed-tests": failed_tests,
    "hostile-characters": hostile_characters,
    "line-end": line_end,
    "long-line": long_line,
    "long-part": long_part,
    "one-error": one_error,
    "related-places": related_places,
    "several-lines": several_lines,
    "tabs": tabs,
    "wide-characters": wide_characters,
}
