"""A bounded queue that merges when its reader is slow and never drops anything."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Closed(Exception):  # noqa: N818 - an end, not an error
    """The subscription was closed, and everything in it has been read."""


class Subscription(Generic[T]):
    """What happened since the last look; for `with`, which closes it, and `async for`.

    Args:
        limit: how many items wait at most; when one more comes, the two oldest become one.
        merge: makes one item of two, the older first.
        on_close: called once, when the reader is done.
    """

    def __init__(
        self, limit: int, merge: Callable[[T, T], T], on_close: Callable[[Subscription[T]], None]
    ) -> None:
        if limit < 1:
            raise ValueError("a subscription holds one item at least")
        self._limit = limit
        self._merge = merge
        self._on_close = on_close
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._closed = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Subscription: {state}, {len(self)} waiting>"

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; merges the two oldest when there is no room. Never blocks."""
        with self._changed:
            if self._closed:
                return
            self._items.append(item)
            if len(self._items) > self._limit:
                oldest = self._items.popleft()
                self._items[0] = self._merge(oldest, self._items[0])
            self._wake()

    def get(self, timeout: float | None = None) -> T:
        """Return the oldest item; waits for one, at most *timeout* seconds.

        Raises:
            TimeoutError: there was none in time.
            Closed: there will be none.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._closed, timeout):
                raise TimeoutError("no change in time")
            return self._taken()

    async def next(self) -> T:
        """Return the oldest item; waits for one without blocking the event loop.

        Raises:
            Closed: there will be none.
        """
        arrived = asyncio.Event()
        waiting = asyncio.get_running_loop(), arrived
        while True:
            with self._changed:
                if self._items or self._closed:
                    return self._taken()
                arrived.clear()
                self._waiting.append(waiting)
            try:
                await arrived.wait()
            finally:
                # A reader that gives up must not be woken later, perhaps by a loop that is closed.
                with self._changed:
                    if waiting in self._waiting:
                        self._waiting.remove(waiting)

    def close(self) -> None:
        """Take no more items. What is in the queue can still be read."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._wake()
        self._on_close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.next()
        except Closed:
            raise StopAsyncIteration from None

    def _taken(self) -> T:
        if not self._items:
            raise Closed
        return self._items.popleft()

    def _wake(self) -> None:
        self._changed.notify_all()
        waiting, self._waiting = self._waiting, []
        for loop, arrived in waiting:
            # A loop that was closed under its reader has nobody to wake; a writer must not fail.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(arrived.set)
