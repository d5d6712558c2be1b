"""Under an agreement with ticks, what depends on data leaves at ticks, and says no earlier time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from narrows.core.ledger.entry import Entry, parse_time
from narrows.engines.protocol import Dialect, Engine, Reading, Statement
from tests.system.federation import (
    CATALOG,
    NSOR,
    POLICY,
    ROWS,
    Clock,
    Federation,
    Setting,
    about,
    federation,
    question,
)

LEVELED = f"{POLICY}    answer_ticks_ms: 200\n"


@dataclass(frozen=True)
class SlowEngine:
    """An engine that takes its time, as the clock of the test sees it."""

    inner: Engine
    clock: Clock
    takes_s: float

    @property
    def dialect(self) -> Dialect:
        return self.inner.dialect

    async def run(self, statements: Sequence[Statement], deadline_s: float) -> Reading:
        found = await self.inner.run(statements, deadline_s)
        self.clock.now += timedelta(seconds=self.takes_s)
        return found

    def close(self) -> None:
        self.inner.close()


def taking(all_of: Federation, takes_s: float) -> None:
    """The node of `nsor`, whose database takes so long, and who sleeps by the test's clock."""

    async def sleep(delay_s: float) -> None:
        all_of.clock.now += timedelta(seconds=delay_s)

    node = all_of.nodes[NSOR]
    engine = SlowEngine(node.parts.engine, all_of.clock, takes_s)
    node.parts = replace(node.parts, engine=engine, sleep=sleep)


def entry_about(all_of: Federation, request: str) -> Entry:
    ledger = all_of.nodes[NSOR].parts.ledger
    (entry,) = [one for one in map(ledger.entry, range(ledger.size)) if one.request == request]
    return entry


def waited_s(entry: Entry, arrived_at: datetime) -> float:
    return (entry.time - arrived_at).total_seconds()


@pytest.mark.parametrize(("takes_s", "leaves_s"), [(0.001, 0.2), (0.15, 0.2), (0.3, 0.4)])
@pytest.mark.parametrize("document", ["ZZ123456", "ZZ654321", "ZZ000000"])
async def test_hit_hidden_and_miss_are_entered_and_leave_at_a_tick(
    tmp_path: Path, document: str, takes_s: float, leaves_s: float
) -> None:
    async with federation(tmp_path, setting=Setting(CATALOG, LEVELED)) as all_of:
        taking(all_of, takes_s)
        # Of this holder alone: the test's one clock is everybody's.
        found = await all_of.ask(
            replace(about(document), sql=about(document).sql + " AND p.holder = 'nsor'")
        )
        entry = entry_about(all_of, found.request)
        arrived_at = parse_time(entry.open["received_at"])
        # The clock goes on by a millisecond at every look.
        assert leaves_s <= waited_s(entry, arrived_at) < leaves_s + 0.02


async def test_an_error_that_depends_on_data_comes_at_a_tick(tmp_path: Path) -> None:
    papers = tuple((str(n), "9", "PASSPORT", "ZZ123456") for n in range(9))
    rows = {**ROWS, "identifier": papers}
    async with federation(tmp_path, rows, Setting(CATALOG, LEVELED)) as all_of:
        taking(all_of, 0.05)
        before = all_of.clock.now
        sql = question().sql + " AND p.holder = 'nsor'"
        found = await all_of.ask(replace(question(), sql=sql))
        assert "more than the 5 rows" in found.holders[0].reasons[0]
        entry = entry_about(all_of, found.request)
        assert entry.open["reason"] == "ANSWER_TOO_LARGE"
        assert 0.2 <= waited_s(entry, before) < 0.3


async def test_without_ticks_the_time_is_what_it_is(tmp_path: Path) -> None:
    """The control: the entry says how long it took."""
    async with federation(tmp_path) as all_of:
        taking(all_of, 0.05)
        sql = question().sql + " AND p.holder = 'nsor'"
        found = await all_of.ask(replace(question(), sql=sql))
        entry = entry_about(all_of, found.request)
        arrived_at = parse_time(entry.open["received_at"])
        assert waited_s(entry, arrived_at) < 0.1
