from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.policy.durations import HOUR, DurationSyntaxError, format_duration, parse_duration

SECOND = HOUR // 3600
LONGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("0s", 0),
        ("12h", 12 * HOUR),
        ("168h0m1s", 168 * HOUR + SECOND),
        ("-1m", -60 * SECOND),
        ("+1m", 60 * SECOND),
        ("1h30m", HOUR * 3 // 2),
        ("1.5h", HOUR * 3 // 2),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("1us", 1000),
        ("1µs", 1000),
        ("1μs", 1000),
        ("3ms2ns", 3_000_002),
        ("1m1m", 120 * SECOND),
        ("0.0000000019s", 1),
        ("00000000000000000000000000000000000000001s", SECOND),
        (f"{LONGEST}ns", LONGEST),
        (f"-{LONGEST + 1}ns", -LONGEST - 1),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", 'time: invalid duration "abc"'),
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        (".s", 'time: invalid duration ".s"'),
        (" 1h", 'time: invalid duration " 1h"'),
        ("--1h", 'time: invalid duration "--1h"'),
        ("1h-1m", 'time: unknown unit "h-" in duration "1h-1m"'),
        ("12", 'time: missing unit in duration "12"'),
        ("1h30", 'time: missing unit in duration "1h30"'),
        ("1..s", 'time: missing unit in duration "1..s"'),
        ("7d", 'time: unknown unit "d" in duration "7d"'),
        ("1H", 'time: unknown unit "H" in duration "1H"'),
        ("1h 30m", 'time: unknown unit "h " in duration "1h 30m"'),
        ("always", 'time: invalid duration "always"'),
        ("١h", 'time: invalid duration "\\xd9\\xa1h"'),
        ('1"', 'time: unknown unit "\\"" in duration "1\\""'),
        (f"{LONGEST + 1}ns", f'time: invalid duration "{LONGEST + 1}ns"'),
        ("9999999999h", 'time: invalid duration "9999999999h"'),
    ],
)
def test_what_is_no_duration_is_refused_in_the_words_of_go(text: str, words: str) -> None:
    with pytest.raises(DurationSyntaxError) as refused:
        parse_duration(text)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1500, "1.5µs"),
        (-2_000_000, "-2ms"),
        (SECOND, "1s"),
        (SECOND * 3 // 2, "1.5s"),
        (-60 * SECOND, "-1m0s"),
        (200 * HOUR, "200h0m0s"),
        (168 * HOUR + SECOND, "168h0m1s"),
        (HOUR + 1, "1h0m0.000000001s"),
    ],
)
def test_a_duration_is_written_as_go_writes_it(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_written_duration_reads_as_itself(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@given(st.text("0123456789.+-hmsnuµ d", max_size=12))
def test_any_text_is_a_duration_of_63_bits_or_refused_in_the_words_of_go(text: str) -> None:
    words = "time: "
    try:
        assert -(2**63) <= parse_duration(text) < 2**63
    except DurationSyntaxError as refused:
        words = str(refused)
    assert words.startswith("time: ")


def test_a_number_of_any_length_is_read_at_once() -> None:
    with pytest.raises(DurationSyntaxError):
        parse_duration("9" * 1_000_000 + "h")
    assert parse_duration("0." + "3" * 1_000_000 + "s") == 333_333_333
