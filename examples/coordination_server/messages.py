"""As much of HTTP/1.1 as the server needs; requests are bounded in all that they cost."""

from __future__ import annotations

import json
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter, timeout
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

BODY_BYTES = 4 * 1024 * 1024
SECONDS = 30
"""How long a client may take for a request; also how long a connection may idle."""


@dataclass
class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """An answer other than what was asked for."""

    status: HTTPStatus
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its path in parts, its query, and the whole body."""

    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    body: bytes

    def data(self) -> dict[str, Any]:
        """Return the body, a JSON object."""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
        return data


async def read_request(reader: StreamReader, writer: StreamWriter) -> Request | None:
    """Return the next request of a connection; None when the client is done with it.

    Raises:
        Refusal: what was sent is no request, or more than there is room for; it was answered so.
    """
    try:
        async with timeout(SECONDS):
            return await _read(reader)
    except LimitOverrunError:
        refusal = Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too long a head")
    except Refusal as found:
        refusal = found
    except (IncompleteReadError, TimeoutError):
        return None
    await write_response(writer, refusal.status, {"message": refusal.message})
    raise refusal


async def _read(reader: StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")[:-2]
    words = first.split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1":
        raise Refusal(HTTPStatus.BAD_REQUEST, "not a request of HTTP/1.1")
    path, _, query = words[1].partition("?")
    parts = tuple(unquote(part) for part in path.split("/") if part)
    body = await reader.readexactly(_length(lines))
    return Request(words[0], parts, dict(parse_qsl(query)), body)


def _length(lines: list[str]) -> int:
    """Return the length of the body, from the lines of the head."""
    headers = [
        (name.lower(), value.strip()) for name, _, value in (n.partition(":") for n in lines)
    ]
    lengths = [value for name, value in headers if name == "content-length"] or ["0"]
    if len(lengths) > 1 or not lengths[0].isdecimal() or "transfer-encoding" in dict(headers):
        raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send the body with one length")
    if len(lengths[0]) > 9 or int(lengths[0]) > BODY_BYTES:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long a body")
    return int(lengths[0])


async def write_response(writer: StreamWriter, status: HTTPStatus, data: object) -> None:
    """Send a response with *data* as JSON; without a body when it is None."""
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    body = b"" if data is None else json.dumps(data).encode()
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}\r\n".encode() + body)
    await writer.drain()
