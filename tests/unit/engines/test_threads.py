"""An interrupt ends its own job, and touches no other."""

import asyncio
from dataclasses import dataclass, field
from threading import Event

import pytest

from narrows.engines.threads import ConnectionThreads, Job
from narrows.errors import DeadlinePassed


@dataclass(slots=True, eq=False)
class Blocking:
    """A connection whose work lasts until it is interrupted."""

    interrupted: Event = field(default_factory=Event)
    closed: bool = False

    def interrupt(self) -> None:
        self.interrupted.set()

    def close(self) -> None:
        self.closed = True


def _block(job: Job[Blocking]) -> None:
    assert job.connection.interrupted.wait(20)
    raise RuntimeError("interrupted")


def _same(job: Job[Blocking]) -> Blocking:
    return job.connection


async def test_a_connection_that_was_interrupted_is_not_used_again() -> None:
    opened: list[Blocking] = []

    def connect() -> Blocking:
        opened.append(Blocking())
        return opened[-1]

    threads = ConnectionThreads(connect, 1)
    assert await threads.run(_same, 20) is opened[0]
    assert await threads.run(_same, 20) is opened[0]
    with pytest.raises(DeadlinePassed):
        await threads.run(_block, 0.05)
    assert await threads.run(_same, 20) is opened[1]
    assert [one.closed for one in opened] == [True, False]
    assert not opened[1].interrupted.is_set()
    threads.close()
    assert [one.closed for one in opened] == [True, True]


async def test_where_no_new_connection_can_be_had_the_old_one_serves_on() -> None:
    opened: list[Blocking] = []

    def connect() -> Blocking:
        if opened:
            raise OSError("too many open files")
        opened.append(Blocking())
        return opened[-1]

    threads = ConnectionThreads(connect, 1)
    with pytest.raises(DeadlinePassed):
        await threads.run(_block, 0.05)
    assert await threads.run(_same, 20) is opened[0]
    assert not opened[0].closed
    threads.close()


async def test_a_late_job_that_waits_for_its_turn_interrupts_nobody() -> None:
    threads = ConnectionThreads(Blocking, 1)
    go_on = Event()

    def work(job: Job[Blocking]) -> bool:
        assert go_on.wait(20)
        return job.connection.interrupted.is_set()

    working = asyncio.create_task(threads.run(work, 20))
    await asyncio.sleep(0)
    with pytest.raises(DeadlinePassed):
        await threads.run(_same, 0.05)
    go_on.set()
    assert await working is False
    threads.close()
