"""A few connections, each used by one thread at a time, interrupted at the deadline.

The engines block, and none allows two threads on one connection. A connection whose
job was interrupted is not used again: the interrupt may have hit its rollback, or the next job.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from narrows.errors import CheckFailed, DeadlinePassed, NarrowsError


class Connection(Protocol):
    """What every engine's connections have."""

    def interrupt(self) -> None:
        """Nothing; what runs on the connection ends with an error soon."""

    def close(self) -> None:
        """Nothing; the connection is closed."""


C = TypeVar("C", bound=Connection)
T = TypeVar("T")

_INTERRUPTS = 20
_INTERRUPT_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Job(Generic[C]):
    """What a job may ask while it runs: its connection, and whether it should stop."""

    connection: C
    expired: threading.Event

    def check(self) -> None:
        """Nothing while there is time. Raises: DeadlinePassed."""
        if self.expired.is_set():
            raise _deadline_passed()


@dataclass(slots=True)
class _Running(Generic[C]):
    """A job and its connection, which it holds from `take` to `leave`.

    The lock keeps an interrupt from a connection that has gone on to somebody else's job.
    """

    expired: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connection: C | None = None

    def take(self, connection: C) -> None:
        with self._lock:
            self._connection = connection

    def leave(self) -> None:
        with self._lock:
            self._connection = None

    def interrupt(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()


class ConnectionThreads(Generic[C]):
    """Runs jobs on connections that it owns, at most one job a connection."""

    def __init__(self, connect: Callable[[], C], size: int) -> None:
        self._connect = connect
        self._idle: SimpleQueue[C] = SimpleQueue()
        self._lock = threading.Lock()
        self._connections: list[C] = []
        try:
            for _ in range(size):
                self._connections.append(connect())
        except BaseException:
            for connection in self._connections:
                connection.close()
            raise
        for connection in self._connections:
            self._idle.put(connection)
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="engine")

    async def run(self, job: Callable[[Job[C]], T], deadline_s: float) -> T:
        """What the job returns.

        Raises: DeadlinePassed after `deadline_s`, even when the engine does not heed the
        interrupt; CheckFailed for any error of the engine, whose message is dropped.
        """
        running: _Running[C] = _Running()
        future = asyncio.get_running_loop().run_in_executor(self._executor, self._run, job, running)
        try:
            done, _ = await asyncio.wait((future,), timeout=deadline_s)
            if not done:
                raise _deadline_passed()
        except BaseException:
            future.add_done_callback(_forget)
            await _interrupt(running, future)
            raise
        return future.result()

    def close(self) -> None:
        """Nothing; running jobs are interrupted and connections closed."""
        with self._lock:
            for connection in self._connections:
                connection.interrupt()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _run(self, job: Callable[[Job[C]], T], running: _Running[C]) -> T:
        connection = self._idle.get()
        running.take(connection)
        try:
            started = Job(connection, running.expired)
            started.check()
            return job(started)
        except NarrowsError:
            raise
        except Exception as error:  # noqa: BLE001 - an engine's own message quotes values
            if running.expired.is_set():
                raise _deadline_passed() from None
            raise CheckFailed("the engine could not run a statement") from _nameless(error)
        finally:
            running.leave()
            interrupted = running.expired.is_set()
            self._idle.put(self._renewed(connection) if interrupted else connection)

    def _renewed(self, old: C) -> C:
        """A new connection in the place of the old one, or that, where no other can be had."""
        try:
            fresh = self._connect()
        except Exception:  # noqa: BLE001 - the job has its own outcome, and the pool needs one back
            return old
        with self._lock:
            self._connections[self._connections.index(old)] = fresh
            old.close()
        return fresh


async def _interrupt(running: _Running[C], future: "asyncio.Future[T]") -> None:
    """Nothing; again and again, since an interrupt between two statements is lost."""
    running.expired.set()
    for _ in range(_INTERRUPTS):
        running.interrupt()
        done, _pending = await asyncio.wait((future,), timeout=_INTERRUPT_EVERY_S)
        if done:
            return


def _forget(future: "asyncio.Future[T]") -> None:
    """Nothing; an outcome that comes too late is looked at, or asyncio would log its message."""
    if not future.cancelled():
        future.exception()


def _nameless(error: Exception) -> Exception:
    """The class of the cause without its message: tracebacks reach logs."""
    return RuntimeError(type(error).__name__)


def _deadline_passed() -> DeadlinePassed:
    return DeadlinePassed("the engine had not enough time", hint="allow more, or ask for less")
