"""One holder's cubes over a database of persons, for tests; every `open` is a new process."""

import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.model import Policy
from narrows.core.terms import Scalar
from narrows.engines.protocol import Engine
from narrows.engines.sqlite import open_sqlite
from narrows.node.cubes import Cubes
from narrows.store.editions import Editions
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import open_ledger
from tests.unit.core.policy.counting import ASKED, counting
from tests.unit.core.policy.world import CATALOG, PERSON, fragment_of

KEY = new_key("nsor.test/ledger", seed=bytes(32))
COLUMNS = [str(column.name) for column in CATALOG.relations[PERSON].columns[1:]]
SELECT = f"SELECT {', '.join(COLUMNS)} FROM person"
SQL = "SELECT p.country, p.pid FROM person p"


@dataclass(slots=True)
class Clock:
    now: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Silent:
    """Noise that adds nothing."""

    def integer(self, value: int, scale: float) -> int:
        assert scale > 0
        return value


@dataclass(slots=True)
class Home:
    """One holder: its folder, its database, and the policy in force."""

    folder: Path
    given: Policy = field(default_factory=counting)
    clock: Clock = field(default_factory=Clock)

    def people(self, *groups: tuple[Scalar, Iterable[int]]) -> None:
        """Nothing; the database has these persons, by country, and no others."""
        path = self.folder / "nsor.sqlite"
        with sqlite3.connect(path) as opened:
            opened.execute("DROP TABLE IF EXISTS person")
            opened.execute(f"CREATE TABLE person ({', '.join(COLUMNS)})")
            rows = [(str(n), country) for country, numbers in groups for n in numbers]
            insert = "INSERT INTO person (pid, country, status) VALUES (?, ?, 'OPEN')"
            opened.executemany(insert, rows)
        opened.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cubes]:
        """The cubes of a process that has just started, and ends."""
        salt = lambda: os.urandom(32)  # noqa: E731 - a source of salts
        ledger = open_ledger(DiskFiles(self.folder / "ledger"), KEY, clock=self.clock, salt=salt)
        engine: Engine = open_sqlite(self.folder / "nsor.sqlite")
        try:
            yield Cubes(
                catalog=CATALOG,
                policy=lambda: self.given,
                mapping={PERSON: SELECT},
                engine=engine,
                ledger=ledger,
                editions=Editions(self.folder / "editions"),
                noise=Silent(),
                clock=self.clock,
            )
        finally:
            engine.close()
            await ledger.close()

    def bound(self, sql: str = SQL) -> BoundFragment:
        """A question, bound under the policy in force."""
        _, found = decide_and_bind(self.given, CATALOG, fragment_of(sql), ASKED)
        assert found is not None
        return found


def files(home: Home) -> list[str]:
    return sorted(one.name for one in (home.folder / "editions").iterdir())
