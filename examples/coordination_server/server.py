"""The server: nodes come, change and go, and each is sent its map when it is another one."""

from __future__ import annotations

import asyncio
from asyncio import Event, Future, Queue, StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import Any

from aclkit import PolicyError, Tailnet, TailnetError, load_tailnet
from aclkit.affected import Kind
from aclkit.engine import PolicyEngine
from aclkit.subscription import Closed
from aclkit.tailnet.changes import NodeChanged, NodeJoined, NodeLeft, TailnetChange
from aclkit.tailnet.model import UnknownNameError
from examples.coordination_server import messages
from examples.coordination_server.messages import Refusal, Request

POLL_SECONDS = 50
"""How long a node waits for another map before it is told that there is none."""

Answer = tuple[HTTPStatus, Any]
Wish = tuple[TailnetChange, Future[int]]
"""A change that a request waits for; its future gets the version that it is in."""


class CoordinationServer:
    """Keeps the tailnet in an engine, and beside it which nodes wait for their map.

    It begins without nodes: *tailnet* has the users, and the groups that are synced.

    Changes go through one queue. What gathers in it while the last ones are made is made at once,
    so that a thousand nodes that come together cost a few changes and not a thousand.
    """

    def __init__(self, policy: str, tailnet: Tailnet) -> None:
        self.engine = PolicyEngine(policy, tailnet)
        self._numbers = count(1)
        self._changed: dict[str, int] = {}
        self._polls: dict[str, Event] = {}
        self._wishes: Queue[Wish] = Queue()
        self._news = self.engine.subscribe()

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
        """Take connections for as long as the context is open; gives the port, a free one for 0."""
        async with asyncio.TaskGroup() as tasks:
            writer = tasks.create_task(self._make_changes())
            tasks.create_task(self._tell_nodes())
            server = await asyncio.start_server(self._serve, host, port, backlog=1024)
            try:
                yield server.sockets[0].getsockname()[1]
            finally:
                server.close()
                writer.cancel()
                self._news.close()

    async def _make_changes(self) -> None:
        while True:
            wishes = [await self._wishes.get()]
            while not self._wishes.empty():
                wishes.append(self._wishes.get_nowait())
            while wishes:
                wishes = await self._make(wishes)

    async def _make(self, wishes: list[Wish]) -> list[Wish]:
        """Make all of the changes, or return them without those that are refused."""
        refused: dict[str, str] = {}
        try:
            change = await self.engine.apply_async(*(change for change, _ in wishes))
        except TailnetError as error:
            refused = {found.primary.path: found.message for found in error.diagnostics}
        except PolicyError as error:
            refused = {f"changes[{at}]": str(error) for at in range(len(wishes))}
        left = []
        for at, (wished, made) in enumerate(wishes):
            message = refused.get(f"changes[{at}]")
            if made.done():
                continue  # whoever wished for it is gone
            if message is not None:
                made.set_exception(Refusal(HTTPStatus.CONFLICT, message))
            elif refused:
                left.append((wished, made))
            else:
                made.set_result(change.version)
        return left

    async def _tell_nodes(self) -> None:
        with suppress(Closed):
            while True:
                change = await self._news.next()
                for name in {name for kind in Kind for name in change.affected(kind)}:
                    self._wake(name, change.version)

    def _wake(self, name: str, version: int) -> None:
        if name in self._changed:
            self._changed[name] = max(version, self._changed[name])
        if name in self._polls:
            self._polls[name].set()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError, Refusal), closing(writer):
            while request := await messages.read_request(reader, writer):
                try:
                    status, data = await self._answer(request)
                except Refusal as refusal:
                    status, data = refusal.status, {"message": refusal.message}
                await messages.write_response(writer, status, data)

    async def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "PUT", ("policy",):
                return await self._put_policy(request.body)
            case "PUT", ("nodes", name):
                return await self._put_node(name, request.data())
            case "DELETE", ("nodes", name):
                return await self._delete_node(name)
            case "GET", ("nodes", name, "map"):
                return await self._map(name, request.query.get("since", "0"))
            case _:
                raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing here")

    async def _put_policy(self, text: bytes) -> Answer:
        change = await self.engine.set_policy_async(text)
        if not change.accepted:
            found = [f"{each.message} [{each.code}]" for each in change.diagnostics]
            raise Refusal(HTTPStatus.BAD_REQUEST, "; ".join([str(change.refusal), *found]))
        return HTTPStatus.OK, {"version": change.version}

    async def _put_node(self, name: str, data: dict[str, Any]) -> Answer:
        """Register a node, or say what it is now. *data* is as in a tailnet file.

        With tags, its user is who gives them to it.
        """
        roster = self.engine.snapshot.roster
        known = roster.by_id.get(name)
        fixed = _fixed(next(self._numbers) if known is None else roster.nodes[known].created or 0)
        entry = {**data, "name": name, **fixed}
        giver = str(entry.pop("user", name)) if entry.get("tags") else name
        try:
            (node,) = Tailnet.from_dict({"nodes": [entry]}).nodes
            for tag in node.tags:
                if not self.engine.snapshot.compiled.can_have_tag(giver, tag):
                    raise Refusal(HTTPStatus.FORBIDDEN, f"{giver} may not give {tag}")
        except (TailnetError, UnknownNameError) as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from None
        version = await self._wish(NodeJoined(node) if known is None else NodeChanged(node))
        self._changed.setdefault(name, version)
        return HTTPStatus.OK, {"version": version, "addresses": fixed["addresses"]}

    async def _delete_node(self, name: str) -> Answer:
        version = await self._wish(NodeLeft(name))
        self._changed.pop(name, None)
        self._wake(name, version)
        return HTTPStatus.OK, {"version": version}

    async def _wish(self, change: TailnetChange) -> int:
        made: Future[int] = asyncio.get_running_loop().create_future()
        self._wishes.put_nowait((change, made))
        return await made

    async def _map(self, name: str, since: str) -> Answer:
        """Return the map of a node as soon as it is another one than in version *since*."""
        version = int(since) if since.isdecimal() else 0
        if self._changed.get(name, version + 1) <= version:
            poll = self._polls.setdefault(name, Event())
            with suppress(TimeoutError):
                await asyncio.wait_for(poll.wait(), POLL_SECONDS)
            if self._polls.get(name) is poll:
                del self._polls[name]
            if not poll.is_set():
                return HTTPStatus.NO_CONTENT, None
        now = self.engine.snapshot
        try:
            netmap = now.compiled.netmap(name).to_dict()
        except UnknownNameError as error:
            raise Refusal(HTTPStatus.NOT_FOUND, str(error)) from None
        return HTTPStatus.OK, {"version": now.version, "map": netmap}


def _fixed(number: int) -> dict[str, Any]:
    """Return what the server decides of the node with that number, which is its rank too."""
    v4 = f"100.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
    v6 = f"fd7a:115c:a1e0::{number >> 16:x}:{number & 65535:x}"
    return {"addresses": [v4, v6], "created": number}


async def main() -> None:
    """Serve the policy beside this file until interrupted."""
    here = Path(__file__).parent
    policy, tailnet = here / "policy.hujson", load_tailnet(here / "tailnet.json")
    server = CoordinationServer(policy.read_text(encoding="utf-8"), tailnet)
    async with server.listening(port=8080) as port:
        print(f"listening on http://127.0.0.1:{port}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
