"""Times of creation: RFC 3339 text to nanoseconds and back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IS_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(?:\.([0-9]{1,9}))?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch
# The zero time of Go, which stands for "never" and "unknown" in what Go programs write.
_ZERO = -62_135_596_800 * _SECOND
_YEAR_10000 = 253_402_300_800 * _SECOND


def parse_time(text: str) -> int | None:
    """Read an RFC 3339 time, at most nanoseconds fine; return nanoseconds since 1970 (UTC).

    An empty text and the first moment of the year 1 stand for an unknown time: None.

    Raises:
        ValueError: *text* is not such a time, for example one without a zone.
    """
    if not text:
        return None
    match = _IS_TIME(text)
    if match is None:
        raise ValueError(f"not a time: {text!r}")
    moment, fraction, zone = match.groups()
    # Not timestamp(), which is a float and loses nanoseconds.
    try:
        since = datetime.fromisoformat(moment + zone) - _EPOCH
    except ValueError:
        raise ValueError(f"not a day of any year: {text!r}") from None
    nanoseconds = (since.days * 86_400 + since.seconds) * _SECOND
    if fraction:
        nanoseconds += int(fraction.ljust(9, "0"))
    if not _ZERO <= nanoseconds < _YEAR_10000:
        raise ValueError(f"not in the years 1 to 9999 of UTC: {text!r}")
    return None if nanoseconds == _ZERO else nanoseconds


def time_text(nanoseconds: int) -> str:
    """Write nanoseconds since 1970, within the years 1 to 9999, as RFC 3339 in UTC."""
    seconds, rest = divmod(nanoseconds, _SECOND)
    moment = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{moment}{fraction}Z"
