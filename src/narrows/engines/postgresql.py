"""A holder's PostgreSQL database, through ADBC, by a role that cannot write.

Statements are read through a cursor of the server: `DECLARE ... CURSOR FOR` takes one SELECT and
nothing else, and rows come a few at a time, where the driver would hold a whole answer. What type
a column is, the server says; the catalog's types are checked against that and not against values,
so that a mapping that gives another type is told when the node starts.

Equality needs no collation: under every deterministic one, equal texts are the same bytes, and
`COLLATE` would keep a match from the holder's indexes. Columns with another are refused at the
start. Order is by `COLLATE "C"`, which is that of code points in a database of UTF-8.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, repeat
from time import monotonic
from typing import TYPE_CHECKING

from narrows.core.terms import ColumnType, Scalar
from narrows.engines.protocol import Dialect, Reading, Statement
from narrows.engines.threads import ConnectionThreads, Job
from narrows.engines.values import canonical_value, not_of_type, read_rows
from narrows.errors import BadFederation, CheckFailed

if TYPE_CHECKING:
    import pyarrow as pa

    from narrows.engines.postgresql_session import Session

_TYPE_NAMES = {
    ColumnType.TEXT: "text",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.INTEGER: "integer",
    ColumnType.BIGINT: "bigint",
    ColumnType.DOUBLE: "double precision",
    ColumnType.DATE: "date",
    ColumnType.TIMESTAMP: "timestamp",
}
_FIRST_CHUNKS = (64, 128, 256, 512)
_INTEGERS = frozenset(("int2", "int4", "int8"))
_TAKEN = {
    # Not `bpchar`: it compares without its trailing blanks, and is given with them.
    ColumnType.TEXT: frozenset(("text", "varchar")),
    ColumnType.BOOLEAN: frozenset(("bool",)),
    ColumnType.INTEGER: _INTEGERS,
    ColumnType.BIGINT: _INTEGERS,
    ColumnType.DOUBLE: frozenset(("float4", "float8")),
    ColumnType.DATE: frozenset(("date",)),
    ColumnType.TIMESTAMP: frozenset(("timestamp",)),
}


def open_postgresql(
    uri: str,
    *,
    connections: int = 4,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> "PostgreSQLEngine":
    """The engine over the database of a connection URI, which has no password.

    Raises: BadFederation where the driver is missing, the database does not open, its role can
    write, or texts in it compare in another way than by their bytes.
    """
    try:
        from narrows.engines import postgresql_session as opened
    except ModuleNotFoundError as error:
        raise BadFederation(
            "the driver of the engine `postgresql` is not installed",
            hint="install Narrows with its extra: `pip install 'narrows[postgresql]'`",
        ) from error
    opened.check_uri(uri)
    try:
        opened.check_database(uri)
        return PostgreSQLEngine(lambda: opened.Session(uri), connections, clock)
    except opened.DriverError:
        raise BadFederation(
            "the database of the node cannot be opened",
            hint="see that it is PostgreSQL 12 or newer, that it takes as many connections, and "
            "that `psql` connects with the same URI, as the user that the node runs as",
        ) from None


class PostgreSQLEngine:
    """An `Engine`; each thread has a session of its own."""

    dialect: Dialect

    def __init__(
        self,
        connect: "Callable[[], Session]",
        connections: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.dialect = postgresql_dialect()
        self._clock = clock
        self._threads = ConnectionThreads(connect, connections)

    async def run(self, statements: Sequence[Statement], deadline_s: float) -> Reading:
        """The rows of all statements, read in one transaction. Raises: as `Engine.run`."""
        ends_at = monotonic() + deadline_s
        return await self._threads.run(lambda job: self._read(job, statements, ends_at), deadline_s)

    def close(self) -> None:
        """Nothing; every connection is closed."""
        self._threads.close()

    def _read(
        self, job: "Job[Session]", statements: Sequence[Statement], ends_at: float
    ) -> Reading:
        session = job.connection
        try:
            session.begin(ends_at - monotonic())
            as_of = self._clock()
            return Reading(as_of, [_rows(job, statement) for statement in statements])
        except Exception:
            if monotonic() > ends_at:
                job.expired.set()
            raise
        finally:
            session.end()


def postgresql_dialect() -> Dialect:
    """How PostgreSQL spells what compiling needs."""
    return Dialect(
        name="postgresql",
        type_name=_TYPE_NAMES.__getitem__,
        # Without the cast, the type would be what the driver makes of the value.
        placeholder=lambda number, kind: f"CAST(${number} AS {_TYPE_NAMES[kind]})",
        start=_start,
        collated=lambda term: f'{term} COLLATE "C"',
        matched=lambda term: term,
        same=lambda left, right: f"{left} IS NOT DISTINCT FROM {right}",
        # Without the last words a backslash would take the next character's meaning away.
        like=lambda term, pattern: f"{term} LIKE {pattern} ESCAPE ''",
        pattern=lambda text: text,
    )


def _start(term: str, kind: ColumnType, unit: str) -> str:
    # By timestamp: of a date it would make a timestamp with time zone.
    return f"CAST(date_trunc('{unit}', CAST({term} AS timestamp)) AS {_TYPE_NAMES[kind]})"


def _rows(job: "Job[Session]", statement: Statement) -> list[tuple[Scalar, ...]]:
    job.check()
    job.connection.declare(statement.sql, statement.parameters)
    chunks = _chunks(job, statement.columns)
    kinds = [kind for _, kind in statement.columns]
    rows = read_rows(lambda _: next(chunks, []), kinds, canonical_value)
    job.connection.undeclare()
    return rows


def _chunks(
    job: "Job[Session]", columns: Sequence[tuple[str, ColumnType]]
) -> Iterator[list[tuple[object, ...]]]:
    """What was declared, more rows at a time the more there are: each time asks the server."""
    for size in chain(_FIRST_CHUNKS, repeat(_FIRST_CHUNKS[-1])):
        job.check()
        found = job.connection.fetch(size)
        _check_types(found.schema, columns)
        values = [
            _column(kind, given) for (_, kind), given in zip(columns, found.columns, strict=True)
        ]
        yield list(zip(*values, strict=True))
        if found.num_rows < size:
            return


def _column(kind: ColumnType, column: "pa.ChunkedArray") -> list[object]:
    with suppress(ValueError, OverflowError):
        found: list[object] = column.to_pylist()
        return found
    # Infinite, before year 1 or after 9999: not raised from the error, which quotes it.
    raise not_of_type(kind)


def _check_types(schema: "pa.Schema", columns: Sequence[tuple[str, ColumnType]]) -> None:
    """Nothing, when the server's columns are of the types that were compiled for."""
    if len(schema) != len(columns):
        raise CheckFailed("the engine gave another number of columns than was compiled")
    for field, (name, kind) in zip(schema, columns, strict=True):
        given = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
        if given not in _TAKEN[kind]:
            is_zoned = (given, kind) == ("timestamptz", ColumnType.TIMESTAMP)
            mended = "... AT TIME ZONE 'UTC'" if is_zoned else f"CAST(... AS {_TYPE_NAMES[kind]})"
            raise CheckFailed(
                f"the mapping gives `{name}` as `{given}`, which is no `{kind}`",
                hint=f"give it as `{mended}`",
            )
