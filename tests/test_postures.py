from __future__ import annotations

import pickle
import time

import pytest

from aclkit.policy.postures import (
    LARGEST_SET,
    Assertion,
    Operator,
    PostureSyntaxError,
    PostureValue,
    compare_versions,
    holds,
    parse_assertion,
    unmet,
)

ATTRIBUTES: dict[str, PostureValue] = {
    "node:os": "macos",
    "node:osVersion": "13.4.0",
    "node:tsVersion": "1.80.2",
    "node:tsAutoUpdate": True,
    "node:tsStateEncrypted": False,
    "ip:country": "CH",
    "custom:empty": "",
    "custom:eighty": "80",
    "custom:score": 80,
    "custom:half": 4.5,
    "custom:one": 1,
    "custom:zero": 0,
    "custom:word": "true",
    "custom:a:b": "c",
    "falcon:ztaScore": -3,
}


def refusal(text: str) -> PostureSyntaxError:
    with pytest.raises(PostureSyntaxError) as raised:
        parse_assertion(text)
    return raised.value


@pytest.mark.parametrize(
    ("text", "attribute", "operator", "values"),
    [
        ("node:tsAutoUpdate", "node:tsAutoUpdate", Operator.TRUE, ()),
        ("node:os == 'linux'", "node:os", Operator.EQ, ("linux",)),
        ("node:os!='linux'", "node:os", Operator.NE, ("linux",)),
        ("custom:x == true", "custom:x", Operator.EQ, (True,)),
        ("custom:x != false", "custom:x", Operator.NE, (False,)),
        ("custom:x == 4", "custom:x", Operator.EQ, (4,)),
        ("custom:x == -0.5", "custom:x", Operator.EQ, (-0.5,)),
        ("custom:x == 1e3", "custom:x", Operator.EQ, (1000.0,)),
        ("custom:x == ''", "custom:x", Operator.EQ, ("",)),
        ("custom:x == 'a, ] IN \"b\" é'", "custom:x", Operator.EQ, ('a, ] IN "b" é',)),
        ("node:os IN ['macos', 'linux']", "node:os", Operator.IN, ("macos", "linux")),
        ("node:os IN['macos']", "node:os", Operator.IN, ("macos",)),
        ("ip:country in ['CA', 'US']", "ip:country", Operator.IN, ("CA", "US")),
        ("custom:x NOT IN [1, 2.5, true, 'a']", "custom:x", Operator.NOT_IN, (1, 2.5, True, "a")),
        ("custom:x NOT in [1]", "custom:x", Operator.NOT_IN, (1,)),
        ("custom:x IS SET", "custom:x", Operator.IS_SET, ()),
        ("custom:x NOT SET", "custom:x", Operator.NOT_SET, ()),
        ("custom:x < 4", "custom:x", Operator.LT, (4,)),
        ("custom:x<=4", "custom:x", Operator.LE, (4,)),
        ("custom:x>-4", "custom:x", Operator.GT, (-4,)),
        ("node:osVersion >= '13.4'", "node:osVersion", Operator.GE, ("13.4",)),
        ("node:tsVersion < '1.80'", "node:tsVersion", Operator.LT, ("1.80",)),
        (" \t\r\ncustom:x  NOT\tSET\n", "custom:x", Operator.NOT_SET, ()),
        ("custom:a:b-c.d_9 IS SET", "custom:a:b-c.d_9", Operator.IS_SET, ()),
        ("vendor2:IN IS SET", "vendor2:IN", Operator.IS_SET, ()),
    ],
)
def test_an_assertion_is_read(
    text: str, attribute: str, operator: Operator, values: tuple[PostureValue, ...]
) -> None:
    assertion = parse_assertion(text)
    assert assertion == Assertion(attribute, operator, values, text)
    assert [type(value) for value in assertion.values] == [type(value) for value in values]
    assert type(assertion.attribute) is str


def test_an_assertion_is_plain_data() -> None:
    assertion = parse_assertion("node:os IN ['macos', 'linux']")
    assert pickle.loads(pickle.dumps(assertion)) == assertion


