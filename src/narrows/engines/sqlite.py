"""A holder's SQLite database, read-only.

Through the standard library and not through ADBC, whose SQLite driver infers a column's type from
its first rows: the type would depend on data. Here the type is what the catalog says, and a value
that is not of it fails the reading. SQLite has neither dates nor booleans, so mappings give text
(`YYYY-MM-DD`, `YYYY-MM-DDTHH:MM:SS.ffffff`) and 0 or 1.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic

from narrows.core.terms import ColumnType, Scalar, TypedValue, parse_value
from narrows.engines.protocol import Dialect, Reading, Statement
from narrows.engines.threads import ConnectionThreads, Job
from narrows.engines.values import canonical_value, not_of_type, read_rows
from narrows.errors import BadFederation, MalformedRequest

_STEPS_BETWEEN_CHECKS = 10_000
_MAX_VALUE_BYTES = 10_000_000
_MAX_SQL_BYTES = 1_000_000
_TYPE_NAMES = {
    ColumnType.TEXT: "TEXT",
    ColumnType.BOOLEAN: "INTEGER",
    ColumnType.INTEGER: "INTEGER",
    ColumnType.BIGINT: "INTEGER",
    ColumnType.DOUBLE: "REAL",
    ColumnType.DATE: "TEXT",
    ColumnType.TIMESTAMP: "TEXT",
}


def open_sqlite(
    database: Path,
    *,
    connections: int = 4,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> "SQLiteEngine":
    """The engine over a database file. Raises: BadFederation where it cannot be opened."""
    try:
        return SQLiteEngine(database, connections, clock)
    except sqlite3.Error as error:
        raise BadFederation(
            "the database of the node cannot be opened",
            hint="see that it is a database of that engine, and readable",
            file=str(database),
        ) from error


class SQLiteEngine:
    """An `Engine`; each thread has a connection of its own."""

    dialect: Dialect

    def __init__(self, database: Path, connections: int, clock: Callable[[], datetime]) -> None:
        self.dialect = sqlite_dialect()
        self._clock = clock
        self._threads = ConnectionThreads(lambda: _connect(database), connections)

    async def run(self, statements: Sequence[Statement], deadline_s: float) -> Reading:
        """The rows of all statements, read in one transaction. Raises: as `Engine.run`."""
        ends_at = monotonic() + deadline_s
        return await self._threads.run(lambda job: self._read(job, statements, ends_at), deadline_s)

    def close(self) -> None:
        """Nothing; every connection is closed."""
        self._threads.close()

    def _read(
        self, job: Job[sqlite3.Connection], statements: Sequence[Statement], ends_at: float
    ) -> Reading:
        connection = job.connection
        connection.set_progress_handler(
            lambda: job.expired.is_set() or monotonic() > ends_at, _STEPS_BETWEEN_CHECKS
        )
        connection.execute("BEGIN")
        try:
            # `BEGIN` alone takes no snapshot; the first read does.
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            as_of = self._clock()
            return Reading(as_of, [_rows(job, statement) for statement in statements])
        except sqlite3.OperationalError:
            if monotonic() > ends_at:
                job.expired.set()
            raise
        finally:
            connection.set_progress_handler(None, 0)
            connection.execute("ROLLBACK")


def sqlite_dialect() -> Dialect:
    """How SQLite spells what compiling needs."""
    return Dialect(
        name="sqlite",
        type_name=_TYPE_NAMES.__getitem__,
        # No cast: it would give the parameter an affinity, by which SQLite converts columns.
        placeholder=lambda number, _: f"?{number}",
        start=_start,
        # A column declared NOCASE would otherwise match, and join, more than it holds.
        collated=_collated,
        matched=_collated,
        same=lambda left, right: f"{left} IS {right}",
        # Its `LIKE` takes capitals and small letters of ASCII for the same.
        like=lambda term, pattern: f"{term} GLOB {pattern}",
        pattern=_glob,
    )


def _collated(term: str) -> str:
    return f"{term} COLLATE BINARY"


def _glob(pattern: str) -> str:
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(signs.get(one, one) for one in pattern)


def _start(term: str, kind: ColumnType, unit: str) -> str:
    kept, rest = {"year": (4, "-01-01"), "month": (7, "-01")}.get(unit, (10, ""))
    time = "T00:00:00.000000" if kind is ColumnType.TIMESTAMP else ""
    return f"substr({term}, 1, {kept}) || '{rest}{time}'"


def _connect(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{database.resolve().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _MAX_SQL_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
    return connection


def _rows(job: Job[sqlite3.Connection], statement: Statement) -> list[tuple[Scalar, ...]]:
    job.check()
    parameters = [_stored(value) for value in statement.parameters]
    found = job.connection.execute(statement.sql, parameters)
    return read_rows(found.fetchmany, [kind for _, kind in statement.columns], _read)


def _stored(value: Scalar) -> str | int | float | None:
    """The value as mappings give it; undone by `_read`."""
    match value:
        case bool():
            return int(value)
        case datetime():
            return TypedValue(ColumnType.TIMESTAMP, value).text
        case date():
            return value.isoformat()
        case _:
            return value


def _read(kind: ColumnType, value: object) -> Scalar:
    if kind is ColumnType.BOOLEAN and type(value) is int and value in (0, 1):
        return bool(value)
    if kind is ColumnType.DOUBLE and type(value) is int and abs(value) <= 2**53:
        return float(value)
    if kind in (ColumnType.DATE, ColumnType.TIMESTAMP) and isinstance(value, str):
        try:
            return parse_value(kind, value).value
        except MalformedRequest:
            raise not_of_type(kind) from None
    return canonical_value(kind, value)
