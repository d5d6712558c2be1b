"""One session with a PostgreSQL server: how it is set, and what its role must not be able to do.

Needs the extra `postgresql`; `engines/postgresql.py` imports it when such a database is opened.
Errors of the driver quote values, and those of connecting the URI, so none is ever a cause.
"""

import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from narrows.core.terms import Scalar
from narrows.errors import BadFederation

DriverError = dbapi.Error
"""What the driver raises. It quotes values and the URI."""
_SCHEMES = ("postgresql", "postgres")
_OF_CONNECTIONS = {
    "application_name": "narrows",
    "connect_timeout": "5",
    # A server that is gone without a word otherwise keeps a thread for two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_OF_SESSIONS = {
    "default_transaction_read_only": "on",
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "60s",
    # Compiling takes longer than a look-up; and a cursor is read to its end here.
    "jit": "off",
    "cursor_tuple_fraction": "1",
}
# The path as it is now, and temporary tables last: one of them could stand for a holder's table.
_PATH = """
SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', (
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(name), ', ' ORDER BY place)
  FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS found(name, place)
), 'pg_temp'), false)
"""
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_CURSOR = "narrows"

# Every role that the node could take on: also those that it has not by itself, but may `SET`.
_ROLES = """
WITH role AS (
  SELECT * FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(session_user, oid, 'MEMBER')
), schema AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
)
"""
_MIGHTY = f"""{_ROLES}
SELECT rolname FROM role
WHERE rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolname IN (
  'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files',
  'pg_execute_server_program')
ORDER BY rolname = session_user DESC, rolname LIMIT 1
"""
_CREATES = f"""{_ROLES}
SELECT 'SCHEMA ' || pg_catalog.quote_ident(nspname) FROM schema, role
WHERE pg_catalog.has_schema_privilege(role.oid, schema.oid, 'CREATE')
UNION ALL
SELECT 'DATABASE ' || pg_catalog.quote_ident(pg_catalog.current_database()) FROM role
WHERE pg_catalog.has_database_privilege(role.oid, pg_catalog.current_database(), 'CREATE')
ORDER BY 1 LIMIT 1
"""
_WRITES = f"""{_ROLES}
SELECT pg_catalog.format('%I.%I', nspname, relname)
FROM pg_catalog.pg_class AS t JOIN schema ON schema.oid = relnamespace, role
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND (
  pg_catalog.has_table_privilege(role.oid, t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
  OR pg_catalog.has_any_column_privilege(role.oid, t.oid, 'INSERT, UPDATE'))
ORDER BY 1 LIMIT 1
"""
_LOOSE = f"""{_ROLES}
SELECT pg_catalog.format('%I.%I.%I', nspname, relname, attname)
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_collation AS c ON c.oid = attcollation
JOIN pg_catalog.pg_class AS t ON t.oid = attrelid JOIN schema ON schema.oid = relnamespace
WHERE NOT collisdeterministic AND attnum > 0 AND relkind IN ('r', 'p', 'v', 'm', 'f')
AND pg_catalog.has_column_privilege(session_user, t.oid, attnum, 'SELECT')
ORDER BY 1 LIMIT 1
"""


