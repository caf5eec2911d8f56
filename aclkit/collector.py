"""Keeping the garbage collector from stopping everybody while much is made at once.

Reading and compiling a policy makes hundreds of thousands of objects, which stay. To Python's
collector that is a reason to look at all objects of the process, and all threads wait meanwhile.
There is nothing for it to find: what is dropped here has no cycles.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector rest while the body runs, and then not start with what the body made.

    What is alive at the end counts as old, as it would after a collection or two; cycles among it
    are found when all objects are looked at the next time. Nothing is done where the collector is
    off anyhow, and objects that were taken from it with `gc.freeze` stay with whoever did that.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        gc.enable()
