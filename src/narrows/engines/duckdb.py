"""A holder's DuckDB database, or a folder of Parquet files read through DuckDB.

The database is opened read-only; file access, configuration and Python's variables are closed to
SQL. DuckDB plans every statement anew, since it keeps no plan that reads a table; only parsing, a
quarter of a small look-up, is kept here. A folder of Parquet files has no transactions: its
snapshot is as good as the habit of adding files and never rewriting them.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import duckdb

from narrows.core.terms import ColumnType, Scalar
from narrows.engines.protocol import Dialect, Reading, Statement
from narrows.engines.threads import ConnectionThreads, Job
from narrows.engines.values import canonical_value, read_rows
from narrows.errors import BadFederation, CheckFailed

_PARSED_STATEMENTS = 256
"""How many parsed statements are kept: one a shape of question and agreement, without values."""
_Settings: TypeAlias = dict[str, str | bool | int | float | list[str]]

_TYPE_NAMES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.INTEGER: "INTEGER",
    ColumnType.BIGINT: "BIGINT",
    ColumnType.DOUBLE: "DOUBLE",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}


def open_duckdb(
    database: Path,
    parquet: bool,
    *,
    connections: int = 4,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> "DuckDBEngine":
    """The engine over a database file, or over a folder of Parquet files.

    Raises: BadFederation where it cannot be opened.
    """
    try:
        connection = _open_folder(database) if parquet else _open_file(database)
    except duckdb.Error as error:
        raise BadFederation(
            "the database of the node cannot be opened",
            hint="see that it is a database of that engine, and readable",
            file=str(database),
        ) from error
    return DuckDBEngine(connection, connections, clock)


class DuckDBEngine:
    """An `Engine`; each thread has a cursor, which is a connection to the same database."""

    dialect: Dialect

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        connections: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.dialect = duckdb_dialect()
        self._connection = connection
        self._clock = clock
        self._threads = ConnectionThreads(connection.cursor, connections)
        self._parsed = lru_cache(_PARSED_STATEMENTS)(lambda sql: _parse(connection, sql))

    async def run(self, statements: Sequence[Statement], deadline_s: float) -> Reading:
        """The rows of all statements, read in one transaction. Raises: as `Engine.run`."""
        return await self._threads.run(lambda job: self._read(job, statements), deadline_s)

    def close(self) -> None:
        """Nothing; every connection is closed."""
        self._threads.close()
        self._connection.close()

    def _read(
        self, job: Job[duckdb.DuckDBPyConnection], statements: Sequence[Statement]
    ) -> Reading:
        job.connection.execute("BEGIN")
        try:
            as_of = self._clock()
            return Reading(as_of, [self._rows(job, statement) for statement in statements])
        finally:
            job.connection.execute("ROLLBACK")

    def _rows(
        self, job: Job[duckdb.DuckDBPyConnection], statement: Statement
    ) -> list[tuple[Scalar, ...]]:
        job.check()
        parsed = self._parsed(statement.sql)
        found = job.connection.execute(parsed, list(statement.parameters))
        return read_rows(found.fetchmany, [kind for _, kind in statement.columns], canonical_value)


def duckdb_dialect() -> Dialect:
    """How DuckDB spells what compiling needs."""
    return Dialect(
        name="duckdb",
        type_name=_TYPE_NAMES.__getitem__,
        # Without the cast, a comparison of two parameters has no type.
        placeholder=lambda number, kind: f"CAST(${number} AS {_TYPE_NAMES[kind]})",
        start=_start,
        collated=lambda term: term,
        matched=lambda term: term,
        same=lambda left, right: f"{left} IS NOT DISTINCT FROM {right}",
        like=lambda term, pattern: f"{term} LIKE {pattern}",
        pattern=lambda text: text,
    )


def _start(term: str, kind: ColumnType, unit: str) -> str:
    month = "1" if unit == "year" else f"month({term})"
    day = f"day({term})" if unit == "day" else "1"
    if kind is ColumnType.TIMESTAMP:
        return f"make_timestamp(year({term}), {month}, {day}, 0, 0, 0.0)"
    return f"make_date(year({term}), {month}, {day})"


def _parse(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one SELECT of the text, which DuckDB copies at every use."""
    found = connection.extract_statements(sql)
    if len(found) != 1 or found[0].type != duckdb.StatementType.SELECT:
        raise CheckFailed("a statement for the engine is not one SELECT")
    return found[0]


def _open_file(database: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(database), read_only=True, config=_closed())


def _open_folder(folder: Path) -> duckdb.DuckDBPyConnection:
    if not folder.is_dir():
        raise BadFederation("the folder of the node's files is missing", hint="generate it first")
    connection = duckdb.connect(":memory:")
    # In this order: directories are refused once access is off, and all once it is locked.
    connection.execute("SET allowed_directories = $1", [[f"{folder.resolve()}/"]])
    for name, value in _closed().items():
        connection.execute(f"SET {name} = $1", [value])
    return connection


def _closed() -> _Settings:
    """Settings under which SQL reaches nothing but the database, in bounded memory.

    An attacker who got SQL into a mapping could otherwise read any file of the node, or raise the
    limits again.
    """
    return {
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
        "threads": 2,
        "memory_limit": "1GB",
        "lock_configuration": True,
    }