def test_a_number_and_a_boolean_make_different_assertions() -> None:
    assert parse_assertion("custom:x == 1") != parse_assertion("custom:x == true")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # alone
        ("node:tsAutoUpdate", True),
        ("node:tsStateEncrypted", False),
        ("custom:word", False),
        ("custom:one", False),
        ("custom:unset", False),
        # ==
        ("node:os == 'macos'", True),
        ("node:os == 'MACOS'", False),
        ("node:OS == 'macos'", False),
        ("custom:empty == ''", True),
        ("custom:score == 80", True),
        ("custom:score == 80.0", True),
        ("custom:score == 81", False),
        ("custom:score == '80'", False),
        ("custom:eighty == 80", False),
        ("node:tsAutoUpdate == true", True),
        ("node:tsAutoUpdate == 1", False),
        ("custom:one == true", False),
        ("custom:word == true", False),
        ("custom:zero == false", False),
        ("node:osVersion == '13.4.0'", True),
        ("node:osVersion == '13.4'", False),
        ("node:osVersion == '013.4.0'", False),
        ("custom:a:b == 'c'", True),
        ("custom:unset == ''", False),
        # !=
        ("node:os != 'linux'", True),
        ("node:os != 'macos'", False),
        ("custom:score != 81", True),
        ("custom:score != 80", False),
        ("node:tsAutoUpdate != false", True),
        ("node:tsAutoUpdate != true", False),
        ("custom:score != '81'", False),
        ("custom:eighty != 81", False),
        ("custom:one != false", False),
        ("custom:unset != 'linux'", False),
        # IN
        ("node:os IN ['linux', 'macos']", True),
        ("node:os in ['linux', 'macos']", True),
        ("node:os IN ['linux']", False),
        ("custom:score IN [79, 80]", True),
        ("custom:score IN ['80']", False),
        ("custom:score IN ['80', 80]", True),
        ("custom:one IN [true]", False),
        ("node:tsAutoUpdate IN [true]", True),
        ("custom:unset IN ['linux']", False),
        # NOT IN
        ("node:os NOT IN ['linux', 'ios']", True),
        ("node:os NOT IN ['linux', 'macos']", False),
        ("custom:score NOT IN [79]", True),
        ("custom:score NOT IN ['79']", False),
        ("custom:score NOT IN ['79', 79]", True),
        ("custom:one NOT IN [false]", False),
        ("node:tsAutoUpdate NOT IN [false]", True),
        ("custom:unset NOT IN ['linux']", False),
        # IS SET, NOT SET
        ("node:os IS SET", True),
        ("custom:empty IS SET", True),
        ("custom:zero IS SET", True),
        ("node:tsStateEncrypted IS SET", True),
        ("custom:unset IS SET", False),
        ("node:os NOT SET", False),
        ("custom:empty NOT SET", False),
        ("custom:zero NOT SET", False),
        ("node:tsStateEncrypted NOT SET", False),
        ("custom:unset NOT SET", True),
        # order of numbers
        ("custom:score < 81", True),
        ("custom:score < 80", False),
        ("custom:score <= 80", True),
        ("custom:score <= 79.9", False),
        ("custom:score > 79", True),
        ("custom:score > 80", False),
        ("custom:score >= 80", True),
        ("custom:score >= 80.5", False),
        ("custom:half > 4", True),
        ("falcon:ztaScore > -4", True),
        ("custom:eighty < 81", False),
        ("custom:eighty > 79", False),
        ("node:tsAutoUpdate >= 0", False),
        ("node:tsAutoUpdate <= 1", False),
        ("custom:unset < 1", False),
        ("custom:unset >= 0", False),
        # order of versions
        ("node:osVersion >= '13.4'", True),
        ("node:osVersion >= '13.4.0'", True),
        ("node:osVersion >= '13.10'", False),
        ("node:osVersion > '13.4.0'", False),
        ("node:osVersion < '14'", True),
        ("node:osVersion <= '13.4'", False),
        ("node:tsVersion < '1.100'", True),
        ("node:tsVersion > '1.9'", True),
    ],
)
def test_each_operator_on_each_type(text: str, expected: bool) -> None:
    assert holds(parse_assertion(text), ATTRIBUTES) is expected


