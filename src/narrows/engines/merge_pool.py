"""Merges in worker processes: few at a time, each within its deadline, none believed.

A worker that is late is killed, one that erred is thrown away; a new one takes its place.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import narrows
from narrows.core.terms import ColumnType, TypedValue
from narrows.engines.arrow import BatchLimits, read_batch, schema_of
from narrows.engines.frames import (
    HEAD,
    LENGTH_BYTES,
    Frame,
    encode_frame,
    parse_document,
    split_lengths,
)
from narrows.errors import (
    AnswerTooLarge,
    CheckFailed,
    DeadlinePassed,
    NarrowsError,
    UnsupportedQuery,
)

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from narrows.engines.merge_worker import main; main()"
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""All of a worker's environment: allocators that reserve little, as address space is bounded."""
_START_S = 30
_MAX_DOCUMENT_BYTES = 1_000_000
_MAX_BLOBS = 10_000


@dataclass(frozen=True, slots=True)
class MergeTable:
    """One table of a merge: its columns, and its rows as checked IPC batches."""

    columns: tuple[tuple[str, ColumnType], ...]
    batches: list[bytes]


@dataclass(frozen=True, slots=True)
class MergeTask:
    """One DuckDB SELECT over the tables, with named parameters; more may be given than it uses."""

    statement: str
    parameters: Mapping[str, TypedValue]
    tables: Mapping[str, MergeTable]


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The rows of a merge as canonical IPC batches."""

    columns: tuple[tuple[str, ColumnType], ...]
    batches: list[bytes]
    row_count: int


@dataclass(frozen=True, slots=True)
class MergeLimits:
    """The most that a merge may give."""

    max_rows: int = 100_000
    max_bytes: int = 32_000_000


@dataclass(slots=True)
class _Worker:
    process: Process
    isolated: bool = False


@dataclass(slots=True)
class MergePool:
    """`size` workers; merges beyond that wait, within their deadline."""

    size: int
    limits: MergeLimits = field(default_factory=MergeLimits)
    _idle: asyncio.Queue[_Worker | None] = field(default_factory=asyncio.Queue)
    _shares: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _alive: list[_Worker] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def isolated(self) -> bool:
        """Whether every worker could leave the network."""
        return all(worker.isolated for worker in self._alive)

    async def start(self) -> None:
        """Nothing; every worker is ready. Raises: CheckFailed where one does not start."""
        for worker in await asyncio.gather(*(self._start_one() for _ in range(self.size))):
            self._idle.put_nowait(worker)

    async def merge(self, task: MergeTask, deadline_s: float, whose: str = "") -> MergeResult:
        """The rows of the statement over the tables.

        Nobody (`whose`) gets the last worker for a second merge: one member that merges much waits
        for itself, and the others go on.
        Raises: DeadlinePassed; AnswerTooLarge over the limits; UnsupportedQuery where a value
        cannot be computed; CheckFailed for anything else. None repeats what DuckDB said.
        """
        try:
            async with asyncio.timeout(max(0.0, deadline_s)):
                share = asyncio.Semaphore(max(1, self.size - 1))
                async with self._shares.setdefault(whose, share):
                    worker = await self._idle.get()
                    return await self._merge_on(worker, task)
        except TimeoutError:
            raise DeadlinePassed(
                "the merge had not enough time", hint="allow more, or ask for less"
            ) from None

    async def close(self) -> None:
        """Nothing; every worker is killed and gone."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in tuple(self._alive):
            await self._end(worker)

    async def _merge_on(self, worker: _Worker | None, task: MergeTask) -> MergeResult:
        """The result; the worker goes back only when it gave one."""
        healthy = False
        try:
            if worker is None:
                worker = await self._start_one()
            reply = await _exchange(worker.process, _request(task, self.limits), self.limits)
            # A worker that says in order what went wrong is well: to kill it would let anybody's
            # wrong casts use up the workers.
            healthy = isinstance(reply.document.get("error"), str)
            result = _result(reply, self.limits)
            healthy = True
            return result
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise CheckFailed("a merge worker failed") from RuntimeError(type(error).__name__)
        finally:
            if healthy:
                self._idle.put_nowait(worker)
            else:
                self._replace(worker)

    def _replace(self, worker: _Worker | None) -> None:
        if worker is not None:
            _kill(worker.process)
        task = asyncio.get_running_loop().create_task(self._renew(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew(self, worker: _Worker | None) -> None:
        """Nothing; a place is always given back, empty where no worker starts."""
        renewed: _Worker | None = None
        try:
            if worker is not None:
                await self._end(worker)
            with suppress(CheckFailed):
                renewed = await self._start_one()
        finally:
            self._idle.put_nowait(renewed)

    async def _start_one(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", _BOOT, str(Path(narrows.__file__).parents[1]),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=_ENVIRONMENT,
        )  # fmt: skip
        worker = _Worker(process)
        self._alive.append(worker)
        try:
            async with asyncio.timeout(_START_S):
                ready = await _receive(process, self.limits)
        except (TimeoutError, OSError, EOFError, ValueError) as error:
            await self._end(worker)
            raise CheckFailed("a merge worker does not start") from error
        worker.isolated = ready.document.get("isolated") is True
        return worker

    async def _end(self, worker: _Worker) -> None:
        _kill(worker.process)
        if worker.process.stdin is not None:
            worker.process.stdin.close()
        await worker.process.wait()
        if worker in self._alive:
            self._alive.remove(worker)


def _kill(process: Process) -> None:
    """Nothing; not by `Process.kill`, which reaps a dead child before asyncio can."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _request(task: MergeTask, limits: MergeLimits) -> Frame:
    return Frame(
        {
            "statement": task.statement,
            "parameters": {
                name: [value.type.value, value.text] for name, value in task.parameters.items()
            },
            "tables": {
                name: {"columns": list(table.columns), "batches": len(table.batches)}
                for name, table in task.tables.items()
            },
            "max_rows": limits.max_rows,
            "max_bytes": limits.max_bytes,
        },
        tuple(batch for table in task.tables.values() for batch in table.batches),
    )


async def _exchange(process: Process, request: Frame, limits: MergeLimits) -> Frame:
    assert process.stdin is not None
    process.stdin.write(encode_frame(request))
    await process.stdin.drain()
    return await _receive(process, limits)


async def _receive(process: Process, limits: MergeLimits) -> Frame:
    """The worker's next frame, within caps: it may have been taken over."""
    source = process.stdout
    assert source is not None
    document_bytes, blob_count = HEAD.unpack(await source.readexactly(HEAD.size))
    if document_bytes > _MAX_DOCUMENT_BYTES or blob_count > _MAX_BLOBS:
        raise ValueError("a frame is too large")
    lengths = split_lengths(await source.readexactly(LENGTH_BYTES * blob_count))
    if sum(lengths) > limits.max_bytes:
        raise ValueError("a frame is too large")
    document = parse_document(await source.readexactly(document_bytes))
    return Frame(document, tuple([await source.readexactly(length) for length in lengths]))


def _result(reply: Frame, limits: MergeLimits) -> MergeResult:
    """The result, its batches checked. Raises: the error that the reply's word stands for."""
    document = reply.document
    if "error" in document:
        raise _error(document["error"])
    columns = document["columns"]
    if not isinstance(columns, list):
        raise TypeError("columns are no list")
    named = tuple((str(name), ColumnType(kind)) for name, kind in columns)
    schema = schema_of(named)
    caps = BatchLimits(limits.max_rows)
    row_count = sum(read_batch(blob, schema, caps).num_rows for blob in reply.blobs)
    if row_count != document["row_count"]:
        raise ValueError("a worker gave another number of rows than it says")
    return MergeResult(named, list(reply.blobs), row_count)


def _error(word: object) -> NarrowsError:
    match word:
        case "too large":
            return AnswerTooLarge("the merged answer is over a limit", hint="ask for less")
        case "memory":
            return AnswerTooLarge("the merge needs too much memory", hint="ask for less")
        case "division by zero":
            return UnsupportedQuery("the query divides by zero")
        case "conversion":
            return UnsupportedQuery("the query converts a value that has no such form")
        case "out of range":
            return UnsupportedQuery("the query computes a value that is out of range")
        case _:
            return CheckFailed("the merge failed")
