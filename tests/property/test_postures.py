from __future__ import annotations

from itertools import groupby, zip_longest

from hypothesis import given
from hypothesis import strategies as st

from aclkit.policy.postures import (
    Assertion,
    Operator,
    PostureSyntaxError,
    PostureValue,
    compare_versions,
    holds,
    parse_assertion,
    unmet,
)

VERSIONS = ("node:osVersion", "node:tsVersion")
ORDERING = (Operator.LT, Operator.LE, Operator.GT, Operator.GE)

attributes = st.sampled_from(["node:os", "custom:x", "custom:y"]) | st.from_regex(
    r"[A-Za-z][A-Za-z0-9]{0,3}:[A-Za-z0-9_.:-]{1,5}", fullmatch=True
)
strings = st.sampled_from(["", "linux", "80", "true"]) | st.text(
    st.characters(exclude_characters="'\\", min_codepoint=0x20), max_size=6
)
numbers = (
    st.sampled_from([0, 1, -1, 80, 0.5])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
values: st.SearchStrategy[PostureValue] = strings | numbers | st.booleans()
# Few letters, so that versions are often level or differ late.
versions = st.text("0019..-a", max_size=8) | st.text(max_size=5)
blanks = st.sampled_from([" ", "  ", "\t", "\n"])


def literal(value: PostureValue) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    return str(value).lower()


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    operator = draw(st.sampled_from(Operator))
    attribute = draw(attributes)
    found: list[PostureValue]
    match operator:
        case Operator.TRUE | Operator.IS_SET | Operator.NOT_SET:
            found, after = [], []
        case Operator.IN | Operator.NOT_IN:
            found = draw(st.lists(values, min_size=1, max_size=4))
            comma = "," + draw(blanks | st.just(""))
            after = [f"[{comma.join(map(literal, found))}]"]
        case Operator.EQ | Operator.NE:
            found = [draw(values)]
            after = [literal(found[0])]
        case _:
            if draw(st.booleans()):
                attribute, found = draw(st.sampled_from(VERSIONS)), [draw(strings)]
            else:
                attribute, found = f"n{attribute}", [draw(numbers)]
            after = [literal(found[0])]
    blank = draw(blanks)
    text = blank.join([attribute, *operator.value.split(), *after])
    return Assertion(attribute, operator, tuple(found), text)


@given(assertions())
def test_what_is_written_is_read(assertion: Assertion) -> None:
    found = parse_assertion(assertion.text)
    assert found == assertion
    assert [*map(type, found.values)] == [*map(type, assertion.values)]


PIECES = st.sampled_from(
    [
        *("node:os", "node:osVersion", "custom:x", "os", " ", " ", "==", "!=", "=", "<", "<=", ">"),
        *("IN", "in", "NOT", "IS", "SET", "set", "[", "]", ",", "'", '"', "'a'", "'1.2'", '"a"'),
        *("1", "-1.5", "1e999", "true", "TRUE", "\\", "\n", "\x00", "é", "AND", "&&", "\ud800"),
    ]
)


def outcome(text: str) -> Assertion | PostureSyntaxError:
    try:
        return parse_assertion(text)
    except PostureSyntaxError as error:
        return error


@given(st.text() | st.lists(PIECES, max_size=9).map("".join))
def test_any_text_is_an_assertion_or_refused_with_a_part_of_it(text: str) -> None:
    match outcome(text):
        case PostureSyntaxError() as error:
            assert 0 <= error.start <= error.end <= len(text)
            assert error.start < error.end or not text
            assert error.message
            assert error.help
            assert (error.message + error.help).isprintable()
        case assertion:
            assert assertion.text == text
            assert holds(assertion, {}) == (assertion.operator is Operator.NOT_SET)


@given(assertions(), assertions(), values)
def test_a_posture_holds_when_nothing_is_unmet(
    one: Assertion, other: Assertion, value: PostureValue
) -> None:
    of_device = {one.attribute: value, "node:os": "linux"}
    missing = unmet([one, other], of_device)
    assert (missing is None) == (holds(one, of_device) and holds(other, of_device))
    assert missing is None or not holds(missing, of_device)


@given(attributes, st.lists(values, min_size=1, max_size=4), values)
def test_no_value_satisfies_an_assertion_and_its_opposite(
    attribute: str, members: list[PostureValue], value: PostureValue
) -> None:
    of_device = {attribute: value}
    opposites = [
        (Operator.EQ, Operator.NE, members[:1]),
        (Operator.IN, Operator.NOT_IN, members),
        (Operator.IS_SET, Operator.NOT_SET, []),
    ]
    for positive, negative, operands in opposites:
        yes = holds(Assertion(attribute, positive, tuple(operands), ""), of_device)
        no = holds(Assertion(attribute, negative, tuple(operands), ""), of_device)
        assert not (yes and no)
        # One of the two holds, unless there is nothing of the value's own type to compare with.
        kinds = {isinstance(each, str) + 2 * isinstance(each, bool) for each in operands}
        comparable = isinstance(value, str) + 2 * isinstance(value, bool) in kinds
        assert (yes or no) == (comparable or not operands)


@given(attributes, numbers, numbers)
def test_numbers_have_one_order(attribute: str, bound: float, value: float) -> None:
    def holding(operator: Operator) -> bool:
        return holds(Assertion(attribute, operator, (bound,), ""), {attribute: value})

    below, same, above = map(holding, (Operator.LT, Operator.EQ, Operator.GT))
    assert below + same + above == 1
    assert holding(Operator.LE) == (below or same)
    assert holding(Operator.GE) == (above or same)


@given(st.sampled_from(VERSIONS), versions, versions)
def test_versions_are_ordered_as_they_compare(attribute: str, bound: str, value: str) -> None:
    def holding(operator: Operator) -> bool:
        return holds(Assertion(attribute, operator, (bound,), ""), {attribute: value})

    order = compare_versions(value, bound)
    expected = [order < 0, order <= 0, order > 0, order >= 0]
    assert [holding(operator) for operator in ORDERING] == expected


@given(versions, versions, versions)
def test_versions_have_a_total_order(a: str, b: str, c: str) -> None:
    assert compare_versions(a, a) == 0
    assert compare_versions(a, b) == -compare_versions(b, a)
    if compare_versions(a, b) <= 0 and compare_versions(b, c) <= 0:
        assert compare_versions(a, c) <= 0
    if compare_versions(a, b) == 0:
        assert compare_versions(a, c) == compare_versions(b, c)


def plain_order(a: str, b: str) -> int:
    """Compare two versions a field at a time, each field cut out as documented."""

    def fields(version: str) -> list[str]:
        runs = ["".join(run) for _, run in groupby(version, "0123456789".__contains__)]
        return ["", *runs] if runs and runs[0][0] in "0123456789" else runs

    for index, (one, other) in enumerate(zip_longest(fields(a), fields(b), fillvalue="")):
        left, right = (int(one or 0), int(other or 0)) if index % 2 else (one, other)
        if left != right:
            return -1 if left < right else 1  # type: ignore[operator]
    return 0


@given(versions, versions)
def test_versions_compare_as_documented(a: str, b: str) -> None:
    assert compare_versions(a, b) == plain_order(a, b)