class Session:
    """A connection that is replaced when it breaks or was interrupted; one thread uses it."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._lock = threading.Lock()
        self._connection = _connect(uri)
        self._is_spent = False
        self._cancelling: threading.Thread | None = None

    def begin(self, timeout_s: float) -> None:
        """Nothing, when a transaction has its snapshot, and a time after which it is ended."""
        if not self._is_spent:
            with suppress(DriverError):
                self._begin(timeout_s)
                return
        self._renew()
        self._begin(timeout_s)

    def end(self) -> None:
        """Nothing; the transaction is over."""
        try:
            self._run("ROLLBACK")
        except DriverError:
            # Not to be used again: a second `BEGIN` would go on with the old snapshot.
            self._is_spent = True

    def declare(self, sql: str, parameters: Sequence[Scalar]) -> None:
        """Nothing, when the rows of the one SELECT can be fetched."""
        self._run(f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {sql}", parameters)

    def fetch(self, count: int) -> pa.Table:
        """The next rows of what was declared, at most so many."""
        return self.rows(f"FETCH FORWARD {count} FROM {_CURSOR}")

    def undeclare(self) -> None:
        """Nothing, when another SELECT can be declared."""
        self._run(f"CLOSE {_CURSOR}")

    def rows(self, sql: str) -> pa.Table:
        """All rows of a statement."""
        return _rows(self._connection, sql)

    def interrupt(self) -> None:
        """Nothing; what runs ends with an error soon.

        In a thread of its own: the server is asked over another connection, and the caller is the
        event loop.
        """
        self._is_spent = True
        if self._cancelling is None or not self._cancelling.is_alive():
            self._cancelling = threading.Thread(target=self._cancel, daemon=True)
            self._cancelling.start()

    def close(self) -> None:
        """Nothing; the connection is closed."""
        with self._lock, suppress(DriverError):
            self._connection.close()

    def _begin(self, timeout_s: float) -> None:
        self._run(_BEGIN)
        timeout_ms = max(1, int(timeout_s * 1000))
        self.rows(f"SELECT pg_catalog.set_config('statement_timeout', '{timeout_ms}', true)")

    def _renew(self) -> None:
        fresh = _connect(self._uri)
        self.close()
        with self._lock:
            self._connection, self._is_spent = fresh, False

    def _cancel(self) -> None:
        # The lock keeps the connection from being closed meanwhile, which would end the process.
        with self._lock, suppress(DriverError):
            if not self._connection._closed:  # noqa: SLF001 - it offers no other way to ask
                self._connection.adbc_cancel()

    def _run(self, sql: str, parameters: Sequence[Scalar] = ()) -> None:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(sql, tuple(parameters) or None)


def check_uri(uri: str) -> None:
    """Nothing, for a connection URI without a password. Raises: BadFederation, never quoting it."""
    try:
        parts = urlsplit(uri)
        has_password = bool(parts.password) or "password" in parse_qs(parts.query)
    except ValueError:
        raise _no_uri() from None
    if parts.scheme not in _SCHEMES or not uri.isprintable() or parts.fragment:
        raise _no_uri()
    if has_password:
        raise BadFederation(
            "the connection URI of the database holds a password",
            hint="put it into a password file of mode 0600, and name that with `passfile=` in it",
        )


def check_database(uri: str) -> None:
    """Nothing, when the database may be read, and only read. Raises: BadFederation."""
    with closing(Session(uri)) as session:
        _check_role(session)
        _check_texts(session)


def _check_role(session: Session) -> None:
    """Nothing, for a role that can write nothing.

    Every transaction is read-only, too. But who got SQL into a mapping could end one.
    """
    own = "give the node a role of its own that has `USAGE` and `SELECT` alone"
    for name in _found(session, _MIGHTY):
        raise BadFederation(
            f"the node's database role is, or may become, `{name}`, which can do more than read",
            hint=own,
        )
    for place in _found(session, _CREATES):
        raise BadFederation(
            f"the node's database role can create in `{place}`",
            hint=f"`REVOKE CREATE ON {place} FROM` it and from `PUBLIC`; {own}",
        )
    for table in _found(session, _WRITES):
        raise BadFederation(
            f"the node's database role can write to `{table}`",
            hint=f"`REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {table} FROM` it; {own}",
        )


def _check_texts(session: Session) -> None:
    """Nothing, where equal texts are the same bytes, and "C" is the order of code points."""
    encoding = "SELECT pg_catalog.current_setting('server_encoding')"
    if _found(session, encoding) != ["UTF8"]:
        raise BadFederation(
            "the database is not encoded in UTF-8",
            hint="let the node read a copy in a database that is",
        )
    for column in _found(session, _LOOSE):
        raise BadFederation(
            f"`{column}` has a collation that is not deterministic: it matches more than it holds",
            hint='let the node\'s role read it through a view alone, as `... COLLATE "C"`',
        )


def _no_uri() -> BadFederation:
    return BadFederation(
        "the database of the node is no connection URI",
        hint="write `postgresql://ROLE@HOST:PORT/DATABASE`",
    )


def _found(session: Session, sql: str) -> list[str]:
    found: list[str] = session.rows(sql).column(0).to_pylist()
    return found


def _connect(uri: str) -> dbapi.Connection:
    """A connection, set as every session must be."""
    given = parse_qs(urlsplit(uri).query)
    lacking = "&".join(f"{k}={v}" for k, v in _OF_CONNECTIONS.items() if k not in given)
    connection = dbapi.connect(f"{uri}{'&' if given else '?'}{lacking}", autocommit=True)
    try:
        settings = ", ".join(
            f"pg_catalog.set_config('{name}', '{value}', false)"
            for name, value in _OF_SESSIONS.items()
        )
        _rows(connection, f"SELECT {settings}")
        _rows(connection, _PATH)
    except BaseException:
        connection.close()
        raise
    return connection


def _rows(connection: dbapi.Connection, sql: str) -> pa.Table:
    # `COPY`, which the driver prefers, takes neither `FETCH` nor parameters.
    options = {StatementOptions.USE_COPY.value: "false"}
    with closing(connection.cursor(adbc_stmt_kwargs=options)) as cursor:
        cursor.execute(sql)
        return cursor.fetch_arrow_table()
