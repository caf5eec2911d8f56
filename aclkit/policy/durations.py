"""Durations as Go writes and reads them: `12h`, `1h30m`, `-1m0s`.

    duration = ["+" | "-"] ("0" | (number unit)+)
    number   = digits ["." [digits]] | "." digits
    unit     = "ns" | "us" | "µs" | "ms" | "s" | "m" | "h"

Held as whole nanoseconds, of which Go's type has 63 bits and a sign.
"""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
HOUR = _UNITS["h"]
_LONGEST = 2**63
_PART = re.compile(r"(?P<whole>[0-9]*+)(?:\.(?P<fraction>[0-9]*+))?(?P<unit>[^0-9.]*+)")
# Digits beyond these change no nanosecond; Python reads long numbers in quadratic time.
_DIGITS = 30


class DurationSyntaxError(ValueError):
    """Text that is no duration; the message is the one that Go gives."""


def parse_duration(text: str) -> int:
    """Return the nanoseconds of *text*.

    Raises:
        DurationSyntaxError: not a duration, or one that Go's type can't hold.
    """
    negative = text.startswith("-")
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0
    if not body:
        raise DurationSyntaxError(f"time: invalid duration {_quoted(text)}")
    total = at = 0
    while at < len(body):
        match = _PART.match(body, at)
        assert match is not None, "every part of the pattern may be empty"
        total += _nanoseconds(match, text)
        at = match.end()
        if total > _LONGEST:
            raise DurationSyntaxError(f"time: invalid duration {_quoted(text)}")
    if total == _LONGEST and not negative:
        raise DurationSyntaxError(f"time: invalid duration {_quoted(text)}")
    return -total if negative else total


def _nanoseconds(part: re.Match[str], text: str) -> int:
    whole, fraction, name = part["whole"], part["fraction"] or "", part["unit"]
    if not whole and not fraction:
        raise DurationSyntaxError(f"time: invalid duration {_quoted(text)}")
    if not name:
        raise DurationSyntaxError(f"time: missing unit in duration {_quoted(text)}")
    unit = _UNITS.get(name)
    if unit is None:
        words = f"time: unknown unit {_quoted(name)} in duration {_quoted(text)}"
        raise DurationSyntaxError(words)
    whole, fraction = whole.lstrip("0"), fraction[:_DIGITS]
    if len(whole) > _DIGITS:
        return _LONGEST + 1
    rest = int(fraction or "0") * unit
    return int(whole or "0") * unit + rest // int(10 ** len(fraction))


def _quoted(text: str) -> str:
    """Return *text* in quotes as Go's package time prints it, by bytes."""
    quoted = ""
    for byte in text.encode():
        character = chr(byte)
        if character in '"\\':
            quoted += "\\" + character
        elif 0x20 <= byte < 0x80:
            quoted += character
        else:
            quoted += f"\\x{byte:02x}"
    return f'"{quoted}"'


_PROMETHEUS_UNITS = (
    ("y", 365 * 24 * HOUR), ("w", 7 * 24 * HOUR), ("d", 24 * HOUR), ("h", HOUR),
    ("m", _UNITS["m"]), ("s", _UNITS["s"]), ("ms", _UNITS["ms"]),
)  # fmt: skip
_PROMETHEUS = re.compile(
    "".join(f"(?:([0-9]{{1,20}}){unit})?" for unit, _ in _PROMETHEUS_UNITS), re.ASCII
)


def parse_prometheus_duration(text: str) -> int:
    """Return the nanoseconds of *text*, as Prometheus writes durations.

        duration = [number "y"] [number "w"] [number "d"] [number "h"] [number "m"] [number "s"]
                   [number "ms"] | "0"

    Raises:
        DurationSyntaxError: not such a duration, which has at least one part, or one that Go's type
            can't hold.
    """
    if text == "0":
        return 0
    match = _PROMETHEUS.fullmatch(text)
    if not text:
        raise DurationSyntaxError("empty duration string")
    if match is None:
        raise DurationSyntaxError(f'not a valid duration string: "{text}"')
    numbers = match.groups(default="0")
    total = sum(
        int(number) * worth for number, (_, worth) in zip(numbers, _PROMETHEUS_UNITS, strict=True)
    )
    if total >= _LONGEST:
        raise DurationSyntaxError("duration out of range")
    return total


def format_duration(nanoseconds: int) -> str:
    """Return the text that Go prints: `168h0m1s`, `1m0s`, `1.5s`, `0s`."""
    sign = "-" if nanoseconds < 0 else ""
    rest = abs(nanoseconds)
    if rest == 0:
        return "0s"
    if rest < _UNITS["s"]:
        unit = next(unit for unit in ("ms", "µs", "ns") if rest >= _UNITS[unit])
        return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
    hours, rest = divmod(rest, _UNITS["h"])
    minutes, rest = divmod(rest, _UNITS["m"])
    text = f"{_decimal(rest, _UNITS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text


def _decimal(nanoseconds: int, unit: int) -> str:
    whole, part = divmod(nanoseconds, unit)
    if not part:
        return str(whole)
    places = len(str(unit)) - 1
    return f"{whole}.{part:0{places}}".rstrip("0")
