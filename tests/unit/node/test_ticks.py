"""Ticks: what is read comes at T, 2T, 4T, … whatever it was, and never before."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from narrows.errors import AnswerTooLarge
from narrows.node.ticks import Ticks, tick_after_s

ARRIVED = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class Time:
    """A clock that goes on only while somebody works or sleeps; `short` is how badly it sleeps."""

    elapsed_s: float = 0.0
    short_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> datetime:
        return ARRIVED + timedelta(seconds=self.elapsed_s)

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)
        self.elapsed_s += max(0.0001, delay_s - self.short_s)

    def ticks(self, tick_ms: int | None) -> Ticks:
        return Ticks(tick_ms, ARRIVED, self.clock, self.sleep)


@pytest.mark.parametrize(
    ("work_s", "leaves_s"),
    [(0.0, 0.1), (0.001, 0.1), (0.099, 0.1), (0.1, 0.1), (0.101, 0.2), (0.3, 0.4), (0.401, 0.8)],
)
async def test_what_was_read_comes_at_the_first_tick_that_has_not_passed(
    work_s: float, leaves_s: float
) -> None:
    time = Time()
    async with time.ticks(100).leveled():
        time.elapsed_s += work_s
    assert time.elapsed_s == pytest.approx(leaves_s, abs=1e-5)


async def test_an_error_comes_at_a_tick_too() -> None:
    time = Time()

    async def fail() -> None:
        async with time.ticks(100).leveled():
            time.elapsed_s += 0.15
            raise AnswerTooLarge("too many")

    with pytest.raises(AnswerTooLarge):
        await fail()
    assert time.elapsed_s == pytest.approx(0.2, abs=1e-5)


async def test_a_sleep_that_is_short_is_slept_again() -> None:
    time = Time(short_s=0.03)
    async with time.ticks(100).leveled():
        time.elapsed_s += 0.01
    assert time.elapsed_s >= 0.1
    assert len(time.slept) > 1


async def test_without_ticks_nothing_waits() -> None:
    time = Time()
    async with time.ticks(None).leveled():
        time.elapsed_s += 0.01
    assert time.slept == []


def test_ticks_double() -> None:
    assert [tick_after_s(s, 10) for s in (0, 0.01, 0.0101, 0.05, 1.0)] == [
        0.01, 0.01, 0.02, 0.08, 1.28,
    ]  # fmt: skip