@pytest.mark.parametrize("value", [13, 13.4, True])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_a_version_that_is_no_string_has_no_order(operator: str, value: PostureValue) -> None:
    assertion = parse_assertion(f"node:osVersion {operator} '13'")
    assert not holds(assertion, {"node:osVersion": value})


def test_the_first_assertion_that_does_not_hold_is_found() -> None:
    good, bad, worse = map(
        parse_assertion, ("node:os == 'macos'", "custom:score < 5", "node:os == 'linux'")
    )
    assert unmet([good, bad, worse], ATTRIBUTES) is bad
    assert unmet([good], ATTRIBUTES) is None
    assert unmet([], {}) is None


@pytest.mark.parametrize(
    ("lesser", "greater"),
    [
        ("12", "12.0"),
        ("", "1"),
        ("", "a"),
        ("1.9.9", "2.0.0"),
        ("1.8.9", "1.9.0"),
        ("1.9", "1.10"),
        ("1.80.2", "1.100.0"),
        ("1.80", "1.80.2"),
        ("0.97-105", "0.98-0"),
        ("0.96-105", "0.96.1-0"),
        ("10.0.19045.3324", "10.0.22000"),
        ("13.4.0", "14"),
        ("14.0", "14.0-CURRENT"),
        ("4.14.255-311-248.529.amzn2.x86_64", "4.15"),
        ("1.2", "1.2.0"),
        ("1.2-pre", "1.2.0"),
        ("18446744073709551615", "18446744073709551616"),
        ("9" * 5000, "1" + "0" * 5000),
        ("a", "b"),
        ("٢", "٣"),
        ("1", "²"),
    ],
)
def test_versions_have_an_order(lesser: str, greater: str) -> None:
    assert compare_versions(lesser, greater) == -1
    assert compare_versions(greater, lesser) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("", ""), ("", "0"), ("1.9.8", "1.9.8"), ("1.", "1.00"), ("01.2", "1.02")]
)
def test_versions_can_be_level(one: str, other: str) -> None:
    assert compare_versions(one, other) == 0
    assert compare_versions(other, one) == 0


QUOTE_IT = "strings stand in single quotes: `'{}'`"
OPERATORS = "use `==`, `!=`, `<`, `<=`, `>`, `>=`, `IN`, `NOT IN`, `IS SET` or `NOT SET`"
VALUE = "use a string in single quotes, a number, `true` or `false`"
ATTRIBUTE = "write a namespace and a name, such as `node:os`"
ORDER = "use a number, or a version in single quotes"
ONE_EACH = "write each condition as an assertion of its own: all must hold"
NO_ESCAPES = "leave it out: strings have no escapes"


