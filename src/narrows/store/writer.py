"""The one thread that writes a ledger: it gathers what waits, writes it as a group, and says so.

While one group is being synced the next one gathers, so that the number of syncs a second bounds
the latency and not the number of entries.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import EMFILE, ENFILE
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from narrows.core.ledger.entry import Tags
from narrows.store.log import Item, Log

if TYPE_CHECKING:
    import asyncio

MAX_GROUP = 1_024
MAX_LAG = 1_024
"""Entries past the stored checkpoint after which it is replaced, however busy the ledger is."""
IDLE_S = 0.25
"""After so long without an entry the stored checkpoint is brought up to date."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry to write, and whom to tell."""

    item: Item
    tags: Tags
    index: int
    done: "asyncio.Future[int]"


class Writer:
    """The thread and its queue; `failure` is set at the first error, for good."""

    def __init__(self, log: Log, tell: Callable[[Sequence[Waiting], str], None]) -> None:
        self.failure = ""
        self._log = log
        self._tell = tell
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._group: list[Waiting] = []
        self._gate = Lock()
        self._end = ""
        self._is_stuck = False
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def put(self, waiting: Waiting) -> None:
        """Nothing; `tell` follows, in the thread, with the whole group and a failure if any."""
        # INVARIANT: what is in the queue is told. Without the gate an entry could follow the last
        # look of a thread that is dying, and its task would wait for ever.
        with self._gate:
            if not self._end:
                self._queue.put(waiting)
                return
        self._tell([waiting], self._end)

    def stop(self) -> None:
        """Nothing, when all that was put is told, and the stored checkpoint covers it."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            # Whatever ended the thread, nobody shall wait for ever; after `stop` none is left.
            self.failure = self.failure or "the ledger is closed"
            with self._gate:
                self._end = self.failure
            self._drain()
            self._tell(self._group, self.failure)

    def _serve(self) -> None:
        is_open = True
        while is_open:
            is_open = self._gather()
            if self._is_stuck and not self._group:
                time.sleep(IDLE_S)
            if not self.failure:
                self.failure = self._write()
            self._tell(self._group, self.failure)
            self._group = []

    def _gather(self) -> bool:
        """Whether more may come; `_group` holds what waits, nothing after an idle while."""
        is_lagging = self._log.kept_size != self._log.size and not self.failure
        try:
            found = self._queue.get(timeout=IDLE_S if is_lagging else None)
            while found is not None:
                self._group.append(found)
                if len(self._group) == MAX_GROUP:
                    return True
                found = self._queue.get_nowait()
        except Empty:
            return True
        return False

    def _write(self) -> str:
        """What failed, or nothing. A group that is durable can be told so only if all went well."""
        try:
            if self._group:
                self._log.write([waiting.item for waiting in self._group])
            lag = self._log.size - self._log.kept_size
            if lag >= MAX_LAG or (lag and not self._group):
                self._keep_checkpoint()
        except OSError as cause:
            return f"a write or sync failed: {cause.strerror or 'no reason given'}".lower()
        return ""

    def _keep_checkpoint(self) -> None:
        """Nothing, or raises: but a file that could not be opened for now is tried again later.

        The entries are durable already; strangers who use up the file descriptors must not be able
        to end the ledger.
        """
        try:
            self._log.keep_checkpoint()
        except OSError as cause:
            if cause.errno not in (EMFILE, ENFILE):
                raise
            self._is_stuck = True
        else:
            self._is_stuck = False

    def _drain(self) -> None:
        try:
            while (found := self._queue.get_nowait()) is not None:
                self._group.append(found)
        except Empty:
            return
