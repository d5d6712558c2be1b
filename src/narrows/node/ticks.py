"""Answers that leave at ticks: what is hidden and what is not there take the same time.

An agreement may set `answer_ticks_ms: T`. Whatever was read is then waited for until the first of
T, 2T, 4T, … after the question's arrival. The wait comes before the entry, since its time stands in
the receipt: an answer that left at a tick, and said when it was found, would hide nothing. What
follows (the entry, and sending) takes as long for a hit as for a miss.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Ticks:
    """The ticks after one arrival; without `tick_ms` there are none, and nothing waits."""

    tick_ms: int | None
    arrived_at: datetime
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]

    @asynccontextmanager
    async def leveled(self) -> AsyncIterator[None]:
        """Around what depends on data: its end, and an error of it too, come at a tick."""
        try:
            yield
        except Exception:
            await self._wait()
            raise
        await self._wait()

    async def _wait(self) -> None:
        if self.tick_ms is None:
            return
        # Again, should the clock or the sleep be a little short: never before the tick.
        elapsed_s = self._elapsed_s()
        tick_s = tick_after_s(elapsed_s, self.tick_ms)
        while elapsed_s < tick_s:
            await self.sleep(tick_s - elapsed_s)
            elapsed_s = self._elapsed_s()

    def _elapsed_s(self) -> float:
        return (self.clock() - self.arrived_at).total_seconds()


def tick_after_s(elapsed_s: float, tick_ms: int) -> float:
    """The first of T, 2T, 4T, … that has not passed.

    >>> [tick_after_s(elapsed_s, 100) for elapsed_s in (0.0, 0.1, 0.11, 0.5)]
    [0.1, 0.1, 0.2, 0.8]
    """
    tick_s = tick_ms / 1000
    while tick_s < elapsed_s:
        tick_s *= 2
    return tick_s