# The wrong part stands between « and ».
@pytest.mark.parametrize(
    ("marked", "message", "help"),
    [
        ("«»", "the assertion is empty", ATTRIBUTE),
        ("« \t»", "the assertion is empty", ATTRIBUTE),
        ("«os» == 'linux'", "expected an attribute, found `os`", ATTRIBUTE),
        ("«node:» == 'linux'", "expected an attribute, found `node:`", ATTRIBUTE),
        ("«node:osö» == 'linux'", "expected an attribute, found `node:osö`", ATTRIBUTE),
        ("«NOT» node:tsAutoUpdate", "expected an attribute, found `NOT`", ATTRIBUTE),
        ("«'node:os'» == 'linux'", "expected an attribute, found `'node:os'`", ATTRIBUTE),
        ("«!» node:tsAutoUpdate", "expected an attribute, found `!`", ATTRIBUTE),
        ("node:os «=» 'linux'", "expected an operator, found `=`", OPERATORS),
        ("node:os «=>» 4", "expected an operator, found `=>`", OPERATORS),
        ("node:os «'linux'»", "expected an operator, found `'linux'`", OPERATORS),
        ("node:os «ISSET»", "expected an operator, found `ISSET`", OPERATORS),
        ("node:os «in-»['a']", "expected an operator, found `in-`", OPERATORS),
        ("node:os «CONTAINS» 'a'", "expected an operator, found `CONTAINS`", OPERATORS),
        ("node:os «string» 'a'", "expected an operator, found `string`", OPERATORS),
        ("node:os «In» ['a']", "expected an operator, found `In`", "write `IN` in upper case"),
        (
            "node:os «not» in ['a']",
            "expected an operator, found `not`",
            "write `NOT` in upper case",
        ),
        ("node:os «is» set", "expected an operator, found `is`", "write `IS` in upper case"),
        ("node:os IS «set»", "expected `SET`, found `set`", "write `SET` in upper case"),
        (
            "node:os IS «NOT» SET",
            "expected `SET`, found `NOT`",
            "write `IS SET`, or `NOT SET` for its opposite",
        ),
        (
            "node:os «IS»",
            "`SET` is missing after `IS`",
            "write `IS SET`, or `NOT SET` for its opposite",
        ),
        (
            "node:os «NOT»",
            "`IN` or `SET` is missing after `NOT`",
            "write `NOT IN ['a', 'b']` or `NOT SET`",
        ),
        (
            "node:os NOT «'a'»",
            "expected `IN` or `SET`, found `'a'`",
            "write `NOT IN ['a', 'b']` or `NOT SET`",
        ),
        ("node:os «==»", "a value is missing after `==`", VALUE),
        ("node:os == «[»'a']", "expected a value, found `[`", VALUE),
        ("node:os ==«=» 'a'", "expected a value, found `=`", VALUE),
        ("node:os == «linux»", "expected a value, found `linux`", QUOTE_IT.format("linux")),
        ("node:os == «1.2.3»", "expected a value, found `1.2.3`", QUOTE_IT.format("1.2.3")),
        ("node:os == «node:os»", "expected a value, found `node:os`", QUOTE_IT.format("node:os")),
        ("node:os == «SET»", "expected a value, found `SET`", QUOTE_IT.format("SET")),
        ("node:os == «01»", "expected a value, found `01`", QUOTE_IT.format("01")),
        ("custom:x == «TRUE»", "expected a value, found `TRUE`", "write `true` in lower case"),
        ("custom:x == «False»", "expected a value, found `False`", "write `false` in lower case"),
        ("custom:x == «null»", "expected a value, found `null`", QUOTE_IT.format("null")),
        ('node:os == «"linux"»', "strings stand in single quotes", "write `'linux'`"),
        ('node:os == «"linux»', "strings stand in single quotes", "write `'linux'`"),
        ('node:os IN [«"linux"», "a"]', "strings stand in single quotes", "write `'linux'`"),
        ("node:os == «'linux»", "the string is not closed", "end it with a single quote"),
        ("node:os == «'»", "the string is not closed", "end it with a single quote"),
        ("node:os IN ['a', «'b]»", "the string is not closed", "end it with a single quote"),
        (r"node:os == 'it«\»'s'", r"a string can't hold `\`", NO_ESCAPES),
        ("node:os == 'a«\n»b'", r"a string can't hold `\n`", NO_ESCAPES),
        ("node:os == 'it'«s»'", "expected the end, found `s`", ONE_EACH),
        ("node:os == 'a' «AND» node:os == 'b'", "expected the end, found `AND`", ONE_EACH),
        ("node:os == 'a' «&&» node:os == 'b'", "expected the end, found `&&`", ONE_EACH),
        ("custom:x IS SET «'a'»", "expected the end, found `'a'`", ONE_EACH),
        (
            "node:os «IN»",
            "a set is missing after `IN`",
            "write the values in brackets: `['a', 'b']`",
        ),
        (
            "node:os IN «'a'»",
            "expected a set, found `'a'`",
            "write the values in brackets: `['a', 'b']`",
        ),
        ("node:os IN [«]»", "expected a value, found `]`", VALUE),
        ("node:os IN ['a',«]»", "expected a value, found `]`", VALUE),
        ("node:os IN [«[»'a']]", "expected a value, found `[`", VALUE),
        ("node:os IN «[»", "a value is missing after `[`", VALUE),
        ("node:os IN ['a'«,»", "a value is missing after `,`", VALUE),
        (
            "node:os IN [«'a'»",
            "`,` or `]` is missing after `'a'`",
            "separate the values of a set by `,` and end it with `]`",
        ),
        (
            "node:os IN ['a' «'b'»]",
            "expected `,` or `]`, found `'b'`",
            "separate the values of a set by `,` and end it with `]`",
        ),
        ("custom:x «<»", "a number or a version is missing after `<`", ORDER),
        ("custom:x < «true»", "expected a number or a version, found `true`", ORDER),
        ("custom:x < «[»1]", "expected a number or a version, found `[`", ORDER),
        ("custom:x <«>» 1", "expected a number or a version, found `>`", ORDER),
        ("node:osVersion > «1.2.3»", "expected a number or a version, found `1.2.3`", ORDER),
        ("custom:x < «'»", "the string is not closed", "end it with a single quote"),
        (
            "custom:x >= «'4'»",
            "`>=` needs a number, or a version attribute",
            "only `node:osVersion` and `node:tsVersion` order strings, as versions",
        ),
        (
            "node:os > «'a'»",
            "`>` needs a number, or a version attribute",
            "only `node:osVersion` and `node:tsVersion` order strings, as versions",
        ),
        (
            "node:osVersion < «13»",
            "`<` on `node:osVersion` needs a version, not a number",
            "write the version in single quotes: `'13'`",
        ),
        (
            "node:tsVersion <= «1.80»",
            "`<=` on `node:tsVersion` needs a version, not a number",
            "write the version in single quotes: `'1.80'`",
        ),
        ("custom:x IN [1, «1e999»]", "the number `1e999` is too large", "write one below 1e308"),
        ("custom:x < «-1e999»", "the number `-1e999` is too large", "write one below 1e308"),
    ],
)
def test_a_refusal_points_at_the_wrong_part(marked: str, message: str, help: str) -> None:
    text = marked.replace("«", "").replace("»", "")
    error = refusal(text)
    assert f"{text[: error.start]}«{text[error.start : error.end]}»{text[error.end :]}" == marked
    assert error.message == message
    assert str(error) == message
    assert error.help == help


def test_a_long_mistake_is_shown_in_short() -> None:
    assert len(refusal("node:os == " + "x" * 1000).message) < 100


def test_an_integer_of_too_many_digits_is_refused() -> None:
    error = refusal("custom:x == " + "9" * 5000)
    assert (error.start, error.end) == (12, 5012)
    assert error.message.endswith("is too large")


def test_a_set_has_a_largest_size() -> None:
    largest = parse_assertion(f"custom:x IN [{','.join(['1'] * LARGEST_SET)}]")
    assert len(largest.values) == LARGEST_SET
    error = refusal(f"custom:x IN [{','.join(['1'] * (LARGEST_SET + 1))}]")
    assert error.message == "a set holds at most 10000 values"
    # The comma before the first value that is too many.
    assert error.start == len("custom:x IN [") + 2 * LARGEST_SET - 1
    assert error.end == error.start + 1


@pytest.mark.parametrize(
    ("before", "repeated", "after"),
    [
        ("custom:x IN [", "1,", ""),
        ("custom:x IN ", "[", ""),
        ("custom:x == '", "x", ""),
        ("custom:x ", "'", ""),
        ("custom:x == 0.", "9", "e"),
        ("custom:", "x:", "é"),
        ("", "x", ""),
        ("custom:x", " ", "x"),
        ("custom:x == '", "x", "\\"),
    ],
)
def test_a_hostile_text_is_refused_in_linear_time(before: str, repeated: str, after: str) -> None:
    start = time.process_time()
    refusal(before + repeated * 500_000 + after)
    # Far above what it takes, far below anything quadratic.
    assert time.process_time() - start < 5
